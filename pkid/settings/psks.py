"""The pre-shared keys that the file names: one table ``[psks.NAME]`` for each, with the key's terms.

The table ``[psks.default]`` holds only terms, for the one key that is given elsewhere.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from pkid.auth.psk import DEFAULT_NAME, PreSharedKey, Terms, find_twins, is_key_name
from pkid.auth.roles import Role
from pkid.settings import secret, strength
from pkid.settings.shared import PSK, PSK_FILE
from pkid.settings.sources import Given, Level, ReadFile, SettingsError, instead
from pkid.settings.terms import KINDS, read_terms

__all__ = ["NamedKeys", "find"]

_MOST = 16  # keys; each of them signs a token that stands in every answer of /ca/cert
_PLACES = {"key": PSK.name, "file": PSK_FILE.name}
_NO_TERMS = Terms()
_REMEDY = "write one that openssl rand -hex 32 makes"


@dataclass(frozen=True, slots=True)
class NamedKeys:
    """What the file says of pre-shared keys.

    :ivar default: the terms of the key that is given elsewhere.
    """

    keys: tuple[PreSharedKey, ...] = ()
    default: Terms = _NO_TERMS


def find(
    given: Given | None, environ: Mapping[str, str], read_file: ReadFile, home: Path | None, allow_weak: bool
) -> NamedKeys:
    """Read all tables of pre-shared keys, and the keys from where the tables say that they are.

    The systemd credential ``psk.NAME`` is stronger than what the table of NAME says.

    :param given: the value of ``psks`` in the file.
    :raises SettingsError: when something is given that cannot be used.
    """
    if given is None:
        return NamedKeys()
    if not isinstance(given.value, dict) or not all(isinstance(table, dict) for table in given.value.values()):
        raise SettingsError(f"{given.source} must be tables: write [psks.NAME]")
    if len(given.value) > _MOST:
        raise SettingsError(f"{given.source} names {len(given.value)} pre-shared keys; keep at most {_MOST}")
    tables = [_Table.of(name, table, given) for name, table in given.value.items()]
    default = next((table.terms for table in tables if table.name == DEFAULT_NAME), _NO_TERMS)
    keys = tuple(
        PreSharedKey(table.name, table.secret(environ, read_file, home, allow_weak), table.terms)
        for table in tables
        if table.name != DEFAULT_NAME
    )
    _check_together(keys, [table for table in tables if table.terms.bootstrap], given)
    return NamedKeys(keys, default)


@dataclass(frozen=True, slots=True)
class _Table:
    """One table, whose terms are read."""

    name: str
    source: str
    terms: Terms
    places: Level

    @classmethod
    def of(cls, name: str, table: Mapping[str, object], given: Given) -> _Table:
        source = f"psks.{name} in {given.source.removeprefix('psks in ')}"
        if not is_key_name(name):
            raise SettingsError(
                f"{name!r} in {given.source} cannot be a key's name: use 1 to 64 letters, digits, '.', '_' and '-'"
            )
        values: dict[str, Any] = {}
        places: dict[str, Given] = {}
        for key, value in _normalized(table, source):
            if key in _PLACES:
                places[_PLACES[key]] = Given(value, f"{key} of {source}", given.directory)
            else:
                values[key] = _read(key, value, source)
        if name == DEFAULT_NAME and places:
            raise SettingsError(f"{source} holds terms only; its key is the one of {PSK_FILE.flag}, or the stored one")
        terms = read_terms(values, Role.ADMIN) if name == DEFAULT_NAME else read_terms(values)
        return cls(name, source, terms, places)

    def secret(self, environ: Mapping[str, str], read_file: ReadFile, home: Path | None, allow_weak: bool) -> str:
        levels = (secret.credential_level(environ, read_file, f"{PSK.name}.{self.name}"), self.places)
        found = secret.find(levels, read_file, home)
        if found is None:
            raise SettingsError(f"{self.source} has no key; write file = ... or key = ... into it")
        strength.check(*found, allow_weak, _REMEDY)
        return found[0]


def _normalized(table: Mapping[str, object], source: str) -> Iterator[tuple[str, object]]:
    seen: set[str] = set()
    known = (*_PLACES, *KINDS)
    for written, value in table.items():
        key = written.replace("_", "-")
        if key not in known:
            raise SettingsError(f"{written!r} of {source} is no setting; {instead(key, known)}")
        if key in seen:
            raise SettingsError(f"{source} holds {key} twice, once with '_'; remove one")
        seen.add(key)
        yield key, value


def _read(key: str, value: object, source: str) -> object:
    try:
        return KINDS[key](value)
    except ValueError as error:
        raise SettingsError(f"{key} of {source} {error}") from None


def _check_together(keys: tuple[PreSharedKey, ...], marked: list[_Table], given: Given) -> None:
    if len(marked) > 1:
        raise SettingsError(f"{given.source} marks {marked[0].name} and {marked[1].name} as bootstrap; mark one")
    twins = find_twins(keys)
    if twins is not None:
        raise SettingsError(f"{given.source} gives {twins[0]} and {twins[1]} the same key; give each its own")
