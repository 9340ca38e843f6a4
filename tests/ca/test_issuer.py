"""The issuer: certificates as RFC 5280 wants them, from every kind of key to every kind of key."""

from __future__ import annotations

from datetime import datetime, timedelta
from itertools import product
from typing import Any, TypeVar

from cryptography import x509
from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.asymmetric import rsa
from cryptography.x509.oid import ExtendedKeyUsageOID, NameOID
from cryptography.x509.verification import PolicyBuilder, Store

from pkid.ca.issuer import ROOT_LIFETIME, Issuer, make_root
from pkid.ca.keys import KeyType, digest_for
from pkid.ca.request import read_request
from pkid.ca.trust import is_issued_by
from pkid.errors import Reason, Unavailable, Unusable
from tests.ca import der
from tests.certificates import NOON, SERIAL, authority, csr_pem, private_key, profile, root
from tests.support import Case

E = TypeVar("E", bound=x509.ExtensionType)

KINDS = (KeyType.P256, KeyType.P384, KeyType.RSA2048, KeyType.ED25519)
WEB_KINDS = KINDS[:3]  # those that browsers know, and cryptography's verification with them
SECOND, MINUTE, DAY = timedelta(seconds=1), timedelta(minutes=1), timedelta(days=1)


def issue(
    issuer: Issuer | None = None, now: datetime = NOON, lifetime: timedelta = 365 * DAY, **asked: Any
) -> x509.Certificate:
    """Issue what a request asks for."""
    approved = profile(lifetime=lifetime).check(read_request(csr_pem(**asked)))
    return (issuer or root()).sign(approved, now, SERIAL)


def extension(certificate: x509.Certificate, kind: type[E]) -> x509.Extension[E]:
    return certificate.extensions.get_extension_for_class(kind)


def usages(certificate: x509.Certificate) -> set[str]:
    usage = extension(certificate, x509.KeyUsage).value
    names = ("digital_signature", "content_commitment", "key_encipherment", "data_encipherment", "key_agreement")
    return {name for name in (*names, "key_cert_sign", "crl_sign") if getattr(usage, name)}


