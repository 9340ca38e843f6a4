"""Clients of the door at the other end of a transport in memory; a library plays the WebSocket's."""

from __future__ import annotations

from twisted.internet.task import Clock
from wsproto.connection import Connection, ConnectionType
from wsproto.events import BytesMessage, CloseConnection, Event, Ping, TextMessage

from pkid.rembus.cbor import CBOR, decode
from pkid.rembus.factory import RembusFactory
from pkid.rembus.frames import FrameReader, frame
from pkid.rembus.packets import Packet
from tests.line.test_protocol import Wire
from tests.rembus.test_handshake import REQUEST

__all__ = ["PlainPeer", "WebSocketPeer"]


class PlainPeer:
    """A client of a plain stream."""

    def __init__(self, factory: RembusFactory, clock: Clock, host: str = "192.0.2.1") -> None:
        self.clock = clock
        self.wire = Wire(host)
        self.protocol = factory.buildProtocol(None)
        self.protocol.makeConnection(self.wire)
        self.reader = FrameReader(1 << 20)

    def say(self, *packets: Packet) -> list[Packet]:
        """Send packets and return what comes back."""
        self.protocol.dataReceived(b"".join(frame(CBOR.encode(packet)) for packet in packets))
        return self.hear()

    def hear(self) -> list[Packet]:
        """Return what came since the last time."""
        self.clock.advance(0)
        data = self.wire.value()
        self.wire.clear()
        return [decode(message) for message in self.reader.feed(data)]


class WebSocketPeer:
    """A client of a WebSocket.

    :ivar heard: everything that came, but messages.
    """

    def __init__(self, factory: RembusFactory, clock: Clock, host: str = "192.0.2.1") -> None:
        self.clock = clock
        self.wire = Wire(host)
        self.protocol = factory.buildProtocol(None)
        self.protocol.makeConnection(self.wire)
        self.connection = Connection(ConnectionType.CLIENT)
        self.heard: list[Event] = []

    def open(self, request: bytes = REQUEST) -> bytes:
        """Shake hands, and return the answer."""
        self.protocol.dataReceived(request)
        self.clock.advance(0)
        answer: bytes
        answer, _, rest = self.wire.value().partition(b"\r\n\r\n")
        self.wire.clear()
        self.connection.receive_data(rest)
        return answer

    def say(self, *packets: Packet) -> list[Packet]:
        """Send packets as CBOR, and return what comes back as CBOR."""
        self.send(*(BytesMessage(CBOR.encode(packet)) for packet in packets))
        return [decode(data) for data in self.hear() if isinstance(data, bytes)]

    def say_text(self, *texts: str) -> list[str]:
        """Send texts and return what comes back as text."""
        self.send(*map(TextMessage, texts))
        return [data for data in self.hear() if isinstance(data, str)]

    def send(self, *events: Event) -> None:
        """Send anything."""
        self.protocol.dataReceived(b"".join(map(self.connection.send, events)))

    def ping(self) -> None:
        """Ask whether the door is there."""
        self.send(Ping(b"?"))

    def hear(self) -> list[bytes | str]:
        """Return what came since the last time."""
        self.clock.advance(0)
        data = self.wire.value()
        self.wire.clear()
        self.connection.receive_data(data)
        messages: list[bytes | str] = []
        for event in self.connection.events():
            if isinstance(event, BytesMessage):
                messages.append(bytes(event.data))
            elif isinstance(event, TextMessage):
                messages.append(event.data)
            else:
                self.heard.append(event)
        return messages

    def code(self) -> int:
        """Return the code with which the connection is being closed."""
        self.hear()
        last = self.heard[-1]
        assert isinstance(last, CloseConnection), last
        return last.code
