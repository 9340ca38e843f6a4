"""What makes a certificate the authority's, or the one that was asked for."""

from __future__ import annotations

from dataclasses import replace
from datetime import datetime, timedelta
from typing import Any

from cryptography import x509
from cryptography.hazmat.primitives.hashes import SHA256

from pkid.ca.issuer import Issuer, make_root
from pkid.ca.keys import KeyType
from pkid.ca.names import Names
from pkid.ca.request import read_request
from pkid.ca.trust import (
    UnfitAuthority,
    UnfitCertificate,
    check_authority,
    check_certificate,
    fingerprint,
    names_of,
    same_fingerprint,
)
from tests.certificates import NOON, SERIAL, authority, csr_pem, private_key, profile, root
from tests.support import Case

DNS, IP, URI = ("db.example", "*.db.example"), ("192.0.2.7", "2001:db8::7"), ("spiffe://pkid.internal/db",)
SECOND = timedelta(seconds=1)


def leaf(issuer: Issuer | None = None, key: Any = None, now: datetime = NOON, **names: Any) -> x509.Certificate:
    """Return a certificate for these names, or for some of each kind."""
    issuer = issuer or root()
    body = csr_pem(key, **(names or {"dns": DNS, "ip": IP, "uri": URI}))
    return issuer.sign(profile(issuer_key=issuer.key.public_key()).check(read_request(body)), now, SERIAL)


class SameFingerprintTests(Case):
    def test_only_the_same_letters_are_the_same(self) -> None:
        one = fingerprint(b"one")
        self.assertTrue(same_fingerprint(one, fingerprint(b"one")))
        for other in (fingerprint(b"other"), one.lower(), one[:-1], "", "\ud800"):
            self.assertFalse(same_fingerprint(one, other))
            self.assertFalse(same_fingerprint(other, one))


class NamesTests(Case):
    def test_are_read_by_kind(self) -> None:
        names = names_of(leaf())
        self.assertEqual((names.dns, tuple(map(str, names.ip)), names.uri), (DNS, IP, URI))

    def test_dns_names_are_in_lower_case(self) -> None:
        self.assertEqual(names_of(handmade([x509.DNSName("A.Example")])), Names(dns=("a.example",)))

    def test_a_certificate_may_have_none(self) -> None:
        self.assertEqual(names_of(root().certificate), Names())

    def test_names_of_another_kind_are_nobodys_wish(self) -> None:
        self.assertRaises(UnfitCertificate, names_of, handmade([x509.DNSName("a.example"), x509.RFC822Name("a@b.c")]))


class AuthorityTests(Case):
    def test_a_root_is_one_while_it_is_valid(self) -> None:
        certificate = root().certificate
        start, end = certificate.not_valid_before_utc, certificate.not_valid_after_utc
        for now in (start, NOON, end - SECOND):
            check_authority(certificate, now)
        with self.assertRaisesRegex(UnfitAuthority, "valid only from .* check the clocks"):
            check_authority(certificate, start - SECOND)
        with self.assertRaisesRegex(UnfitAuthority, "was valid until"):
            check_authority(certificate, end)

    def test_a_leaf_is_none(self) -> None:
        with self.assertRaisesRegex(UnfitAuthority, "not a certificate authority's"):
            check_authority(leaf(), NOON)


class CertificateTests(Case):
    def setUp(self) -> None:
        self.certificate = leaf()

    def check(self, certificate: x509.Certificate | None = None, **changes: Any) -> None:
        arguments: dict[str, Any] = {
            "certificate": certificate or self.certificate,
            "public_key": private_key().public_key(),
            "names": names_of(self.certificate),
            "authority": root().certificate,
            "now": NOON,
        }
        check_certificate(**arguments | changes)

    def refused(self, why: str, certificate: x509.Certificate | None = None, **changes: Any) -> None:
        with self.assertRaisesRegex(UnfitCertificate, why):
            self.check(certificate, **changes)

    def test_what_was_asked_for_is_accepted(self) -> None:
        self.check()

    def test_every_kind_of_authority_and_key_is_accepted(self) -> None:
        for kind in (KeyType.P256, KeyType.P384, KeyType.RSA2048, KeyType.ED25519):
            for key in (private_key(), private_key(KeyType.ED25519), private_key(KeyType.RSA2048)):
                self.check(leaf(root(kind), key), authority=root(kind).certificate, public_key=key.public_key())

    def test_another_key_is_not(self) -> None:
        self.refused("another key", public_key=private_key(owner="other").public_key())

    def test_names_are_those_asked_for_in_any_order(self) -> None:
        names = names_of(self.certificate)
        self.check(names=Names(names.dns[::-1], names.ip[::-1], names.uri))
        self.refused(r"lacks names .*\(web.example\)", names=replace(names, dns=(*names.dns, "web.example")))
        for fewer in (replace(names, dns=names.dns[:1]), replace(names, ip=names.ip[1:]), replace(names, uri=())):
            self.refused("nobody asked for", names=fewer)

    def test_it_must_be_valid_now(self) -> None:
        start, end = self.certificate.not_valid_before_utc, self.certificate.not_valid_after_utc
        self.check(now=start)
        self.check(now=end - SECOND)
        self.refused("valid only from", now=start - SECOND)
        self.refused("was valid until", now=end)

    def test_another_authority_of_the_same_name_is_not_trusted(self) -> None:
        for kind in (KeyType.P256, KeyType.ED25519):
            impostor = make_root(private_key(kind, "impostor"), NOON - timedelta(days=365), SERIAL)
            self.assertEqual(impostor.certificate.subject, root(kind).certificate.subject)
            self.refused("trusted CA", leaf(impostor), authority=root(kind).certificate)

    def test_an_authority_that_came_along_is_not_trusted(self) -> None:
        impostor = make_root(private_key(owner="impostor"), NOON - timedelta(days=365), SERIAL)
        self.refused("trusted CA", leaf(impostor), intermediates=[impostor.certificate])

    def test_an_intermediate_may_stand_between(self) -> None:
        for kind in (KeyType.P256, KeyType.RSA2048, KeyType.ED25519):
            upper = authority("CN=upper", kind=kind)
            intermediate = authority("CN=intermediate", upper, kind=kind)
            below = leaf(intermediate)
            self.check(below, authority=upper.certificate, intermediates=[intermediate.certificate])
            self.check(below, authority=intermediate.certificate)
            self.refused("trusted CA", below, authority=upper.certificate)


def handmade(names: list[x509.GeneralName]) -> x509.Certificate:
    """Return a certificate with whatever names, signed by its own key."""
    key: Any = private_key()
    subject = x509.Name([])
    extension = x509.SubjectAlternativeName(names)
    return builder(subject, subject, key.public_key()).add_extension(extension, critical=True).sign(key, SHA256())


def builder(subject: x509.Name, issuer: x509.Name, key: Any) -> x509.CertificateBuilder:
    """Begin a certificate that is valid around :data:`NOON`."""
    return (
        x509.CertificateBuilder()
        .subject_name(subject)
        .issuer_name(issuer)
        .public_key(key)
        .serial_number(SERIAL)
        .not_valid_before(NOON - timedelta(days=30))
        .not_valid_after(NOON + timedelta(days=3000))
    )
