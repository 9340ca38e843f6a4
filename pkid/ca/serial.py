"""Serial numbers: nobody can guess one, and those that are given out together stand together (RFC 5280, 4.1.2.2).

A ledger keeps its indexes in order of them. Were they random alone, each new certificate would touch another page of
every index, and each page that is touched is written when the group commits.
"""

from __future__ import annotations

from datetime import datetime

__all__ = ["RANDOM_BYTES", "serial_number"]

RANDOM_BYTES = 16
"""How much of a serial number is random: 128 bits, where certificates for the Web have 64 at least."""

_SHIFT = 8 * RANDOM_BYTES
_CLOCK = 1 << 30  # milliseconds, which is 12 days; then it begins anew, and nothing depends on that
_FIRST_BIT = 1 << 158  # so that all are 20 bytes long in DER, and none is 0


def serial_number(now: datetime, random: bytes) -> int:
    """Put a serial number together: some of the time, above what is random.

    :param now: aware; certificates of one moment stand together.
    :param random: :data:`RANDOM_BYTES` bytes that nobody can foresee.
    :raises ValueError: for another number of bytes.
    """
    if len(random) != RANDOM_BYTES:
        raise ValueError(f"a serial number needs {RANDOM_BYTES} random bytes")
    return _FIRST_BIT | (int(now.timestamp() * 1000) % _CLOCK) << _SHIFT | int.from_bytes(random, "big")
