"""Has the pre-shared keys in service that the settings name, and exchanges them when those are read again.

Knows what must change together: who is let in, and what vouches for the CA certificate. Where keys come from, it asks.
"""

from __future__ import annotations

import os
from collections.abc import Callable, Sequence

from twisted.internet.defer import Deferred, DeferredLock
from twisted.logger import Logger

from pkid.auth.derivation import Offload
from pkid.auth.endorsement import Endorsements
from pkid.auth.keyring import Keyring
from pkid.auth.psk import PreSharedKey
from pkid.auth.tokens import SALT_SIZE, TokenSigner, derive_key
from pkid.errors import StateError
from pkid.settings import SettingsError

__all__ = ["Rotation"]

_Pair = tuple[PreSharedKey, TokenSigner]


class Rotation:
    """Puts pre-shared keys into service, all at once.

    :param read: finds the keys anew; it may block, and raises :class:`SettingsError` or :class:`StateError`.
    :param offload: where that runs.
    """

    _log = Logger()

    def __init__(
        self,
        keyring: Keyring,
        endorsements: Endorsements,
        read: Callable[[], Sequence[PreSharedKey]],
        offload: Offload,
    ) -> None:
        self._keyring = keyring
        self._endorsements = endorsements
        self._read = read
        self._offload = offload
        self._turns = DeferredLock()  # what was read last must not be overtaken by what was read before

    def begin(self, psks: Sequence[PreSharedKey]) -> None:
        """Put the first keys into service; blocks for some milliseconds for each."""
        self._exchange(_with_signers(psks))

    def reload(self) -> Deferred[None]:
        """Read the keys again and put them into service; if that fails, keep the old ones, and say so."""
        return self._turns.run(lambda: Deferred.fromCoroutine(self._reload()))

    async def _reload(self) -> None:
        try:
            self._exchange(await self._offload(lambda: _with_signers(self._read())))
        except (SettingsError, StateError) as error:
            self._log.error("{problem}; the pre-shared keys in service stay as they are", problem=str(error))
        except Exception:
            self._log.failure("the pre-shared keys cannot be read again; those in service stay as they are")

    def _exchange(self, pairs: Sequence[_Pair]) -> None:
        psks = [psk for psk, _ in pairs]
        self._keyring.exchange(psks)
        self._endorsements.exchange(dict(pairs))
        for psk in psks:
            self._log.info("the pre-shared key {key}", key=_described(psk, psk in self._keyring.current()))
        if psks and not self._keyring.current():
            self._log.error("every pre-shared key has ended: nobody can prove anything; give a new one")


def _with_signers(psks: Sequence[PreSharedKey]) -> list[_Pair]:
    """Derive the key of each key's tokens; one salt serves until the next time."""
    salts = [os.urandom(SALT_SIZE) for _ in psks]
    return [
        (psk, TokenSigner(derive_key(psk.secret, salt), salt, psk.name)) for psk, salt in zip(psks, salts, strict=True)
    ]


def _described(psk: PreSharedKey, is_current: bool) -> str:
    expires = psk.terms.expires
    end = "has no end" if expires is None else f"{'ends' if is_current else 'ended'} {expires:%Y-%m-%dT%H:%M:%SZ}"
    return f"{psk.name} (role {psk.terms.role.value}) {end}"
