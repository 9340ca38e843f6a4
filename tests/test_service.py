"""The whole core in this process, on loopback: it starts, serves, reloads and stops, or says in one line why not."""

from __future__ import annotations

import contextlib
import http.client
import os
import resource
import signal
import socket
import ssl
import threading
from ipaddress import ip_address
from pathlib import Path
from time import monotonic
from typing import Any
from unittest.mock import Mock

from cryptography import x509
from twisted.internet import reactor
from twisted.internet.defer import Deferred, gatherResults
from twisted.internet.threads import deferToThread
from twisted.trial.unittest import TestCase

from pkid.broker.changes import Authorize
from pkid.broker.topic import Pattern
from pkid.ca.authority import Order
from pkid.ca.ledger import Entry
from pkid.ca.names import Names
from pkid.ca.policy import ANY_NAME
from pkid.door import Door
from pkid.errors import Reason, Unavailable
from pkid.host import HostCertificate
from pkid.service import Core, make_service
from pkid.settings.resolution import resolve
from pkid.start import StartFailed
from pkid.state import StateDirectory
from pkid.store.service import StoreService
from tests.certificates import PSK, csr_pem
from tests.interop.core import bearer
from tests.store.entries import sqlite_store

LOOPBACK = "tcp:0:interface=127.0.0.1"


