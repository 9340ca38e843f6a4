"""Certificates and private keys in PEM files, for scripts."""

from __future__ import annotations

from collections.abc import Iterable
from os import PathLike
from pathlib import Path

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
from pkid.errors import StateError
from pkid.files import PRIVATE, PUBLIC, write_atomically

__all__ = ["load_cert_from_file", "load_key_from_file", "write_cert_to_file", "write_key_to_file"]


def write_cert_to_file(
    cert: x509.Certificate, cert_path: str | PathLike[str], intermediates: Iterable[x509.Certificate] = ()
) -> None:
    """Write a certificate as PEM, readable by everybody; the file has the old content or the new, never a part.

    :param intermediates: what leads from it to the root; they stand after it, as servers want them.
    :raises StateError: when it cannot be written.
    """
    _write(Path(cert_path), b"".join(each.public_bytes(Encoding.PEM) for each in (cert, *intermediates)), PUBLIC)


def write_key_to_file(key: PrivateKey, key_path: str | PathLike[str], passphrase: str | None = None) -> None:
    """Write a private key as PEM (PKCS #8), readable by its owner only, and encrypted if there is a passphrase.

    :raises StateError: when it cannot be written.
    :raises ValueError: when the passphrase is empty.
    """
    encryption: KeySerializationEncryption = NoEncryption()
    if passphrase is not None:
        encryption = BestAvailableEncryption(passphrase.encode("utf-8"))
    _write(Path(key_path), key.private_bytes(Encoding.PEM, PrivateFormat.PKCS8, encryption), PRIVATE)


def load_cert_from_file(cert_path: str | PathLike[str]) -> x509.Certificate:
    """Read the first certificate in a PEM file.

    :raises StateError: when it cannot be read, or holds none.
    """
    path = Path(cert_path)
    try:
        return x509.load_pem_x509_certificate(_read(path))
    except ValueError:
        raise StateError(path, "holds no PEM certificate", "give a file that begins with one") from None


def load_key_from_file(key_path: str | PathLike[str], passphrase: str | None = None) -> PrivateKey:
    """Read the private key in a PEM file.

    :param passphrase: needed if the key is encrypted, and not used otherwise.
    :raises StateError: when it cannot be read, holds no key that pkid knows, or the passphrase is missing or wrong.
    """
    path = Path(key_path)
    content = _read(path)
    encrypted = b"ENCRYPTED" in content
    if encrypted and not passphrase:
        raise StateError(path, "holds an encrypted key", "give its passphrase")
    try:
        key = load_pem_private_key(content, passphrase.encode("utf-8") if passphrase and encrypted else None)
    except (ValueError, TypeError, UnsupportedAlgorithm):
        if encrypted:
            raise StateError(path, "cannot be decrypted", "give the passphrase that it was written with") from None
        raise StateError(path, "holds no PEM private key", "give the file that holds it") from None
    if not isinstance(key, PrivateKey):
        raise StateError(path, "holds a key of a kind that pkid does not use", "use RSA, P-256, P-384 or Ed25519")
    return key


def _write(path: Path, content: bytes, mode: int) -> None:
    try:
        write_atomically(path, content, mode)
    except OSError as error:
        raise StateError(path, f"cannot be written ({error.strerror})", "see that its directory takes it") from error


def _read(path: Path) -> bytes:
    try:
        return path.read_bytes()
    except OSError as error:
        raise StateError(path, f"cannot be read ({error.strerror})", "give the name of a readable file") from error
