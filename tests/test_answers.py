"""What the core's answers mean."""

from __future__ import annotations

from base64 import b64encode
from http.client import HTTPMessage

from cryptography.hazmat.primitives.serialization import Encoding

from pkid.answers import Answer, BadAnswer, certificates
from tests.certificates import root
from tests.support import Case

VERSION_3 = b"\xa0\x03\x02\x01\x02"  # [0] EXPLICIT INTEGER 2 (RFC 5280, 4.1.2.1)


class CertificatesTests(Case):
    def answer(self, body: bytes) -> Answer:
        return Answer(200, HTTPMessage(), body)

    def test_all_are_read(self) -> None:
        pem = root().certificate.public_bytes(Encoding.PEM)
        self.assertEqual(certificates(self.answer(pem + pem)), [root().certificate] * 2)

    def test_what_holds_none_is_no_answer_of_a_core(self) -> None:
        der = root().certificate.public_bytes(Encoding.DER)
        self.assertIn(VERSION_3, der)
        for body in (b"", b"none", pem_of(der[:-1]), pem_of(der.replace(VERSION_3, VERSION_3[:-1] + b"\x7f"))):
            with self.assertRaisesRegex(BadAnswer, "holds no certificate"):
                certificates(self.answer(body))


def pem_of(der: bytes) -> bytes:
    """Write anything as if it were a certificate."""
    return b"-----BEGIN CERTIFICATE-----\n" + b64encode(der) + b"\n-----END CERTIFICATE-----\n"
