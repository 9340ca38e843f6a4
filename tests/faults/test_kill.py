"""The power fails while many are being served: what a client holds, the ledger knows."""

from __future__ import annotations

import contextlib
from concurrent.futures import ThreadPoolExecutor
from http.client import HTTPException
from threading import Semaphore

from cryptography import x509

from pkid.ca.keys import KeyType
from tests.certificates import csr_pem, private_key
from tests.daemon import Daemon, start_daemon
from tests.interop.core import WITH_PSK, ask, bearer
from tests.store.entries import sqlite_store
from tests.support import Case, slow

ORDERS = 500
CLIENTS = 50
KILL_AFTER = 200


class KillTests(Case):
    def setUp(self) -> None:
        slow()

    def test_every_certificate_that_left_is_in_the_ledger(self) -> None:
        daemon = start_daemon(self, *WITH_PSK)
        key = private_key(KeyType.P256)
        bodies = [csr_pem(key, common_name=f"worker-{number}.example") for number in range(ORDERS)]
        proof = bearer()
        answered = Semaphore(0)

        def sign(body: bytes) -> bytes | None:
            with contextlib.suppress(OSError, HTTPException):
                answer = ask(daemon, "POST", "/ca/sign", body, proof)
                answered.release()
                return answer.body if answer.status == 200 else None
            return None

        with ThreadPoolExecutor(CLIENTS) as pool:
            results = [pool.submit(sign, body) for body in bodies]
            for _ in range(KILL_AFTER):
                self.assertTrue(answered.acquire(timeout=60))
            daemon.kill()
            held = [body for body in (result.result() for result in results) if body is not None]
        print(f" [{len(held)} of {ORDERS} certificates had left]", end="")
        self.assertGreaterEqual(len(held), KILL_AFTER)
        self.assertLess(len(held), ORDERS)
        self.are_recorded(daemon, held)
        daemon.start()
        self.assertEqual(ask(daemon, "GET", "/system/ready").body, b"ok")
        self.are_given_again(daemon, bodies, proof, held)

    def are_recorded(self, daemon: Daemon, held: list[bytes]) -> None:
        store = sqlite_store(daemon.state / "ledger.sqlite")
        self.addCleanup(store.close)
        for body in held:
            certificate = x509.load_pem_x509_certificate(body)
            entry = store.transact_now(lambda ledger, serial=certificate.serial_number: ledger.find(serial))  # type: ignore[misc]
            assert entry is not None, f"{certificate.serial_number:x} is not in the ledger"
            self.assertEqual(x509.load_der_x509_certificate(entry.certificate), certificate)

    def are_given_again(self, daemon: Daemon, bodies: list[bytes], proof: dict[str, str], held: list[bytes]) -> None:
        """Check that the retries of those who lost their answers, or have it, get what was signed before."""
        names = {x509.load_pem_x509_certificate(body).subject: body for body in held}
        for body in bodies[:20]:
            again = ask(daemon, "POST", "/ca/sign", body, proof)
            self.assertEqual(again.status, 200)
            before = names.get(x509.load_pem_x509_csr(body).subject)
            self.assertIn(before, (None, again.body))
