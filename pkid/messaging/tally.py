"""What the broker's service counts, for metrics."""

from __future__ import annotations

from collections import Counter

__all__ = ["Tally"]


class Tally:
    """Counts since the start.

    :ivar commands: what clients asked for, by the command's type.
    :ivar delivered: messages that were written, once for each subscriber.
    :ivar kept: messages that were given to the store.
    :ivar undelivered: messages that were given up, by the reason: ``unacknowledged``, ``unwanted``
        or ``unwritable``.
    :ivar closed: sessions that the core ended, by the reason.
    :ivar logins: proofs, by scheme and result.
    """

    __slots__ = ("closed", "commands", "delivered", "kept", "logins", "undelivered")

    def __init__(self) -> None:
        self.commands: Counter[type] = Counter()
        self.delivered = 0
        self.kept = 0
        self.undelivered: Counter[str] = Counter()
        self.closed: Counter[str] = Counter()
        self.logins: Counter[tuple[str, str]] = Counter()
