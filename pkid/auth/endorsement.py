"""The core's word for its CA certificate: the fingerprint in a token that the pre-shared key signs.

Anyone may fetch the certificate without trusting anything; who knows the key can tell from this token that it is the
right one. The token is made ahead of time and used for a while, so that a flood of fetches costs nothing.
"""

from __future__ import annotations

from collections.abc import Callable

from pkid.auth.tokens import TokenSigner

__all__ = ["Endorsement"]

_LIFETIME = 300  # seconds; the seeds' clients expect no more


class Endorsement:
    """Keeps a fresh token for the fingerprint that was asked for last.

    :param now: gives the wall-clock time in seconds since the epoch.
    """

    def __init__(self, signer: TokenSigner, now: Callable[[], float]) -> None:
        self._signer = signer
        self._fingerprint = ""
        self._now = now
        self._made_at = float("-inf")
        self._token = ""

    def token(self, fingerprint: str) -> str:
        """Return a token that is good for at least half of its five minutes, whichever way the clock jumped.

        :param fingerprint: the CA certificate's, as :func:`pkid.ca.trust.fingerprint` writes it.
        """
        now = self._now()
        if fingerprint != self._fingerprint or not 0 <= now - self._made_at < _LIFETIME / 2:
            self._fingerprint, self._made_at = fingerprint, now
            self._token = self._signer.sign({"sha256_fingerprint": fingerprint}, int(now) + _LIFETIME)
        return self._token