class LeafTests(Case):
    def test_the_subject_is_made_anew_and_the_rest_is_dropped(self) -> None:
        subject = x509.Name(
            [
                x509.NameAttribute(NameOID.ORGANIZATION_NAME, "Evil Corporation"),
                x509.NameAttribute(NameOID.COMMON_NAME, "worker"),
                x509.NameAttribute(NameOID.EMAIL_ADDRESS, "a@b.c"),
            ]
        )
        leaf = issue(subject=subject, dns=["a.b"])
        self.assertEqual(leaf.subject, x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, "worker")]))
        self.assertEqual(leaf.issuer, root().certificate.subject)

    def test_extensions_of_the_request_are_dropped(self) -> None:
        asked = [
            x509.KeyUsage(True, False, False, False, False, True, True, False, False),
            x509.ExtendedKeyUsage([ExtendedKeyUsageOID.CODE_SIGNING]),
            x509.TLSFeature([x509.TLSFeatureType.status_request]),
            x509.UnrecognizedExtension(x509.ObjectIdentifier("1.2.3.4"), b"\x05\x00"),
            x509.NameConstraints([x509.DNSName("b")], None),
        ]
        leaf = issue(dns=["a.b"], extensions=asked)
        self.assertEqual(
            [type(found.value) for found in leaf.extensions],
            [
                x509.KeyUsage, x509.ExtendedKeyUsage, x509.SubjectAlternativeName, x509.BasicConstraints,
                x509.SubjectKeyIdentifier, x509.AuthorityKeyIdentifier,
            ],
        )  # fmt: skip
        self.assertEqual(usages(leaf), {"digital_signature"})

    def test_is_for_servers_and_clients_and_no_authority(self) -> None:
        leaf = issue()
        constraints = extension(leaf, x509.BasicConstraints)
        self.assertTrue(constraints.critical)
        self.assertEqual(constraints.value, x509.BasicConstraints(False, None))
        usage = extension(leaf, x509.ExtendedKeyUsage)
        self.assertEqual(set(usage.value), {ExtendedKeyUsageOID.SERVER_AUTH, ExtendedKeyUsageOID.CLIENT_AUTH})
        self.assertTrue(extension(leaf, x509.KeyUsage).critical)

    def test_only_rsa_keys_encipher_keys(self) -> None:
        for kind in KINDS:
            expected = {"digital_signature"} | ({"key_encipherment"} if kind is KeyType.RSA2048 else set())
            self.assertEqual(usages(issue(key=private_key(kind))), expected)

    def test_names_stand_in_the_order_asked_for(self) -> None:
        leaf = issue(dns=["b.example", "a.example"], ip=["::1", "192.0.2.1"], uri=["spiffe://pkid.internal/db"])
        names = [str(name.value) for name in extension(leaf, x509.SubjectAlternativeName).value]
        self.assertEqual(names, ["b.example", "a.example", "::1", "192.0.2.1", "spiffe://pkid.internal/db"])

    def test_without_a_subject_the_names_are_critical(self) -> None:
        self.assertFalse(extension(issue(dns=["a.b"]), x509.SubjectAlternativeName).critical)
        nameless = issue(common_name=None, dns=["a.b"])
        self.assertEqual(nameless.subject, x509.Name([]))
        self.assertTrue(extension(nameless, x509.SubjectAlternativeName).critical)

    def test_the_key_identifiers_lead_from_leaf_to_root(self) -> None:
        leaf = issue()
        own = extension(leaf, x509.SubjectKeyIdentifier)
        self.assertEqual(own.value, x509.SubjectKeyIdentifier.from_public_key(private_key().public_key()))
        roots = extension(root().certificate, x509.SubjectKeyIdentifier)
        found = extension(leaf, x509.AuthorityKeyIdentifier)
        self.assertEqual(found.value.key_identifier, roots.value.digest)
        self.assertFalse(own.critical or found.critical)

    def test_the_serial_number_is_the_one_given_and_fits_in_20_bytes(self) -> None:
        leaf = issue()
        self.assertEqual(leaf.serial_number, SERIAL)
        self.assertEqual(leaf.version, x509.Version.v3)
        self.assertLessEqual(len(der.integer(SERIAL)) - 2, 20)

    def test_the_longest_common_name_can_be_signed(self) -> None:
        for name in ("é" * 32, "a" * 64, "日" * 21):
            leaf = issue(common_name=name, dns=["a.b"])
            self.assertEqual(leaf.subject.get_attributes_for_oid(NameOID.COMMON_NAME)[0].value, name)


class ValidityTests(Case):
    def life(self, certificate: x509.Certificate) -> tuple[timedelta, timedelta]:
        """Return start and end, counted from noon."""
        return certificate.not_valid_before_utc - NOON, certificate.not_valid_after_utc - NOON

    def test_starts_a_minute_ago_and_ends_after_its_lifetime(self) -> None:
        self.assertEqual(self.life(issue(lifetime=DAY)), (-MINUTE, DAY))
        self.assertEqual(self.life(issue(lifetime=5 * MINUTE)), (-MINUTE, 5 * MINUTE))

    def test_fractions_of_a_second_do_not_matter(self) -> None:
        late = NOON + timedelta(microseconds=999_999)
        self.assertEqual(self.life(issue(now=late, lifetime=DAY)), (-MINUTE, DAY))

    def test_never_outlives_its_issuer(self) -> None:
        end = root().certificate.not_valid_after_utc
        for left, lifetime, expected in ((DAY, DAY, DAY), (DAY, DAY + SECOND, DAY), (DAY + SECOND, DAY, DAY)):
            leaf = issue(now=end - left, lifetime=lifetime)
            self.assertEqual(leaf.not_valid_after_utc, end - left + expected)

    def test_never_starts_before_its_issuer(self) -> None:
        start = root().certificate.not_valid_before_utc
        for age, expected in ((timedelta(0), start), (MINUTE, start), (MINUTE + SECOND, start + SECOND)):
            self.assertEqual(issue(now=start + age).not_valid_before_utc, expected)

    def test_an_issuer_that_is_not_valid_signs_nothing(self) -> None:
        certificate = root().certificate
        issue(now=certificate.not_valid_before_utc)
        issue(now=certificate.not_valid_after_utc - SECOND)
        for now in (certificate.not_valid_before_utc - SECOND, certificate.not_valid_after_utc):
            with self.assertRaises(Unavailable) as caught:
                issue(now=now)
            self.assertIs(caught.exception.reason, Reason.EXPIRED_ISSUER)


