"""The settings that the daemon runs with, and how they are found.

Nothing here touches the process: flags, environment, working directory and files are parameters.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import timedelta
from pathlib import Path

from pkid.auth.psk import DEFAULT_NAME, PreSharedKey, Terms, find_twins
from pkid.messaging.terms import Terms as BrokerTerms
from pkid.settings import psks, shared, strength, table
from pkid.settings.auth import Chosen, chosen_checkers
from pkid.settings.authority import ca_files
from pkid.settings.broker import broker_terms
from pkid.settings.certificates import PairFiles, host_files, keystore_files
from pkid.settings.endpoints import OFF
from pkid.settings.precedence import Sources
from pkid.settings.sources import Flags, ReadFile, SettingsError

__all__ = ["Settings", "resolve"]


@dataclass(frozen=True, slots=True)
class Settings:
    """All settings of the daemon, checked."""

    state: Path
    """The state directory, absolute; it need not exist yet."""
    psk: str | None = field(repr=False)
    """The pre-shared key; ``None`` when none is given: the stored one counts, or one is made."""
    psk_source: str
    """Where the key came from, for messages; empty when none is given."""
    authentication: bool
    """Whether callers must prove anything; off only if an empty key is given as a flag."""
    psk_terms: Terms
    """The terms of this key, or of the stored one."""
    psks: tuple[PreSharedKey, ...]
    """More pre-shared keys, each with its own name."""
    allow_weak_psk: bool
    """Whether a key that is easy to guess is accepted."""
    strict_tokens: bool
    """Whether only tokens that are bound to one request are accepted."""
    https: str
    """The endpoint string of the HTTPS door, or ``off``."""
    tls: bool
    """Whether the doors speak TLS."""
    host_dns_names: tuple[str, ...]
    """More DNS names for the core's own certificate, in lower case."""
    host_ip_addresses: tuple[str, ...]
    """More IP addresses for it, in their usual form."""
    open_metrics: bool
    """Whether the core's metrics are for everybody."""
    host: PairFiles
    """The certificate for the doors, if it is not the core's own making."""
    ca: PairFiles
    """The CA to issue with, if it is not the stored one; without a key, it is only trusted."""
    ca_key_type: str
    """The kind of key that a new CA gets, as :class:`pkid.ca.keys.KeyType` writes it."""
    trust_domain: str | None
    """Where identities belong; ``None`` for the stored one, or the default at the first start."""
    leaf_lifetime: timedelta
    """How long a certificate is valid."""
    forbid_core_names: bool
    """Whether components are refused certificates for the core's own host names and for loopback."""
    keep_expired: timedelta | None
    """How long the ledger keeps certificates after their end; ``None`` for ever."""
    line: str
    """The endpoint string of the line door, or ``off``."""
    rembus_wss: str
    """The endpoint string of the Rembus door with WebSocket and TLS, or ``off``."""
    rembus_ws: str
    """That of the one with WebSocket alone."""
    rembus_tls: str
    """That of the one with TLS alone."""
    rembus_tcp: str
    """That of the one with neither."""
    keystore: PairFiles
    """The certificate for the Rembus doors, if it is not that of the other doors."""
    auth: tuple[Chosen, ...]
    """What proves components' names to the broker, in this order."""
    broker: BrokerTerms
    """The terms that the broker works by."""
    written: Mapping[str, object] = field(default_factory=dict, repr=False, compare=False)
    """The value of each setting by its name, for comparison with another time; none of a secret."""


_SECRETS = (shared.PSK, shared.PSK_FILE, shared.CERT_KEY_PASS, table.CA_CERT_KEY_PASS)
_DOORS = (table.HTTPS, table.LINE, table.REMBUS_WSS, table.REMBUS_WS, table.REMBUS_TLS, table.REMBUS_TCP)


def resolve(flags: Flags, environ: Mapping[str, str], read_file: ReadFile, directory: Path) -> Settings:
    """Find the value of every setting.

    :param flags: the flags that were given, by the setting's name.
    :param environ: the environment variables.
    :param read_file: returns the content of a file.
    :param directory: the working directory, absolute; relative paths start there, those in the file at the file.
    :raises SettingsError: when something is given that cannot be used.
    """
    sources = Sources.of(table.CORE, flags, environ, read_file, directory)
    allow_weak_psk = sources.value(shared.ALLOW_WEAK_PSK)
    named = psks.find(sources.levels[-1].get(table.PSKS), environ, read_file, sources.home, allow_weak_psk)
    found = sources.psk()
    authentication = found != ("", shared.PSK.flag)
    _check_keys(found, named.keys, allow_weak_psk)
    doors = [sources.value(door) for door in _DOORS]
    if all(endpoint == OFF for endpoint in doors):
        raise SettingsError(f"{', '.join(door.flag for door in _DOORS)} are all off; leave one door open")
    return Settings(
        state=sources.path(table.STATE) or sources.state_by_default("pkid"),
        psk=found[0] if found and authentication else None,
        psk_source=found[1] if found else "",
        authentication=authentication,
        psk_terms=named.default,
        psks=named.keys,
        allow_weak_psk=allow_weak_psk,
        strict_tokens=sources.value(table.STRICT_TOKENS),
        https=doors[0],
        tls=not sources.value(shared.NO_TLS),
        host_dns_names=sources.value(table.HOST_DNS_NAMES),
        host_ip_addresses=sources.value(table.HOST_IP_ADDRESSES),
        open_metrics=sources.value(table.OPEN_METRICS),
        host=host_files(sources),
        ca=ca_files(sources),
        ca_key_type=sources.value(table.CA_KEY_TYPE),
        trust_domain=sources.optional(table.TRUST_DOMAIN),
        leaf_lifetime=sources.value(table.LEAF_LIFETIME),
        forbid_core_names=sources.value(table.FORBID_CORE_NAMES),
        keep_expired=sources.value(table.KEEP_EXPIRED),
        line=doors[1],
        rembus_wss=doors[2],
        rembus_ws=doors[3],
        rembus_tls=doors[4],
        rembus_tcp=doors[5],
        keystore=PairFiles() if doors[2] == doors[4] == OFF else keystore_files(environ, directory),
        auth=chosen_checkers(sources),
        broker=broker_terms(sources),
        written=_written(sources),
    )


def _written(sources: Sources) -> dict[str, object]:
    """Read each setting by itself, but for secrets and what names them.

    :raises SettingsError: when one cannot be used.
    """
    found: dict[str, object] = {}
    for setting in table.CORE.settings:
        if setting not in _SECRETS:
            found[setting.name] = sources.optional(setting) if setting.default is None else sources.value(setting)
    return found


def _check_keys(found: tuple[str, str] | None, named: tuple[PreSharedKey, ...], allow_weak: bool) -> None:
    """Refuse a key that cannot be used, alone or beside the named ones.

    :raises SettingsError: when it is refused.
    """
    if found is None:
        return
    if found == ("", shared.PSK.flag):
        if named:
            raise SettingsError(
                f"{shared.PSK.flag} '' turns authentication off, but the file names pre-shared keys; leave one out"
            )
        return
    strength.check(*found, allow_weak)
    twins = find_twins([PreSharedKey(DEFAULT_NAME, found[0]), *named])
    if twins is not None:
        raise SettingsError(f"{found[1]} gives the same key as psks.{twins[1]}; give each its own")
