"""Pre-shared keys change while a real core runs: by SIGHUP, with overlap, and each within its policy."""

from __future__ import annotations

import os
import signal
import ssl
from contextlib import closing
from datetime import UTC, datetime, timedelta
from http.client import HTTPSConnection
from pathlib import Path

from cryptography.hazmat.primitives.serialization import Encoding, NoEncryption, PrivateFormat

from pkid.client import Client, Rejected, WrongPreSharedKey, get_signed_cert
from tests.certificates import csr_pem, private_key
from tests.daemon import Daemon, start_daemon
from tests.integration.test_daemon import wait_for
from tests.interop.core import Answer, ask, bearer
from tests.support import Case

OLD = "the old pre-shared key, 1"
NEW = "the new pre-shared key, 2"


class RotationCase(Case):
    def setUp(self) -> None:
        directory = Path(self.mktemp()).resolve()
        directory.mkdir(parents=True)
        self.config, self.file = directory / "pkid.toml", directory / "psk"
        self.file.write_text(OLD)

    def start(self, *tables: str) -> Daemon:
        self.configure(*tables)
        self.daemon = start_daemon(self, "--config", str(self.config), "--psk-file", str(self.file))
        return self.daemon

    def configure(self, *tables: str) -> None:
        self.config.write_text("\n".join(tables))

    def reload(self, *tables: str, until: str) -> None:
        """Let the core read these tables; wait until it wrote a line that it had not written before."""
        self.configure(*tables)
        before = self.daemon.output.count(until)
        os.kill(self.daemon.pid, signal.SIGHUP)
        wait_for(lambda: self.daemon.output.count(until) > before)

    def sign(self, psk: str, name: str = "a.example", path: str = "/ca/sign") -> Answer:
        return ask(self.daemon, "POST", path, csr_pem(common_name=None, dns=[name]), bearer(psk))

    def statuses(self, path: str = "/ca/sign") -> tuple[int, int]:
        """Return how the old and the new key fare."""
        return self.sign(OLD, path=path).status, self.sign(NEW, path=path).status


class RotationTests(RotationCase):
    def test_a_key_comes_beside_another_and_takes_its_place(self) -> None:
        self.start()
        self.assertEqual(self.statuses(), (200, 401))
        self.reload("[psks.new]", f'key = "{NEW}"', until="the pre-shared key new (role issue) has no end")
        self.assertEqual(self.statuses(), (200, 200))
        self.assertEqual(self.statuses("/psk/new/ca/sign"), (401, 200))
        for psk in (OLD, NEW):
            self.trusts(psk)
        ended = datetime.now(UTC) - timedelta(seconds=1)
        end = f"[psks.default]\nexpires = {ended:%Y-%m-%dT%H:%M:%SZ}"
        self.reload("[psks.new]", f'key = "{NEW}"', end, until="the pre-shared key default (role admin) ended")
        self.assertEqual(self.statuses(), (401, 200))
        self.trusts(NEW)
        self.assertRaises(WrongPreSharedKey, self.trusts, OLD)
        self.assertNotIn(NEW, self.daemon.output)

    def trusts(self, psk: str) -> None:
        Client(self.daemon.url, psk).ca_cert()

    def test_a_component_may_select_its_key_among_many(self) -> None:
        others = [
            line for number in range(5) for line in (f"[psks.k{number}]", f'key = "key number {number}, of 2026"')
        ]
        self.start(*others, "expires = 2999-01-01T00:00:00Z", "[psks.new]", f'key = "{NEW}"')
        ca = Client(self.daemon.url, NEW).ca_cert()
        self.assertRaises(Rejected, get_signed_cert, "a.example", self.daemon.url, NEW, ca)
        selected = f"{self.daemon.url}/psk/new"
        self.assertEqual(Client(selected, NEW).ca_cert(), ca)
        _, certificate = get_signed_cert("a.example", selected, NEW, ca)
        self.assertEqual(certificate.issuer, ca.subject)

    def test_another_key_in_the_file(self) -> None:
        self.start()
        self.file.write_text(NEW)
        self.reload(until="the pre-shared key default")
        self.assertEqual(self.statuses(), (401, 200))

    def test_a_key_ends_by_itself(self) -> None:
        soon = datetime.now(UTC).replace(microsecond=0) + timedelta(seconds=3)
        self.start("[psks.new]", f'key = "{NEW}"', f"expires = {soon:%Y-%m-%dT%H:%M:%SZ}")
        wait_for(lambda: self.sign(NEW).status == 401)
        self.assertGreaterEqual(datetime.now(UTC), soon)
        self.assertEqual(self.statuses(), (200, 401))

    def test_bad_tables_leave_the_keys_as_they_are_and_say_so_in_one_line(self) -> None:
        self.start("[psks.new]", f'key = "{NEW}"')
        for line in (f'key = "{OLD}"', 'key = "changeme"', 'file = "nowhere"', "role = 1", "] ["):
            self.reload("[psks.new]", line, until="the pre-shared keys in service stay as they are")
        self.assertEqual(self.statuses(), (200, 200))
        self.file.unlink()
        self.reload("[psks.new]", f'key = "{NEW}"', until="the pre-shared keys in service stay as they are")
        self.assertEqual(self.statuses(), (200, 200))


class PolicyTests(RotationCase):
    def renew(self, certificate: bytes, *names: str) -> tuple[int, bytes]:
        """Renew a certificate for these names."""
        context = ssl.create_default_context(cafile=str(self.daemon.state / "ca.crt"))
        pair = Path(self.mktemp())
        pair.write_bytes(private_key().private_bytes(Encoding.PEM, PrivateFormat.PKCS8, NoEncryption()) + certificate)
        context.load_cert_chain(pair)
        with closing(HTTPSConnection("localhost", self.daemon.port, context=context, timeout=30)) as connection:
            connection.request("POST", "/ca/renew", csr_pem(common_name=None, dns=names))
            answer = connection.getresponse()
            return answer.status, answer.read()

    def test_it_counts_at_issue_and_at_renewal(self) -> None:
        key = ("[psks.new]", f'key = "{NEW}"')
        line = "the pre-shared key new"
        self.start(*key, 'allow-dns = ["*.web.example"]')
        refused = self.sign(NEW, "a.example")
        self.assertEqual((refused.status, refused.body.splitlines()[0]), (403, b"Error: not-allowed"))
        granted = self.sign(NEW, "a.web.example")
        self.assertEqual(granted.status, 200)

        status, renewed = self.renew(granted.body, "a.web.example")
        self.assertEqual(status, 200)
        self.reload(*key, 'deny-dns = ["a.web.example"]', until=line)
        status, body = self.renew(renewed, "a.web.example")
        self.assertEqual((status, body.splitlines()[0]), (403, b"Error: not-allowed"))

        self.reload(*key, "expires = 2020-01-01T00:00:00Z", until=f"{line} (role issue) ended")
        self.assertEqual(self.sign(NEW, "a.web.example").status, 401)
        self.assertEqual(self.renew(renewed, "a.web.example")[0], 200)
        self.reload(until="the pre-shared key default")
        status, body = self.renew(renewed, "a.web.example")
        self.assertEqual((status, body.splitlines()[0]), (403, b"Error: retired"))
        self.assertIn(b"psk:new, which is not in service any more", body)