class RootTests(Case):
    def test_is_an_authority_for_leaves_alone(self) -> None:
        certificate = root().certificate
        constraints = extension(certificate, x509.BasicConstraints)
        self.assertTrue(constraints.critical)
        self.assertEqual(constraints.value, x509.BasicConstraints(True, 0))
        self.assertEqual(usages(certificate), {"key_cert_sign", "crl_sign"})
        self.assertTrue(extension(certificate, x509.KeyUsage).critical)

    def test_its_two_key_identifiers_are_the_same(self) -> None:
        certificate = root().certificate
        own = extension(certificate, x509.SubjectKeyIdentifier).value.digest
        self.assertEqual(extension(certificate, x509.AuthorityKeyIdentifier).value.key_identifier, own)

    def test_is_valid_for_ten_years_from_a_minute_ago(self) -> None:
        certificate = make_root(private_key(), NOON + timedelta(microseconds=5), SERIAL).certificate
        self.assertEqual(certificate.not_valid_before_utc, NOON - MINUTE)
        self.assertEqual(certificate.not_valid_after_utc, NOON - MINUTE + ROOT_LIFETIME)

    def test_has_a_name_of_its_own_with_a_common_name(self) -> None:
        names = []
        for serial in (SERIAL, 1 << 127, (1 << 159) - 1):
            subject = make_root(private_key(), NOON, serial).certificate.subject
            names.append(subject.get_attributes_for_oid(NameOID.COMMON_NAME)[0].value)
        self.assertEqual(names[0], "pkid CA 1234567890abcdef")
        self.assertEqual(len(set(names)), 3)

    def test_the_digest_is_as_strong_as_the_key(self) -> None:
        for kind in KINDS:
            expected = digest_for(root(kind).key)
            found = root(kind).certificate.signature_hash_algorithm
            self.assertEqual(found and found.name, expected and expected.name)
        self.assertIsInstance(root(KeyType.P384).certificate.signature_hash_algorithm, hashes.SHA384)


class ChainTests(Case):
    def test_every_kind_of_root_signs_every_kind_of_leaf(self) -> None:
        for above, below in product(KINDS, KINDS):
            leaf = issue(root(above), key=private_key(below), dns=["db.example"])
            self.assertTrue(is_issued_by(leaf, root(above).certificate), (above, below))

    def test_a_strict_verifier_accepts_leaves_as_servers_and_clients(self) -> None:
        for above, below in product(WEB_KINDS, WEB_KINDS):
            leaf = issue(root(above), key=private_key(below), common_name=None, dns=["db.example"], ip=["192.0.2.1"])
            policy = PolicyBuilder().store(Store([root(above).certificate])).time(NOON)
            chain = policy.build_server_verifier(x509.DNSName("db.example")).verify(leaf, [])
            self.assertEqual(chain, [leaf, root(above).certificate])
            policy.build_client_verifier().verify(leaf, [])


