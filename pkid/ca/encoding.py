"""How names and keys stand in requests and certificates alike, in DER (RFC 5280, RFC 2986)."""

from __future__ import annotations

from collections.abc import Iterable
from hashlib import sha1

from pkid.ca.der import explicit, extension, implicit, inside, sequence, set_of, utf8_string

__all__ = [
    "ALTERNATIVE_NAMES",
    "COMMON_NAME",
    "DNS_NAME",
    "EXTENSION_REQUEST",
    "IP_ADDRESS",
    "NOTHING_REQUESTED",
    "URI",
    "alternative_names",
    "is_rsa",
    "key_identifier",
    "requested",
    "subject",
]

DNS_NAME, URI, IP_ADDRESS = 2, 6, 7
"""The kinds of alternative names that pkid gives: tags of a ``GeneralName`` (RFC 5280, section 4.2.1.6)."""

ALTERNATIVE_NAMES = 17
"""The extension's number, below 2.5.29."""

COMMON_NAME = bytes.fromhex("0603550403")
"""2.5.4.3, DER."""

EXTENSION_REQUEST = bytes.fromhex("06092a864886f70d01090e")
"""1.2.840.113549.1.9.14, DER: the attribute of a request that holds extensions (RFC 2985, section 5.4.2)."""

NOTHING_REQUESTED = explicit(0, b"")
"""The attributes of a request that has none."""

_RSA = bytes.fromhex("300d06092a864886f70d0101010500")  # 1.2.840.113549.1.1.1 with NULL: RFC 3279, section 2.3.1


def subject(common_name: str | None) -> bytes:
    """Write a name that is one common name, or nothing."""
    if common_name is None:
        return sequence()
    return sequence(set_of(sequence(COMMON_NAME, utf8_string(common_name.encode("utf-8")))))


def alternative_names(names: Iterable[tuple[int, bytes]]) -> bytes:
    """Write alternative names, each of its kind."""
    return sequence(*[implicit(kind, content) for kind, content in names])


def requested(names: bytes) -> bytes:
    """Write the attributes of a request that asks for these alternative names, DER, and nothing else."""
    wanted = sequence(extension(ALTERNATIVE_NAMES, names, critical=False))
    return explicit(0, sequence(EXTENSION_REQUEST, set_of(wanted)))


def is_rsa(key_info: bytes) -> bool:
    """Tell whether a public key (``SubjectPublicKeyInfo``, DER, of a kind that pkid accepts) is one of RSA."""
    return key_info.startswith(_RSA, inside(key_info))


def key_identifier(key_info: bytes) -> bytes:
    """Return the SHA-1 of the bits of a public key (RFC 5280, section 4.2.1.2, method 1); as above."""
    algorithm = inside(key_info)
    bits = inside(key_info, algorithm) + key_info[algorithm + 1]  # an algorithm takes less than 128 bytes
    return sha1(key_info[inside(key_info, bits) + 1 :], usedforsecurity=False).digest()
