"""Which core a component speaks to, and how it knows that core: the settings, and which of them go together."""

from __future__ import annotations

from pathlib import Path

from pkid.settings import kinds
from pkid.settings.component import Setting
from pkid.settings.component_kinds import core_address, fingerprint
from pkid.settings.precedence import Sources
from pkid.settings.shared import NO_TLS
from pkid.settings.sources import SettingsError

__all__ = ["CA_CERT", "CA_FINGERPRINT", "CORE", "allowed_address", "core_url", "given_authority"]

CORE = Setting("core", "URL", core_address, "https://localhost:8900", "where the core is")
CA_CERT = Setting("ca-cert", "FILE", kinds.path, None, "trust this CA certificate, and fetch none")
CA_FINGERPRINT = Setting("ca-fingerprint", "SHA256", fingerprint, None, "trust the CA that has this fingerprint")

_PLAIN, _ENCRYPTED = "http:", "https:"


def core_url(sources: Sources) -> str:
    """Find the core's address, for a component that serves nothing: with no-tls, it is one that begins with ``http:``.

    :raises SettingsError: when the address and no-tls do not go together.
    """
    url, given, plain = allowed_address(sources), sources.find(CORE), sources.find(NO_TLS)
    if not sources.value(NO_TLS) or url.startswith(_PLAIN):
        return url
    if given is None:
        return url.replace(_ENCRYPTED, _PLAIN, 1)
    said = plain.source if plain else NO_TLS.flag
    raise SettingsError(f"{given.source} begins with {_ENCRYPTED}, which {said} takes away; change one of the two")


def allowed_address(sources: Sources) -> str:
    """Find the core's address; one without TLS is a slip unless no-tls says that it is meant.

    :raises SettingsError: then.
    """
    url, given = sources.value(CORE), sources.find(CORE)
    if given is not None and url.startswith(_PLAIN) and not sources.value(NO_TLS):
        raise SettingsError(
            f"{given.source} begins with {_PLAIN}, so that everybody on the way could read and change what is sent;"
            f" write {_ENCRYPTED}, or say {NO_TLS.flag} if that is meant"
        )
    return url


def given_authority(sources: Sources) -> tuple[Path | None, str | None]:
    """Find the file with the CA certificate to trust, or its SHA-256, if either is given.

    :raises SettingsError: when both are.
    """
    path, known = sources.path(CA_CERT), sources.optional(CA_FINGERPRINT)
    if path and known:
        raise SettingsError(f"{CA_CERT.flag} and {CA_FINGERPRINT.flag} exclude each other; give one")
    return path, known
