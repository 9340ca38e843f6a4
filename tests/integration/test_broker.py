"""The broker of the real daemon: its doors, what it keeps over restarts, and how it stops."""

from __future__ import annotations

import os
import signal
import ssl
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

from twisted.internet import reactor
from twisted.internet.defer import Deferred
from twisted.internet.threads import deferToThread
from twisted.trial.unittest import TestCase

from pkid.agent.runtime import Runtime
from pkid.auth.own_credential import OwnPreSharedKey
from pkid.broker.commands import LAST_RECEIVED, Call, Publish, Subscribe
from pkid.broker.message import QoS
from pkid.broker.payload import Payload, PayloadKind
from pkid.ca.pem import read_certificates
from pkid.errors import Reason
from pkid.line.client import Client, Delivered, TrustingEndpoint
from pkid.line.events import Closed, Drains, Errored, Succeeded
from tests.daemon import Daemon, start_daemon
from tests.integration.lines import LinePeer
from tests.integration.test_daemon import wait_for
from tests.interop.core import PSK, WITH_PSK, ask
from tests.support import Case

LEAVES, STAYS = "a key that leaves, number 1", "a key that stays, number 2"
RETAINED = ("--retain", "kept/**")


def text(written: str) -> Payload:
    """Return a payload."""
    return Payload(PayloadKind.TEXT, written.encode())


def publish(topic: str, written: str, request: str | None = None) -> Publish:
    """Return a publication; acknowledged if it has a request."""
    qos = QoS.AT_MOST_ONCE if request is None else QoS.AT_LEAST_ONCE
    return Publish(request, topic, text(written), len(written), qos)


class DoorTests(Case):
    """What leads to the broker."""

    def test_strangers_use_what_is_public(self) -> None:
        daemon = start_daemon(self)
        listener, speaker = LinePeer.of(self, daemon), LinePeer.of(self, daemon)
        self.assertEqual(listener.ask(Subscribe("1", "news/*")), Succeeded("1", None))
        speaker.send(publish("news/a", "hello"))
        found = listener.next(Delivered)
        self.assertEqual((found.topic, found.payload, found.pattern), ("news/a", text("hello"), "news/*"))
        answer = speaker.ask(Call("2", "version", text(""), 0))
        assert isinstance(answer, Succeeded) and answer.payload is not None
        self.assertTrue(answer.payload.data.startswith(b"pkid "))

    def test_older_tls_than_1_3_is_not_spoken(self) -> None:
        daemon = start_daemon(self)
        with self.assertRaises(ssl.SSLError) as caught:
            LinePeer(daemon, ssl.TLSVersion.TLSv1_2)
        self.assertIn("PROTOCOL_VERSION", str(caught.exception).upper())

    def test_each_door_can_be_off(self) -> None:
        without_line = start_daemon(self, "--line", "off")
        self.assertRaises(LookupError, without_line.address, "line")
        self.assertEqual(ask(without_line, "GET", "/system/ready").body, b"ok")
        without_https = start_daemon(self, "--https", "off")
        self.assertRaises(LookupError, without_https.address, "https")
        peer = LinePeer.of(self, without_https)
        self.assertEqual(peer.ask(Subscribe("1", "news")), Succeeded("1", None))

    def test_in_authenticated_mode_strangers_are_served_nothing(self) -> None:
        peer = LinePeer.of(self, start_daemon(self, "--authenticated"))
        answer = peer.ask(Subscribe("1", "news"))
        assert isinstance(answer, Errored)
        self.assertEqual(answer.code, Reason.PROOF_NEEDED.code)
        self.assertEqual(peer.next(Closed).code, "proof-needed")

    def test_clients_are_told_when_the_core_stops(self) -> None:
        daemon = start_daemon(self)
        stays, leaves = LinePeer.of(self, daemon), LinePeer.of(self, daemon)
        for peer in (stays, leaves):
            peer.ask(Subscribe("1", "news"))
        with ThreadPoolExecutor(1) as pool:
            stopped = pool.submit(daemon.stop)
            self.assertEqual(leaves.read(), Drains())
            leaves.socket.close()
            self.assertEqual((stays.read(), stays.next(Closed).code), (Drains(), "draining"))
            stays.socket.close()
            self.assertEqual(stopped.result(), -signal.SIGTERM)

    def test_to_be_told_twice_to_stop_changes_nothing(self) -> None:
        daemon = start_daemon(self)
        stays = LinePeer.of(self, daemon)
        stays.ask(Subscribe("1", "news"))
        os.kill(daemon.pid, signal.SIGTERM)
        self.assertEqual(stays.read(), Drains())
        os.kill(daemon.pid, signal.SIGINT)
        wait_for(lambda: "stopping already" in daemon.output)
        stays.socket.close()
        self.assertEqual(daemon.stop(), -signal.SIGTERM)
        self.assertNotIn("Traceback", daemon.output)


