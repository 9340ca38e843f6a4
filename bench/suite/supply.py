"""What clients send: requests for certificates, none twice, and tokens."""

from __future__ import annotations

import os
import time
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

from bench.suite.processes import Apart
from pkid.auth.tokens import TokenSigner, derive_key
from pkid.ca.enrollment import Enrollment
from pkid.ca.keys import KeyType

__all__ = ["CertificateRequests", "fresh_tokens"]

_KEY = KeyType.RSA2048.generate()


_MADE: list[bytes] = []


class CertificateRequests:
    """RSA-2048 requests for one core: each is given out once, because it answers a repeated one from its ledger."""

    def __init__(self) -> None:
        self._taken = 0

    def take(self, count: int) -> list[bytes]:
        """Return so many; those that no core had before are made, a fraction of a millisecond each."""
        begin, self._taken = self._taken, self._taken + count
        if self._taken > len(_MADE):
            _MADE.extend(_make_everywhere(len(_MADE), self._taken - len(_MADE)))
        return _MADE[begin : self._taken]


def _make_everywhere(start: int, count: int) -> list[bytes]:
    """Make them on all processors; there may be some more of them."""
    share = -(-count // (os.cpu_count() or 1))
    parts = [Apart(_make, each, share) for each in range(start, start + count, share)]
    return [body for part in parts for body in part.result()]


def _make(start: int, count: int) -> list[bytes]:
    return [Enrollment.of(_KEY, f"c{number}.example", (), ()).request() for number in range(start, start + count)]


def fresh_tokens(state: Path, count: int) -> list[str]:
    """Make tokens for a core, each with a salt of its own; takes some milliseconds each, on all processors."""
    secret = (state / "psk").read_text().strip()
    expires = int(time.time()) + 3600

    def token(_: int) -> str:
        salt = os.urandom(16)
        return TokenSigner(derive_key(secret, salt), salt).sign({}, expires)

    with ThreadPoolExecutor(os.cpu_count()) as pool:
        return list(pool.map(token, range(count)))
