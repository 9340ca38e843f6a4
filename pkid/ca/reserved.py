"""Which names only the core may have, when that is asked for: its own, and all that mean the machine itself."""

from __future__ import annotations

import re
from collections.abc import Iterable
from ipaddress import IPv4Address, IPv6Address, ip_address

from pkid.ca.names import IPAddress, Names

__all__ = ["address_of", "covers", "find_reserved", "is_name_of"]

_LOOPBACK_NAMES = frozenset({"localhost", "ip6-localhost", "ip6-loopback", "localhost4", "localhost6"})
_LOOPBACK_DOMAINS = (".localhost", ".localdomain", ".localdomain4", ".localdomain6")  # RFC 6761, 6.3; and by custom

_NUMERIC = re.compile(r"(0x[0-9a-f]+|[0-9]+)(\.(0x[0-9a-f]+|[0-9]+)){0,3}\.?", re.IGNORECASE)


def find_reserved(names: Names, common_name: str | None, core: Names) -> str | None:
    """Return the first name that is the core's or loopback's, or ``None``.

    The common name counts too, in whatever way an old client may read it, because some still go by it where there is
    no DNS name.

    :param core: the host names and addresses of the core.
    """
    if common_name is not None and ("*" in common_name or _NUMERIC.fullmatch(common_name)):
        return common_name  # it matches who knows what: a wildcard anywhere, or an address in one of its old forms
    candidates = [*((name, name) for name in names.dns), *((str(address), address) for address in names.ip)]
    candidates += [(common_name, reading) for reading in _readings(common_name)] if common_name else []
    return next((shown for shown, name in candidates if _is_reserved(name, core)), None)


def is_name_of(host: str, core: Names) -> bool:
    """Tell whether a host name, in lower case, is one by which the core goes: loopback's, or one of its certificate."""
    return host == "localhost" or host.endswith(".localhost") or any(covers(name, host) for name in core.dns)


def address_of(common_name: str) -> IPAddress | None:
    """Return the address that a common name may be taken for, in its own form, whatever stands around it."""
    try:
        return _plain(ip_address(common_name.strip("[].").partition("%")[0]))
    except ValueError:
        return None


def _is_reserved(name: str | IPAddress, core: Names) -> bool:
    if isinstance(name, str):
        loopback = name in _LOOPBACK_NAMES or name.endswith(_LOOPBACK_DOMAINS)
        return loopback or any(covers(name, host) or covers(host, name) for host in core.dns)
    plain = _plain(name)
    return plain.is_loopback or plain in map(_plain, core.ip)


def covers(name: str, host: str) -> bool:
    """Tell whether a DNS name, perhaps with a wildcard, is good for a host (RFC 6125, 6.4.3)."""
    return name == host or (name.startswith("*.") and name[1:] == host[host.find(".") :])


def _plain(address: IPAddress) -> IPAddress:
    """Return an IPv4 address that is written as an IPv6 one (RFC 4291, 2.5.5) in its own form."""
    if isinstance(address, IPv6Address):
        compatible = IPv4Address(int(address)) if 1 < int(address) < 1 << 32 else None
        return address.ipv4_mapped or compatible or address
    return address


def _readings(common_name: str) -> Iterable[str | IPAddress]:
    """Return what a common name may be taken for: a host name or an address."""
    yield common_name.lower().rstrip(".")
    address = address_of(common_name)
    if address is not None:
        yield address
