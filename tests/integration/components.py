"""Blocking components at the Rembus doors of a real daemon: sockets, a library's WebSocket, and the door's own codec.

What proves a name is made here by the documented format alone.
"""

from __future__ import annotations

import json
import socket
import ssl
from base64 import b64decode
from hashlib import sha256
from itertools import count

import cbor2
from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.asymmetric import ec
from twisted.trial.unittest import SynchronousTestCase
from wsproto.connection import Connection, ConnectionType
from wsproto.events import BytesMessage, CloseConnection, Event, TextMessage

from pkid.broker.message import QoS
from pkid.broker.payload import Payload, PayloadKind
from pkid.ca.keys import PrivateKey
from pkid.rembus import jsonrpc
from pkid.rembus.cbor import CBOR, decode
from pkid.rembus.frames import FrameReader, frame
from pkid.rembus.packets import Ack, Admin, Attestation, Identity, Packet, Publication, Request, Response
from tests.daemon import Daemon

__all__ = ["ANY_PORT", "NONE", "CborComponent", "Component", "JsonComponent", "Proof", "challenge_in", "value"]

ANY_PORT = "tcp:0:interface=127.0.0.1"
NONE = Payload(PayloadKind.CBOR, b"\x80")
PATIENCE = 30.0  # seconds

Proof = PrivateKey | str
"""What a name is proven with: a P-256 key, or a shared secret."""

_ids = count(1)  # of all connections: a message of a name that has the number of another one is the same message
_TLS = ("rembus-tls", "rembus-wss")
_LARGEST = 1 << 27


def value(payload: Payload) -> object:
    """Return what a payload says."""
    said: object = cbor2.loads(payload.data) if payload.kind is PayloadKind.CBOR else json.loads(payload.data)
    return said


class Component:
    """One connection of a plain stream.

    :ivar code: with which the door closed a WebSocket.
    """

    door = "rembus-tls"

    def __init__(self, case: SynchronousTestCase, daemon: Daemon, door: str = "", name: str = "") -> None:
        """Connect, until the end of a test; under a name if one is given."""
        door = door or self.door
        self.socket = socket.create_connection(daemon.address(door), PATIENCE)
        if door in _TLS:
            context = ssl.create_default_context(cafile=str(daemon.state / "ca.crt"))
            self.socket = context.wrap_socket(self.socket, server_hostname="localhost")
        case.addCleanup(self.socket.close)
        self.code: int | None = None
        self._came: list[Packet] = []
        self._begin()
        if name and (answer := self.ask(Identity(1, name))) != Response(1, 0):
            raise AssertionError(f"{name} was not let in: {answer}")

    # Framing

    def _begin(self) -> None:
        self._reader = FrameReader(_LARGEST)

    def _write(self, packet: Packet) -> bytes:
        return frame(CBOR.encode(packet))

    def _read(self, data: bytes) -> list[Packet]:
        return list(map(decode, self._reader.feed(data)))

    # Packets

    def send(self, *packets: Packet) -> None:
        """Say something."""
        self.socket.sendall(b"".join(map(self._write, packets)))

    def hear(self) -> Packet:
        """Return the next thing that comes.

        :raises EOFError: when the door closed the connection.
        """
        while not self._came:
            self._receive()
        return self._came.pop(0)

    def ask(self, packet: Packet) -> Packet:
        """Say something, and return the answer; what else comes meanwhile waits."""
        self.send(packet)
        looked_at = 0
        while True:
            while looked_at == len(self._came):
                self._receive()
            if isinstance(self._came[looked_at], Response | Ack):
                return self._came.pop(looked_at)
            looked_at += 1

    def _receive(self) -> None:
        data = self.socket.recv(1 << 16)
        if not data:
            raise EOFError("the door closed the connection")
        self._came += self._read(data)

    # What they are for

    def administer(self, cmd: str, topic: str = "__config__", **data: object) -> int:
        """Give an admin command, and return the status of the answer."""
        answer = self.ask(Admin(next(_ids), topic, {"cmd": cmd} | data))
        assert isinstance(answer, Response), answer
        return answer.status

    def set_up(self, *, exposers: tuple[str, ...] = (), subscribers: tuple[str, ...] = ()) -> int:
        """Expose and subscribe, and take messages."""
        return self.administer("setup", exposers=list(exposers), subscribers=list(subscribers))

    def publish(self, topic: str, said: object) -> bool:
        """Publish something that is to arrive, and tell whether that was allowed."""
        payload = Payload(PayloadKind.CBOR, cbor2.dumps([said]))
        return isinstance(self.ask(Publication(next(_ids), topic, payload, QoS.AT_LEAST_ONCE)), Ack)

    def call(self, topic: str, *arguments: object, target: str | None = None) -> Response:
        """Call, and return the answer."""
        payload = Payload(PayloadKind.CBOR, cbor2.dumps(list(arguments)))
        answer = self.ask(Request(next(_ids), topic, target, payload))
        assert isinstance(answer, Response), answer
        return answer

    def next(self) -> tuple[str, object]:
        """Return the topic and the content of the next message, and acknowledge it."""
        came = self.hear()
        assert isinstance(came, Publication), came
        if came.qos is not QoS.AT_MOST_ONCE:
            self.send(Ack(came.id))
        return came.topic, value(came.data)

    def prove(self, name: str, proof: Proof) -> Response:
        """Say a name and prove it; return the last answer."""
        return self.attest(self.challenge(name), name, proof)

    def challenge(self, name: str) -> bytes:
        """Say a name, and return the challenge for it."""
        asked = self.ask(Identity(next(_ids), name))
        assert isinstance(asked, Response) and asked.status == 11, asked
        return challenge_in(asked)

    def attest(self, challenge: bytes, name: str, proof: Proof, id: int | None = None) -> Response:
        """Answer a challenge; return the answer to that."""
        if isinstance(proof, str):
            signature = sha256(cbor2.dumps([challenge, proof])).digest()
        else:
            assert isinstance(proof, ec.EllipticCurvePrivateKey), proof
            signature = proof.sign(cbor2.dumps([challenge, name]), ec.ECDSA(hashes.SHA256()))
        answer = self.ask(Attestation(id or next(_ids), name, signature))
        assert isinstance(answer, Response), answer
        return answer


