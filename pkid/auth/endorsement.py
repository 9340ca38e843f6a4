"""The core's word for its CA certificate: the fingerprint in a token that a pre-shared key signs.

Anyone may fetch the certificate without trusting anything; who knows the key can tell from this token that it is the
right one. Tokens are made ahead of time and used for a while, so that a flood of fetches costs nothing.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping

from pkid.auth.keyring import Keyring
from pkid.auth.psk import PreSharedKey
from pkid.auth.tokens import TokenSigner

__all__ = ["Endorsement", "Endorsements"]

_LIFETIME = 300  # seconds; the seeds' clients expect no more


class Endorsement:
    """Keeps a fresh token for the fingerprint that was asked for last.

    :param now: gives the wall-clock time in seconds since the epoch.
    :param ends_at: when the signing key ends, which its tokens do not outlive.
    """

    def __init__(self, signer: TokenSigner, now: Callable[[], float], ends_at: float = float("inf")) -> None:
        self._signer = signer
        self._fingerprint = ""
        self._now = now
        self._ends_at = ends_at
        self._made_at = float("-inf")
        self._token = ""

    def token(self, fingerprint: str) -> str:
        """Return a token that is good for at least half of its five minutes, whichever way the clock jumped.

        :param fingerprint: the CA certificate's, as :func:`pkid.ca.trust.fingerprint` writes it.
        """
        now = self._now()
        if fingerprint != self._fingerprint or not 0 <= now - self._made_at < _LIFETIME / 2:
            self._fingerprint, self._made_at = fingerprint, now
            expires_at = int(min(now + _LIFETIME, self._ends_at))
            self._token = self._signer.sign({"sha256_fingerprint": fingerprint}, expires_at)
        return self._token


class Endorsements:
    """One endorsement for each key of a keyring; what is not good any more signs nothing.

    :param now: gives the wall-clock time in seconds since the epoch.
    """

    def __init__(self, keyring: Keyring, now: Callable[[], float]) -> None:
        self._keyring = keyring
        self._now = now
        self._by_key: dict[PreSharedKey, Endorsement] = {}

    def exchange(self, signers: Mapping[PreSharedKey, TokenSigner]) -> None:
        """Sign with these keys from now on, and no others."""
        self._by_key = {psk: Endorsement(signer, self._now, psk.ends_at) for psk, signer in signers.items()}

    def tokens(self, fingerprint: str) -> list[str]:
        """Return the tokens of all keys that are good now, the bootstrap key's first."""
        found = (self._by_key.get(psk) for psk in self._keyring.current())
        return [endorsement.token(fingerprint) for endorsement in found if endorsement is not None]

    def tokens_of(self, psk: PreSharedKey, fingerprint: str) -> list[str]:
        """Return the token of one key alone, if it is good now."""
        endorsement = self._by_key.get(psk) if self._keyring.holds(psk) else None
        return [] if endorsement is None else [endorsement.token(fingerprint)]
