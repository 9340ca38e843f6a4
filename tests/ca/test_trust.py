"""Fingerprints, and who signed a certificate."""

from __future__ import annotations

import hashlib

from cryptography import x509
from cryptography.hazmat.primitives.serialization import Encoding

from pkid.ca.issuer import make_root
from pkid.ca.keys import KeyType
from pkid.ca.trust import fingerprint, is_issued_by, pem, read_fingerprint
from tests.ca.der import oid
from tests.certificates import NOON, SERIAL, private_key, profile, root
from tests.support import Case


def leaf() -> x509.Certificate:
    approved = profile().approve_self_test(private_key().public_key())
    return root().sign(approved, NOON, SERIAL)


class FingerprintTests(Case):
    def test_is_sha256_in_upper_case_pairs_joined_by_colons(self) -> None:
        self.assertEqual(fingerprint(b"")[:11], "E3:B0:C4:42")
        digest = fingerprint(b"certificate")
        self.assertEqual(len(digest), 95)
        self.assertEqual(bytes.fromhex(digest.replace(":", "")), hashlib.sha256(b"certificate").digest())

    def test_what_a_person_typed_is_read(self) -> None:
        digest = fingerprint(b"certificate")
        for typed in (digest, digest.lower(), digest.replace(":", "")):
            self.assertEqual(read_fingerprint(typed), digest)
        for typed in ("", digest[:-1], digest + "0", digest.replace(":", " "), digest.replace("A", "G"), "é" * 64):
            self.assertRaises(ValueError, read_fingerprint, typed)
        self.assertEqual(digest, digest.upper())


class PemTests(Case):
    def test_is_one_block_with_a_final_newline(self) -> None:
        certificate = leaf()
        text = pem(certificate.public_bytes(Encoding.DER))
        self.assertTrue(text.startswith(b"-----BEGIN CERTIFICATE-----\n"))
        self.assertTrue(text.endswith(b"\n-----END CERTIFICATE-----\n"))
        self.assertEqual(x509.load_pem_x509_certificates(text), [certificate])


class IssuedByTests(Case):
    def test_a_leaf_is_issued_by_its_root_and_a_root_by_itself(self) -> None:
        self.assertTrue(is_issued_by(leaf(), root().certificate))
        self.assertTrue(is_issued_by(root().certificate, root().certificate))

    def test_a_leaf_is_not_issued_by_another_leaf_or_by_itself(self) -> None:
        self.assertFalse(is_issued_by(leaf(), leaf()))

    def test_the_same_name_with_another_key_is_another_issuer(self) -> None:
        impostor = make_root(private_key(KeyType.P256, "impostor"), NOON, SERIAL)
        self.assertEqual(impostor.certificate.subject, root().certificate.subject)
        self.assertFalse(is_issued_by(leaf(), impostor.certificate))

    def test_another_kind_of_key_is_another_issuer(self) -> None:
        for kind in (KeyType.ED25519, KeyType.RSA2048, KeyType.P384):
            self.assertFalse(is_issued_by(leaf(), root(kind).certificate))

    def test_a_changed_signature_is_not_the_issuers(self) -> None:
        der = bytearray(leaf().public_bytes(Encoding.DER))
        der[-1] ^= 1
        self.assertFalse(is_issued_by(x509.load_der_x509_certificate(bytes(der)), root().certificate))

    def test_an_unknown_signature_algorithm_is_nobodys(self) -> None:
        known, unknown = oid("1.2.840.10045.4.3.2"), oid("1.2.840.10045.4.3.9")
        der = leaf().public_bytes(Encoding.DER).replace(known, unknown)
        self.assertFalse(is_issued_by(x509.load_der_x509_certificate(der), root().certificate))
