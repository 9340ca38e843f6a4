"""The Rembus doors of a real daemon: plain streams with TLS and without, and what one client costs another."""

from __future__ import annotations

import socket
import ssl
import statistics
from time import monotonic

from pkid.broker.message import QoS
from pkid.broker.payload import Payload, PayloadKind
from pkid.rembus.cbor import CBOR, decode
from pkid.rembus.frames import FrameReader, frame
from pkid.rembus.packets import Ack, Admin, Identity, Packet, Publication, Request, Response
from tests.daemon import Daemon, start_daemon
from tests.support import Case

ANY_PORT = "tcp:0:interface=127.0.0.1"
NONE = Payload(PayloadKind.CBOR, b"\x80")
PATIENCE = 30.0  # seconds


class Component:
    """One connection of a plain stream."""

    def __init__(self, case: Case, daemon: Daemon, door: str, name: str = "") -> None:
        self.socket = socket.create_connection(daemon.address(door), PATIENCE)
        if door == "rembus-tls":
            context = ssl.create_default_context(cafile=str(daemon.state / "ca.crt"))
            self.socket = context.wrap_socket(self.socket, server_hostname="localhost")
        case.addCleanup(self.socket.close)
        self.reader = FrameReader(1 << 20)
        self.came: list[Packet] = []
        if name:
            case.assertEqual(self.ask(Identity(1, name)), Response(1, 0))

    def send(self, packet: Packet) -> None:
        """Say something."""
        self.socket.sendall(frame(CBOR.encode(packet)))

    def hear(self) -> Packet:
        """Return the next thing that comes."""
        while not self.came:
            data = self.socket.recv(1 << 16)
            assert data, "the door closed the connection"
            self.came += map(decode, self.reader.feed(data))
        return self.came.pop(0)

    def ask(self, packet: Packet) -> Packet:
        """Say something, and return what comes next."""
        self.send(packet)
        return self.hear()

    def set_up(self, *, exposers: tuple[str, ...] = (), subscribers: tuple[str, ...] = ()) -> Packet:
        """Expose and subscribe, and take messages."""
        data = {"cmd": "setup", "exposers": list(exposers), "subscribers": list(subscribers)}
        return self.ask(Admin(2, "__config__", data))


class PlainDoorTests(Case):
    def test_streams_with_tls_and_without_lead_to_the_same_broker(self) -> None:
        daemon = start_daemon(self, "--rembus-tls", ANY_PORT, "--rembus-tcp", ANY_PORT)
        subscriber = Component(self, daemon, "rembus-tls", "subscriber")
        publisher = Component(self, daemon, "rembus-tcp")
        self.assertEqual(subscriber.set_up(subscribers=("t",)), Response(2, 0))
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
