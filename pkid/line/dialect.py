"""How deliveries are written to the clients of the line door: to all of them alike."""

from __future__ import annotations

from pkid.broker.message import Batch, Message, Series
from pkid.broker.topic import Pattern
from pkid.line.codec import write_batch, write_delivery, write_series
from pkid.messaging.interfaces import Dialect

__all__ = ["LINES", "Lines"]


class Lines:
    """The line protocol as a :class:`~pkid.messaging.interfaces.Dialect`."""

    def encode(self, message: Message, pattern: Pattern | None, again: bool) -> bytes:
        """Return a delivery as it goes over the wire."""
        return write_delivery(message, pattern, again)

    def encode_batch(self, batch: Batch | Series, pattern: Pattern | None) -> bytes:
        """Return the deliveries of a batch or series as they go over the wire."""
        return write_series(batch, pattern) if isinstance(batch, Series) else write_batch(batch, pattern)


LINES: Dialect = Lines()
"""The one dialect of this door: all its clients get the same bytes."""
