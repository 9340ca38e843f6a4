"""The issuer: a CA certificate and its key, which sign what was approved (RFC 5280)."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from functools import lru_cache
from typing import Protocol, TypeVar

from cryptography import x509
from cryptography.x509.oid import NameOID

from pkid.ca.chain import check_issuers
from pkid.ca.keys import PrivateKey, check_key, digest_for, key_bytes, signature_algorithm, signer, signs_slowly
from pkid.ca.leaf import Leaf, LeafForm, Validity, key_usage
from pkid.ca.profile import Approved
from pkid.errors import Reason, Refused, Unavailable, Unusable

__all__ = ["ROOT_LIFETIME", "Issuer", "Spread", "make_root"]

T = TypeVar("T")
R = TypeVar("R")

ROOT_LIFETIME = timedelta(days=3650)
"""How long a root that the core makes for itself is valid."""

_KEYS = "use RSA of 2048 to 8192 bits, P-256, P-384 or Ed25519"
_BACKDATE = timedelta(minutes=1)
"""A component's clock may be a little behind the core's."""


class Spread(Protocol):
    """Does work on several things at once."""

    def __call__(self, work: Callable[[T], R], things: Sequence[T], /) -> Iterable[R]:
        """Do *work* on each, and return what came of it in their order, as :func:`map` does."""


@dataclass(frozen=True, slots=True)
class Issuer:
    """Signs what was approved, with its key, under its name."""

    certificate: x509.Certificate
    key: PrivateKey
    issuers: tuple[x509.Certificate, ...] = ()
    """Who signed the certificate, who signed that one, and so on up to the root; empty for a root."""
    _common: _Common = field(init=False, repr=False, compare=False)

    def __post_init__(self) -> None:
        object.__setattr__(self, "_common", _Common.of(self))

    @property
    def chain(self) -> tuple[x509.Certificate, ...]:
        """Its certificate and all above it, the root last."""
        return (self.certificate, *self.issuers)

    @property
    def anchor(self) -> x509.Certificate:
        """The root, which is what everybody is to trust."""
        return self.chain[-1]

    @property
    def intermediates(self) -> tuple[x509.Certificate, ...]:
        """What stands between a leaf and the root, and travels with the leaf."""
        return self.chain[:-1]

    @property
    def signs_slowly(self) -> bool:
        """Whether it pays to sign several contents at once."""
        return self._common.signs_slowly

    def check(self, now: datetime) -> None:
        """Check that this issuer can issue.

        :param now: aware UTC.
        :raises Unusable: otherwise.
        """
        public_key = self.key.public_key()
        if key_bytes(public_key) != key_bytes(self.certificate.public_key()):  # type: ignore[arg-type]
            raise Unusable("holds a certificate and a key that do not belong together", "give the two that do")
        try:
            check_key(public_key)
        except Refused as error:
            raise Unusable(f"holds a key that does not sign here ({error.subject})", _KEYS) from None
        check_issuers(self.chain, now)

    def oddities(self) -> list[str]:
        """Say what some clients may stumble over: sentences, which may be none."""
        name = repr(self.certificate.subject.rfc4514_string())
        found = []
        if any(_lacks(each, x509.SubjectKeyIdentifier) for each in self.chain):
            found.append("a CA certificate has no subject key identifier; strict clients (Python 3.13) refuse it")
        if not self.certificate.subject.get_attributes_for_oid(NameOID.COMMON_NAME):
            found.append(f"the CA's name, {name}, has no common name; people will see it in few places")
        if not all(_lacks(each, x509.NameConstraints) for each in self.chain):
            found.append("the CA has name constraints; pkid signs other names too, and clients refuse those")
        return found

    def issue(self, numbered: Sequence[tuple[Approved, int]], now: datetime, spread: Spread = map) -> list[Leaf]:
        """Sign approved contents, each under its serial number: a random positive one of at least 128 bits.

        They are backdated by a minute, and end at the latest with the first of those above them.

        :param now: aware UTC.
        :param spread: makes the signatures, if the key takes long for one.
        :raises Unavailable: when the issuer itself is not valid now.
        """
        common = self._common
        if not common.start <= now < common.end:
            raise Unavailable(Reason.EXPIRED_ISSUER)
        validities = [_validity(common.start, common.end, now, approved.lifetime) for approved, _ in numbered]
        contents = [
            common.form.content(approved, validity, serial)
            for (approved, serial), validity in zip(numbered, validities, strict=True)
        ]
        signatures = (spread if common.signs_slowly else map)(common.signer, contents)
        certificates = map(common.form.certificate, contents, signatures)
        serials = (serial for _, serial in numbered)
        return [Leaf(*leaf) for leaf in zip(certificates, serials, validities, strict=True)]

    def sign(self, approved: Approved, now: datetime, serial: int) -> x509.Certificate:
        """Do the same as :meth:`issue` with one, and read what came of it."""
        (leaf,) = self.issue([(approved, serial)], now)
        return x509.load_der_x509_certificate(leaf.certificate)


@dataclass(frozen=True, slots=True)
class _Common:
    """What all certificates of an issuer have in common, read from its own once.

    :ivar signer: signs with its key.
    :ivar start: when the last of its chain begins to be valid, and :ivar end: when the first of it ends.
    """

    form: LeafForm
    signer: Callable[[bytes], bytes]
    signs_slowly: bool
    start: datetime
    end: datetime

    @classmethod
    def of(cls, issuer: Issuer) -> _Common:
        return cls(
            LeafForm.of(signature_algorithm(issuer.key), issuer.certificate.subject, _authority_key(issuer)),
            signer(issuer.key),
            signs_slowly(issuer.key),
            max(each.not_valid_before_utc for each in issuer.chain),
            min(each.not_valid_after_utc for each in issuer.chain),
        )


@lru_cache(64)
def _validity(first: datetime, last: datetime, now: datetime, lifetime: timedelta) -> Validity:
    """Return the validity of all that is signed in this moment, within those above it."""
    whole_second = now.replace(microsecond=0)
    return Validity.of(max(whole_second - _BACKDATE, first), min(whole_second + lifetime, last))


def _authority_key(issuer: Issuer) -> x509.AuthorityKeyIdentifier:
    """Name the issuer's key as its certificate does; if that says nothing, by the key itself."""
    if _lacks(issuer.certificate, x509.SubjectKeyIdentifier):
        return x509.AuthorityKeyIdentifier.from_issuer_public_key(issuer.key.public_key())
    ski = issuer.certificate.extensions.get_extension_for_class(x509.SubjectKeyIdentifier).value
    return x509.AuthorityKeyIdentifier.from_issuer_subject_key_identifier(ski)


