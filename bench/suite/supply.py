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


class CertificateRequests:
    """RSA-2048 requests: each is given out once, because a core answers a repeated one from its ledger."""

    def __init__(self) -> None:
        self._made = 0

    def take(self, count: int) -> list[bytes]:
        """Make so many new ones; takes a fraction of a millisecond each, on all processors."""
        share = -(-count // (os.cpu_count() or 1))
        starts = range(self._made, self._made + count, share)
        self._made += share * len(starts)
        parts = [Apart(_make, start, share) for start in starts]
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
