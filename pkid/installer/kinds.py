"""The kinds of value that only the agent's settings have; as in :mod:`pkid.settings.kinds`."""

from __future__ import annotations

import grp
import pwd
import re
import shlex
from collections.abc import Callable
from datetime import timedelta

from pkid.settings import kinds

__all__ = ["command", "group", "mode", "name", "timeout", "user"]

_NAME = re.compile(r"[A-Za-z0-9][A-Za-z0-9._-]{0,63}")
_MODE = re.compile(r"0?[0-7]{3}")
_READABLE, _ALLOWED = 0o400, 0o660
_SHORTEST_TIMEOUT, _LONGEST_TIMEOUT = timedelta(seconds=1), timedelta(hours=1)


def name(value: object) -> str:
    """Read what a certificate is called in messages and in the status."""
    if not _NAME.fullmatch(kinds.text(value)):
        raise ValueError("must be 1 to 64 letters, digits, '.', '_' and '-', of which the first is a letter or digit")
    return kinds.text(value)


def mode(value: object) -> int:
    """Read the permissions of a private key, as four octal digits: never for everybody."""
    written = kinds.text(value)
    if not _MODE.fullmatch(written) or int(written, 8) & ~_ALLOWED or not int(written, 8) & _READABLE:
        raise ValueError('must be such as "0600" or "0640": to be read by its owner, and not by everybody')
    return int(written, 8)


def user(value: object) -> int:
    """Read the name or the number of a user."""
    return _id(value, "user", lambda written: pwd.getpwnam(written).pw_uid)


def group(value: object) -> int:
    """Read the name or the number of a group."""
    return _id(value, "group", lambda written: grp.getgrnam(written).gr_gid)


def command(value: object) -> tuple[str, ...]:
    """Read a command: a string with the quotes of a shell, or an array of words. No shell will see it."""
    try:
        words = tuple(shlex.split(value)) if isinstance(value, str) else kinds.each_of(str)(value)
    except ValueError:
        raise ValueError("must be a command, as a string with matching quotes or an array of strings") from None
    if not words or not words[0] or any("\0" in word for word in words):
        raise ValueError("must be a command")
    return words


def timeout(value: object) -> timedelta:
    """Read how long a command may take: a duration of a second to an hour."""
    span = kinds.duration(value)
    if not _SHORTEST_TIMEOUT <= span <= _LONGEST_TIMEOUT:
        raise ValueError(f"must be at least 1s and at most 1h, not {value!r}")
    return span


def _id(value: object, what: str, find: Callable[[str], int]) -> int:
    written = kinds.text(value)
    if written.isascii() and written.isdigit() and int(written) < 2**31:
        return int(written)
    try:
        return find(written)
    except KeyError:
        raise ValueError(f"must be a {what} of this machine, not {written!r}") from None
