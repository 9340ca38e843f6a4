"""The Rembus doors of a real daemon: plain streams with TLS and without, proofs, and what one client costs another."""

from __future__ import annotations

import re
import statistics
from base64 import b64encode
from pathlib import Path
from time import monotonic

from cryptography.hazmat.primitives.serialization import Encoding, PublicFormat

from pkid.broker.message import QoS
from pkid.ca.keys import KeyType
from pkid.line.events import Errored, Succeeded
from pkid.rembus.packets import Ack, Publication, Request, Response, Unregister
from tests.certificates import private_key
from tests.daemon import start_daemon
from tests.integration.components import ANY_PORT, NONE, CborComponent, Component, JsonComponent, challenge_in
from tests.integration.lines import LinePeer
from tests.integration.test_broker import publish
from tests.interop.core import WITH_PSK, ask, bearer
from tests.support import Case

KEY = private_key(KeyType.P256)


class PlainDoorTests(Case):
    def test_streams_with_tls_and_without_lead_to_the_same_broker(self) -> None:
        daemon = start_daemon(self, "--rembus-tls", ANY_PORT, "--rembus-tcp", ANY_PORT)
        subscriber = Component(self, daemon, "rembus-tls", "subscriber")
        publisher = Component(self, daemon, "rembus-tcp")
        self.assertEqual(subscriber.set_up(subscribers=("t",)), 0)
        self.assertEqual(publisher.ask(Publication(7, "t", NONE, QoS.AT_LEAST_ONCE)), Ack(7))
        got = subscriber.hear()
        assert isinstance(got, Publication)
        self.assertIn("the rembus-tcp door has no encryption", daemon.output)
        self.assertNotIn("the rembus-tls door has no", daemon.output)
        self.assertEqual((got.topic, got.data, got.qos), ("t", NONE, QoS.AT_LEAST_ONCE))
        subscriber.send(Ack(got.id))

    def test_only_what_was_asked_for_is_open(self) -> None:
        daemon = start_daemon(self)
        self.assertTrue(daemon.address("rembus-wss"))
        for door in ("rembus-ws", "rembus-tls", "rembus-tcp"):
            self.assertRaises(LookupError, daemon.address, door)


class BystanderTests(Case):
    """Subscribers that never answer cost the others nothing."""

    def test_calls_go_on_while_some_never_acknowledge_and_others_are_gone(self) -> None:
        daemon = start_daemon(self, "--rembus-tcp", ANY_PORT, "--retain", "load")
        silent = Component(self, daemon, "rembus-tcp", "silent")
        silent.set_up(subscribers=("load",))
        gone = Component(self, daemon, "rembus-tcp", "gone")
        gone.set_up(subscribers=("load",))
        gone.socket.close()
        publisher, caller = Component(self, daemon, "rembus-tcp"), Component(self, daemon, "rembus-tcp")
        times = []
        for number in range(300):
            sent = Publication(number, "load", NONE, QoS.EXACTLY_ONCE if number % 2 else QoS.AT_LEAST_ONCE)
            self.assertEqual(publisher.ask(sent), Ack(number))
            begin = monotonic()
            answer = caller.ask(Request(number, "rid", None, NONE))
            times.append(monotonic() - begin)
            assert isinstance(answer, Response)
            self.assertEqual((answer.id, answer.status), (number, 0))
        print(f"a bystander's calls: p99 {1e3 * statistics.quantiles(times, n=100)[98]:.1f} ms")