class CborComponent(Component):
    """One WebSocket, and CBOR on it."""

    door = "rembus-wss"

    def _begin(self) -> None:
        self._web = Connection(ConnectionType.CLIENT)
        self.socket.sendall(
            b"GET / HTTP/1.1\r\nHost: localhost\r\nUpgrade: websocket\r\nConnection: Upgrade\r\n"
            b"Sec-WebSocket-Key: fbldw6BkZNjhOB7ci1atSg==\r\nSec-WebSocket-Version: 13\r\n\r\n"
        )
        answer = b""
        while b"\r\n\r\n" not in answer:
            answer += self.socket.recv(1 << 16)
        head, _, rest = answer.partition(b"\r\n\r\n")
        assert head.startswith(b"HTTP/1.1 101 "), head
        self._came += self._read(rest)

    def _write(self, packet: Packet) -> bytes:
        return self._web.send(BytesMessage(CBOR.encode(packet)))

    def _read(self, data: bytes) -> list[Packet]:
        self._web.receive_data(data)
        found = [self._take(event) for event in self._web.events()]
        return [packet for packet in found if packet is not None]

    def _take(self, event: Event) -> Packet | None:
        match event:
            case BytesMessage(data=data):
                return decode(bytes(data))
            case TextMessage(data=text):
                return jsonrpc.decode(text)[0]
            case CloseConnection(code=code):
                self.code = code
        return None


class JsonComponent(CborComponent):
    """One WebSocket, and JSON-RPC on it."""

    def _write(self, packet: Packet) -> bytes:
        return self._web.send(TextMessage(jsonrpc.PYTHON.encode(packet).decode()))


def challenge_in(answer: Response) -> bytes:
    """Return the challenge that an answer holds: bytes, or base64 where there are none."""
    found = value(answer.data)
    assert isinstance(found, bytes | str), found
    return found if isinstance(found, bytes) else b64decode(found)
