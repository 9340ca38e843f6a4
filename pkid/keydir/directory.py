"""Reads a directory of keys and lists; blocks, so not on the reactor.

What cannot be read never makes less of the protection: a name whose key cannot be used needs a proof still, which
nobody can give, and a list that cannot be read says what it said before.
"""

from __future__ import annotations

import os
import stat
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, field
from datetime import UTC, datetime
from pathlib import Path
from typing import TypeVar

from pkid.auth.component_keyring import Material, SharedSecret, StoredCredential
from pkid.auth.scram import DEFAULT_ITERATIONS, ScramVerifier
from pkid.ca.names import is_component
from pkid.errors import StateError, about
from pkid.files import read_regular
from pkid.keydir.layout import component_of, read_material
from pkid.keydir.lists import Lists, read_admins, read_tenants, read_topics

__all__ = ["Contents", "KeyFiles", "default_directory"]

T = TypeVar("T")
_Stamp = tuple[int, int, int, int]
_Problem = tuple[str, str]

_NEVER = datetime.fromtimestamp(0, UTC)


@dataclass(frozen=True, slots=True)
class Contents:
    """What a directory holds.

    :ivar credentials: by component; one that expired long ago stands for a key that cannot be used.
    :ivar problems: what is wrong with it, by file: the problem and the remedy, as :class:`~pkid.errors.StateError`.
    """

    credentials: Mapping[str, tuple[StoredCredential, ...]] = field(default_factory=dict)
    lists: Lists = field(default_factory=Lists)
    problems: Mapping[Path, tuple[str, str]] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class _Key:
    """What one file in ``keys`` is good for, as long as it stays as it is."""

    stamp: _Stamp
    credential: StoredCredential
    problem: _Problem | None = None


class KeyFiles:
    """A directory that somebody else keeps.

    :param path: absolute.
    """

    def __init__(self, path: Path) -> None:
        self.path = path
        self._keys: dict[str, _Key] = {}
        self._lists = Lists()
        self._problems: dict[Path, _Problem] = {}
        self._contents = Contents()

    def open(self) -> Contents:
        """Read everything for the first time.

        :raises StateError: when there is no directory ``keys``, or a list cannot be read that says what is protected.
        """
        keys = self.path / "keys"
        if not keys.is_dir():
            raise StateError(keys, "is no directory", "make it, or name another by --auth keydir:DIR")
        contents = self.read()
        for path in (keys, self.path / "tenants.json", self.path / "topic_auth.json"):
            if path in contents.problems:
                raise StateError(path, *contents.problems[path])
        return contents

    def read(self) -> Contents:
        """Read what changed since the last time; if nothing did, return the same object."""
        before = self._keys, self._lists, self._problems
        self._problems = {}
        self._read_keys()
        self._read_lists()
        if before != (self._keys, self._lists, self._problems):
            self._contents = self._gather()
        return self._contents

    def _gather(self) -> Contents:
        found: dict[str, tuple[StoredCredential, ...]] = {}
        for key in sorted(self._keys.values(), key=lambda key: key.stamp, reverse=True):
            name = key.credential.component
            found[name] = (*found.get(name, ()), key.credential)
        return Contents(found, self._lists, self._problems)

    def _read_keys(self) -> None:
        try:
            entries = sorted(self._scan(self.path / "keys"))
        except OSError as error:  # then all of them stay as they are
            self._problems[self.path / "keys"] = f"cannot be listed ({error.strerror})", "bring it back"
            return
        self._keys = {name: self._key(name, stamp) for name, stamp in entries}
        for name, key in self._keys.items():
            if key.problem is not None:
                self._problems[self.path / "keys" / name] = key.problem

    def _scan(self, path: Path) -> Iterator[tuple[str, _Stamp]]:
        with os.scandir(path) as entries:
            for entry in entries:
                if is_component(component_of(entry.name)):
                    yield entry.name, _stamp(entry.stat)

    def _key(self, name: str, stamp: _Stamp) -> _Key:
        known = self._keys.get(name)
        return known if known is not None and known.stamp == stamp else self._read_key(name, stamp)

    def _read_key(self, name: str, stamp: _Stamp) -> _Key:
        path = self.path / "keys" / name
        identifier = f"keydir/{name}"
        try:
            with about(path):
                material = read_material(name, read_regular(path))
        except StateError as error:
            return _Key(stamp, _reserving(identifier, component_of(name)), (error.problem, error.remedy))
        return _Key(stamp, StoredCredential(identifier, component_of(name), material), _warning(path, material))

    def _read_lists(self) -> None:
        before = self._lists
        self._lists = Lists(
            self._list("admins.json", read_admins, before.admins, frozenset()),
            self._list("tenants.json", read_tenants, before.tenants, before.tenants),
            self._list("topic_auth.json", read_topics, before.topics, {}),
        )

    def _list(self, name: str, parse: Callable[[bytes], T], before: T, without: T) -> T:
        """Return what a list says; what it said before if it cannot be read, and *without* if it is not there."""
        path = self.path / name
        if not os.path.lexists(path):
            if without:
                self._problems[path] = "is not there any more", "bring it back, with {} in it if there are to be none"
            return without
        try:
            with about(path):
                return parse(read_regular(path))
        except StateError as error:
            self._problems[path] = error.problem, error.remedy
            return before


def default_directory(environ: Mapping[str, str], exists: Callable[[Path], bool] = Path.is_dir) -> Path:
    """Return the directory that the original broker would read: ``$BROKER_DB``, or the first there is of its others.

    :raises StateError: when the environment names no place for it.
    """
    given, rembus, home = (environ.get(name, "") for name in ("BROKER_DB", "REMBUS_DIR", "HOME"))
    if given:
        return Path(given).absolute()
    places = [Path(rembus).absolute() / "broker"] if rembus else []
    if home:
        places += [Path(home, ".config", "rembus", "broker"), Path(home, ".config", "caronte")]
    if not places:
        raise StateError("--auth keydir", "names no directory, and there is no HOME", "write --auth keydir:DIR")
    return next((place for place in places if exists(place)), places[0])


def _stamp(read: Callable[[], os.stat_result]) -> _Stamp:
    """Return what tells a file from the one that was there before; links are followed."""
    try:
        found = read()
    except OSError:
        return 0, 0, 0, 0
    return found.st_mtime_ns, found.st_ctime_ns, found.st_size, found.st_ino


def _reserving(identifier: str, component: str) -> StoredCredential:
    """Return a credential by which nobody can prove the name, so that nobody can use it."""
    nothing = ScramVerifier(os.urandom(16), DEFAULT_ITERATIONS, os.urandom(32), os.urandom(32))
    return StoredCredential(identifier, component, nothing, expires=_NEVER)


def _warning(path: Path, material: Material) -> _Problem | None:
    if isinstance(material, SharedSecret) and path.stat().st_mode & (stat.S_IRWXG | stat.S_IRWXO):
        return "holds a secret that others can read", "see who could have read it, then run chmod 600 on it"
    return None
