"""Which secrets a component is given, if any: the pre-shared key, and the passphrases of private keys.

Knows where a secret may stand, by one rule for all. No message repeats one.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from pathlib import Path

from pkid.settings.component import Setting
from pkid.settings.shared import PSK, PSK_FILE
from pkid.settings.sources import Given, Level, ReadFile, SettingsError, read, read_path

__all__ = ["Located", "credential_level", "find", "locate"]


def credential_level(
    environ: Mapping[str, str], read_file: ReadFile, name: str = PSK.name, file: Setting[Path] = PSK_FILE
) -> Level:
    """Take the credential *name* that systemd hands to a service, when it does (``LoadCredential=``)."""
    directory = environ.get("CREDENTIALS_DIRECTORY")
    if not directory:
        return {}
    path = Path(directory, name)
    try:
        read_file(path)
    except FileNotFoundError:
        return {}
    except OSError:
        pass  # it is there, so it counts; find() says what is wrong with it
    return {file.name: Given(str(path), f"$CREDENTIALS_DIRECTORY/{name}", path.parent)}


@dataclass(frozen=True, slots=True)
class Located:
    """A secret as it was given: itself, or the file that holds it."""

    source: str
    """What to call it in a message."""
    value: str | None = field(default=None, repr=False)
    file: Path | None = None
    """The file; absolute."""


def locate(
    levels: Iterable[Level],
    home: Path | None,
    value: Setting[str] = PSK,
    file: Setting[Path] = PSK_FILE,
) -> Located | None:
    """Find where a secret is, in the strongest level that gives it or a file with it.

    That level hides both in all others.

    :raises SettingsError: when one level gives both.
    """
    for level in levels:
        given, place = level.get(value.name), level.get(file.name)
        if given and place:
            raise SettingsError(f"{given.source} and {place.source} exclude each other; give one")
        if given:
            return Located(given.source, read(value, given))
        if place:
            return Located(place.source, file=read_path(file, place, home))
    return None


def find(
    levels: Iterable[Level],
    read_file: ReadFile,
    home: Path | None,
    value: Setting[str] = PSK,
    file: Setting[Path] = PSK_FILE,
) -> tuple[str, str] | None:
    """Find a secret, as :func:`locate` does, and read it; return it and where it came from.

    :raises SettingsError: when one level gives both, or the file cannot be read.
    """
    located = locate(levels, home, value, file)
    if located is None:
        return None
    if located.file is None:
        return located.value or "", located.source
    return _content(located.source, located.file, read_file)


def _content(source: str, path: Path, read_file: ReadFile) -> tuple[str, str]:
    try:
        content = read_file(path)
    except OSError as error:
        raise SettingsError(f"{source}: cannot read {path}: {error.strerror}") from None
    line = content.removesuffix(b"\n").removesuffix(b"\r") if content.endswith(b"\n") else content
    return line.decode(errors="surrogateescape"), f"file {path}"
