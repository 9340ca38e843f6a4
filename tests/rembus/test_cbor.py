"""Packets as CBOR."""

from __future__ import annotations

from collections.abc import Callable

import cbor2
from hypothesis import given, settings
from hypothesis import strategies as st

from pkid.broker.message import QoS
from pkid.broker.payload import Payload, PayloadKind
from pkid.errors import Malformed
from pkid.rembus.cbor import CBOR, decode, decode_any
from pkid.rembus.packets import (
    NOTHING,
    Ack,
    Ack2,
    Admin,
    Attestation,
    Identity,
    Packet,
    Publication,
    Register,
    Request,
    Response,
    Unregister,
)
from tests.rembus.recordings import recorded
from tests.support import Case

ID = bytes.fromhex("48bc06abcd000c5be8")
NUMBER = 0xE85B0C00CDAB06BC
CID = b"\x65alice"
META_OF_A_BROKER = bytes.fromhex("a1627773194a92")


def payload(*arguments: object) -> Payload:
    return Payload(PayloadKind.CBOR, cbor2.dumps(list(arguments)))


PACKETS = st.one_of(
    st.builds(Identity, st.integers(0, (1 << 64) - 1), st.text()),
    st.builds(Request, st.integers(0, 9), st.text(), st.none() | st.text(), st.builds(payload, st.integers())),
    st.builds(Admin, st.integers(0, 9), st.text(), st.dictionaries(st.text(), st.text() | st.floats(allow_nan=False))),
    st.builds(Response, st.integers(0, 9), st.integers(0, 70), st.builds(payload, st.text())),
    st.builds(
        Publication, st.integers(0, 9), st.text(), st.builds(payload, st.text()),
        st.sampled_from([QoS.AT_LEAST_ONCE, QoS.EXACTLY_ONCE]), st.booleans(),
    ),
    st.builds(Register, st.integers(0, 9), st.text(), st.text(), st.binary(), st.sampled_from([1, 2])),
    st.builds(Attestation, st.integers(0, 9), st.text(), st.binary()),
    st.builds(Ack, st.integers(0, 9)) | st.builds(Ack2, st.integers(0, 9)) | st.builds(Unregister, st.integers(0, 9)),
)  # fmt: skip


def read_by(reader: Callable[[bytes], Packet], data: bytes) -> tuple[object, ...]:
    """Return what a reader makes of a message: the kind of packet and its fields, or nothing."""
    try:
        packet = reader(data)
    except Malformed:
        return ()
    return type(packet), packet


class RecordedTests(Case):
    def test_every_recorded_message_is_read_and_written_again_byte_by_byte(self) -> None:
        kinds = set()
        for message in recorded():
            if isinstance(message.data, bytes):
                packet = decode(message.data)
                kinds.add(type(packet))
                # A broker that names itself says at which ports it listens; that is no use to another one.
                self.assertEqual(CBOR.encode(packet), message.data.replace(META_OF_A_BROKER, b"\xa0"))
        self.assertEqual(len(kinds), 10)


