"""Certificates and private keys in PEM files, for scripts."""

from __future__ import annotations

from collections.abc import Iterable
from os import PathLike
from pathlib import Path

from cryptography import x509

from pkid.ca.keys import PrivateKey
from pkid.ca.pem import read_certificates, read_key, write_certificates, write_key
from pkid.errors import StateError, about
from pkid.files import PRIVATE, PUBLIC, write_atomically

__all__ = ["load_cert_from_file", "load_key_from_file", "write_cert_to_file", "write_key_to_file"]


def write_cert_to_file(
    cert: x509.Certificate, cert_path: str | PathLike[str], intermediates: Iterable[x509.Certificate] = ()
) -> None:
    """Write a certificate as PEM, readable by everybody; the file has the old content or the new, never a part.

    :param intermediates: what leads from it to the root; they stand after it, as servers want them.
    :raises StateError: when it cannot be written.
    """
    _write(Path(cert_path), write_certificates((cert, *intermediates)), PUBLIC)


def write_key_to_file(key: PrivateKey, key_path: str | PathLike[str], passphrase: str | None = None) -> None:
    """Write a private key as PEM (PKCS #8), readable by its owner only, and encrypted if there is a passphrase.

    :raises StateError: when it cannot be written.
    :raises ValueError: when the passphrase is empty.
    """
    _write(Path(key_path), write_key(key, passphrase), PRIVATE)


def load_cert_from_file(cert_path: str | PathLike[str]) -> x509.Certificate:
    """Read the first certificate in a PEM file.

    :raises StateError: when it cannot be read, or holds none.
    """
    path = Path(cert_path)
    with about(path):
        return read_certificates(_read(path))[0]


def load_key_from_file(key_path: str | PathLike[str], passphrase: str | None = None) -> PrivateKey:
    """Read the private key in a PEM file.

    :param passphrase: needed if the key is encrypted, and not used otherwise.
    :raises StateError: when it cannot be read, holds no key that pkid knows, or the passphrase is missing or wrong.
    """
    path = Path(key_path)
    with about(path):
        return read_key(_read(path), passphrase)


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