class SecretTests(Case):
    """Names that are proven by a shared secret, which clients in Python cannot."""

    def directory(self) -> Path:
        """Make a directory of keys, with one secret and one key."""
        path = Path(self.mktemp()).absolute()
        (path / "keys").mkdir(parents=True)
        public = KEY.public_key().public_bytes(Encoding.PEM, PublicFormat.SubjectPublicKeyInfo)
        for name, content in (("sensor", b"correct horse\n"), ("keyed", public)):
            (path / "keys" / name).touch(0o600)
            (path / "keys" / name).write_bytes(content)
        return path

    def test_a_secret_of_a_directory_proves_its_name_at_each_kind_of_door(self) -> None:
        daemon = start_daemon(self, "--rembus-tls", ANY_PORT, "--auth", f"keydir:{self.directory()}")
        for kind in (Component, CborComponent, JsonComponent):
            sensor = kind(self, daemon)
            self.assertEqual(sensor.prove("sensor", "correct horse").status, 0, kind)
            self.assertEqual(sensor.call("rid").status, 0)
            wrong = kind(self, daemon)
            self.assertEqual(wrong.prove("sensor", "wrong horse").status, 10)
            self.assertRaises(EOFError, wrong.hear)

    def test_where_only_proven_names_are_served_the_secret_answers_the_challenge_that_comes_unasked(self) -> None:
        daemon = start_daemon(self, "--authenticated", "--auth", f"keydir:{self.directory()}")
        for name, secret, status in (("sensor", "correct horse", 0), ("keyed", "-----BEGIN PUBLIC KEY-----", 10)):
            component = CborComponent(self, daemon)
            greeting = component.hear()
            assert isinstance(greeting, Response)
            self.assertEqual((greeting.id, greeting.status), (0x12345678DEADBEEF, 11))
            answer = component.attest(challenge_in(greeting), name, secret, greeting.id)
            self.assertEqual((answer.id, answer.status), (greeting.id, status))

    def test_a_secret_of_the_store_proves_its_name_if_it_can_be_recovered(self) -> None:
        daemon = start_daemon(self, *WITH_PSK)
        headers = bearer() | {"Content-Type": "text/plain"}
        added = ask(daemon, "POST", "/cli/execute", b"broker keys add sensor --recoverable-secret", headers)
        (secret,) = re.findall(r"secret: ([\w-]+)", added.body.decode())
        self.assertEqual(CborComponent(self, daemon).prove("sensor", secret).status, 0)
        self.assertEqual(CborComponent(self, daemon).prove("sensor", "another").status, 10)


class EndTests(Case):
    def test_a_component_whose_key_is_forgotten_is_told_so_and_closed(self) -> None:
        daemon = start_daemon(self, *WITH_PSK)
        public = b64encode(KEY.public_key().public_bytes(Encoding.DER, PublicFormat.SubjectPublicKeyInfo)).decode()
        headers = bearer() | {"Content-Type": "text/plain"}
        ask(daemon, "POST", "/cli/execute", f"broker keys add sensor {public}".encode(), headers)
        sensor = CborComponent(self, daemon)
        self.assertEqual(sensor.prove("sensor", KEY).status, 0)
        self.assertEqual(sensor.ask(Unregister(9)), Response(9, 0))
        self.assertRaises(EOFError, sensor.hear)
        self.assertEqual(sensor.code, 1008)
        CborComponent(self, daemon, name="sensor")  # it is free again, and worth nothing


class GatewayTests(Case):
    """There is no way to speak for a component by HTTP, with its name in the path."""

    def test_nobody_subscribes_exposes_or_publishes_for_another_over_http(self) -> None:
        daemon = start_daemon(self, *WITH_PSK)
        for method, path in (
            ("POST", "/subscribe/t/alice"), ("POST", "/expose/t/alice"), ("POST", "/t"), ("GET", "/t"),
            ("POST", "/private_topic/t"), ("POST", "/authorize/alice/t"), ("GET", "/admin/setup"), ("POST", "/"),
        ):  # fmt: skip
            self.assertIn(ask(daemon, method, path, b"[]").status, {401, 404, 405}, path)
            self.assertIn(ask(daemon, method, path, b"[]", bearer()).status, {404, 405}, path)


class SizeTests(Case):
    def test_the_operator_says_how_large_a_message_may_be_at_all_doors(self) -> None:
        daemon = start_daemon(self, "--rembus-tls", ANY_PORT, "--message-size", "128k")
        for kind in (Component, CborComponent):
            component = kind(self, daemon)
            self.assertTrue(component.publish("t", bytes(100_000)))
            self.assertRaises(EOFError, component.publish, "t", bytes(132_000))
        self.assertEqual(getattr(component, "code", None), 1009)
        line = LinePeer.of(self, daemon)
        for size in (1, 100_000):
            self.assertIsInstance(line.ask(publish("t", "x" * size, str(size))), Succeeded)
        answer = line.ask(publish("t", "x" * 132_000, "2"))
        assert isinstance(answer, Errored)
        self.assertEqual(answer.code, "limit")
