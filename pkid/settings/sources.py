"""Where settings come from: flags, the environment, the file.

Each source gives a :data:`Level`, the raw values found there by the setting's name. What is unknown is refused here;
what a value means is for :mod:`pkid.settings.kinds`.
"""

from __future__ import annotations

import tomllib
from collections.abc import Callable, Iterable, Iterator, Mapping
from dataclasses import dataclass, field
from difflib import get_close_matches
from pathlib import Path
from typing import TypeVar

from pkid.settings.component import Component, Setting

__all__ = [
    "Flags",
    "Given",
    "Level",
    "ReadFile",
    "SettingsError",
    "environment_level",
    "file_level",
    "flag_level",
    "instead",
    "read",
    "read_path",
]

T = TypeVar("T")

Flags = Mapping[str, str | bool | list[str]]
"""The flags that were given, by the setting's name; a list for one that may be given several times."""

ReadFile = Callable[[Path], bytes]
"""Returns a file's content; raises ``OSError``."""


class SettingsError(ValueError):
    """A setting cannot be used; the message is one line for people and holds no secret."""


@dataclass(frozen=True, slots=True)
class Given:
    """A raw value and where it stood."""

    value: object = field(repr=False)
    source: str
    """What to call it in a message: ``--psk``, ``PKID_PSK``, ``psk in /etc/pkid.toml``."""
    directory: Path
    """What a relative path starts from."""


Level = Mapping[str, Given]
"""What one source gives: values by the setting's name."""


def flag_level(flags: Flags, directory: Path) -> Level:
    """Take the values of flags, by name; only those that were given."""
    return {name: Given(value, f"--{name}", directory) for name, value in flags.items()}


def environment_level(component: Component, prefix: str, environ: Mapping[str, str], directory: Path) -> Level:
    """Take the values of the environment variables with one of the component's prefixes.

    :raises SettingsError: when a variable says that it is for this component and names no setting of it.
    """
    names = {setting.variable(prefix): setting.name for setting in component.settings}
    if prefix == component.prefixes[0]:
        for variable in environ:
            if variable.startswith(prefix) and variable not in names:
                raise SettingsError(f"{variable} in the environment is no setting; {instead(variable, names)}")
    return {
        name: Given(environ[variable], variable, directory) for variable, name in names.items() if variable in environ
    }


def file_level(component: Component, given: Given, path: Path, read_file: ReadFile) -> Level:
    """Take the values of a TOML file; relative paths in it start from its own directory.

    :param given: how the file was named, for messages.
    :raises SettingsError: when it cannot be read, is not TOML, or holds an unknown key or one key twice.
    """
    known = [*(setting.name for setting in component.settings if setting.in_file), *component.tables]
    level: dict[str, Given] = {}
    for key, value in _parse(given, path, read_file):
        name = key.replace("_", "-")
        if name not in known:
            raise SettingsError(f"{key!r} in {path} is no setting; {instead(name, known)}")
        if name in level:
            raise SettingsError(f"{path} holds {name} twice, once with '_'; remove one")
        level[name] = Given(value, f"{key} in {path}", path.parent)
    return level


def read(setting: Setting[T], given: Given) -> T:
    """Check and convert a raw value.

    :raises SettingsError: when it is not of the setting's kind.
    """
    try:
        return setting.read(given.value)
    except ValueError as error:
        raise SettingsError(f"{given.source} {error}") from None


def read_path(setting: Setting[Path], given: Given, home: Path | None) -> Path:
    """Check a raw value and make an absolute path of it; ``~/`` is *home*.

    :raises SettingsError: when it is no path, or begins with ``~`` and there is no *home*.
    """
    path = read(setting, given)
    if path.parts[:1] != ("~",):
        return given.directory / path
    if home is None:
        raise SettingsError(f"{given.source} begins with ~, but the environment has no HOME; write the whole path")
    return home.joinpath(*path.parts[1:])


def _parse(given: Given, path: Path, read_file: ReadFile) -> Iterator[tuple[str, object]]:
    try:
        yield from tomllib.loads(read_file(path).decode()).items()
    except OSError as error:
        raise SettingsError(f"{given.source}: cannot read {path}: {error.strerror}") from None
    except UnicodeDecodeError:
        raise SettingsError(f"{given.source}: {path} is not UTF-8 text") from None
    except tomllib.TOMLDecodeError as error:
        raise SettingsError(f"{given.source}: {path} is not TOML: {error}") from None


def instead(name: str, known: Iterable[str]) -> str:
    """Say what to do about a name that is not known: half a sentence."""
    nearest = get_close_matches(name, known, n=1)
    return f"did you mean {nearest[0]}?" if nearest else "remove it"
