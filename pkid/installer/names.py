"""What the files of a certificate are called: the usual names in its directory, other ones, or paths elsewhere."""

from __future__ import annotations

from pathlib import Path

from pkid.installer import table
from pkid.installer.parts import ALWAYS, Part
from pkid.settings import Setting, SettingsError, kinds
from pkid.settings.precedence import Sources
from pkid.settings.sources import Given, instead, read, read_path

__all__ = ["find_links"]

_FILE = Setting(table.FILES, "", kinds.path, None, "")
_TAKEN = ("live", "sets")
_PARTS = {part.value: part for part in Part}


def find_links(sources: Sources, directory: Path) -> dict[Part, Path]:
    """Return each part that is wanted with the absolute name of its file.

    :raises SettingsError: when a name cannot be used, or is there twice.
    """
    given = _given(sources)
    combined = sources.value(table.COMBINED) or Part.COMBINED in given
    links = {part: directory / part.file_name for part in (*ALWAYS, *([Part.COMBINED] if combined else []))}
    links |= {part: _path(one, directory, sources.home) for part, one in given.items()}
    for part, one in given.items():
        if list(links.values()).count(links[part]) > 1:
            raise SettingsError(f"{one.source} is the name of another file, too; choose another name")
    return links


def _given(sources: Sources) -> dict[Part, Given]:
    files = sources.find(_FILE)
    if files is None:
        return {}
    if not isinstance(files.value, dict):
        raise SettingsError(f"{files.source} must be a table of names: key, cert, chain, fullchain, ca, combined")
    for key in files.value:
        if key not in _PARTS:
            raise SettingsError(f"{key!r} in {files.source} is no file; {instead(key, _PARTS)}")
    return {
        _PARTS[key]: Given(value, f"{key} in {files.source}", files.directory) for key, value in files.value.items()
    }


def _path(given: Given, directory: Path, home: Path | None) -> Path:
    """Find a file: a name alone stands in the certificate's directory, a path where it says."""
    written = read(_FILE, given)
    if written.name in ("", "..", *_TAKEN) or written.name.startswith("."):
        raise SettingsError(f"{given.source} cannot be called {written.name!r}; choose another name")
    return directory / written if len(written.parts) == 1 else read_path(_FILE, given, home)
