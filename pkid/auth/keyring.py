"""The pre-shared keys in service, of which several may be good at a time while one follows another."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from math import inf

from pkid.auth.psk import DEFAULT_NAME, PreSharedKey
from pkid.ca.policy import Policy

__all__ = ["Keyring"]


class Keyring:
    """Pre-shared keys, which may be exchanged for others at any time.

    :param psks: the keys, no two with one name; expired ones prove nothing and still say what may be renewed.
    :param now: gives the wall-clock time in seconds since the epoch.
    """

    def __init__(self, psks: Sequence[PreSharedKey], now: Callable[[], float]) -> None:
        self._now = now
        self.exchange(psks)

    def exchange(self, psks: Sequence[PreSharedKey]) -> None:
        """Have these keys in service from now on, and no others."""
        self._psks = tuple(psks)
        self._current: tuple[PreSharedKey, ...] = ()
        self._since, self._until = inf, -inf  # when these are the current ones: at no time yet

    def all(self) -> tuple[PreSharedKey, ...]:
        """Return the keys in service, expired ones too."""
        return self._psks

    def current(self) -> tuple[PreSharedKey, ...]:
        """Return the keys that are good now; the first one is the bootstrap key, which the original components know.

        That is the one that is marked so, else the one that ends first, so the older until its end.
        """
        now = self._now()
        if not self._since <= now < self._until:
            self._current = tuple(sorted((psk for psk in self._psks if now < psk.ends_at), key=_precedence))
            self._since, self._until = now, min((psk.ends_at for psk in self._current), default=inf)
        return self._current

    def find(self, name: str | None) -> PreSharedKey | None:
        """Return the key of this name, if it is good now."""
        return next((psk for psk in self.current() if psk.name == name), None)

    def holds(self, psk: PreSharedKey) -> bool:
        """Tell whether a key is in service and good now."""
        return psk in self._psks and self._now() < psk.ends_at

    def policy_of(self, credential: str) -> Policy | None:
        """Return the policy that governs what was obtained by a credential; of an expired key, too.

        ``None`` when that key is not in service any more.
        """
        return next((psk.terms.policy for psk in self._psks if psk.credential == credential), None)


def _precedence(psk: PreSharedKey) -> tuple[bool, float, bool]:
    return not psk.terms.bootstrap, psk.ends_at, psk.name != DEFAULT_NAME
