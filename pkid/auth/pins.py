"""PINs, by which who knows one may register a key: those of a tenant, and those that are good for one name, once.

A PIN is short enough to be said, so it is never compared but through one of these: each comparison takes the same time
wherever two PINs differ, and :class:`~pkid.auth.attempts.Attempts` bound how often one may guess.
"""

from __future__ import annotations

import hmac
from dataclasses import dataclass, field
from hashlib import sha256

from cryptography.hazmat.primitives.kdf.scrypt import Scrypt

from pkid.errors import Unusable

__all__ = ["LONGEST_PIN", "HashedPin", "Pin", "PlainPin", "check_pin"]

LONGEST_PIN = 128
"""Characters."""

_SHORTEST_PIN = 8
_SALT_SIZE = 16  # bytes
_DIGEST_SIZE = 32  # bytes
_FORM = b"\x01"  # the parameters below
_N, _R, _P = 1 << 14, 8, 1  # 16 MiB, and 50 to 100 ms of a processor


@dataclass(frozen=True, slots=True)
class PlainPin:
    """A PIN that somebody keeps as it is, in a file."""

    text: str = field(repr=False)

    def matches(self, text: str) -> bool:
        """Tell whether this is the PIN."""
        return hmac.compare_digest(self.text.encode("utf-8", "surrogatepass"), text.encode("utf-8", "surrogatepass"))


@dataclass(frozen=True, slots=True)
class HashedPin:
    """What is stored of a PIN: scrypt (RFC 7914) of it, which takes milliseconds, so not on the reactor."""

    salt: bytes
    digest: bytes = field(repr=False)

    @classmethod
    def make(cls, text: str, salt: bytes) -> HashedPin:
        """Derive what is stored.

        :param salt: 16 random bytes, fresh for each PIN.
        :raises Unusable: when the text is no PIN.
        """
        check_pin(text)
        return cls(salt, _derive(text, salt))

    @classmethod
    def decode(cls, stored: bytes) -> HashedPin:
        """Read what :meth:`encode` wrote.

        :raises Unusable: when it was written by something else.
        """
        if len(stored) != 1 + _SALT_SIZE + _DIGEST_SIZE or stored[:1] != _FORM:
            raise Unusable("holds no PIN that this version of pkid can read", "set the PIN anew")
        return cls(stored[1 : 1 + _SALT_SIZE], stored[1 + _SALT_SIZE :])

    def encode(self) -> bytes:
        """Return the form in which it is stored."""
        return _FORM + self.salt + self.digest

    def matches(self, text: str) -> bool:
        """Tell whether this is the PIN; takes as long whatever it is."""
        is_same = hmac.compare_digest(self.digest, _derive(text[:LONGEST_PIN], self.salt))
        return is_same and len(text) <= LONGEST_PIN


Pin = PlainPin | HashedPin


def check_pin(text: str) -> None:
    """Check that a new PIN has 8 to 128 printable characters.

    :raises Unusable: otherwise; the message does not repeat it.
    """
    if not _SHORTEST_PIN <= len(text) <= LONGEST_PIN or not text.isprintable():
        raise Unusable("is no PIN", f"use {_SHORTEST_PIN} to {LONGEST_PIN} printable characters")


def _derive(text: str, salt: bytes) -> bytes:
    # Hashed before, because HMAC takes a key and the same with zeros behind it for one.
    digest = sha256(text.encode("utf-8", "surrogatepass")).digest()
    return Scrypt(salt, _DIGEST_SIZE, _N, _R, _P).derive(digest)
