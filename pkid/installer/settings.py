"""What the agent is told to do: the values of all settings, checked, and how they are found."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path

from pkid.agent import Introduction
from pkid.installer import table
from pkid.installer.tables import read_tables
from pkid.installer.wanted import WantedCertificate, read_certificate
from pkid.settings import SettingsError, strength
from pkid.settings.certificates import PairFiles, host_files
from pkid.settings.component_core import core_url, given_authority
from pkid.settings.precedence import Sources
from pkid.settings.sources import ReadFile

__all__ = ["AgentSettings", "CoreSettings", "resolve"]

_SOCKET = "status.sock"


@dataclass(frozen=True, slots=True)
class CoreSettings:
    """Which core to ask, and how to know it."""

    url: str
    """Its address."""
    psk: str = field(repr=False)
    """The pre-shared key; empty if there is a certificate to begin with."""
    ca_cert: Path | None
    """The file with the CA certificate to trust; absolute."""
    ca_fingerprint: str | None
    """The SHA-256 of the CA certificate to trust."""
    own: PairFiles
    """The certificate to begin with, if there is one."""

    @property
    def introduction(self) -> Introduction | None:
        """The certificate to begin with, as it is read."""
        if self.own.certificate is None or self.own.key is None:
            return None
        return Introduction(self.own.certificate, self.own.key, self.own.passphrase)


@dataclass(frozen=True, slots=True)
class AgentSettings:
    """All settings of the agent, checked."""

    state: Path
    """Where it keeps whom it trusts, absolute; it need not exist yet."""
    socket: Path
    """Where it tells its status; absolute."""
    core: CoreSettings
    """Whom it asks."""
    certificates: tuple[WantedCertificate, ...]
    """What it asks for; at least one."""


def resolve(
    flags: Mapping[str, str | bool], environ: Mapping[str, str], read_file: ReadFile, directory: Path
) -> AgentSettings:
    """Find the value of every setting; the parameters are those of :func:`pkid.settings.resolution.resolve`.

    :raises SettingsError: when something is given that cannot be used, or something is missing.
    """
    sources = Sources.of(table.AGENT, flags, environ, read_file, directory)
    state = sources.path(table.STATE) or sources.state_by_default("pkid-agent")
    return AgentSettings(
        state=state,
        socket=sources.path(table.SOCKET) or _runtime_directory(environ, state) / _SOCKET,
        core=_core(sources),
        certificates=_certificates(sources),
    )


def _certificates(sources: Sources) -> tuple[WantedCertificate, ...]:
    """Read the certificates of the file's tables, or the one that flags and variables describe."""
    tables = sources.levels[-1].get(table.CERTIFICATES)
    trust_domain = sources.value(table.TRUST_DOMAIN)
    if tables is None:
        return (read_certificate(sources, trust_domain),)
    alone = next(filter(None, map(sources.find, table.CERTIFICATE)), None)
    if alone:
        raise SettingsError(f"{alone.source} is for the only certificate, but {tables.source} holds tables; use those")
    return read_tables(tables, sources, trust_domain)


def _core(sources: Sources) -> CoreSettings:
    """Read which core to ask, and by what both know each other."""
    settings = CoreSettings(core_url(sources), _psk(sources), *given_authority(sources), host_files(sources))
    if settings.introduction is None:
        if not settings.psk:
            raise SettingsError("--psk-file is needed: a file with the pre-shared key of the core")
    elif settings.url.startswith("http:"):
        raise SettingsError("--cert needs TLS, which --no-tls takes away; give one of the two")
    elif not (settings.psk or settings.ca_cert or settings.ca_fingerprint):
        raise SettingsError("--cert tells the core who asks; to know the core, give --ca-cert or --ca-fingerprint")
    return settings


def _psk(sources: Sources) -> str:
    found = sources.psk()
    if found is None:
        return ""
    strength.check(*found, allow_weak=True, remedy="give the core's")  # whether it is strong enough, the core knows
    return found[0]


def _runtime_directory(environ: Mapping[str, str], state: Path) -> Path:
    given = environ.get("RUNTIME_DIRECTORY", "").partition(":")[0]  # systemd.exec(5): parted by colons
    return Path(given) if given.startswith("/") else state
