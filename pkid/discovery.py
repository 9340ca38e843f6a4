"""How this host may be called: its names and addresses, as others would use them to reach the core."""

from __future__ import annotations

import socket
from collections.abc import Callable, Iterable
from ipaddress import ip_address
from threading import Thread

import ifaddr

from pkid.ca.names import Names, host_name, ip_name, is_host_name
from pkid.errors import Refused

__all__ = ["discover", "host_names", "interface_addresses", "own_names"]

_PATIENCE = 2.0  # seconds to wait for a name server that does not answer
_MOST_ADDRESSES = 64


def discover(
    dns_names: Iterable[str] = (),
    ip_addresses: Iterable[str] = (),
    find_names: Callable[[], Iterable[str]] | None = None,
    find_addresses: Callable[[], Iterable[str]] | None = None,
) -> Names:
    """Return all names of this host: loopback, what the system says, and what was configured.

    What the system says is taken only as far as it can stand in a certificate.

    :param dns_names: more names, already checked.
    :param ip_addresses: more addresses, already checked.
    :raises Refused: when a configured name cannot stand in a certificate.
    """
    found_names = filter(is_host_name, (find_names or own_names)())
    found_addresses = filter(_is_reachable, (find_addresses or interface_addresses)())
    return host_names(
        ["localhost", *map(str.lower, found_names), *map(host_name, dns_names)],
        ["127.0.0.1", "::1", *list(found_addresses)[:_MOST_ADDRESSES], *ip_addresses],
    )


def host_names(dns_names: Iterable[str], ip_addresses: Iterable[str]) -> Names:
    """Check names and addresses, and drop doubles."""
    return Names.of(tuple(map(host_name, dns_names)), tuple(map(ip_name, ip_addresses)))


def own_names() -> list[str]:
    """Return the host's own name and its canonical one; a name server that does not answer costs two seconds."""
    short = socket.gethostname()
    canonical: list[str] = []

    def ask() -> None:
        try:
            found = socket.getaddrinfo(short, None, flags=socket.AI_CANONNAME)
        except OSError:
            return
        canonical.extend(name for *_, name, _ in found if name)

    asking = Thread(target=ask, daemon=True, name="own-names")
    asking.start()
    asking.join(_PATIENCE)
    return sorted({short, *canonical})


def interface_addresses() -> list[str]:
    """Return the addresses of all network interfaces."""
    return [ip.ip if isinstance(ip.ip, str) else ip.ip[0] for adapter in ifaddr.get_adapters() for ip in adapter.ips]


def _is_reachable(address: str) -> bool:
    """Tell whether others could reach the host by this address without naming an interface."""
    try:
        return not ip_address(ip_name(address)).is_link_local
    except Refused:
        return False
