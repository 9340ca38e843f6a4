"""The certificates that are wanted: what each is for, where it goes, and what is run for it."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import timedelta
from pathlib import Path

from pkid.ca.enrollment import Subject
from pkid.ca.keys import KeyType
from pkid.ca.names import is_host_name
from pkid.errors import Refused
from pkid.installer import table
from pkid.installer.names import find_links
from pkid.installer.parts import Part
from pkid.installer.sets import Access
from pkid.settings import Setting, SettingsError
from pkid.settings.precedence import Sources

__all__ = ["MissingSetting", "WantedCertificate", "read_certificate"]


class MissingSetting(SettingsError):
    """A setting without which there can be no certificate is not given."""

    def __init__(self, setting: Setting[object]) -> None:
        self.setting = setting
        super().__init__(f"{setting.flag} is needed: {setting.help}")


@dataclass(frozen=True, slots=True)
class WantedCertificate:
    """One certificate."""

    name: str
    """What it is called in messages and in the status."""
    subject: Subject
    """What it is for."""
    key_type: KeyType
    """The kind of its keys."""
    directory: Path
    """Where its files are; absolute."""
    links: tuple[tuple[Part, Path], ...]
    """What is written, and the name of each file; absolute."""
    access: Access
    """Who may read them."""
    command: tuple[str, ...]
    """What is run for each new one; empty for nothing."""
    timeout: timedelta
    """How long that may take."""


def read_certificate(sources: Sources, trust_domain: str) -> WantedCertificate:
    """Read what describes one certificate.

    :raises SettingsError: when something cannot be used, or is missing.
    """
    common_name, directory = sources.optional(table.COMMON_NAME), sources.path(table.OUT)
    if common_name is None or directory is None:
        raise MissingSetting(table.OUT if common_name else table.COMMON_NAME)
    return WantedCertificate(
        name=sources.optional(table.NAME) or _default_name(common_name),
        subject=_subject(sources, common_name, trust_domain),
        key_type=KeyType(sources.value(table.KEY_TYPE)),
        directory=directory,
        links=tuple(find_links(sources, directory).items()),
        access=Access(sources.optional(table.OWNER), sources.optional(table.GROUP), sources.value(table.MODE)),
        command=sources.optional(table.ON_RENEW) or (),
        timeout=sources.value(table.ON_RENEW_TIMEOUT),
    )


def _subject(sources: Sources, common_name: str, trust_domain: str) -> Subject:
    """Read the names; without any, the common name is one, also beside an identity."""
    dns, ip = sources.value(table.DNS_NAMES), sources.value(table.IP_ADDRESSES)
    if not dns and not ip and is_host_name(common_name):
        dns = (common_name,)
    identity = sources.find(table.IDENTITY)
    try:
        return Subject.of(common_name, dns, ip, sources.optional(table.IDENTITY), trust_domain)
    except Refused as error:
        source = identity.source if identity else table.DNS_NAMES.flag
        raise SettingsError(f"{source}: {error}") from None


def _default_name(common_name: str) -> str:
    try:
        return table.NAME.read(common_name)
    except ValueError:
        raise SettingsError(f"{table.NAME.flag} is needed, because {common_name!r} cannot be the name, too") from None
