"""Which pre-shared keys are unusable, or too easy to guess; no message repeats one."""

from __future__ import annotations

from pkid.auth.psk import weakness
from pkid.settings.shared import ALLOW_WEAK_PSK, PSK
from pkid.settings.sources import SettingsError

__all__ = ["LARGEST", "check"]

LARGEST = 4096
"""Bytes of UTF-8 that a key may have."""


def check(secret: str, source: str, allow_weak: bool, remedy: str = "leave it out to have a good PSK made") -> None:
    """Refuse a key that cannot be used, or that is easy to guess unless that is allowed.

    :param remedy: what to do instead of giving a bad key.
    :raises SettingsError: when it is refused.
    """
    if not secret:
        # An unset variable must not open the core: that needs the word of who starts it.
        raise SettingsError(f"{source} is empty; {remedy} (only {PSK.flag} '' as a flag turns authentication off)")
    if not secret.isprintable():
        raise SettingsError(f"{source} does not hold a PSK: that is one line of printable UTF-8 text")
    if len(secret.encode()) > LARGEST:
        raise SettingsError(f"{source} is longer than {LARGEST} bytes; write a shorter PSK")
    reason = None if allow_weak else weakness(secret)
    if reason:
        raise SettingsError(f"{source} is easy to guess: {reason}; {remedy}, or accept it with {ALLOW_WEAK_PSK.flag}")
