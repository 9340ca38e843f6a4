"""The names that may stand in a certificate, and the one that is an identity.

A component has one *name*. Written as ``spiffe://TRUST-DOMAIN/NAME`` into a URI subject alternative name it is
the component's identity; a common name or a DNS name never is one.
"""

from __future__ import annotations

import re
from dataclasses import dataclass
from ipaddress import IPv4Address, IPv6Address, ip_address
from typing import Self

from pkid.errors import Reason, Refused

__all__ = ["CORE_PATH", "DEFAULT_TRUST_DOMAIN", "Names", "TrustDomain", "common_name", "host_name", "ip_name"]

CORE_PATH = "pkid/core"
"""The path of the core's own identity; it holds a slash, so that no component can have it."""

DEFAULT_TRUST_DOMAIN = "pkid.internal"

_COMPONENT = re.compile(r"[A-Za-z0-9._-]{1,128}")
_TRUST_DOMAIN = re.compile(r"[a-z0-9._-]{1,255}")
_LABEL = re.compile(r"(?!-)[a-z0-9_-]{1,63}(?<!-)")
_LONGEST_HOST_NAME = 253
_LONGEST_COMMON_NAME = 64  # ub-common-name, RFC 5280 appendix A.1; in UTF-8, because some readers count bytes
_MOST_SHOWN = 128  # characters of a refused name that an error repeats
_BROADCAST = IPv4Address("255.255.255.255")

IPAddress = IPv4Address | IPv6Address


@dataclass(frozen=True, slots=True)
class TrustDomain:
    """The realm in which this authority gives out identities (SPIFFE ID specification, section 2.1)."""

    name: str

    def __post_init__(self) -> None:
        if not _TRUST_DOMAIN.fullmatch(self.name):
            raise Refused(Reason.BAD_NAME, _shown(self.name))

    @property
    def uri(self) -> str:
        """The trust domain's own identifier."""
        return f"spiffe://{self.name}"

    @property
    def core(self) -> str:
        """The core's own identity."""
        return f"{self.uri}/{CORE_PATH}"

    def identity(self, component: str) -> str:
        """Write a component's name as its identity.

        :raises Refused: when it is not a component's name.
        """
        if not is_component(component):
            raise Refused(Reason.BAD_IDENTITY, _shown(component))
        return f"{self.uri}/{component}"

    def component(self, uri: str) -> str:
        """Read a component's name from its identity.

        :raises Refused: when the URI is not an identity of a component in this trust domain.
        """
        prefix, name = f"{self.uri}/", uri.removeprefix(f"{self.uri}/")
        if not uri.startswith(prefix) or not is_component(name):
            raise Refused(Reason.BAD_IDENTITY, _shown(uri))
        return name


@dataclass(frozen=True, slots=True)
class Names:
    """The checked names of one certificate, without doubles, in the order asked for."""

    dns: tuple[str, ...] = ()
    ip: tuple[IPAddress, ...] = ()
    uri: tuple[str, ...] = ()

    def __len__(self) -> int:
        return len(self.dns) + len(self.ip) + len(self.uri)

    @classmethod
    def of(cls, dns: tuple[str, ...], ip: tuple[IPAddress, ...], uri: tuple[str, ...] = ()) -> Self:
        """Drop doubles and keep the order."""
        return cls(tuple(dict.fromkeys(dns)), tuple(dict.fromkeys(ip)), tuple(dict.fromkeys(uri)))


def is_component(name: str) -> bool:
    """Tell whether this is a component's name: letters, digits, ``.``, ``_``, ``-``, at most 128.

    The path segments ``.`` and ``..`` are none (SPIFFE ID specification, section 2.2).
    """
    return _COMPONENT.fullmatch(name) is not None and name not in {".", ".."}


def host_name(text: str) -> str:
    """Check a DNS name and return it in lower case.

    A wildcard may be the whole leftmost label, above at least two more (RFC 6125, 6.4.3); ``_`` is tolerated in
    labels because container networks use it; a name whose last label is a number would be read as an address.

    :raises Refused: when it is not a host name in ASCII (an international name goes in its ``xn--`` form).
    """
    name = text.lower()
    labels = name.split(".")
    rest = labels[1:] if labels[0] == "*" else labels
    fits = len(name) <= _LONGEST_HOST_NAME and all(_LABEL.fullmatch(label) for label in rest)
    if not text.isascii() or not fits or labels[-1].isdigit() or (labels[0] == "*" and len(rest) < 2):
        raise Refused(Reason.BAD_NAME, _shown(text))
    return name


def is_host_name(text: str) -> bool:
    """Tell whether :func:`host_name` would accept the text."""
    try:
        host_name(text)
    except Refused:
        return False
    return True


def ip_name(address: object) -> IPAddress:
    """Check an IP address (or its text): one unicast host, no network, no broadcast, not unspecified.

    An IPv4 address in its IPv6 form (``::ffff:192.0.2.1``) is none: it would stand beside rules for the other form.

    :raises Refused: otherwise.
    """
    try:
        checked = ip_address(str(address))
    except ValueError:
        raise Refused(Reason.BAD_NAME, _shown(str(address))) from None
    unusual = isinstance(checked, IPv6Address) and (checked.scope_id is not None or checked.ipv4_mapped is not None)
    if checked.is_unspecified or checked.is_multicast or checked == _BROADCAST or unusual:
        raise Refused(Reason.BAD_NAME, _shown(str(address)))
    return checked


def common_name(text: str) -> str:
    """Check a subject's common name: 1 to 64 bytes of printable UTF-8, no space at either end.

    :raises Refused: otherwise; control characters could forge log lines and file names.
    """
    size = len(text.encode("utf-8", "replace"))
    if size > _LONGEST_COMMON_NAME:
        limit = f"as a common name ({size} bytes; it may have {_LONGEST_COMMON_NAME}, alternative names more)"
        raise Refused(Reason.BAD_NAME, f"{_shown(text)} {limit}")
    if not text or not text.isprintable() or text != text.strip():
        raise Refused(Reason.BAD_NAME, _shown(text))
    return text


def _shown(name: str) -> str:
    """Write a refused name so that it can stand in an answer and in one log line."""
    return repr(name if len(name) <= _MOST_SHOWN else f"{name[:_MOST_SHOWN]}...")
