"""Private keys and certificates as text (RFC 7468, and the older encrypted form of OpenSSL); one text may hold several.

Knows the forms; must not know where the text stood.
"""

from __future__ import annotations

import re
from collections.abc import Iterable

from cryptography import x509
from cryptography.exceptions import UnsupportedAlgorithm
from cryptography.hazmat.primitives.serialization import (
    BestAvailableEncryption,
    Encoding,
    KeySerializationEncryption,
    NoEncryption,
    PrivateFormat,
    load_pem_private_key,
)

from pkid.ca.keys import PrivateKey
from pkid.errors import Unusable

__all__ = [
    "LONGEST_PASSPHRASE",
    "WrongPassphrase",
    "is_encrypted",
    "read_certificates",
    "read_key",
    "replace_key",
    "write_certificates",
    "write_key",
]

LONGEST_PASSPHRASE = 1023
"""Bytes of UTF-8, which is what OpenSSL reads."""

_NONE = ("holds no PEM private key", "give the file that holds it")
_KEY = re.compile(rb"-----BEGIN ((?:[A-Z]+ )*PRIVATE KEY)-----.*?-----END \1-----[ \t]*(?:\r?\n)?", re.DOTALL)


class WrongPassphrase(Unusable):
    """The key is encrypted, and the passphrase is missing or another."""


def read_key(content: bytes, passphrase: str | None = None) -> PrivateKey:
    """Read the first private key in a text: PKCS #1, SEC 1 or PKCS #8, plain or encrypted.

    :param passphrase: needed if the key is encrypted, and not used otherwise.
    :raises WrongPassphrase: when it is needed, and missing or wrong.
    :raises Unusable: when there is no key that pkid knows.
    """
    key: object
    try:
        key = load_pem_private_key(content, None)
    except TypeError:
        key = _decrypt(content, passphrase)
    except (ValueError, UnsupportedAlgorithm):
        raise Unusable(*_NONE) from None
    if not isinstance(key, PrivateKey):
        raise Unusable("holds a key of a kind that pkid does not use", "use RSA, P-256, P-384 or Ed25519")
    return key


def is_encrypted(content: bytes) -> bool:
    """Tell whether the first private key in a text is encrypted."""
    try:
        load_pem_private_key(content, None)
    except TypeError:
        return True
    except (ValueError, UnsupportedAlgorithm):
        return False
    return False


def write_key(key: PrivateKey, passphrase: str | None = None) -> bytes:
    """Write a private key as PKCS #8, encrypted if there is a passphrase.

    :raises ValueError: when the passphrase is empty, or longer than :data:`LONGEST_PASSPHRASE`.
    """
    encryption: KeySerializationEncryption = NoEncryption()
    if passphrase is not None:
        encryption = BestAvailableEncryption(passphrase.encode("utf-8"))
    return key.private_bytes(Encoding.PEM, PrivateFormat.PKCS8, encryption)


def replace_key(content: bytes, key: bytes) -> bytes:
    """Put another private key (PEM) in the place of the one in a text, and leave everything else as it is.

    :raises Unusable: when there is none, or more than one.
    """
    match list(_KEY.finditer(content)):
        case [found]:
            return content[: found.start()] + key + content[found.end() :]
        case []:
            raise Unusable(*_NONE)
    raise Unusable("holds several private keys", "leave only one in it")


def read_certificates(content: bytes) -> tuple[x509.Certificate, ...]:
    """Read all certificates in a text, at least one.

    :raises Unusable: when there is none, or one cannot be read.
    """
    try:
        certificates = tuple(x509.load_pem_x509_certificates(content))
        for certificate in certificates:
            certificate.public_key(), certificate.extensions  # each is read when it is asked for
    except (ValueError, UnsupportedAlgorithm, x509.InvalidVersion, x509.DuplicateExtension) as error:
        problem = "holds a certificate that cannot be read" if b"BEGIN CERTIFICATE" in content else ""
        raise Unusable(problem or "holds no PEM certificate", "give a file that begins with one") from error
    return certificates


def write_certificates(certificates: Iterable[x509.Certificate]) -> bytes:
    """Write certificates, one after another."""
    return b"".join(each.public_bytes(Encoding.PEM) for each in certificates)


def _decrypt(content: bytes, passphrase: str | None) -> object:
    if not passphrase:
        raise WrongPassphrase("holds an encrypted key", "give its passphrase")
    try:
        return load_pem_private_key(content, passphrase.encode("utf-8", "surrogateescape"))
    except (ValueError, TypeError, UnsupportedAlgorithm) as error:
        if "cipher" in str(error) or isinstance(error, UnsupportedAlgorithm):
            remedy = "write it anew with: openssl pkcs8 -topk8"
            raise Unusable("is encrypted in a way that pkid does not read", remedy) from None
        raise WrongPassphrase("cannot be decrypted", "give the passphrase that it was written with") from None
