"""Certificate requests: what is read, and every broken kind that is not."""

from __future__ import annotations

import hashlib

from cryptography import x509
from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.asymmetric import dsa, ec, ed448, padding, rsa
from cryptography.hazmat.primitives.serialization import Encoding
from cryptography.x509.oid import NameOID

from pkid.ca.keys import KeyType, key_bytes
from pkid.ca.request import read_request
from pkid.errors import Malformed, PkidError, Reason, Refused
from tests.ca import der
from tests.certificates import certificate_request, csr_pem, private_key
from tests.support import Case


class RequestCase(Case):
    def reason(self, body: bytes, kind: type[PkidError]) -> Reason:
        """Return why a body is not taken; the message is one line."""
        with self.assertRaises(kind) as caught:
            read_request(body)
        error: PkidError = caught.exception
        self.assertTrue(str(error).isprintable(), str(error))
        return error.reason

    def refused(self, body: bytes) -> Reason:
        return self.reason(body, Refused)

    def malformed(self, body: bytes) -> Reason:
        return self.reason(body, Malformed)


class ReadingTests(RequestCase):
    def test_reads_what_is_asked_for(self) -> None:
        csr = certificate_request(dns=["a.b"], ip=["192.0.2.1"])
        request = read_request(csr.public_bytes(Encoding.PEM))
        self.assertEqual(request.key_info, key_bytes(private_key().public_key()))
        self.assertEqual(request.common_names, ("worker.example",))
        self.assertEqual(next(name.value for name in request.alternative_names), "a.b")
        self.assertEqual(len(request.alternative_names), 2)
        self.assertFalse(request.wants_ca)
        self.assertEqual(request.sha256, hashlib.sha256(csr.public_bytes(Encoding.DER)).digest())

    def test_nothing_asked_for_is_nothing_read(self) -> None:
        request = read_request(csr_pem(common_name=None))
        self.assertEqual((request.common_names, request.alternative_names), ((), ()))

    def test_every_accepted_kind_of_key(self) -> None:
        for kind in (KeyType.P256, KeyType.P384, KeyType.ED25519, KeyType.RSA2048):
            request = read_request(csr_pem(private_key(kind)))
            self.assertEqual(request.key_info, key_bytes(private_key(kind).public_key()))

    def test_the_digest_may_be_longer(self) -> None:
        for digest in (hashes.SHA384(), hashes.SHA512()):
            read_request(csr_pem(digest=digest))

    def test_an_rsa_request_may_be_signed_with_pss(self) -> None:
        builder = x509.CertificateSigningRequestBuilder().subject_name(x509.Name([]))
        pss = padding.PSS(padding.MGF1(hashes.SHA256()), padding.PSS.DIGEST_LENGTH)
        key = private_key(KeyType.RSA2048)
        assert isinstance(key, rsa.RSAPrivateKey)
        csr = builder.sign(key, hashes.SHA256(), rsa_padding=pss)
        read_request(csr.public_bytes(Encoding.PEM))

    def test_many_common_names_are_all_read(self) -> None:
        subject = x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, name) for name in ("b", "a", "b")])
        self.assertEqual(read_request(csr_pem(subject=subject)).common_names, ("b", "a", "b"))

    def test_common_names_of_older_string_types(self) -> None:
        for content, tag in (("wörker".encode("utf-16-be"), der.BMP), (b"worker", der.TELETEX), (b"worker", der.IA5)):
            request = read_request(der.request_pem(subject=der.common_name(content, tag)))
            self.assertIn(request.common_names, [("wörker",), ("worker",)])

    def test_asking_to_become_an_authority_is_noticed(self) -> None:
        for constraints in (x509.BasicConstraints(True, None), x509.BasicConstraints(True, 0)):
            self.assertTrue(read_request(csr_pem(extensions=[constraints])).wants_ca)
        self.assertFalse(read_request(csr_pem(extensions=[x509.BasicConstraints(False, None)])).wants_ca)

    def test_extensions_that_are_not_known_are_no_problem(self) -> None:
        strange = x509.UnrecognizedExtension(x509.ObjectIdentifier("1.2.3.4"), b"\x05\x00")
        read_request(csr_pem(extensions=[strange]))


