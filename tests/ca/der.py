"""Certificate requests written by hand in DER, for what no library would make."""

from __future__ import annotations

import base64
from collections.abc import Sequence

from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.asymmetric import ec, padding, rsa
from cryptography.hazmat.primitives.serialization import Encoding, PublicFormat
from cryptography.x509 import ObjectIdentifier

from tests.certificates import private_key

UTF8, TELETEX, IA5, BMP = 0x0C, 0x14, 0x16, 0x1E
EMAIL, DNS, X400, DIRECTORY, EDI, URI, IP, REGISTERED = 0x81, 0x82, 0xA3, 0xA4, 0xA5, 0x86, 0x87, 0x88
BASIC_CONSTRAINTS, ALTERNATIVE_NAMES = "2.5.29.19", "2.5.29.17"
ECDSA_SHA256 = "1.2.840.10045.4.3.2"

_COMMON_NAME = "2.5.4.3"
_EXTENSION_REQUEST = "1.2.840.113549.1.9.14"


def tlv(tag: int, *content: bytes) -> bytes:
    """Write one value with its tag and length."""
    body = b"".join(content)
    size = len(body)
    if size < 128:
        return bytes([tag, size]) + body
    digits = size.to_bytes((size.bit_length() + 7) // 8, "big")
    return bytes([tag, 0x80 | len(digits)]) + digits + body


def sequence(*content: bytes) -> bytes:
    return tlv(0x30, *content)


def integer(value: int) -> bytes:
    return tlv(0x02, value.to_bytes(value.bit_length() // 8 + 1, "big", signed=True))


def oid(dotted: str) -> bytes:
    first, second, *rest = map(int, ObjectIdentifier(dotted).dotted_string.split("."))
    content = bytes([first * 40 + second])
    for arc in rest:
        digits = [arc & 0x7F]
        while arc := arc >> 7:
            digits.append(0x80 | arc & 0x7F)
        content += bytes(reversed(digits))
    return tlv(0x06, content)


def common_name(content: bytes, tag: int = UTF8) -> bytes:
    """Write a subject of one common name."""
    return sequence(tlv(0x31, sequence(oid(_COMMON_NAME), tlv(tag, content))))


def extension(kind: str, content: bytes) -> bytes:
    return sequence(oid(kind), tlv(0x04, content))


def alternative_names(*names: bytes) -> bytes:
    return extension(ALTERNATIVE_NAMES, sequence(*names))


def request_der(
    *,
    version: int = 0,
    subject: bytes = common_name(b"worker.example"),
    extensions: Sequence[bytes] = (),
    key: ec.EllipticCurvePrivateKey | rsa.RSAPrivateKey | None = None,
    signature_algorithm: str = ECDSA_SHA256,
    digest: hashes.HashAlgorithm | None = None,
) -> bytes:
    """Write a request and sign it, with P-256 and SHA-256 unless said otherwise."""
    signer = key or private_key()
    digest = digest or hashes.SHA256()
    attributes = [sequence(oid(_EXTENSION_REQUEST), tlv(0x31, sequence(*extensions)))] if extensions else []
    public_key = signer.public_key().public_bytes(Encoding.DER, PublicFormat.SubjectPublicKeyInfo)
    info = sequence(integer(version), subject, public_key, tlv(0xA0, *attributes))
    if isinstance(signer, rsa.RSAPrivateKey):
        signature = signer.sign(info, padding.PKCS1v15(), digest)
    else:
        assert isinstance(signer, ec.EllipticCurvePrivateKey)
        signature = signer.sign(info, ec.ECDSA(digest))
    return sequence(info, sequence(oid(signature_algorithm)), tlv(0x03, b"\0", signature))


def request_pem(
    *,
    version: int = 0,
    subject: bytes = common_name(b"worker.example"),
    extensions: Sequence[bytes] = (),
) -> bytes:
    """Write a request as :func:`request_der` does, in PEM form."""
    return armour(request_der(version=version, subject=subject, extensions=extensions))


def armour(der: bytes, label: bytes = b"CERTIFICATE REQUEST") -> bytes:
    """Write PEM, whatever the bytes are."""
    return b"-----BEGIN %b-----\n%b-----END %b-----\n" % (label, base64.encodebytes(der), label)
