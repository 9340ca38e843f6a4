"""Proofs by a pre-shared key: an HMAC over the transcript, and the core's own in return.

The HMAC's key comes from the key that a token with the same salt would be signed with, one step further, so that
neither is ever good as the other.
"""

from __future__ import annotations

import hmac
from dataclasses import dataclass, field
from functools import lru_cache

from pkid.auth.transcript import BindingType, Prover, Transcript

__all__ = ["LONGEST_SALT", "SHORTEST_SALT", "PskProof", "authentication_code"]

SHORTEST_SALT, LONGEST_SALT = 8, 64
"""Bytes of a salt."""

_PURPOSE = b"pkid broker login, HMAC-SHA256 over the transcript"


@dataclass(frozen=True, slots=True)
class PskProof:
    """A component's proof by a pre-shared key.

    :ivar psk: the key's name.
    :ivar salt: 8 to 64 bytes, of the component's choice.
    """

    psk: str
    salt: bytes
    client_nonce: bytes
    binding: BindingType
    code: bytes = field(repr=False)


def authentication_code(derived: bytes, transcript: Transcript, prover: Prover) -> bytes:
    """Return a proof over a transcript, 32 bytes.

    :param derived: the key that :func:`pkid.auth.tokens.derive_key` makes of the pre-shared key and the salt.
    """
    return hmac.digest(_key(derived), transcript.encode(prover), "sha256")


@lru_cache(maxsize=1024)  # asked for twice in a login, and again in the next one with the same salt
def _key(derived: bytes) -> bytes:
    return hmac.digest(derived, _PURPOSE, "sha256")