class DecodeTests(Case):
    def test_short_forms_are_read(self) -> None:
        for form, packet in (
            (b"\x83\x00" + ID + CID, Identity(NUMBER, "alice")),
            (b"\x84\x0b" + ID + CID + b"\x41s", Attestation(NUMBER, "alice", b"s")),
            (b"\x83\x04" + ID + b"\x00", Response(NUMBER, 0, NOTHING)),
            (b"\x83\x01" + CID + b"\x05", Publication(0, "alice", Payload(PayloadKind.CBOR, b"\x05"))),
        ):
            self.assertEqual(decode(form), packet)

    def test_numbers_may_be_written_in_more_bytes_than_they_take(self) -> None:
        wide = b"\x1b" + bytes(7)
        self.assertEqual(decode(b"\x82" + wide + b"\x05" + ID), Ack(NUMBER))
        self.assertEqual(decode(b"\x84" + wide + b"\x04" + ID + wide + b"\x2a\xf6"), Response(NUMBER, 42))
        self.assertEqual(decode(b"\x82\x18\x05" + ID), Ack(NUMBER))

    def test_a_key_may_be_wrapped_into_a_tag(self) -> None:
        register = b"\x86\x0a" + ID + CID + b"\x641234" + b"\xd8\x40\x43key\x01"
        self.assertEqual(decode(register), Register(NUMBER, "alice", "1234", b"key", 1))

    def test_tagged_payloads_are_passed_through_as_they_are(self) -> None:
        """A table (80) and an object of another language (27) are what their clients make of them."""
        for tagged in ("d85043010203", "d81b8301430102036161", "82d8504301020301", "d8236328616d"):
            data = bytes.fromhex(tagged)
            packet = decode(b"\x85\x02" + ID + CID + b"\xf6" + data)
            assert isinstance(packet, Request)
            self.assertEqual(packet.data.data, data)
            self.assertTrue(CBOR.encode(packet).endswith(data))

    def test_each_quality_of_service_and_a_slot(self) -> None:
        for first, qos, slotted in (
            (b"\x11", QoS.AT_LEAST_ONCE, False), (b"\x18\x31", QoS.EXACTLY_ONCE, False),
            (b"\x18\x41", QoS.AT_MOST_ONCE, True), (b"\x18\x51", QoS.AT_LEAST_ONCE, True),
            (b"\x18\x71", QoS.EXACTLY_ONCE, True),
        ):  # fmt: skip
            packet = decode(b"\x84" + first + b"\x48\x07\x00\x00\x00\x01\x02\x03\x04" + CID + b"\x80")
            assert isinstance(packet, Publication)
            self.assertEqual((packet.qos, packet.slot), (qos, 7 if slotted else None))

    def test_what_is_no_packet_is_refused(self) -> None:
        for what in (
            b"", b"\x00", b"\x80", b"\x81\x00", b"\x82\x07" + ID, b"\x82\x15" + ID, b"\x82\x05\x44abcd",
            b"\x82\x05\x50" + bytes(16), b"\x84\x18\x21" + ID + CID + b"\x80", b"\x84\x18\x91" + ID + CID + b"\x80",
            b"\x83\x00" + ID + b"\x45alice", b"\x84\x03" + ID + CID + b"\x5a" + b"\x00\x01\x00\x01" + bytes(65537),
            b"\x84\x03" + ID + CID + b"\xa1\x81\x01\x02", b"\x86\x0a" + ID + CID + b"\x641234" + b"\x63key\x01",
            b"\x82\x05" + ID + b"\x00", b"\x85\x02" + ID + CID + b"\x05\x80", b"\x83\x01\x41a\x80", b"\x82\x20" + ID,
        ):  # fmt: skip
            self.assertRaises(Malformed, decode, what)

    @given(st.binary(max_size=80))
    def test_anything_is_a_packet_or_refused(self, data: bytes) -> None:
        for begin in (b"", b"\x83", b"\x84\x03" + ID + CID, b"\x85\x02" + ID, b"\x86\x0a" + ID + CID):
            try:
                packet = decode(begin + data)
            except Malformed:
                continue
            CBOR.encode(packet)

    @settings(deadline=None)
    @given(PACKETS, st.integers(0, 60), st.binary(max_size=3), st.integers(0, 3))
    def test_a_short_form_is_read_as_by_its_elements_or_refused_like_them(
        self, packet: Packet, place: int, other: bytes, cut: int
    ) -> None:
        data = CBOR.encode(packet)
        for each in (data, data[:place] + other + data[place + cut :]):
            self.assertEqual(read_by(decode, each), read_by(decode_any, each))

    def test_what_is_read_is_known_to_be_an_item(self) -> None:
        for message in (
            b"\x83\x01" + CID + b"\x05",
            b"\x84\x18\x31" + ID + CID + b"\x80",
            b"\x85\x02" + ID + CID + b"\xf6\x80",
        ):
            packet = decode(message)
            assert isinstance(packet, Publication | Request)
            self.assertTrue(packet.data.is_checked)

    @given(PACKETS)
    def test_what_is_written_is_read_again(self, packet: Packet) -> None:
        self.assertEqual(decode(CBOR.encode(packet)), packet)


class EncodeTests(Case):
    def test_what_came_by_other_doors_becomes_arguments(self) -> None:
        for kind, data, expected in (
            (PayloadKind.TEXT, b"hi", ["hi"]), (PayloadKind.BYTES, b"\x00", [b"\x00"]), (PayloadKind.TEXT, b"", []),
            (PayloadKind.JSON, b"[1, 2]", [1, 2]), (PayloadKind.JSON, b'{"a":1}', [{"a": 1}]),
            (PayloadKind.JSON, b"3", [3]), (PayloadKind.JSON, b"{no", ["{no"]), (PayloadKind.TEXT, b"\xff", [b"\xff"]),
        ):  # fmt: skip
            message = cbor2.loads(CBOR.encode(Publication(0, "t", Payload(kind, data))))
            self.assertEqual(message, [1, "t", expected])

    def test_a_result_stays_what_it_is(self) -> None:
        for kind, data, expected in ((PayloadKind.TEXT, b"hi", "hi"), (PayloadKind.BYTES, b"\x01", b"\x01")):
            self.assertEqual(cbor2.loads(CBOR.encode(Response(1, 0, Payload(kind, data))))[3], expected)
