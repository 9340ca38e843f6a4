"""Messages on a WebSocket; a library plays the client."""

from __future__ import annotations

from hypothesis import given
from hypothesis import strategies as st
from wsproto.connection import Connection, ConnectionType
from wsproto.events import BytesMessage, CloseConnection, Event, Ping, Pong, TextMessage

from pkid.errors import Malformed, Refused
from pkid.rembus.websocket import CloseCode, Opcode, WebSocketReader, read_close, websocket_frame, write_close
from tests.support import Case

MASK = b"\x01\x02\x03\x04"


def masked(first: int, payload: bytes, *, length: int | None = None) -> bytes:
    """Return a short frame of a client."""
    size = len(payload) if length is None else length
    return bytes((first, 0x80 | size)) + MASK + bytes(byte ^ MASK[i % 4] for i, byte in enumerate(payload))


def sent(*events: Event) -> bytes:
    client = Connection(ConnectionType.CLIENT)
    return b"".join(client.send(event) for event in events)


class ReaderTests(Case):
    def test_messages_of_every_length(self) -> None:
        for length in (0, 1, 125, 126, 65535, 65536, 200_000):
            data = bytes(range(256)) * (length // 256 + 1)
            message = data[:length]
            self.assertEqual(WebSocketReader(200_000).feed(sent(BytesMessage(message))), [(Opcode.BINARY, message)])

    def test_a_message_in_parts_with_a_ping_between(self) -> None:
        stream = sent(
            TextMessage("a\u00fc", message_finished=False), Ping(b"!"), TextMessage("", message_finished=False),
            TextMessage("b"), Pong(b"?"), BytesMessage(b"c"), CloseConnection(1000),
        )  # fmt: skip
        expected = [
            (Opcode.PING, b"!"), (Opcode.TEXT, "a\u00fcb".encode()), (Opcode.PONG, b"?"), (Opcode.BINARY, b"c"),
            (Opcode.CLOSE, b"\x03\xe8"),
        ]  # fmt: skip
        for size in (1, 2, 7, 1000):
            reader = WebSocketReader(100)
            found = [frame for at in range(0, len(stream), size) for frame in reader.feed(stream[at : at + size])]
            self.assertEqual(found, expected)

    @given(st.lists(st.binary(max_size=200)), st.integers(1, 100))
    def test_what_a_client_sends_is_read_however_it_arrives(self, messages: list[bytes], size: int) -> None:
        stream = sent(*map(BytesMessage, messages))
        reader = WebSocketReader(200)
        found = [frame for at in range(0, len(stream), size) for frame in reader.feed(stream[at : at + size])]
        self.assertEqual(found, [(Opcode.BINARY, message) for message in messages])

    def test_too_long_a_message_is_refused_before_it_comes(self) -> None:
        for begin in ("828b", "82fe000b", "82ff000000000000000b", "82ffffffffffffffffff"):
            self.assertRaises(Refused, WebSocketReader(10).feed, bytes.fromhex(begin))
        reader = WebSocketReader(10)
        self.assertEqual(reader.feed(masked(0x02, b"12345") + masked(0x00, b"12345")), [])
        self.assertRaises(Refused, reader.feed, masked(0x80, b"", length=1)[:2])

    def test_a_message_that_was_complete_does_not_count_for_the_next_one(self) -> None:
        reader = WebSocketReader(10)
        for _ in range(3):
            frames = reader.feed(masked(0x02, b"12345") + masked(0x89, b"ping") + masked(0x80, b"67890"))
            self.assertEqual(frames, [(Opcode.PING, b"ping"), (Opcode.BINARY, b"1234567890")])

    def test_what_no_client_may_send_is_refused(self) -> None:
        for stream in (
            b"\x82\x01a", masked(0xC2, b"a"), masked(0x83, b"a"), masked(0x8B, b"a"), masked(0x09, b"a"),
            masked(0x80, b"a"), masked(0x02, b"a") + masked(0x82, b"b"), b"\x89\xfe\x00\x7e", b"\x88\xff",
            masked(0x02, b"a") + masked(0x01, b"b"), masked(0x00, b"a"),
        ):  # fmt: skip
            self.assertRaises(Malformed, WebSocketReader(1000).feed, stream)

    @given(st.binary(max_size=100))
    def test_anything_is_read_or_refused(self, data: bytes) -> None:
        try:
            WebSocketReader(50).feed(data)
        except (Malformed, Refused):
            pass


class WriterTests(Case):
    def test_a_client_reads_frames_of_every_length(self) -> None:
        for length in (0, 125, 126, 65535, 65536):
            client = Connection(ConnectionType.CLIENT)
            client.receive_data(websocket_frame(Opcode.BINARY, bytes(length)))
            parts = [event.data for event in client.events() if isinstance(event, BytesMessage)]
            self.assertEqual(b"".join(map(bytes, parts)), bytes(length))

    def test_a_client_is_told_why_a_connection_is_closed(self) -> None:
        client = Connection(ConnectionType.CLIENT)
        client.receive_data(write_close(CloseCode.OVERWRITTEN, "x" * 200))
        (event,) = client.events()
        assert isinstance(event, CloseConnection)
        self.assertEqual((event.code, event.reason), (4000, "x" * 123))

    def test_codes_are_read_and_answered(self) -> None:
        self.assertEqual(read_close(b""), CloseCode.NO_STATUS)
        self.assertEqual(write_close(CloseCode.NO_STATUS), b"\x88\x00")
        self.assertEqual(read_close(b"\x03\xe8bye"), CloseCode.NORMAL)
        self.assertRaises(Malformed, read_close, b"\x03")
