"""Pre-shared keys: the secrets that components know, and what each is good for.

Knows when a key is too easy to guess. Guessing needs no contact with the core, because the open answer of
``/ca/cert`` carries a token that is signed with the key, so a weak key is a real hole.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterable
from dataclasses import dataclass, field
from datetime import datetime

from pkid.auth.roles import Right, Role
from pkid.ca.policy import ANY_NAME, Policy

__all__ = [
    "DEFAULT_NAME",
    "MINIMUM_LENGTH",
    "PreSharedKey",
    "Terms",
    "find_twins",
    "is_key_name",
    "make_secret",
    "weakness",
]

DEFAULT_NAME = "default"
"""The name of the one key that needs no table in a file."""

MINIMUM_LENGTH = 16
"""Characters that a key should have at least."""

_FEWEST_DIFFERENT = 6
_NAME = re.compile(r"[A-Za-z0-9][A-Za-z0-9._-]{0,63}")

_COMMON = frozenset(
    {
        "0123456789abcdef",
        "1234567890123456",
        "abcdefghijklmnop",
        "administrator",
        "changeme",
        "changemechangeme",
        "changemeplease",
        "correcthorsebatterystaple",
        "iloveyou",
        "iloveyouiloveyou",
        "letmein",
        "letmeinletmein",
        "mypresharedkey",
        "password",
        "passwordpassword",
        "pleasechangeme",
        "presharedkey",
        "qwerty",
        "qwertyuiop",
        "qwertyuiopasdfgh",
        "qwertyuiopasdfghjklzxcvbnm",
        "replacethissecret",
        "secret",
        "secretpresharedkey",
        "supersecretpassword",
        "thisisasecretkey",
        "thisismysecretkey",
        "verysecretpassword",
        "yoursecretkeyhere",
    }
)


@dataclass(frozen=True, slots=True)
class Terms:
    """What a pre-shared key is good for.

    :ivar expires: from when on it proves nothing and signs nothing, aware UTC; ``None`` for no end.
    :ivar bootstrap: whether it signs what the original components read, before those that end sooner.
    :ivar policy: which names may be asked for with it.
    """

    role: Role = Role.ADMIN
    expires: datetime | None = None
    bootstrap: bool = False
    policy: Policy = ANY_NAME


@dataclass(frozen=True, slots=True)
class PreSharedKey:
    """One pre-shared key, its name and its terms.

    The name stands in the ledger, in logs and in a token's ``kid``; the secret stands nowhere.
    """

    name: str
    secret: str = field(repr=False)
    terms: Terms = field(default=Terms(), hash=False)

    @property
    def credential(self) -> str:
        """How the ledger and the logs call who proves this key: ``psk:NAME``."""
        return f"psk:{self.name}"

    @property
    def gives_names(self) -> bool:
        """Whether components may have names by it: in certificates, or at the broker."""
        return Right.ISSUE in self.terms.role.rights

    @property
    def ends_at(self) -> float:
        """When the key ends, in seconds since the epoch; infinity for one that does not."""
        return float("inf") if self.terms.expires is None else self.terms.expires.timestamp()


def find_twins(psks: Iterable[PreSharedKey]) -> tuple[str, str] | None:
    """Return the names of two keys with one secret, if there are such."""
    names: dict[str, str] = {}
    for psk in psks:
        if psk.secret in names:
            return names[psk.secret], psk.name
        names[psk.secret] = psk.name
    return None


def is_key_name(text: str) -> bool:
    """Tell whether a key may have this name: 1 to 64 letters, digits, ``.``, ``_``, ``-``, a letter or digit first."""
    return _NAME.fullmatch(text) is not None


def weakness(secret: str) -> str | None:
    """Say why a key is easy to guess, or return ``None``.

    The answer is half a sentence that does not repeat the key: "it is shorter than 16 characters".
    """
    letters = "".join(character for character in secret.lower() if character.isalnum())
    if len(secret) < MINIMUM_LENGTH:
        return f"it is shorter than {MINIMUM_LENGTH} characters"
    if letters in _COMMON or letters.strip("0123456789") in _COMMON:
        return "it is on the list of common keys"
    if len(set(secret)) < _FEWEST_DIFFERENT:
        return f"it has fewer than {_FEWEST_DIFFERENT} different characters"
    if _repeats(secret):
        return "it repeats itself"
    return None


def make_secret(random_bytes: Callable[[int], bytes]) -> str:
    """Make a new key of 256 random bits, as 64 hexadecimal digits.

    :param random_bytes: gives so many random bytes (``os.urandom``).
    """
    return random_bytes(32).hex()


def _repeats(secret: str) -> bool:
    """Tell whether a piece that is too short itself, written twice or more, gives the whole."""
    longest = min(MINIMUM_LENGTH - 1, len(secret) // 2)
    return any(secret == (secret[:size] * len(secret))[: len(secret)] for size in range(1, longest + 1))
