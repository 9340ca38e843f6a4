"""The form that most requests have, read at once: one common name or none, host names, addresses and URIs.

What is read is written again, and counts only if that is byte for byte what came; then it cannot have been misread.
Whatever is of another form, or not acceptable, is left to the general way, which says what is wrong with it.
"""

from __future__ import annotations

import binascii
from dataclasses import dataclass
from ipaddress import ip_address

from cryptography import x509
from cryptography.exceptions import InvalidSignature, UnsupportedAlgorithm

from pkid.ca.der import bit_string, inside, integer, sequence
from pkid.ca.encoding import (
    COMMON_NAME,
    DNS_NAME,
    IP_ADDRESS,
    NOTHING_REQUESTED,
    URI,
    alternative_names,
    requested,
    subject,
)
from pkid.ca.keys import check_key, key_bytes, usual_signature
from pkid.errors import Refused

__all__ = ["PlainRequest", "read_plain"]

_BEGIN, _END = b"-----BEGIN CERTIFICATE REQUEST-----\n", b"\n-----END CERTIFICATE REQUEST-----\n"
_LINE = 64  # characters (RFC 7468, section 2)
_VERSION_1 = integer(0)
_ALTERNATIVE_NAMES = bytes.fromhex("0603551d11")  # 2.5.29.17
_CONTEXT = 0x80
_OTHERWISE = (ValueError, TypeError, IndexError, UnsupportedAlgorithm, InvalidSignature, Refused, x509.InvalidVersion)


@dataclass(frozen=True, slots=True)
class PlainRequest:
    """A request of this form; its signature is verified and its key is acceptable, its names are unchecked.

    :ivar der: all of it, and :ivar key_info: its public key, in DER.
    """

    der: bytes
    key_info: bytes
    common_name: str | None
    alternative_names: tuple[x509.GeneralName, ...]


def read_plain(body: bytes) -> PlainRequest | None:
    """Read a body that is nothing but a request of this form, with a good signature; return ``None`` for any other."""
    try:
        der = _unarmoured(body)
        return None if der is None else _read(der)
    except _OTHERWISE:
        return None


def _unarmoured(body: bytes) -> bytes | None:
    """Return what is in a PEM block, if there is no other way to write it (RFC 7468, section 3, the strict form)."""
    if not body.startswith(_BEGIN) or not body.endswith(_END):
        return None
    text = body[len(_BEGIN) : -len(_END)]
    ends = text[_LINE :: _LINE + 1]
    digits = text.replace(b"\n", b"")
    der = binascii.a2b_base64(digits)
    whole = len(digits) + len(ends) == len(text) and not ends.strip(b"\n") and text[-1:] != b"\n"
    return der if whole and binascii.b2a_base64(der, newline=False) == digits else None


def _read(der: bytes) -> PlainRequest | None:
    request = x509.load_der_x509_csr(der)
    key = check_key(request.public_key())
    usual = usual_signature(key)
    if usual is None:
        return None
    algorithm, verify = usual
    key_info, signature = key_bytes(key), request.signature
    proof = algorithm + bit_string(signature)
    before, _, behind = der.partition(key_info)
    common_name, names = _common_name(before), _alternative_names(behind.removesuffix(proof))
    wanted = requested(alternative_names(names)) if names else NOTHING_REQUESTED
    info = sequence(_VERSION_1, subject(common_name), key_info, wanted)
    if sequence(info, proof) != der or common_name == "":
        return None
    verify(signature, info)
    return PlainRequest(der, key_info, common_name, tuple([_general_name(*name) for name in names]))


def _common_name(content: bytes) -> str | None:
    """Return what may be the common name, which is the last of what stands before the key."""
    _, found, value = content.partition(COMMON_NAME)
    return value[2:].decode("utf-8") if found else None


def _alternative_names(content: bytes) -> list[tuple[int, bytes]]:
    """Return what may be the names, which are the last of what stands before the signature."""
    _, found, value = content.partition(_ALTERNATIVE_NAMES)
    names: list[tuple[int, bytes]] = []
    place = inside(value, inside(value)) if found else len(value)
    while place < len(value):
        end = place + 2 + value[place + 1]
        names.append((value[place] - _CONTEXT, value[place + 2 : end]))
        place = end
    return names


def _general_name(kind: int, content: bytes) -> x509.GeneralName:
    if kind == DNS_NAME:
        return x509.DNSName(content.decode("ascii"))
    if kind == IP_ADDRESS:
        return x509.IPAddress(ip_address(content))
    if kind == URI:
        return x509.UniformResourceIdentifier(content.decode("ascii"))
    raise ValueError("not of a kind that pkid gives")