def make_root(key: PrivateKey, now: datetime, serial: int) -> Issuer:
    """Make a self-signed root for a key; it signs leaves only (path length 0).

    :param now: aware UTC; the root is backdated like a leaf.
    :param serial: a random positive number of at least 128 bits; its start makes the name unique.
    """
    public_key = key.public_key()
    name = x509.Name(
        [
            x509.NameAttribute(NameOID.ORGANIZATION_NAME, "pkid"),
            x509.NameAttribute(NameOID.COMMON_NAME, f"pkid CA {serial:040x}"[:24]),
        ]
    )
    start = now.replace(microsecond=0) - _BACKDATE
    certificate = (
        x509.CertificateBuilder()
        .subject_name(name)
        .issuer_name(name)
        .public_key(public_key)
        .serial_number(serial)
        .not_valid_before(start)
        .not_valid_after(start + ROOT_LIFETIME)
        .add_extension(x509.BasicConstraints(ca=True, path_length=0), critical=True)
        .add_extension(_CA_KEY_USAGE, critical=True)
        .add_extension(x509.SubjectKeyIdentifier.from_public_key(public_key), critical=False)
        .add_extension(x509.AuthorityKeyIdentifier.from_issuer_public_key(public_key), critical=False)
        .sign(key, digest_for(key))
    )
    return Issuer(certificate, key)


def _lacks(certificate: x509.Certificate, kind: type[x509.ExtensionType]) -> bool:
    return not any(isinstance(each.value, kind) for each in certificate.extensions)


_CA_KEY_USAGE = key_usage(signs=True)
