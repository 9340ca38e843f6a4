"""The pre-shared key, the CA and the core's own certificate, as they are stored."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from datetime import datetime, timedelta

from cryptography import x509
from cryptography.exceptions import UnsupportedAlgorithm

from pkid.auth.psk import weakness
from pkid.ca.keys import PrivateKey, key_bytes
from pkid.ca.names import Names
from pkid.ca.pem import is_encrypted, read_certificates, read_key
from pkid.ca.trust import TrustError, is_issued_by, names_of
from pkid.errors import Unusable
from pkid.shell.doctor.finding import Finding, ok, problem, warning

__all__ = ["Pair", "check_authority", "check_host", "check_own", "check_published", "check_secret", "read_pair"]

_RESTORE = "restore it from a backup"
_SOON = timedelta(days=90)
_OWN_SOON = timedelta(days=14)


@dataclass(frozen=True, slots=True)
class Pair:
    """What a file with a key and certificates holds.

    :ivar key: ``None`` when it is encrypted.
    :ivar chain: the certificate for the key, and the ones behind it.
    """

    key: PrivateKey | None = field(repr=False)
    chain: tuple[x509.Certificate, ...]

    @property
    def certificate(self) -> x509.Certificate:
        """The certificate for the key."""
        return self.chain[0]


def read_pair(content: bytes) -> Pair | None:
    """Read a file with a key and certificates; ``None`` if it holds none."""
    try:
        return Pair(None if is_encrypted(content) else read_key(content), tuple(read_certificates(content)))
    except Unusable:
        return None


def check_secret(content: bytes) -> Finding:
    """Check the stored pre-shared key."""
    try:
        secret = content.decode("utf-8").removesuffix("\n")
    except UnicodeDecodeError:
        secret = ""
    if not secret or not secret.isprintable():
        return problem("the stored pre-shared key is damaged: it is no line of text", _RESTORE)
    weak = weakness(secret)
    if weak:
        remedy = "remove it to have another one made, and give that to the components"
        return problem(f"the stored pre-shared key is easy to guess: {weak}", remedy)
    return ok("the stored pre-shared key is hard to guess")


def check_authority(pair: Pair | None, now: datetime) -> Iterator[Finding]:
    """Check the stored CA."""
    if pair is None:
        yield problem("ca.pem is damaged: it holds no key and certificate", _RESTORE)
        return
    if pair.key is None:
        yield ok("the CA's key is encrypted, so whether it fits its certificate is for the core to see")
    elif not _fits(pair):
        yield problem("ca.pem holds a key and a certificate that do not belong together", _RESTORE)
    else:
        yield ok("the CA's key fits its certificate, and is not encrypted", "pkid ca passphrase encrypts it")
    for certificate in pair.chain:
        remedy = "plan a new CA: certificates never outlive it"
        yield _validity("the CA certificate", certificate, now, _SOON, remedy, "restore a valid CA, or make a new one")


def check_published(
    stored: Pair | None, published: Sequence[x509.Certificate], anchor: x509.Certificate | None = None
) -> Finding:
    """Check the copy of the CA certificate that is for everybody.

    :param anchor: the root of the CA that issues, if the ledger knows it; it need not be the stored one.
    """
    if not published:
        return warning("ca.crt holds no certificate", "the core's next start writes it anew")
    if anchor is not None:
        if published[0] != anchor:
            return warning("ca.crt is not the root of the CA that issued last", "the core's next start writes it anew")
    elif stored is not None and published[0] not in stored.chain:
        return warning(
            "ca.crt is not the certificate of the CA in ca.pem", "with no --ca-cert, the next start mends it"
        )
    return ok("ca.crt can be given to those who are to trust the core")


def check_host(
    pair: Pair | None, authorities: Sequence[x509.Certificate], now: datetime, running: bool
) -> Iterator[Finding]:
    """Check the core's own certificate.

    :param authorities: the CA's chain, if it is known.
    :param running: whether a core runs that should have renewed it.
    """
    if pair is None or pair.key is None:
        yield problem("host.pem is damaged: it holds no key and certificate", "remove it: the next start makes another")
        return
    again = "the core's next start makes another"
    if not _fits(pair):
        yield problem("host.pem holds a key and a certificate that do not belong together", "remove it: " + again)
    if authorities and not any(is_issued_by(pair.certificate, each) for each in authorities):
        yield warning("the core's own certificate is not from the CA in ca.crt", again)
    if now >= pair.certificate.not_valid_after_utc and not running:
        yield warning("the core's own certificate has expired", again)
    else:
        remedy = "see the core's log: it should renew it by itself"
        yield _validity("the core's own certificate", pair.certificate, now, timedelta(0), remedy, remedy)
    yield _check_names(pair.certificate)


def check_own(certificate: x509.Certificate, now: datetime) -> Iterator[Finding]:
    """Check a certificate that the operator gave the core for its doors."""
    remedy = "write a new one into the file of --cert"
    yield _validity("the operator's own certificate", certificate, now, _OWN_SOON, remedy, remedy)
    try:
        names = names_of(certificate)
    except TrustError:
        names = Names()
    yield ok(f"its names are {', '.join([*names.dns, *map(str, names.ip)])}", "its CA is for the clients' --ca-cert")


def _check_names(certificate: x509.Certificate) -> Finding:
    try:
        names = names_of(certificate)
    except TrustError:
        return problem("the names in the core's own certificate cannot be read", "remove host.pem and start the core")
    if "localhost" not in names.dns:
        return warning("the core's own certificate does not name localhost", "start the core anew")
    return ok(f"the core can be called {', '.join([*names.dns, *map(str, names.ip)])}")


def _validity(
    what: str, certificate: x509.Certificate, now: datetime, soon: timedelta, early: str, late: str
) -> Finding:
    start, end = certificate.not_valid_before_utc, certificate.not_valid_after_utc
    if now < start:
        return problem(f"{what} is valid only from {start:%Y-%m-%d %H:%M} UTC", "set this machine's clock")
    if now >= end:
        return problem(f"{what} was valid until {end:%Y-%m-%d %H:%M} UTC", late)
    if end - now < soon:
        return warning(f"{what} is valid only until {end:%Y-%m-%d}", early)
    return ok(f"{what} is valid until {end:%Y-%m-%d}")


def _fits(pair: Pair) -> bool:
    try:
        public = key_bytes(pair.certificate.public_key())  # type: ignore[arg-type]
    except (ValueError, UnsupportedAlgorithm):
        return False
    return pair.key is not None and public == key_bytes(pair.key.public_key())
