"""Requests of the usual form are read at once: with the same result as in the general way, or not at all."""

from __future__ import annotations

import base64

from cryptography import x509
from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.asymmetric import ec, padding, rsa
from cryptography.hazmat.primitives.serialization import Encoding
from hypothesis import given, settings
from hypothesis import strategies as st

from pkid.ca import request
from pkid.ca.enrollment import Enrollment
from pkid.ca.keys import KeyType
from pkid.ca.plain_request import read_plain
from pkid.ca.request import CertificateRequest
from pkid.errors import PkidError
from tests.ca import der
from tests.ca.test_any_request import CHANGES, CUTS, REQUESTS, changed, signed, spliced
from tests.ca.test_leaf import COMPONENTS, HOSTS, NAMES
from tests.certificates import certificate_request, csr_pem, private_key
from tests.support import Case

PROPERTY = settings(max_examples=300, deadline=None, database=None, derandomize=True)
PLAIN = certificate_request(dns=["a.example", "*.b.example"], ip=["192.0.2.1", "2001:db8::1"], uri=["spiffe://a/b"])
USUAL = (KeyType.P256, KeyType.RSA2048)

TAGS = st.sampled_from([der.EMAIL, der.DNS, der.X400, der.DIRECTORY, der.EDI, der.URI, der.IP, der.REGISTERED, 2, 0x30])
CONTENTS = st.one_of(st.binary(max_size=20), HOSTS.map(str.encode), st.sampled_from([bytes(4), bytes(16), bytes(127)]))
GENERAL_NAMES = st.builds(der.tlv, TAGS, CONTENTS)
EXTENSIONS = st.one_of(
    st.lists(GENERAL_NAMES, max_size=4).map(lambda names: der.alternative_names(*names)),
    st.builds(der.extension, st.sampled_from([der.ALTERNATIVE_NAMES, der.BASIC_CONSTRAINTS]), st.binary(max_size=9)),
    st.just(
        der.sequence(der.oid(der.ALTERNATIVE_NAMES), b"\1\1\xff", der.tlv(4, der.sequence(der.tlv(der.DNS, b"a"))))
    ),
)
SUBJECTS = st.one_of(
    st.just(der.sequence()),
    st.builds(der.common_name, st.one_of(st.binary(max_size=70), st.text(max_size=20).map(str.encode))),
    st.builds(der.common_name, st.binary(max_size=9), st.sampled_from([der.IA5, der.BMP, der.TELETEX])),
    st.lists(st.binary(max_size=9), max_size=3).map(
        lambda names: der.sequence(*(der.common_name(name)[2:] for name in names))
    ),
)


class PlainRequestCase(Case):
    def same(self, body: bytes) -> bool:
        """Compare both ways, and tell whether the body is of the usual form."""
        plain = read_plain(body)
        if plain is not None:
            self.assertEqual(request._of_plain(plain), request._read_any(body))
        return plain is not None


class UsualFormTests(PlainRequestCase):
    @PROPERTY
    @given(st.sampled_from(USUAL), st.lists(HOSTS, max_size=1), st.lists(NAMES, max_size=40), st.lists(COMPONENTS))
    def test_whatever_is_usual_is_read_at_once(
        self, kind: KeyType, common_names: list[str], names: list[x509.GeneralName], components: list[str]
    ) -> None:
        other = [*names, *map(x509.UniformResourceIdentifier, components)]
        self.assertEqual(
            self.same(csr_pem(private_key(kind), common_name="".join(common_names)[:64], other=other)),
            all(len(name.value) < 128 for name in other if isinstance(name, x509.UniformResourceIdentifier)),
        )

    def test_what_pkid_s_own_components_send_is_usual(self) -> None:
        for kind in USUAL:
            enrollment = Enrollment.of(private_key(kind), "web", ["web.example"], ["192.0.2.1"], component="web-1")
            self.assertTrue(self.same(enrollment.request()))

    def test_other_keys_and_signatures_go_the_general_way(self) -> None:
        key = private_key(KeyType.RSA2048)
        assert isinstance(key, rsa.RSAPrivateKey)
        builder = x509.CertificateSigningRequestBuilder().subject_name(x509.Name([]))
        pss = padding.PSS(padding.MGF1(hashes.SHA256()), padding.PSS.DIGEST_LENGTH)
        for body in (
            csr_pem(private_key(KeyType.P384)),
            csr_pem(private_key(KeyType.ED25519)),
            csr_pem(digest=hashes.SHA384()),
            csr_pem(key, digest=hashes.SHA512()),
            builder.sign(key, hashes.SHA256(), rsa_padding=pss).public_bytes(Encoding.PEM),
            csr_pem(ec.generate_private_key(ec.SECP256K1())),
            csr_pem(rsa.generate_private_key(3, 2048)),
        ):
            self.assertFalse(self.same(body))

    def test_other_armour_goes_the_general_way(self) -> None:
        pem = csr_pem()
        content = PLAIN.public_bytes(Encoding.DER)
        text = base64.b64encode(content)
        # Of three lengths in a row two are padded; those of ECDSA signatures vary from one to the next.
        sizes = [csr_pem(private_key(KeyType.RSA2048), common_name="a" * size) for size in (1, 2, 3)]
        unpadded = [each.replace(b"=", b"") for each in sizes if b"=" in each]
        self.assertEqual(len(unpadded), 2)
        for body in (
            b"", b"\n" + pem, pem + b"\n", pem[:-1], pem + pem, pem.replace(b"\n", b"\r\n"),
            pem.replace(b"CERTIFICATE", b"NEW CERTIFICATE"), pem.replace(b"\n", b"\n\n", 1), *unpadded,
            b"-----BEGIN CERTIFICATE REQUEST-----\n%b\n-----END CERTIFICATE REQUEST-----\n" % text,
            der.armour(content), der.armour(content + b"\0"), der.armour(b""),
        ):  # fmt: skip
            self.assertFalse(self.same(body), body)

    def test_a_bad_signature_goes_the_general_way(self) -> None:
        for kind in USUAL:
            content = bytearray(certificate_request(private_key(kind)).public_bytes(Encoding.DER))
            content[-1] ^= 1
            self.assertIsNone(read_plain(armour(bytes(content))))