class ArmourTests(RequestCase):
    def test_the_old_label_is_read(self) -> None:
        content = certificate_request().public_bytes(Encoding.DER)
        old = read_request(der.armour(content, b"NEW CERTIFICATE REQUEST"))
        self.assertEqual(old, read_request(der.armour(content)))

    def test_text_around_it_other_blocks_and_line_ends_do_not_matter(self) -> None:
        pem = csr_pem()
        expected = read_request(pem).sha256
        for body in (
            b"Certificate Request:\n    Data:\n" + pem,
            pem + b"\nsome text\n",
            b"\xef\xbb\xbf" + pem,
            b"\xff\xfe\x00binary\n" + pem,
            pem.replace(b"\n", b"\r\n"),
            der.armour(b"0\x00", b"CERTIFICATE") + pem,
        ):
            self.assertEqual(read_request(body).sha256, expected, body[:40])

    def test_the_first_of_two_counts(self) -> None:
        one, two = csr_pem(common_name="one"), csr_pem(common_name="two")
        self.assertEqual(read_request(one + two).common_names, ("one",))
        self.assertEqual(self.malformed(der.armour(b"0\x00") + two), Reason.BAD_REQUEST)

    def test_what_is_no_pem_request_is_said_so(self) -> None:
        for body in (
            b"", b"\n", b"hello", certificate_request().public_bytes(Encoding.DER), b"\x00" * 100,
            der.armour(b"0\x00", b"CERTIFICATE"), der.armour(b"0\x00", b"PRIVATE KEY"),
            csr_pem().replace(b"REQUEST", b"request"), csr_pem().decode().encode("utf-16"),
        ):  # fmt: skip
            self.assertEqual(self.malformed(body), Reason.NOT_PEM, body[:40])

    def test_damaged_armour(self) -> None:
        pem = csr_pem()
        begin, end = pem.splitlines()[0], pem.splitlines()[-1]
        for body in (
            begin,
            begin + b"\n" + end,
            pem[: len(pem) // 2],
            pem.replace(end, b""),
            pem.replace(b"END CERTIFICATE REQUEST", b"END CERTIFICATE"),
            begin + b"\n!!!!\n" + end,
            begin + b"\nAAAA\n" + end,
        ):
            self.assertEqual(self.malformed(body), Reason.BAD_REQUEST, body[:80])

    def test_anything_after_the_request_inside_the_block(self) -> None:
        content = certificate_request().public_bytes(Encoding.DER)
        self.assertEqual(self.malformed(der.armour(content + b"\x00")), Reason.BAD_REQUEST)


class SignatureTests(RequestCase):
    def test_a_broken_signature(self) -> None:
        for kind in (KeyType.P256, KeyType.ED25519, KeyType.RSA2048):
            content = bytearray(certificate_request(private_key(kind)).public_bytes(Encoding.DER))
            content[-1] ^= 1
            self.assertEqual(self.refused(der.armour(bytes(content))), Reason.BAD_SIGNATURE)

    def test_changed_content(self) -> None:
        content = certificate_request(dns=["good.example"]).public_bytes(Encoding.DER)
        changed = content.replace(b"good.example", b"evil.example")
        self.assertEqual(self.refused(der.armour(changed)), Reason.BAD_SIGNATURE)

    def test_the_key_of_another(self) -> None:
        mine = certificate_request(private_key()).public_bytes(Encoding.DER)
        yours = key_bytes(private_key(KeyType.P256, "somebody else").public_key())
        swapped = mine.replace(key_bytes(private_key().public_key()), yours)
        self.assertEqual(self.refused(der.armour(swapped)), Reason.BAD_SIGNATURE)

    def test_an_algorithm_that_does_not_fit_the_key(self) -> None:
        for algorithm in ("1.2.840.113549.1.1.11", "1.3.101.112"):
            body = der.armour(der.request_der(signature_algorithm=algorithm))
            self.assertEqual(self.refused(body), Reason.BAD_SIGNATURE)

    def test_old_digests(self) -> None:
        key = private_key(KeyType.RSA2048)
        assert isinstance(key, rsa.RSAPrivateKey)
        for digest, algorithm in (
            (hashes.MD5(), "1.2.840.113549.1.1.4"),
            (hashes.SHA1(), "1.2.840.113549.1.1.5"),
            (hashes.SHA224(), "1.2.840.113549.1.1.14"),
        ):
            body = der.armour(der.request_der(key=key, signature_algorithm=algorithm, digest=digest))
            self.assertEqual(self.refused(body), Reason.WEAK_DIGEST, digest.name)
        body = der.armour(der.request_der(signature_algorithm="1.2.840.10045.4.1", digest=hashes.SHA1()))
        self.assertEqual(self.refused(body), Reason.WEAK_DIGEST)

    def test_an_unknown_algorithm(self) -> None:
        body = der.armour(der.request_der(signature_algorithm="1.2.3.4"))
        self.assertEqual(self.malformed(body), Reason.BAD_REQUEST)


class KeyTests(RequestCase):
    def test_weak_and_unusual_keys(self) -> None:
        for key in (
            rsa.generate_private_key(65537, 1024),
            ec.generate_private_key(ec.SECP521R1()),
            ec.generate_private_key(ec.SECP256K1()),
            ed448.Ed448PrivateKey.generate(),
            dsa.generate_private_key(1024),
        ):
            self.assertEqual(self.refused(csr_pem(key)), Reason.WEAK_KEY, type(key))

    def test_a_small_public_exponent(self) -> None:
        key = private_key(KeyType.RSA2048)
        assert isinstance(key, rsa.RSAPrivateKey)
        content = certificate_request(key).public_bytes(Encoding.DER)
        small = content.replace(der.integer(65537), der.tlv(0x02, b"\x00\x00\x03"), 1)
        self.assertIn(self.reason(der.armour(small), PkidError), {Reason.WEAK_KEY, Reason.BAD_REQUEST})
        small = content.replace(der.integer(65537), b"\x02\x03\x01\x00\xff", 1)  # 65791
        self.assertEqual(self.refused(der.armour(small)), Reason.BAD_SIGNATURE)
        small = content.replace(der.integer(65537), b"\x02\x03\x00\x80\x01", 1)  # 32769
        self.assertEqual(self.refused(der.armour(small)), Reason.WEAK_KEY)

    def test_a_key_that_cannot_sign(self) -> None:
        ed25519, x25519 = der.oid("1.3.101.112"), der.oid("1.3.101.110")
        content = certificate_request(private_key(KeyType.ED25519)).public_bytes(Encoding.DER)
        self.assertEqual(self.refused(der.armour(content.replace(ed25519, x25519, 1))), Reason.WEAK_KEY)

    def test_a_point_that_is_not_on_the_curve(self) -> None:
        point = key_bytes(private_key().public_key())[-64:]
        content = certificate_request().public_bytes(Encoding.DER).replace(point, bytes(63) + b"\x01")
        self.assertEqual(self.malformed(der.armour(content)), Reason.BAD_REQUEST)

    def test_an_unknown_kind_of_key(self) -> None:
        content = certificate_request().public_bytes(Encoding.DER)
        unknown = content.replace(der.oid("1.2.840.10045.2.1"), der.oid("1.2.840.10045.2.9"))
        self.assertEqual(self.malformed(der.armour(unknown)), Reason.BAD_REQUEST)


class HandmadeTests(RequestCase):
    def test_the_handmade_form_is_good(self) -> None:
        names = der.alternative_names(der.tlv(der.DNS, b"a.b"))
        request = read_request(der.request_pem(extensions=[names]))
        self.assertEqual(request.common_names, ("worker.example",))
        self.assertEqual(request.alternative_names, (x509.DNSName("a.b"),))

    def test_only_version_one_exists(self) -> None:
        for version in (-1, 1, 2, 127, 2**64):
            self.assertEqual(self.malformed(der.request_pem(version=version)), Reason.BAD_REQUEST, version)

    def test_an_extension_twice(self) -> None:
        names = der.alternative_names(der.tlv(der.DNS, b"a.b"))
        self.assertEqual(self.malformed(der.request_pem(extensions=[names, names])), Reason.BAD_REQUEST)

    def test_names_that_no_library_can_read(self) -> None:
        for label, name in {
            "x400Address": der.tlv(der.X400),
            "ediPartyName": der.tlv(der.EDI, der.tlv(0xA1, der.tlv(der.UTF8, b"x"))),
            "a tag that there is not": der.tlv(0x89, b"x"),
            "DNS name in Latin-1": der.tlv(der.DNS, b"b\xfccher.example"),
            "URI in Latin-1": der.tlv(der.URI, b"spiffe://b\xfccher/x"),
            "address of 5 bytes": der.tlv(der.IP, bytes(5)),
            "address of no bytes": der.tlv(der.IP),
            "network with a hole": der.tlv(der.IP, bytes([10, 0, 0, 0, 255, 0, 255, 0])),
        }.items():
            body = der.request_pem(extensions=[der.alternative_names(name)])
            self.assertEqual(self.malformed(body), Reason.BAD_REQUEST, label)

    def test_extensions_that_are_cut_short(self) -> None:
        for kind in (der.ALTERNATIVE_NAMES, der.BASIC_CONSTRAINTS):
            for content in (b"", b"\x30\x05", b"\x30\x82\xff\xff", b"\x04\x00"):
                body = der.request_pem(extensions=[der.extension(kind, content)])
                self.assertEqual(self.malformed(body), Reason.BAD_REQUEST, content)

    def test_a_common_name_in_a_broken_encoding(self) -> None:
        for content, tag in ((b"\xff\xfe", der.UTF8), (b"\xd8\x00", der.BMP), (b"a", der.BMP), (b"\xe9", der.IA5)):
            body = der.request_pem(subject=der.common_name(content, tag))
            self.assertEqual(self.malformed(body), Reason.BAD_REQUEST, content)

    def test_a_deeply_nested_structure(self) -> None:
        nested = b""
        for _ in range(5000):
            nested = der.sequence(nested)
        for body in (der.armour(nested), der.request_pem(extensions=[der.extension(der.ALTERNATIVE_NAMES, nested)])):
            self.assertEqual(self.malformed(body), Reason.BAD_REQUEST)
