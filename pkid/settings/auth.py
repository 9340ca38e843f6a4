"""Which checkers prove components' names: what ``--auth`` means, without looking for any of them."""

from __future__ import annotations

import re
from dataclasses import dataclass, field, replace
from pathlib import Path

from pkid.settings.component import Setting
from pkid.settings.kinds import each_of
from pkid.settings.precedence import Sources
from pkid.settings.sources import SettingsError

__all__ = ["AUTH", "DEFAULTS", "Chosen", "chosen_checkers"]

_KIND = re.compile(r"[A-Za-z][A-Za-z0-9_-]{0,63}")
_NONE = "none"
_WITH_DIRECTORY = "keydir"


@dataclass(frozen=True, slots=True)
class Chosen:
    """One checker.

    :ivar kind: its kind.
    :ivar argument: what stands behind the kind; it may be a secret.
    """

    kind: str
    argument: str = field(default="", repr=False)


DEFAULTS = (Chosen("psk"), Chosen("certificate"), Chosen("store"))
"""The checkers that are there before any is added."""


def _choices(value: object) -> tuple[Chosen, ...]:
    """Read kinds with their arguments: an array of them, or a text in which white space parts them."""
    return each_of(_choice)(value.split() if isinstance(value, str) else value)


def _choice(item: str) -> Chosen:
    kind, _, argument = item.partition(":")
    if not _KIND.fullmatch(kind) or "\0" in argument:
        raise ValueError("must hold kinds of checkers, such as keydir:/var/lib/keys, or none")
    if kind == _NONE and argument:
        raise ValueError("holds none with an argument; none alone takes away what stands before it")
    return Chosen(kind, argument)


AUTH = Setting(
    "auth",
    "KIND[:ARG]",
    _choices,
    "",
    "one more way to prove a component's name; none takes away those before (see Names)",
    repeatable=True,
)


def chosen_checkers(sources: Sources) -> tuple[Chosen, ...]:
    """Return the checkers in their order: the defaults and what is added to them.

    ``none`` takes away all that stands before it. A directory is absolute.

    :raises SettingsError: when something is given that cannot be used.
    """
    given = sources.find(AUTH)
    found = dict.fromkeys(DEFAULTS)
    for each in sources.value(AUTH):
        if each.kind == _NONE:
            found.clear()
        else:
            found[_located(each, given.directory if given else Path(), sources.home)] = None
    return tuple(found)


def _located(chosen: Chosen, directory: Path, home: Path | None) -> Chosen:
    if chosen.kind != _WITH_DIRECTORY or not chosen.argument:
        return chosen
    path = Path(chosen.argument)
    if path.parts[:1] == ("~",):
        if home is None:
            raise SettingsError("--auth keydir:~ needs a HOME in the environment; write the whole path")
        path = home.joinpath(*path.parts[1:])
    return replace(chosen, argument=str(directory / path))