class HostileFormTests(PlainRequestCase):
    """What only looks as if it were usual: both ways read the same, whoever signed it."""

    @PROPERTY
    @given(SUBJECTS, st.lists(EXTENSIONS, max_size=3))
    def test_any_names_and_extensions(self, subject: bytes, extensions: list[bytes]) -> None:
        self.same(armour(der.request_der(subject=subject, extensions=extensions)))

    @PROPERTY
    @given(CHANGES, CUTS)
    def test_any_change_before_it_is_signed(self, changes: list[tuple[int, int]], cut: tuple[int, int, bytes]) -> None:
        for content in (PLAIN.tbs_certrequest_bytes, REQUESTS[0].tbs_certrequest_bytes):
            for altered in (changed(content, changes), spliced(content, cut)):
                self.same(armour(signed(altered)))

    @PROPERTY
    @given(st.sampled_from([*REQUESTS, PLAIN]), CHANGES, CUTS)
    def test_any_change_of_the_body(
        self, asked: x509.CertificateSigningRequest, changes: list[tuple[int, int]], cut: tuple[int, int, bytes]
    ) -> None:
        body = asked.public_bytes(Encoding.PEM)
        for altered in (changed(body, changes), spliced(body, cut)):
            self.same(altered)

    def test_lengths_that_are_not_the_shortest_are_not_read_at_once(self) -> None:
        content = PLAIN.tbs_certrequest_bytes
        short, long = der.tlv(der.DNS, b"a.example"), b"\x82\x81\x09a.example"
        self.assertIn(short, content)
        self.assertFalse(self.readable(armour(signed(content.replace(short, long)))))

    def test_another_algorithm_than_the_signature_s_is_not_read_at_once(self) -> None:
        for algorithm in ("1.2.840.10045.4.3.3", "1.2.840.113549.1.1.11"):
            self.assertFalse(self.readable(armour(der.request_der(signature_algorithm=algorithm))))
        self.assertTrue(self.readable(armour(der.request_der())))

    def test_a_key_within_the_common_name_deceives_nobody(self) -> None:
        names = der.alternative_names(der.tlv(der.DNS, b"a.example"))
        for inner in (b"\x06\x03U\x04\x03\x0c\x01a", b"\x06\x03U\x1d\x11\x04\x040\x02\x82\x00"):
            subject = der.common_name(b"x" + inner + b"y")
            self.same(armour(der.request_der(subject=subject, extensions=[names])))

    def readable(self, body: bytes) -> bool:
        return read_plain(body) is not None


class WholeWayTests(PlainRequestCase):
    @PROPERTY
    @given(SUBJECTS, st.lists(EXTENSIONS, max_size=1))
    def test_a_request_is_answered_alike_without_the_short_way(self, subject: bytes, extensions: list[bytes]) -> None:
        body = armour(der.request_der(subject=subject, extensions=extensions))
        self.assertEqual(self.outcome(request.read_request, body), self.outcome(request._read_any, body))

    def outcome(self, read: object, body: bytes) -> CertificateRequest | str:
        try:
            return read(body)  # type: ignore[operator, no-any-return]
        except PkidError as error:
            return str(error)


def armour(content: bytes) -> bytes:
    """Write PEM in its strict form, with lines of 64 characters."""
    text = base64.b64encode(content)
    lines = [text[start : start + 64] for start in range(0, len(text), 64)]
    return b"\n".join([b"-----BEGIN CERTIFICATE REQUEST-----", *lines, b"-----END CERTIFICATE REQUEST-----", b""])
