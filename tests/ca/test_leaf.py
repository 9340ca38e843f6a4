"""The forms of leaves: what is put together by hand is byte for byte what the library would build."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from ipaddress import IPv4Address, IPv6Address
from itertools import product
from typing import Any

from cryptography import x509
from cryptography.hazmat.primitives.serialization import Encoding, load_der_public_key
from cryptography.x509.oid import ExtendedKeyUsageOID, NameOID
from hypothesis import given, settings
from hypothesis import strategies as st

from pkid.ca import der
from pkid.ca.issuer import Issuer
from pkid.ca.keys import KeyType, digest_for, key_bytes
from pkid.ca.leaf import key_usage
from pkid.ca.profile import Approved, Profile
from pkid.ca.request import CertificateRequest
from tests.certificates import NOON, SERIAL, authority, private_key, profile, root
from tests.support import Case

PROPERTY = settings(max_examples=300, deadline=None, database=None, derandomize=True)
KINDS = (KeyType.P256, KeyType.P384, KeyType.RSA2048, KeyType.ED25519)
DAY = timedelta(days=1)

LABELS = st.text("abcdefghijklmnopqrstuvwxyz0123456789", min_size=1, max_size=63)
HOSTS = LABELS.map(lambda label: f"{label}.example")
ADDRESSES = st.one_of(
    st.integers(1, 2**24).map(lambda number: IPv4Address((10 << 24) + number)),
    st.integers(1, 2**64).map(lambda number: IPv6Address((0xFD << 120) + number)),
)
COMPONENTS = st.text("abcXYZ019._-", min_size=3, max_size=128).map("spiffe://pkid.internal/{}".format)
NAMES = st.one_of(HOSTS.map(x509.DNSName), ADDRESSES.map(x509.IPAddress))
COMMON_NAMES = st.one_of(st.none(), st.text("aB1 -é日.*", min_size=1, max_size=20).map(lambda text: f"x{text}x"))


def approve(
    kind: KeyType, common_name: str | None, names: list[x509.GeneralName], lifetime: timedelta = DAY
) -> Approved:
    rules: Profile = profile(lifetime=lifetime)
    key = private_key(kind).public_key()
    return rules.check(
        CertificateRequest(key_bytes(key), (common_name,) if common_name else (), tuple(names), False, bytes(32))
    )


def built(issuer: Issuer, approved: Approved, start: datetime, end: datetime, serial: int) -> x509.Certificate:
    """Have the library build the same certificate."""
    subject = [x509.NameAttribute(NameOID.COMMON_NAME, approved.common_name)] if approved.common_name else []
    names: list[x509.GeneralName] = [x509.DNSName(name) for name in approved.names.dns]
    names += [x509.IPAddress(address) for address in approved.names.ip]
    names += [x509.UniformResourceIdentifier(uri) for uri in approved.names.uri]
    public_key: Any = load_der_public_key(approved.key_info)
    is_rsa = KeyType.of(public_key) is KeyType.RSA2048
    above = issuer.certificate.extensions.get_extension_for_class(x509.SubjectKeyIdentifier).value
    return (
        x509.CertificateBuilder(issuer.certificate.subject, x509.Name(subject), public_key, serial)
        .not_valid_before(start)
        .not_valid_after(end)
        .add_extension(key_usage(digital_signature=True, key_encipherment=is_rsa), critical=True)
        .add_extension(
            x509.ExtendedKeyUsage([ExtendedKeyUsageOID.SERVER_AUTH, ExtendedKeyUsageOID.CLIENT_AUTH]), critical=False
        )
        .add_extension(x509.SubjectAlternativeName(names), critical=not subject)
        .add_extension(x509.BasicConstraints(ca=False, path_length=None), critical=True)
        .add_extension(x509.SubjectKeyIdentifier.from_public_key(public_key), critical=False)
        .add_extension(x509.AuthorityKeyIdentifier.from_issuer_subject_key_identifier(above), critical=False)
        .sign(issuer.key, digest_for(issuer.key))
    )


class LeafFormTests(Case):
    def same(self, issuer: Issuer, approved: Approved, serial: int = SERIAL, now: datetime = NOON) -> None:
        """Compare a leaf with what the library builds, but for the signature, which is verified."""
        (leaf,) = issuer.issue([(approved, serial)], now)
        expected = built(issuer, approved, leaf.validity.start, leaf.validity.end, serial)
        found = x509.load_der_x509_certificate(leaf.certificate)
        self.assertEqual(found.tbs_certificate_bytes, expected.tbs_certificate_bytes)
        self.assertEqual(found.signature_algorithm_oid, expected.signature_algorithm_oid)
        self.assertEqual(len(leaf.certificate) - len(found.signature), _size(expected) - len(expected.signature))
        found.verify_directly_issued_by(issuer.certificate)

    @PROPERTY
    @given(
        st.sampled_from(KINDS),
        COMMON_NAMES,
        st.lists(NAMES, min_size=1, max_size=40),
        st.lists(COMPONENTS, max_size=1),
        st.integers(1, 2**159 - 1),
    )
    def test_any_approved_content_is_written_as_the_library_writes_it(
        self, kind: KeyType, common_name: str | None, names: list[x509.GeneralName], components: list[str], serial: int
    ) -> None:
        names += map(x509.UniformResourceIdentifier, components)
        self.same(root(), approve(kind, common_name, names), serial)

    def test_every_kind_of_issuer_signs_every_kind_of_key_as_the_library_does(self) -> None:
        for above, below in product(KINDS, KINDS):
            self.same(root(above), approve(below, "a.example", [x509.DNSName("a.example")]))

    def test_the_name_of_a_foreign_issuer_stands_as_it_is(self) -> None:
        issuer = authority("C=DE,O=Grün,CN=Example CA", authority("CN=above"))
        self.same(issuer, approve(KeyType.P256, None, [x509.DNSName("a.example")]))

    def test_from_2050_on_times_are_written_in_full(self) -> None:
        issuer = authority("CN=lasting", valid=(NOON - DAY, datetime(2090, 1, 1, tzinfo=UTC)))
        for end in (datetime(2049, 12, 31, 23, 59, 59, tzinfo=UTC), datetime(2050, 1, 1, tzinfo=UTC)):
            self.same(issuer, approve(KeyType.P256, "a.example", [], lifetime=end - NOON))

    def test_a_serial_number_that_no_certificate_may_have_is_not_signed(self) -> None:
        approved = approve(KeyType.P256, "a.example", [])
        for serial in (-1, 0, 2**159):
            self.assertRaises(ValueError, root().issue, [(approved, serial)], NOON)


class DERTests(Case):
    def test_lengths_take_as_many_bytes_as_they_need(self) -> None:
        for size, head in ((0, "3000"), (127, "307f"), (128, "308180"), (255, "3081ff"), (256, "30820100")):
            self.assertEqual(der.sequence(bytes(size)), bytes.fromhex(head) + bytes(size))

    def test_numbers_whose_first_bit_is_set_are_not_negative(self) -> None:
        for number, expected in ((0, "020100"), (127, "02017f"), (128, "02020080"), (2**16, "0203010000")):
            self.assertEqual(der.integer(number).hex(), expected)


def _size(certificate: x509.Certificate) -> int:
    return len(certificate.public_bytes(Encoding.DER))
