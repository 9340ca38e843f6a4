"""Two components on the broker of a real daemon, by pkid's own client; the daemon is killed, and comes back."""

from __future__ import annotations

import re
import signal
import socket
from collections import Counter
from typing import Any

from cryptography.x509 import Certificate
from twisted.internet import reactor
from twisted.internet.defer import Deferred, gatherResults
from twisted.internet.task import deferLater
from twisted.internet.threads import deferToThread
from twisted.trial.unittest import TestCase

from pkid.agent.credential import Credential
from pkid.agent.runtime import Runtime
from pkid.auth.own_credential import OwnCertificate, OwnCredential, OwnPreSharedKey
from pkid.ca.pem import read_certificates
from pkid.client import get_signed_chain
from pkid.line.client import (
    LAST_RECEIVED,
    Client,
    Delivered,
    Denied,
    Disconnected,
    Invoked,
    Payload,
    QoS,
    TrustingEndpoint,
)
from tests.daemon import CHECKOUT, Daemon, start_daemon
from tests.interop.core import PSK, WITH_PSK

BURST = 40


def free_port() -> int:
    """Return a port that nobody listens on, so that a daemon that comes back is found again."""
    with socket.socket() as listener:
        listener.bind(("127.0.0.1", 0))
        port: int = listener.getsockname()[1]
        return port


class LineClientCase(TestCase):
    timeout = 180

    async def start(self, *options: str) -> Daemon:
        """Start a daemon whose line door stays where it is."""
        door = f"tcp:{free_port()}:interface=127.0.0.1"
        return await deferToThread(start_daemon, self, *WITH_PSK, "--line", door, *options)

    def client(
        self, daemon: Daemon, name: str | None, own: OwnCredential | None = None, shown: Credential | None = None
    ) -> Client:
        """Return a client that connects, until the test is over."""
        (authority,) = read_certificates((daemon.state / "ca.crt").read_bytes())

        async def known() -> Certificate:
            return authority

        runtime = Runtime.of(reactor)
        way = TrustingEndpoint(runtime, "localhost", daemon.address("line")[1], known, lambda: shown)
        client = Client(way, runtime, name, own)
        client.startService()
        self.addCleanup(client.stopService)
        return client

    async def component(self, daemon: Daemon, name: str) -> Client:
        """Return a client that proved its name by the pre-shared key."""
        client = self.client(daemon, name, await deferToThread(OwnPreSharedKey.derive, "default", PSK, b"s" * 16))
        await client.when_connected(tries=1)
        return client


class PowerCutTests(LineClientCase):
    """``kill -9``, and another start."""

    async def test_everything_comes_back_and_nothing_that_was_acknowledged_is_lost(self) -> None:
        daemon = await self.start("--retain", "kept/**")
        alice, bob = await self.component(daemon, "alice"), await self.component(daemon, "bob")
        heard: Counter[bytes] = Counter()
        last: Deferred[None] = Deferred()

        def hear(message: Delivered) -> None:
            heard[message.payload.data] += 1
            if message.payload.data == b"last":
                last.callback(None)

        await alice.subscribe("kept/news", hear, since=LAST_RECEIVED)
        await alice.expose("double", lambda call: call.payload.data * 2)
        self.assertEqual((await bob.call("double", b"ab")).data, b"abab")
        await gatherResults([bob.publish("kept/news", str(n), QoS.AT_LEAST_ONCE) for n in range(BURST)])
        late = [bob.publish("kept/news", str(n), QoS.AT_LEAST_ONCE) for n in range(BURST, 2 * BURST)]
        daemon.kill()
        late += [bob.publish("kept/news", str(n), QoS.AT_LEAST_ONCE) for n in range(2 * BURST, 3 * BURST)]
        await deferToThread(daemon.start)
        await gatherResults(late)
        await bob.publish("kept/news", "last", QoS.AT_LEAST_ONCE)
        await last
        self.assertEqual({b"%d" % n for n in range(3 * BURST)} - set(heard), set())
        await alice.when_connected()
        self.assertEqual((await bob.call("double", b"ab")).data, b"abab")

    async def test_what_needs_an_answer_hears_that_there_is_none(self) -> None:
        daemon = await self.start()
        alice, bob = await self.component(daemon, "alice"), await self.component(daemon, "bob")
        never: Deferred[bytes] = Deferred()
        asked: Deferred[Invoked] = Deferred()

        def answer(call: Invoked) -> Deferred[bytes]:
            asked.callback(call)
            return never

        await alice.expose("slow", answer)
        pending = bob.call("slow", seconds=60)
        call = await asked
        self.assertEqual((call.caller, call.proven), ("bob", True))
        daemon.kill()
        with self.assertRaises(Disconnected):
            await pending
        with self.assertRaises(Disconnected):
            await bob.publish("news", "at most once")
        await deferToThread(daemon.start)

    async def test_a_core_that_stops_gets_the_answers_that_are_being_made_and_is_found_again(self) -> None:
        daemon = await self.start()
        alice, bob = await self.component(daemon, "alice"), await self.component(daemon, "bob")
        asked: Deferred[None] = Deferred()
        answer: Deferred[str] = Deferred()

        def slowly(call: Invoked) -> Deferred[str]:
            asked.callback(None)
            return answer

        await alice.expose("slow", slowly)
        pending = bob.call("slow")
        await asked
        stopping = deferToThread(daemon.stop)
        while alice.connected:
            await deferLater(reactor, 0.01)
        answer.callback("at last")
        self.assertEqual((await pending).data, b"at last")
        self.assertEqual(await stopping, -signal.SIGTERM)
        await deferToThread(daemon.start)
        await gatherResults([alice.when_connected(), bob.when_connected()])


