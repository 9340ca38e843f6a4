"""The PINs that are good for one name, once, in SQL."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from datetime import datetime

from sqlalchemy import Connection, delete, insert, or_, select
from twisted.internet.defer import Deferred

from pkid.auth.one_time_pins import IssuedPin
from pkid.store.database import Database
from pkid.store.rights import note_change
from pkid.store.schema import pins

__all__ = ["StoredPins"]


class StoredPins:
    """The PINs, in transactions of the ledger: a :class:`pkid.auth.one_time_pins.PinStore`.

    :param now: gives the wall-clock time, aware UTC.
    """

    def __init__(self, ledger: Database, now: Callable[[], datetime]) -> None:
        self._ledger = ledger
        self._now = now

    def load(self) -> Mapping[str, IssuedPin]:
        """Return them by names; blocks, for use before the reactor runs.

        :raises Unavailable: ``store`` when the ledger cannot be read.
        """
        rows = self._ledger.write_now(lambda connection: connection.execute(select(pins)).all())
        return {row.component: IssuedPin(row.digest, row.ends_at) for row in rows}

    def put(self, component: str, pin: IssuedPin, by: str) -> Deferred[None]:
        """Keep a name's PIN in place of the one before, and forget those that have ended.

        :param by: who hands it out, as the trail is to tell.
        """
        now = self._now()

        def put(connection: Connection) -> None:
            connection.execute(delete(pins).where(or_(pins.c.component == component, pins.c.ends_at <= now)))
            connection.execute(insert(pins).values(component=component, digest=pin.digest, ends_at=pin.ends_at))
            note_change(connection, f"issue-pin {component}", by, now)

        return self._ledger.write(put)

    def remove(self, component: str, pin: IssuedPin) -> Deferred[None]:
        """Forget this PIN of a name; one that took its place stays."""
        this = pins.c.component == component, pins.c.digest == pin.digest

        def remove(connection: Connection) -> None:
            connection.execute(delete(pins).where(*this))

        return self._ledger.write(remove)
