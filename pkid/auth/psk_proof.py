"""Proofs by a pre-shared key: an HMAC over the transcript, and the core's own in return.

The HMAC's key comes from the key that a token with the same salt would be signed with, one step further, so that
neither is ever good as the other.
"""

from __future__ import annotations

import hmac
from collections.abc import Callable
from dataclasses import dataclass, field
from typing import TYPE_CHECKING

from pkid.auth.keyring import Keyring
from pkid.auth.psk import PreSharedKey
from pkid.auth.transcript import BindingType, Prover, Transcript
from pkid.errors import Reason, Refused

if TYPE_CHECKING:
    from pkid.auth.derivation import KeyDerivation  # the core's alone: components that make proofs load nothing of it

__all__ = ["LONGEST_SALT", "SHORTEST_SALT", "PskProof", "PskVerifier", "authentication_code"]

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


class PskVerifier:
    """Checks proofs by the pre-shared keys in service.

    :param has_rights: tells whether a name is an admin's, or anything is granted to it.
    """

    def __init__(self, psks: Keyring, derivation: KeyDerivation, has_rights: Callable[[str], bool]) -> None:
        self._psks = psks
        self._derivation = derivation
        self._has_rights = has_rights

    async def verify(
        self, proof: PskProof, transcript: Transcript, peer: str, *, has_credential: bool
    ) -> tuple[str, bytes]:
        """Check a proof; return by what the name is proven (``psk:NAME``), and what proves the core in turn.

        :param peer: the address that it came from.
        :param has_credential: whether the name has a credential of its own.
        :raises Refused: ``proof-failed``, also when the key's policy does not let it have the name.
        :raises Unavailable: ``busy`` when too many wait for a key to be derived.
        """
        psk = self._psks.find(proof.psk)
        reserved = has_credential or self._has_rights(transcript.component)
        if psk is None or not SHORTEST_SALT <= len(proof.salt) <= LONGEST_SALT:
            raise Refused(Reason.PROOF_FAILED)
        if not psk.terms.policy.may_be_proven(transcript.component, reserved=reserved):
            raise Refused(Reason.PROOF_FAILED)
        derived = self._derivation.recall(psk, proof.salt) or await self._derivation.derive(psk, proof.salt, peer)
        good = authentication_code(derived, transcript, Prover.COMPONENT)
        if not hmac.compare_digest(good, proof.code) or not self._psks.holds(psk):
            raise Refused(Reason.PROOF_FAILED)
        self._note(psk, proof.salt, derived, peer)
        return psk.credential, authentication_code(derived, transcript, Prover.CORE)

    def _note(self, psk: PreSharedKey, salt: bytes, derived: bytes, peer: str) -> None:
        self._derivation.remember(psk, salt, derived)
        self._derivation.welcome(peer)


def authentication_code(derived: bytes, transcript: Transcript, prover: Prover) -> bytes:
    """Return a proof over a transcript, 32 bytes.

    :param derived: the key that :func:`pkid.auth.tokens.derive_key` makes of the pre-shared key and the salt.
    """
    key = hmac.digest(derived, _PURPOSE, "sha256")
    return hmac.digest(key, transcript.encode(prover), "sha256")
