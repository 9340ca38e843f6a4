"""The operator's own certificates: PEM files that somebody else keeps, for the CA and for the doors.

Reads them, and says in one line what is wrong with them; a file that is being written looks damaged for a moment. Knows
nothing of the state directory.
"""

from __future__ import annotations

import os
import stat
from datetime import datetime
from itertools import pairwise
from pathlib import Path

from cryptography import x509
from cryptography.x509.oid import ExtendedKeyUsageOID

from pkid.ca.chain import is_authority, is_issued_by
from pkid.ca.issuer import Issuer
from pkid.ca.keys import check_key
from pkid.ca.pem import WrongPassphrase, read_certificates, read_key
from pkid.errors import Refused, StateError, Unusable, about
from pkid.files import read_regular
from pkid.settings.certificates import PairFiles
from pkid.state import KeyPair
from pkid.tls import server_context

__all__ = ["Stamp", "load_host", "load_issuer", "load_keystore", "load_trusted", "others_can_read", "stamp"]

Stamp = tuple[object, ...]
"""What changes when a file is replaced or written to."""

_KEYS = "use RSA of 2048 to 8192 bits, P-256, P-384 or Ed25519"


def stamp(files: PairFiles) -> Stamp:
    """Return what tells whether the files are still those that were read; a file that is not there has a stamp too."""
    return tuple(_stamp(path) for path in (files.certificate, files.key) if path is not None)


def load_issuer(files: PairFiles, now: datetime) -> Issuer:
    """Read a CA: the certificate, its issuers' up to the root, and the key.

    :param now: aware UTC.
    :raises StateError: when it cannot be read, or cannot issue.
    """
    pair = _read(files, "give its passphrase by --ca-cert-key-pass-file")
    issuer = Issuer(pair.certificate, pair.key, pair.issuers)
    with about(files.certificate or ""):
        issuer.check(now)
    return issuer


def load_host(files: PairFiles, now: datetime) -> KeyPair:
    """Read a certificate for the doors, with those of its issuers that stand in the file, and the key.

    :param now: aware UTC.
    :raises StateError: when it cannot be read, or no client would take it.
    """
    return _load_shown(files, now, "give its passphrase by --cert-key-pass-file")


def load_keystore(files: PairFiles, now: datetime) -> KeyPair:
    """Read a certificate for the Rembus doors in the same way; its key is not encrypted.

    :param now: aware UTC.
    :raises StateError: when it cannot be read, or no client would take it.
    """
    return _load_shown(files, now, "decrypt it, or take REMBUS_KEYSTORE out of the environment")


def load_trusted(path: Path, now: datetime) -> tuple[x509.Certificate, ...]:
    """Read certificates of authorities that are to be trusted.

    :param now: aware UTC.
    :raises StateError: when there is none that is valid, or a private key is among them.
    """
    content = read_regular(path)
    if b"PRIVATE KEY-----" in content:
        raise StateError(path, "holds a private key", "name it by --ca-cert-key too, to issue with it, or take it out")
    with about(path):
        found = read_certificates(content)
    usable = tuple(each for each in found if is_authority(each) and _is_valid(each, now))
    if not usable:
        raise StateError(path, "holds no valid certificate of a certificate authority", "give one to trust")
    return usable


def others_can_read(path: Path) -> bool:
    """Tell whether every user of the machine can read a file."""
    try:
        return bool(path.stat().st_mode & stat.S_IROTH)
    except OSError:
        return False


def _stamp(path: Path) -> Stamp:
    try:
        found = os.stat(path)
    except OSError as error:
        return (error.errno,)
    return found.st_dev, found.st_ino, found.st_size, found.st_ctime_ns  # which no tool can set back


def _load_shown(files: PairFiles, now: datetime, remedy: str) -> KeyPair:
    pair = _read(files, remedy)
    with about(files.certificate or ""):
        _check_host(pair, now)
        server_context(pair, ())
    return pair


def _read(files: PairFiles, remedy: str) -> KeyPair:
    """Read both files; the first certificate must be the key's.

    :param remedy: what to do when the key is encrypted with something else.
    """
    assert files.certificate is not None and files.key is not None, "settled by the settings"
    with about(files.certificate):
        certificate, *issuers = read_certificates(read_regular(files.certificate))
    with about(files.key):
        try:
            key = read_key(read_regular(files.key), files.passphrase)
        except WrongPassphrase as error:
            raise Unusable(error.problem, remedy) from None
    pair = KeyPair(key, certificate, tuple(issuers))
    if not pair.belongs_together():
        raise StateError(
            files.certificate,
            f"begins with a certificate that does not belong to the key in {files.key}",
            "put the key's own certificate first, and its issuers after it, or give its key",
        )
    return pair


def _check_host(pair: KeyPair, now: datetime) -> None:
    certificate = pair.certificate
    start, end = certificate.not_valid_before_utc, certificate.not_valid_after_utc
    try:
        check_key(certificate.public_key())
    except Refused as error:
        raise Unusable(f"holds a key that TLS clients refuse ({error.subject})", _KEYS) from None
    if now < start:
        raise Unusable(f"holds a certificate that is valid only from {start:%Y-%m-%d %H:%M} UTC", "check the clock")
    if now >= end:
        raise Unusable(f"holds a certificate that was valid until {end:%Y-%m-%d %H:%M} UTC", "put a new one in place")
    if not _is_for_servers(certificate):
        raise Unusable("holds a certificate that is not for TLS servers", "get one with the usage serverAuth")
    for below, above in pairwise((certificate, *pair.issuers)):
        if not is_issued_by(below, above):
            name = above.subject.rfc4514_string()
            raise Unusable(
                f"has {name!r} where the issuer should follow", "order its certificates, each before its issuer"
            )


def _is_for_servers(certificate: x509.Certificate) -> bool:
    try:
        usages = certificate.extensions.get_extension_for_class(x509.ExtendedKeyUsage).value
    except x509.ExtensionNotFound:
        return True
    return any(each in usages for each in (ExtendedKeyUsageOID.SERVER_AUTH, ExtendedKeyUsageOID.ANY_EXTENDED_KEY_USAGE))


def _is_valid(certificate: x509.Certificate, now: datetime) -> bool:
    return certificate.not_valid_before_utc <= now < certificate.not_valid_after_utc
