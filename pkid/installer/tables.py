"""Several certificates in the agent's file: one table ``[[certificate]]`` for each."""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping
from pathlib import Path

from pkid.installer import table
from pkid.installer.wanted import MissingSetting, WantedCertificate, read_certificate
from pkid.settings import SettingsError
from pkid.settings.precedence import Sources
from pkid.settings.sources import Given, Level, instead

__all__ = ["read_tables"]

_MOST = 256
_KEYS = [*(setting.name for setting in table.CERTIFICATE), table.FILES]


def read_tables(given: Given, sources: Sources, trust_domain: str) -> tuple[WantedCertificate, ...]:
    """Read all tables.

    :param given: the tables, as the file has them.
    :param sources: what else the agent was given.
    :raises SettingsError: when something cannot be used, or two certificates do not go together.
    """
    tables = given.value
    if not isinstance(tables, list) or not all(isinstance(each, dict) for each in tables):
        raise SettingsError(f"{given.source} must be tables: write [[{table.CERTIFICATES}]]")
    if not 0 < len(tables) <= _MOST:
        raise SettingsError(f"{given.source} holds {len(tables)} tables; write 1 to {_MOST}")
    wanted = tuple(
        _read(each, f"{table.CERTIFICATES} {number}", given, sources, trust_domain)
        for number, each in enumerate(tables, start=1)
    )
    _check_together(wanted, given)
    return wanted


def _read(
    written: Mapping[str, object], which: str, given: Given, sources: Sources, trust_domain: str
) -> WantedCertificate:
    source = given.source.replace(table.CERTIFICATES, which, 1)
    level = _level(written, source, given.directory)
    try:
        return read_certificate(Sources((level,), sources.environ, sources.read_file), trust_domain)
    except MissingSetting as error:
        raise SettingsError(f"{source} has no {error.setting.name}; add it") from None


def _level(written: Mapping[str, object], source: str, directory: Path) -> Level:
    level: dict[str, Given] = {}
    for key, value in written.items():
        name = key.replace("_", "-")
        if name not in _KEYS:
            raise SettingsError(f"{key!r} of {source} is no setting; {instead(name, _KEYS)}")
        if name in level:
            raise SettingsError(f"{source} holds {name} twice, once with '_'; remove one")
        level[name] = Given(value, f"{key} of {source}", directory)
    return level


def _check_together(wanted: tuple[WantedCertificate, ...], given: Given) -> None:
    """Refuse certificates that would get in each other's way."""
    for what, values in (
        ("name", [each.name for each in wanted]),
        ("directory", [each.directory for each in wanted]),
        ("file", [path for each in wanted for _, path in each.links]),
    ):
        twice = [value for value, count in Counter(map(str, values)).items() if count > 1]
        if twice:
            raise SettingsError(f"{given.source} gives the {what} {twice[0]} to two certificates; give each its own")