class RetentionTests(Case):
    """What outlives a process."""

    def test_kept_messages_outlive_a_power_cut(self) -> None:
        daemon = start_daemon(self, *RETAINED)
        speaker = LinePeer(daemon)
        for number in range(10):
            self.assertEqual(
                speaker.ask(publish("kept/news", str(number), f"r{number}")), Succeeded(f"r{number}", None)
            )
        daemon.kill()
        speaker.socket.close()
        daemon.start()
        listener = LinePeer.of(self, daemon)
        listener.ask(Subscribe("1", "kept/**", LAST_RECEIVED))
        found = [listener.next(Delivered).payload.data for _ in range(10)]
        self.assertEqual(found, [b"%d" % number for number in range(10)])


class ComponentTests(TestCase):
    """Components that prove their names by the pre-shared key."""

    timeout = 120

    def setUp(self) -> None:
        self.clients: list[Client] = []

    async def component(self, daemon: Daemon, name: str, secret: str = PSK, psk: str = "default") -> Client:
        """Connect a component, until the end of the test."""
        (authority,) = read_certificates((daemon.state / "ca.crt").read_bytes())
        runtime = Runtime.of(reactor)
        endpoint = TrustingEndpoint.pinned(runtime, "localhost", daemon.address("line")[1], authority)
        credential = await deferToThread(OwnPreSharedKey.derive, psk, secret, b"s" * 16)
        client = Client(endpoint, runtime, name, credential)
        client.startService()
        self.addCleanup(client.stopService)
        await client.when_connected(1)
        return client

    async def test_a_component_is_known_by_its_name(self) -> None:
        daemon = await deferToThread(start_daemon, self, *WITH_PSK)
        alice, bob = await self.component(daemon, "alice"), await self.component(daemon, "bob")
        heard: Deferred[Delivered] = Deferred()
        await bob.subscribe("news", heard.callback)
        await alice.publish("news", "hello", QoS.AT_LEAST_ONCE)
        message = await heard
        self.assertEqual((message.sender, message.proven, message.payload), ("alice", True, text("hello")))

    async def test_a_session_ends_with_the_key_that_proved_its_name(self) -> None:
        directory = Path(self.mktemp()).resolve()
        directory.mkdir()
        config = directory / "pkid.toml"
        config.write_text(f'[psks.leaves]\nkey = "{LEAVES}"\n[psks.stays]\nkey = "{STAYS}"\n')
        daemon = await deferToThread(start_daemon, self, *WITH_PSK, "--config", str(config))
        leaves = await self.component(daemon, "alice", LEAVES, "leaves")
        stays = await self.component(daemon, "bob", STAYS, "stays")
        connection = leaves._link.connection
        assert connection is not None
        config.write_text(f'[psks.stays]\nkey = "{STAYS}"\n')
        os.kill(daemon.pid, signal.SIGHUP)
        await connection.when_lost
        self.assertEqual((connection.last_words, stays.connected), ("expelled", True))

    async def test_a_session_ends_when_its_key_does_not_allow_the_name_any_more(self) -> None:
        directory = Path(self.mktemp()).resolve()
        directory.mkdir()
        config = directory / "pkid.toml"

        def allow(names: str, role: str = "issue") -> None:
            config.write_text(f'[psks.fleet]\nkey = "{STAYS}"\nallow-components = [{names}]\nrole = "{role}"\n')

        allow('"root", "web-*"')
        daemon = await deferToThread(start_daemon, self, *WITH_PSK, "--config", str(config))
        root = await self.component(daemon, "root", STAYS, "fleet")
        web = await self.component(daemon, "web-1", STAYS, "fleet")
        connection = root._link.connection
        assert connection is not None
        allow('"web-*"')
        os.kill(daemon.pid, signal.SIGHUP)
        await connection.when_lost
        self.assertEqual((connection.last_words, web.connected), ("expelled", True))

        connection = web._link.connection
        assert connection is not None
        allow('"web-*"', "read")
        os.kill(daemon.pid, signal.SIGHUP)
        await connection.when_lost
        self.assertEqual(connection.last_words, "expelled")

    async def test_what_a_component_missed_waits_for_it_over_a_restart(self) -> None:
        daemon = await deferToThread(start_daemon, self, *WITH_PSK)
        alice, bob = await self.component(daemon, "alice"), await self.component(daemon, "bob")
        await bob.subscribe("news", lambda message: None, LAST_RECEIVED)
        await bob._link.stop()
        await alice.publish("news", "missed", QoS.AT_LEAST_ONCE)
        await alice._link.stop()
        await deferToThread(daemon.kill)
        await deferToThread(daemon.start)
        heard: Deferred[Delivered] = Deferred()
        again = await self.component(daemon, "bob")
        await again.subscribe("news", heard.callback, LAST_RECEIVED)
        self.assertEqual((await heard).payload, text("missed"))