class CoreTests(TestCase):
    timeout = 60

    def setUp(self) -> None:
        self.state = Path(self.mktemp()).resolve() / "state"
        self.state.parent.mkdir()
        self.patch(os, "environ", {name: value for name, value in os.environ.items() if name != "NOTIFY_SOCKET"})
        limits = resource.getrlimit(resource.RLIMIT_NOFILE)
        self.addCleanup(resource.setrlimit, resource.RLIMIT_NOFILE, limits)

    def core(self, **flags: str | bool) -> Core:
        written = {name.replace("_", "-"): value for name, value in flags.items()}
        defaults: dict[str, str | bool] = {
            "state": str(self.state), "https": LOOPBACK, "line": LOOPBACK, "rembus-wss": LOOPBACK,
            "psk": PSK.secret,
        }  # fmt: skip
        core = make_service(resolve({**defaults, **written}, {}, Path.read_bytes, Path.cwd()), reactor)
        assert isinstance(core, Core)
        return core

    async def start(self, **flags: str | bool) -> Core:
        core = self.core(**flags)
        core.privilegedStartService()
        core.startService()
        self.addCleanup(self.stop, core)
        turned: Deferred[None] = Deferred()
        reactor.callLater(0, turned.callback, None)
        await turned
        return core

    async def stop(self, core: Core) -> None:
        if core.running:
            await core.stopService()

    async def test_who_interrupts_the_start_gets_one_line(self) -> None:
        self.patch(StateDirectory, "load_trust_domain", Mock(side_effect=KeyboardInterrupt))
        await self.refused("interrupted", "start it again")

    async def refused(self, *words: str, **flags: str | bool) -> None:
        """Check that the core does not start, in one line with these words; clean up as its process would."""
        core = self.core(**flags)
        with self.assertRaises(StartFailed) as caught:
            core.startService()
        message = str(caught.exception)
        self.assertTrue(message.startswith("pkid: "), message)
        self.assertNotIn("\n", message)
        for word in words:
            self.assertIn(word, message)
        for door in core._doors:
            await door.stopService()
        if hasattr(core, "_state"):
            os.close(core._state._lock)

    def connect(self, core: Core, *, tls: bool = True) -> Any:
        host, port = core._doors[0].address.split()
        if not tls:
            return http.client.HTTPConnection(host, int(port), timeout=20)
        context = ssl.create_default_context(cafile=str(self.state / "ca.crt"))
        return http.client.HTTPSConnection("localhost", int(port), context=context, timeout=20)

    async def ask(self, connection: Any, method: str, path: str, body: bytes | None = None, **headers: str) -> Any:
        """Send a request in a thread; return the status and the body."""

        def work() -> tuple[int, bytes]:
            connection.request(method, path, body, headers)
            response = connection.getresponse()
            return response.status, response.read()

        return await deferToThread(work)

    async def test_it_starts_signs_and_stops(self) -> None:
        core = await self.start()
        https, line, rembus = (door.address for door in core._doors)
        written = (self.state / "addresses").read_text()
        self.assertEqual(written, f"https {https}\nline {line}\nrembus-wss {rembus}\n")
        connection = self.connect(core)
        self.addCleanup(connection.close)
        self.assertEqual(await self.ask(connection, "GET", "/system/ready"), (200, b"ok"))
        self.assertEqual(await self.ask(connection, "GET", "/ca/cert"), (200, (self.state / "ca.crt").read_bytes()))
        status, body = await self.ask(connection, "POST", "/ca/sign", csr_pem(), **bearer(PSK.secret))
        self.assertEqual(status, 200)
        certificate = x509.load_pem_x509_certificate(body)
        await core.stopService()
        self.assertFalse((self.state / "addresses").exists())
        self.assertEqual(self.ledger(certificate.serial_number), body)

    async def test_rsa_signatures_of_a_group_are_made_in_threads_that_end_with_the_core(self) -> None:
        self.patch(os, "cpu_count", lambda: 2)
        core = await self.start(ca_key_type="rsa2048")
        orders = [Order(csr_pem(common_name=f"c{number}.example"), "psk:default", ANY_NAME) for number in range(3)]
        answers = await core._ledger.store.transact(lambda ledger: core._authority.fulfil(orders, ledger))
        self.assertEqual([type(answer) for answer in answers], [Entry] * 3)
        self.assertEqual(len(self.signing()), 1)
        await core.stopService()
        self.assertEqual(self.signing(), [])

    def signing(self) -> list[threading.Thread]:
        """Return the threads that only sign."""
        return [thread for thread in threading.enumerate() if thread.name.startswith("signatures")]

    def ledger(self, serial: int) -> bytes:
        """Return what the ledger holds for a serial number, as PEM."""
        store = sqlite_store(self.state / "ledger.sqlite")
        self.addCleanup(store.close)
        entry = store.transact_now(lambda ledger: ledger.find(serial))
        assert entry is not None
        return ssl.DER_cert_to_PEM_cert(entry.certificate).encode()

    async def test_it_starts_again_as_the_same_authority(self) -> None:
        first = await self.start()
        public = (self.state / "ca.crt").read_bytes()
        host = (self.state / "host.pem").read_bytes()
        await first.stopService()
        second = await self.start()
        self.assertEqual(((self.state / "ca.crt").read_bytes(), (self.state / "host.pem").read_bytes()), (public, host))
        self.assertEqual((await self.ask(self.connect(second), "GET", "/system/ready"))[0], 200)

    async def test_rights_of_the_broker_are_known_to_the_next_start(self) -> None:
        core = await self.start()
        await core._broking.service.change(Authorize(Pattern("news"), "alice"), "psk:default")
        await core.stopService()
        rights = (await self.start())._broking.service.rights
        self.assertTrue(rights.is_private(("news",)))
        self.assertEqual([rule.subject.text for rule in rights.rules()], ["alice"])

    async def test_a_pre_shared_key_that_is_exchanged_is_revoked_at_the_broker(self) -> None:
        core = await self.start()
        revoked: list[str] = []
        self.patch(core._broking.service, "revoke", revoked.append)
        await core.reload()
        self.assertEqual(revoked, [])
        other = resolve({"psk": "another pre-shared key, 2", "state": str(self.state)}, {}, Path.read_bytes, Path.cwd())
        core._resolve = lambda: other
        await core.reload()
        self.assertEqual(revoked, ["psk:default"])

    async def test_plain_text_asks_for_proof_all_the_same(self) -> None:
        core = await self.start(no_tls=True)
        ask = self.connect(core, tls=False)
        self.addCleanup(ask.close)
        self.assertEqual((await self.ask(ask, "GET", "/ca/cert"))[0], 200)
        self.assertEqual((await self.ask(ask, "POST", "/ca/sign", csr_pem()))[0], 401)
        self.assertEqual((await self.ask(ask, "POST", "/ca/sign", csr_pem(), **bearer(PSK.secret)))[0], 200)

    async def test_the_stop_does_not_wait_for_peers_that_keep_a_connection(self) -> None:
        core = await self.start()
        connections = [self.connect(core) for _ in range(3)]
        for connection in connections:
            self.addCleanup(connection.close)
            await self.ask(connection, "GET", "/system/ping")
        started = monotonic()
        await core.stopService()
        self.assertLess(monotonic() - started, 5)
        for connection in connections:
            connection.sock.settimeout(5)
            with contextlib.suppress(ConnectionResetError):
                self.assertEqual(await deferToThread(connection.sock.recv, 1), b"")

    async def test_a_reload_puts_a_certificate_for_new_names_to_use(self) -> None:
        core = await self.start()
        connection = self.connect(core)
        self.addCleanup(connection.close)
        await self.ask(connection, "GET", "/system/ping")
        before = connection.sock.getpeercert(True)
        host = core._certificates._host
        assert isinstance(host, HostCertificate)
        host._discover = lambda: Names(("localhost", "new.example"), (ip_address("127.0.0.1"),))
        await core.reload()
        other = self.connect(core)
        self.addCleanup(other.close)
        await self.ask(other, "GET", "/system/ping")
        self.assertNotEqual(other.sock.getpeercert(True), before)
        self.assertIn(("DNS", "new.example"), other.sock.getpeercert()["subjectAltName"])
        self.assertEqual(await self.ask(connection, "GET", "/system/ping"), (200, b"pong"))

    async def test_a_reload_does_not_wait_for_keys_that_callers_have_made(self) -> None:
        core = await self.start()
        keys, enough = core.getServiceNamed("keys"), threading.Event()
        self.addCleanup(enough.set)
        made = [keys(enough.wait) for _ in range(os.cpu_count() or 1)]
        await core.reload()
        self.assertFalse(any(each.called for each in made))
        enough.set()
        await gatherResults(made)

    async def test_a_hangup_reloads_until_the_stop(self) -> None:
        before = signal.getsignal(signal.SIGHUP)
        core = await self.start()
        reloaded: Deferred[None] = Deferred()
        self.patch(core, "reload", lambda: reloaded.callback(None))
        os.kill(os.getpid(), signal.SIGHUP)
        await reloaded
        await core.stopService()
        self.assertIs(signal.getsignal(signal.SIGHUP), before)

    async def test_a_core_that_stops_does_not_reload(self) -> None:
        core = await self.start()
        stopped = core.stopService()
        self.patch(core, "_reload", lambda: self.fail("it reloads"))
        await core.reload()
        await stopped

    async def test_a_port_in_use(self) -> None:
        taken = socket.create_server(("127.0.0.1", 0))
        self.addCleanup(taken.close)
        port = taken.getsockname()[1]
        await self.refused("Address already in use", "--https", https=f"tcp:{port}:interface=127.0.0.1")
        self.assertFalse(self.state.exists())

    async def test_a_state_directory_in_use(self) -> None:
        with StateDirectory(self.state):
            await self.refused(str(self.state), "in use by another pkid")

    async def test_damaged_and_foreign_files(self) -> None:
        await self.stop(await self.start())
        for name in ("ca.pem", "host.pem", "ledger.sqlite", "trust-domain"):
            path = self.state / name
            whole = path.read_bytes()
            path.write_bytes(b"nonsense" * 200)
            await self.refused(str(path))
            self.assertEqual(path.read_bytes(), b"nonsense" * 200)
            path.write_bytes(whole)
        await self.start()

    async def test_a_ledger_that_takes_nothing(self) -> None:
        def refuse(*_: object) -> None:
            raise Unavailable(Reason.STORE)

        self.patch(StoreService, "transact_now", refuse)
        await self.refused("the ledger cannot be written")

    def test_nothing_is_opened_before_the_start(self) -> None:
        core = self.core()
        self.assertFalse(self.state.exists())
        self.assertEqual([(type(door), door._port) for door in core._doors], [(Door, None)] * 3)
