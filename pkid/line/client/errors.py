"""What goes wrong between a component and the broker; each is a :class:`~pkid.answers.CoreError`."""

from __future__ import annotations

from pkid.answers import CoreError
from pkid.broker.payload import Payload
from pkid.errors import Reason
from pkid.line.client.payloads import as_payload

__all__ = ["CallFailed", "Denied", "Disconnected"]


class Denied(CoreError):
    """The core did not do what it was asked.

    :ivar code: why, as :class:`pkid.errors.Reason` has it.
    """

    def __init__(self, code: str, text: str) -> None:
        self.code = code
        super().__init__(text or code)

    @property
    def reason(self) -> Reason | None:
        """The reason; ``None`` for one of a newer core."""
        return next((reason for reason in Reason if reason.code == self.code), None)


class Disconnected(CoreError):
    """There is no connection to the core, or it was lost before the answer."""


class CallFailed(CoreError):
    """A call was answered with a failure.

    Whoever exposes a topic raises it to tell its caller what went wrong; nothing of other exceptions is told.

    :ivar payload: what the caller is told.
    """

    def __init__(self, payload: Payload | bytes | str | None) -> None:
        self.payload = as_payload(payload)
        super().__init__("whoever was called says that it failed")
