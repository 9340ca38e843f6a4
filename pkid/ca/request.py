"""Certificate requests (PKCS#10, RFC 2986) as they arrive, read but not yet judged."""

from __future__ import annotations

from dataclasses import dataclass
from hashlib import sha256

from cryptography import x509
from cryptography.exceptions import UnsupportedAlgorithm
from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.serialization import Encoding
from cryptography.x509.oid import NameOID

from pkid.ca.keys import check_key, key_bytes
from pkid.ca.plain_request import PlainRequest, read_plain
from pkid.errors import Malformed, Reason, Refused

__all__ = ["CertificateRequest", "read_request"]

_ACCEPTED_DIGESTS = (hashes.SHA256, hashes.SHA384, hashes.SHA512)
_UNREADABLE = (
    ValueError,
    TypeError,
    UnsupportedAlgorithm,
    x509.DuplicateExtension,
    x509.InvalidVersion,
    x509.UnsupportedGeneralNameType,
)
_LABELS = (b"-----BEGIN CERTIFICATE REQUEST-----", b"-----BEGIN NEW CERTIFICATE REQUEST-----")


@dataclass(frozen=True, slots=True)
class CertificateRequest:
    """What a request asks for; its signature is verified and its key is acceptable, its names are unchecked.

    :ivar key_info: its public key, a ``SubjectPublicKeyInfo`` in DER.
    """

    key_info: bytes
    common_names: tuple[str, ...]
    alternative_names: tuple[x509.GeneralName, ...]
    wants_ca: bool
    sha256: bytes
    """SHA-256 of the DER form, 32 bytes."""


def read_request(body: bytes) -> CertificateRequest:
    """Read the first PEM request in a body, with or without text around it.

    :raises Malformed: when there is none (``not-pem``), or it cannot be parsed (``bad-request``).
    :raises Refused: when its key is too weak, or its own signature is weak or wrong.
    """
    plain = read_plain(body)
    return _read_any(body) if plain is None else _of_plain(plain)


def _of_plain(plain: PlainRequest) -> CertificateRequest:
    return CertificateRequest(
        key_info=plain.key_info,
        common_names=() if plain.common_name is None else (plain.common_name,),
        alternative_names=plain.alternative_names,
        wants_ca=False,
        sha256=sha256(plain.der).digest(),
    )


def _read_any(body: bytes) -> CertificateRequest:
    if not any(label in body for label in _LABELS):
        raise Malformed(Reason.NOT_PEM)
    try:
        return _read(x509.load_pem_x509_csr(body))
    except _UNREADABLE as error:
        raise Malformed(Reason.BAD_REQUEST, _one_line(error)) from None


def _read(csr: x509.CertificateSigningRequest) -> CertificateRequest:
    public_key = check_key(csr.public_key())
    _check_signature(csr)
    return CertificateRequest(
        key_info=key_bytes(public_key),
        common_names=tuple(
            value if isinstance(value, str) else value.decode("utf-8")
            for value in (attribute.value for attribute in csr.subject.get_attributes_for_oid(NameOID.COMMON_NAME))
        ),
        alternative_names=_alternative_names(csr),
        wants_ca=_wants_ca(csr),
        sha256=sha256(csr.public_bytes(Encoding.DER)).digest(),
    )


def _check_signature(csr: x509.CertificateSigningRequest) -> None:
    """Refuse a request that does not prove possession of its key."""
    digest = csr.signature_hash_algorithm  # None for Ed25519, which brings its own
    if digest is not None and not isinstance(digest, _ACCEPTED_DIGESTS):
        raise Refused(Reason.WEAK_DIGEST, digest.name)
    if not csr.is_signature_valid:
        raise Refused(Reason.BAD_SIGNATURE)


def _alternative_names(csr: x509.CertificateSigningRequest) -> tuple[x509.GeneralName, ...]:
    try:
        return tuple(csr.extensions.get_extension_for_class(x509.SubjectAlternativeName).value)
    except x509.ExtensionNotFound:
        return ()


def _wants_ca(csr: x509.CertificateSigningRequest) -> bool:
    try:
        return csr.extensions.get_extension_for_class(x509.BasicConstraints).value.ca
    except x509.ExtensionNotFound:
        return False


def _one_line(error: Exception) -> str:
    """Shorten a parser's message so that it can stand in an answer and in one log line."""
    text = " ".join(str(error).split())
    return "".join(character for character in text if character.isprintable())[:120]
