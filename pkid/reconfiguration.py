"""Settings that were read again while the core runs: which take effect at once, and which wait for the next start.

Pre-shared keys are `pkid.rotation`'s business.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace
from typing import Any, Protocol

from twisted.logger import Logger

from pkid.ca.authority import Authority
from pkid.certificates import CoreCertificates
from pkid.settings import shared, table
from pkid.settings.component import Setting
from pkid.settings.resolution import Settings

__all__ = ["Reconfiguration", "changed_settings"]

_AT_ONCE: dict[Setting[Any], str] = {
    table.LEAF_LIFETIME: "leaf_lifetime",
    table.FORBID_CORE_NAMES: "forbid_core_names",
    table.HOST_DNS_NAMES: "host_dns_names",
    table.HOST_IP_ADDRESSES: "host_ip_addresses",
    table.STRICT_TOKENS: "strict_tokens",
    shared.ALLOW_WEAK_PSK: "allow_weak_psk",
}
"""What takes effect at once, by the field of the settings that holds it."""


class Strict(Protocol):
    """What checks tokens."""

    strict: bool
    """Whether it accepts bound ones only."""


def changed_settings(before: Settings, found: Settings) -> Iterator[Setting[Any]]:
    """Yield the settings whose values differ, in the order of their table."""
    for setting in table.CORE.settings:
        if before.written.get(setting.name) != found.written.get(setting.name):
            yield setting
    for one, other, setting in (
        (before.ca, found.ca, table.CA_CERT_KEY_PASS),
        (before.host, found.host, shared.CERT_KEY_PASS),
    ):
        if one.passphrase != other.passphrase:
            yield setting


class Reconfiguration:
    """Puts settings into effect, as far as that goes without a restart, and says of the rest that it waits.

    :param settings: those that the core was started with.
    """

    _log = Logger()

    def __init__(
        self, settings: Settings, authority: Authority, certificates: CoreCertificates, tokens: Strict
    ) -> None:
        self._settings = settings
        self._authority = authority
        self._certificates = certificates
        self._tokens = tokens

    def adopt(self, found: Settings) -> None:
        """Put settings into effect that were read again."""
        changed = list(changed_settings(self._settings, found))
        at_once = [setting for setting in changed if setting in _AT_ONCE]
        if at_once:
            self._authority.profile = replace(self._authority.profile, lifetime=found.leaf_lifetime)
            self._tokens.strict = found.strict_tokens
            self._certificates.reconfigure(found)
            self._settings = replace(
                self._settings,
                written=dict(self._settings.written) | {each.name: found.written[each.name] for each in at_once},
                **{_AT_ONCE[each]: getattr(found, _AT_ONCE[each]) for each in at_once},
            )
            self._log.info("in effect from now on: {names}", names=_listed(at_once))
        if waiting := [setting for setting in changed if setting not in _AT_ONCE]:
            self._log.warn("changed, and in effect after a restart only: {names}", names=_listed(waiting))


def _listed(settings: list[Setting[Any]]) -> str:
    return ", ".join(setting.name for setting in settings)
