"""What the exporter is told to do: its table of settings, which shares some with the core, and their values."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import timedelta
from pathlib import Path

from pkid.settings import Component, Setting, SettingsError, component_kinds, kinds, shared, strength
from pkid.settings.certificates import PairFiles, host_files
from pkid.settings.component_core import CA_CERT, CA_FINGERPRINT, CORE, allowed_address, given_authority
from pkid.settings.endpoints import endpoint
from pkid.settings.precedence import Sources
from pkid.settings.sources import ReadFile

__all__ = ["METRICS", "MetricsSettings", "resolve"]

_SHORTEST_INTERVAL = timedelta(seconds=1)


def _interval(value: object) -> timedelta:
    span = kinds.duration(value)
    if span < _SHORTEST_INTERVAL:
        raise ValueError(f"must be at least 1s, not {value!r}")
    return span


_STATE = Setting("state", "DIR", kinds.path, None, "where its own certificate and the CA's are kept")
_INTERVAL = Setting("interval", "TIME", _interval, "30s", "look at the core no more often than this")
_LISTEN = Setting("listen", "ENDPOINT", endpoint, "tcp:9955", "where to serve /metrics")
_NO_TLS = Setting(shared.NO_TLS.name, "", kinds.boolean, "false", "serve plain text; the core may be at http:, too")
_CLIENT_AUTH = Setting(
    "client-auth", "WORD", kinds.one_of(("none", "required")), "none", "required: only to holders of a certificate"
)
_COMMON_NAME = Setting("common-name", "NAME", component_kinds.subject, "pkid-metrics", "of its own certificate")
_DNS_NAMES = Setting("dns-names", "LIST", kinds.host_names, "", "in its certificate; else this host's names")
_IP_ADDRESSES = Setting("ip-addresses", "LIST", kinds.ip_addresses, "", "in its certificate; else this host's")
_CERT = Setting(shared.CERT.name, "FILE", kinds.path, None, "the certificate to show, with its issuers")

METRICS = Component(
    "metrics",
    {
        "General": (shared.CONFIG, _STATE),
        "The core": (CORE, shared.PSK, shared.PSK_FILE, CA_CERT, CA_FINGERPRINT, _INTERVAL),
        "What it serves": (_LISTEN, _NO_TLS, _CLIENT_AUTH),
        "Its certificate, from the core": (_COMMON_NAME, _DNS_NAMES, _IP_ADDRESSES),
        "or of your own": (_CERT, shared.CERT_KEY, shared.CERT_KEY_PASS, shared.CERT_KEY_PASS_FILE),
    },
)
"""The exporter."""


@dataclass(frozen=True, slots=True)
class MetricsSettings:
    """All settings of the exporter, checked."""

    state: Path
    """Where its certificate is kept, absolute; it need not exist yet."""
    core: str
    """The core's address."""
    psk: str = field(repr=False)
    """The pre-shared key."""
    ca_cert: Path | None
    """The file with the CA certificate to trust; absolute."""
    ca_fingerprint: str | None
    """The SHA-256 of the CA certificate to trust."""
    interval: timedelta
    """How long one look at the core is good for."""
    listen: str
    """The endpoint string to listen at."""
    tls: bool
    """Whether it serves over TLS."""
    client_authentication: bool
    """Whether only holders of a certificate of the same CA are served."""
    common_name: str
    """The common name in its certificate."""
    dns_names: tuple[str, ...]
    """The DNS names in its certificate; with no addresses either, those of the host."""
    ip_addresses: tuple[str, ...]
    """The addresses in it."""
    own: PairFiles
    """The certificate to show, if it is not one from the core."""


def resolve(
    flags: Mapping[str, str | bool], environ: Mapping[str, str], read_file: ReadFile, directory: Path
) -> MetricsSettings:
    """Find the value of every setting; the parameters are those of :func:`pkid.settings.resolution.resolve`.

    :raises SettingsError: when something is given that cannot be used, or the pre-shared key is missing.
    """
    sources = Sources.of(METRICS, flags, environ, read_file, directory)
    ca_cert, ca_fingerprint = given_authority(sources)
    settings = MetricsSettings(
        state=sources.path(_STATE) or sources.state_by_default("pkid-metrics"),
        core=allowed_address(sources),
        psk=_psk(sources),
        ca_cert=ca_cert,
        ca_fingerprint=ca_fingerprint,
        interval=sources.value(_INTERVAL),
        listen=sources.value(_LISTEN),
        tls=not sources.value(_NO_TLS),
        client_authentication=sources.value(_CLIENT_AUTH) == "required",
        common_name=sources.value(_COMMON_NAME),
        dns_names=sources.value(_DNS_NAMES),
        ip_addresses=sources.value(_IP_ADDRESSES),
        own=host_files(sources),
    )
    _check(settings)
    return settings


def _check(settings: MetricsSettings) -> None:
    """Refuse what does not go together.

    :raises SettingsError: then.
    """
    if settings.client_authentication and not settings.tls:
        raise SettingsError("--client-auth required needs TLS, which --no-tls takes away; give one of the two")
    if settings.own.certificate and not settings.tls:
        raise SettingsError("--cert needs TLS, which --no-tls takes away; give one of the two")
    if settings.own.certificate and settings.client_authentication:
        raise SettingsError("--client-auth required goes with a certificate from the core; leave it or --cert out")


def _psk(sources: Sources) -> str:
    found = sources.psk()
    if found is None:
        raise SettingsError("--psk-file is needed: a pre-shared key of the core, of the role observe or stronger")
    strength.check(*found, allow_weak=True)  # that it is strong enough is the core's business
    return found[0]