class CheckTests(Case):
    def refused(self, issuer: Issuer, *words: str, now: datetime = NOON) -> None:
        with self.assertRaises(Unusable) as caught:
            issuer.check(now)
        for word in words:
            self.assertIn(word, str(caught.exception))

    def test_a_pair_that_can_issue(self) -> None:
        for kind in KINDS:
            root(kind).check(NOON)
            authority("CN=below", authority("CN=above", kind=kind), kind=kind).check(NOON)

    def test_a_certificate_and_the_key_of_another(self) -> None:
        for kind in KINDS:
            self.refused(Issuer(root().certificate, private_key(kind)), "do not belong together")

    def test_a_leaf_is_no_authority(self) -> None:
        self.refused(Issuer(issue(), private_key()), "not a certificate authority's")

    def test_a_key_that_no_leaf_may_have_either(self) -> None:
        key = rsa.generate_private_key(65537, 1024)
        weak = make_root(key, NOON, SERIAL)
        self.refused(weak, "does not sign here (RSA with 1024 bits)", "use RSA of 2048")

    def test_a_foreign_authority_gives_its_own_key_identifier(self) -> None:
        own = x509.SubjectKeyIdentifier(b"1234")
        foreign = authority("CN=Foreign CA", identified=False, extensions=[own])
        found = extension(issue(foreign), x509.AuthorityKeyIdentifier).value
        self.assertEqual((found.key_identifier, found.authority_cert_issuer), (b"1234", None))

    def test_without_a_key_identifier_the_key_itself_is_named(self) -> None:
        foreign = authority("CN=Foreign CA", identified=False)
        found = extension(issue(foreign), x509.AuthorityKeyIdentifier).value
        expected = x509.SubjectKeyIdentifier.from_public_key(foreign.key.public_key())
        self.assertEqual(found.key_identifier, expected.digest)

    def test_oddities_are_told(self) -> None:
        self.assertEqual(root().oddities() + authority("CN=b", authority("CN=a")).oddities(), [])
        for odd, word in (
            (authority("CN=a", identified=False), "subject key identifier"),
            (authority("CN=b", authority("CN=a", identified=False)), "subject key identifier"),
            (authority("O=Example"), "common name"),
            (authority("CN=a", extensions=[x509.NameConstraints([x509.DNSName("a")], None)]), "name constraints"),
        ):
            self.assertIn(word, "".join(odd.oddities()))


class IntermediateTests(Case):
    def setUp(self) -> None:
        self.top = authority("CN=top")
        self.middle = authority("CN=middle", self.top)
        self.issuer = authority("CN=bottom", self.middle)

    def test_its_chain_ends_at_the_anchor_which_does_not_travel(self) -> None:
        certificates = (self.issuer.certificate, self.middle.certificate, self.top.certificate)
        self.assertEqual(self.issuer.chain, certificates)
        self.assertEqual(self.issuer.anchor, self.top.certificate)
        self.assertEqual(self.issuer.intermediates, certificates[:2])
        self.assertEqual((root().anchor, root().intermediates), (root().certificate, ()))

    def test_a_strict_verifier_accepts_its_leaves(self) -> None:
        leaf = issue(self.issuer, dns=["db.example"])
        policy = PolicyBuilder().store(Store([self.top.certificate])).time(NOON)
        chain = policy.build_server_verifier(x509.DNSName("db.example")).verify(leaf, [*self.issuer.intermediates])
        self.assertEqual(chain, [leaf, *self.issuer.chain])

    def test_a_leaf_outlives_none_of_them(self) -> None:
        for short in ("CN=top", "CN=middle", "CN=bottom"):
            issuer = None
            for name in ("CN=top", "CN=middle", "CN=bottom"):
                valid = (NOON - SECOND, NOON + DAY) if name == short else (NOON - DAY, NOON + 9 * DAY)
                issuer = authority(name, issuer, valid=valid)
            leaf = issue(issuer)
            self.assertEqual((leaf.not_valid_before_utc, leaf.not_valid_after_utc), (NOON - SECOND, NOON + DAY), short)
            for now in (NOON - 2 * SECOND, NOON + DAY):
                self.assertRaises(Unavailable, issue, issuer, now)


class SecrecyTests(Case):
    def test_the_key_is_not_shown(self) -> None:
        self.assertNotIn("PRIVATE", repr(root()))
        self.assertNotIn(str(private_key(KeyType.P256, "authority").private_numbers().private_value), repr(root()))  # type: ignore[union-attr]
