"""The terms of a pre-shared key, as a table of the file holds them: its role, its end, and the names it may ask for."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from ipaddress import ip_network
from typing import Any, TypeVar

from pkid.auth.psk import Terms
from pkid.auth.roles import Role
from pkid.ca.patterns import ComponentPattern, HostPattern, NetworkPattern
from pkid.ca.policy import Policy, Rules
from pkid.errors import Refused
from pkid.settings.kinds import boolean, each_of, instant, one_of

__all__ = ["KINDS", "read_terms"]

T = TypeVar("T")


def _host(text: str) -> HostPattern:
    return HostPattern(text.lower())


def _network(text: str) -> NetworkPattern:
    return NetworkPattern(ip_network(text))


def _patterns(make: Callable[[str], T], what: str) -> Callable[[object], tuple[T, ...]]:
    """Make a kind that is an array of patterns."""

    def pattern(text: str) -> T:
        try:
            return make(text)
        except (Refused, ValueError):
            raise ValueError(f"holds {text!r}, which is not {what}") from None

    return each_of(pattern)


_HOSTS = _patterns(_host, "a host name, *.SUFFIX or *")
_NETWORKS = _patterns(_network, "an address or a network such as 10.0.0.0/8")
_COMPONENTS = _patterns(ComponentPattern, "a component's name, in which * stands for anything")

KINDS: Mapping[str, Callable[[object], Any]] = {
    "expires": instant,
    "role": one_of(role.value for role in Role),
    "bootstrap": boolean,
    "allow-dns": _HOSTS,
    "deny-dns": _HOSTS,
    "allow-ip": _NETWORKS,
    "deny-ip": _NETWORKS,
    "allow-components": _COMPONENTS,
    "deny-components": _COMPONENTS,
}
"""What each key of such a table may be: functions as in :mod:`pkid.settings.kinds`."""


def read_terms(values: Mapping[str, Any], role: Role = Role.ISSUE) -> Terms:
    """Make terms of values that were read by :data:`KINDS`.

    :param role: what a key is for whose table does not say it.
    """
    return Terms(
        Role(values.get("role", role.value)),
        values.get("expires"),
        values.get("bootstrap", False),
        Policy(*(Rules(values.get(f"allow-{kind}"), values.get(f"deny-{kind}", ())) for kind in _POLICED)),
    )


_POLICED = ("dns", "ip", "components")
