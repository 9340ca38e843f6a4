"""A core whose key is an RSA key signs for many at once: each gets the certificate of its own key."""

from __future__ import annotations

from concurrent.futures import ThreadPoolExecutor

from cryptography import x509

from pkid.ca.keys import KeyType, key_bytes
from tests.certificates import csr_pem
from tests.daemon import start_daemon
from tests.interop.core import WITH_PSK, ask, bearer
from tests.support import Case

CLIENTS, EACH = 8, 4


class RSATests(Case):
    def test_everybody_gets_a_certificate_of_its_own_that_the_authority_signed(self) -> None:
        daemon = start_daemon(self, *WITH_PSK, "--ca-key-type", "rsa2048")
        root = x509.load_pem_x509_certificate((daemon.state / "ca.crt").read_bytes())
        keys = [KeyType.P256.generate() for _ in range(CLIENTS * EACH)]
        names = [f"c{number}.example" for number in range(len(keys))]
        bodies = [csr_pem(key, common_name=name) for key, name in zip(keys, names, strict=True)]
        with ThreadPoolExecutor(CLIENTS) as clients:
            answers = list(clients.map(lambda body: ask(daemon, "POST", "/ca/sign", body, bearer()), bodies))
        self.assertEqual({answer.status for answer in answers}, {200})
        certificates = [x509.load_pem_x509_certificate(answer.body) for answer in answers]
        for certificate, key, name in zip(certificates, keys, names, strict=True):
            certificate.verify_directly_issued_by(root)
            self.assertEqual(key_bytes(certificate.public_key()), key_bytes(key.public_key()))  # type: ignore[arg-type]
            self.assertEqual(certificate.subject.rfc4514_string(), f"CN={name}")
        self.assertEqual(len({certificate.serial_number for certificate in certificates}), len(keys))
