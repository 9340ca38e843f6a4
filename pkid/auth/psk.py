"""Pre-shared keys: the secret that every component knows.

Knows when a key is too easy to guess. Guessing needs no contact with the core, because the open answer of
``/ca/cert`` carries a token that is signed with the key, so a weak key is a real hole.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field

__all__ = ["MINIMUM_LENGTH", "PreSharedKey", "make_secret", "weakness"]

MINIMUM_LENGTH = 16
"""Characters that a key should have at least."""

_FEWEST_DIFFERENT = 6

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
class PreSharedKey:
    """One pre-shared key and its name.

    The name stands in the ledger, in logs and in a token's ``kid``; the secret stands nowhere.
    """

    name: str
    secret: str = field(repr=False)


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