class NameTests(LineClientCase):
    """Certificates that the core itself signed."""

    async def certificate(self, daemon: Daemon, common_name: str, **names: Any) -> Credential:
        """Get a certificate as any script does."""
        (authority,) = read_certificates((daemon.state / "ca.crt").read_bytes())
        key, chain = await deferToThread(
            get_signed_chain, common_name, uri=daemon.url, psk=PSK, ca_cert=authority, **names
        )
        return Credential(key, chain[0], tuple(chain[1:]))

    async def test_an_identity_proves_a_name_and_nothing_else_does(self) -> None:
        daemon = await self.start()
        own = await self.certificate(daemon, "worker.example", component="superuser")
        client = self.client(daemon, "superuser", OwnCertificate(), own)
        await client.when_connected(tries=1)
        await client.stopService()
        for named in (
            await self.certificate(daemon, "superuser"),
            await self.certificate(daemon, "worker.example", dns_names=["superuser"]),
        ):
            client = self.client(daemon, "superuser", OwnCertificate(), named)
            with self.assertRaises(Denied):
                await client.when_connected(tries=1)

    async def test_payloads_of_all_kinds_arrive_as_they_were(self) -> None:
        daemon = await self.start()
        alice, bob = await self.component(daemon, "alice"), await self.component(daemon, "bob")
        contents: list[Payload | bytes | str] = ["text", "two\nlines", b"\0\xff\n", b"", "x" * 100_000]
        messages = await alice.subscribe("a/*")
        for content in contents:
            await bob.publish("a/b", content)
        for content in contents:
            message = await messages.__anext__()
            self.assertEqual(message.payload.data, content.encode() if isinstance(content, str) else content)


class GuideTests(LineClientCase):
    """``docs/python.md``."""

    async def test_its_client_of_the_broker_does_what_it_says(self) -> None:
        daemon = await self.start()
        text = (CHECKOUT / "docs" / "python.md").read_text().partition("## The broker")[2].partition("\n## ")[0]
        blocks = "\n".join(re.findall(r"^```python\n(.*?)^```", text, re.DOTALL | re.MULTILINE))
        for written, meant in (
            ("https://localhost:8900", daemon.url),
            ("8910", str(daemon.address("line")[1])),
            ('"trust"', repr(str(daemon.state.parent / "trust"))),
        ):
            self.assertIn(written, blocks)
            blocks = blocks.replace(written, meant)
        printed: list[tuple[object, ...]] = []
        guide: dict[str, Any] = {"print": lambda *shown: printed.append(shown)}
        exec(compile(blocks, "python.md", "exec"), guide)
        bob = await self.component(daemon, "bob")
        messages = await bob.subscribe("weather/rome")
        await guide["run"]()
        self.assertEqual((await messages.__anext__()).payload.data, b"sunny")
        guide["client"].startService()
        self.addCleanup(guide["client"].stopService)
        Deferred.fromCoroutine(guide["read"]())
        while not printed:
            await bob.publish("weather/oslo/north", "rain", QoS.AT_LEAST_ONCE)
            await deferLater(reactor, 0.05)
        self.assertEqual(printed[0], ("weather/oslo/north",))
        self.assertEqual((await bob.call("add", "1 2")).data, b"3")
