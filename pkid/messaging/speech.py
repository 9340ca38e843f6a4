"""What each door says and hears for itself: all that its dialect decides about a connection."""

from __future__ import annotations

from pkid.broker.effects import CloseReason
from pkid.errors import Unavailable
from pkid.messaging.interfaces import Session

__all__ = ["Speech"]


class Speech:
    """The part of a connection that a door has to fill in; `pkid.messaging.protocol` is the other."""

    def _connect(self) -> Session:
        """Begin the session.

        :raises Unavailable: when there is no place for it.
        """
        raise NotImplementedError

    def _turn_away(self, error: Unavailable) -> None:
        """Tell the client that there is no place for it."""
        raise NotImplementedError

    def _feed(self, data: bytes) -> None:
        """Take bytes; what is said in them is done by :meth:`_do`."""
        raise NotImplementedError

    def _do(self, session: Session) -> None:
        """Do what was said, as long as :meth:`_goes_on`; count it in ``_taken``."""
        raise NotImplementedError

    def _ask(self) -> None:
        """Ask the client whether it is there."""

    def _say_goodbye(self, reason: CloseReason) -> None:
        """Tell the client why the connection ends."""
