"""Packets as JSON-RPC, in both dialects."""

from __future__ import annotations

import json
from typing import Any

import cbor2
from hypothesis import given
from hypothesis import strategies as st

from pkid.broker.message import QoS
from pkid.broker.payload import Payload, PayloadKind
from pkid.errors import Malformed
from pkid.rembus.jsonrpc import JULIA, PYTHON, JsonRpc, decode
from pkid.rembus.packets import NOTHING, Ack, Ack2, Identity, Packet, Publication, Request, Response, Unregister
from tests.rembus.recordings import recorded
from tests.rembus.test_cbor import PACKETS
from tests.support import Case

KEYS = ["type", "__type__", "data", "cid", "pin", "sts", "signature"]
BODIES = st.recursive(
    st.none() | st.integers() | st.text() | st.sampled_from([0, 3, 4, 5, 10, 11, 16]),
    lambda inner: st.lists(inner) | st.dictionaries(st.sampled_from(KEYS), inner),
)


def read(**members: Any) -> tuple[Packet, JsonRpc | None]:
    return decode(json.dumps({"jsonrpc": "2.0"} | members))


def arguments(text: str) -> Payload:
    return Payload(PayloadKind.JSON, text.encode())


class RecordedTests(Case):
    def test_every_recorded_message_is_read_and_written_again_byte_by_byte(self) -> None:
        texts = [message.data for message in recorded() if isinstance(message.data, str)]
        for text in texts:
            packet, dialect = decode(text)
            self.assertIs(dialect, PYTHON)
            self.assertEqual(PYTHON.encode(packet), text.encode())
        self.assertGreater(len(texts), 5)


class DecodeTests(Case):
    def test_ids_are_numbers_or_texts_and_tell_the_dialect(self) -> None:
        self.assertEqual(read(id=0, method="t", params=[]), (Request(0, "t", None, arguments("[]")), PYTHON))
        self.assertEqual(read(id="18446744073709551615", result={"__type__": 5}), (Ack((1 << 64) - 1), JULIA))
        self.assertEqual(read(id=5, result={"__type__": 6}), (Ack2(5), JULIA))
        self.assertIsNone(read(method="t")[1])
        for wrong in (-1, 1 << 64, "x", "", "-1", "1" * 21, "\u0661", 1.5, True, [1]):
            self.assertRaises(Malformed, read, id=wrong, method="t")

    def test_what_is_published_is_not_lost(self) -> None:
        self.assertEqual(read(method="t", params=[1])[0], Publication(0, "t", arguments("[1]")))
        for kind, qos, slotted in (
            (16, QoS.AT_LEAST_ONCE, False), (48, QoS.EXACTLY_ONCE, False), (112, QoS.EXACTLY_ONCE, True),
        ):  # fmt: skip
            packet, _ = read(id=7, method="t", params={"type": kind, "data": ["ü"]})
            self.assertEqual(packet, Publication(7, "t", arguments('["ü"]'), qos, slotted))

    def test_arguments_may_be_missing_or_go_by_name(self) -> None:
        self.assertEqual(read(id=1, method="t")[0], Request(1, "t", None, NOTHING))
        self.assertEqual(read(id=1, method="t", params={"a": 1})[0], Request(1, "t", None, arguments('{"a":1}')))

    def test_a_target_stands_before_the_last_separator_in_one_dialect(self) -> None:
        self.assertEqual(read(id="1", method="a.b/c/t", params=[])[0], Request(1, "t", "a.b/c", arguments("[]")))
        self.assertEqual(read(id=1, method="c/t", params=[])[0], Request(1, "c/t", None, arguments("[]")))

    def test_what_is_no_packet_is_refused(self) -> None:
        for text in (
            "", "[]", "null", "{", '{"id":1}', '{"id":1,"result":1}', '{"result":{"type":5}}', '{"method":1}',
            '{"id":1,"method":"t","params":{"type":7}}', '{"id":1,"method":"t","params":{"type":0,"cid":1}}',
            '{"id":1,"method":"t","params":{"type":11,"signature":"?"}}', '{"id":1,"result":{"type":4,"sts":-1}}',
            '{"method":"\\ud800"}', '{"method":"t","params":["\\ud800"]}', '{"id":%s,"method":"t"}' % ("1" * 5000),
            '{"method":"t","params":%s}' % ("[" * 100 + "]" * 100), "[" * 100_000,
        ):  # fmt: skip
            self.assertRaises(Malformed, decode, text)

    @given(
        BODIES, st.sampled_from(["params", "result", "error"]), st.none() | st.integers() | st.text(), st.booleans()
    )  # fmt: skip
    def test_anything_is_a_packet_or_refused(self, body: object, part: str, number: object, named: bool) -> None:
        message = {part: body, "id": number} | ({"method": "t"} if named else {})
        try:
            packet, dialect = decode(json.dumps(message))
        except Malformed:
            return
        json.loads((dialect or PYTHON).encode(packet))

    @given(PACKETS, st.sampled_from([PYTHON, JULIA]))
    def test_what_is_written_is_read_again(self, packet: Packet, dialect: JsonRpc) -> None:
        again, spoken = decode(dialect.encode(packet))
        self.assertIs(type(again), type(packet))
        self.assertEqual(again.id, packet.id)
        self.assertIn(spoken, {dialect, None})


class EncodeTests(Case):
    def test_each_dialect_has_its_form_of_a_challenge(self) -> None:
        challenge = Response(5, 11, Payload(PayloadKind.BYTES, b"\x01\x02"))
        self.assertEqual(json.loads(PYTHON.encode(challenge))["result"], {"type": 4, "sts": 11, "data": "AQI="})
        self.assertEqual(json.loads(JULIA.encode(challenge))["id"], "5")
        self.assertEqual(json.loads(JULIA.encode(challenge))["result"]["data"], [1, 2])

    def test_what_went_wrong_is_an_error(self) -> None:
        text = Payload(PayloadKind.TEXT, b"no \xc3\xbc")
        self.assertEqual(
            json.loads(PYTHON.encode(Response(1, 42, text))),
            {"jsonrpc": "2.0", "id": 1, "error": {"type": 4, "sts": 42, "data": "no ü"}},
        )

    def test_what_was_sent_as_cbor_is_read_as_json(self) -> None:
        data = Payload(PayloadKind.CBOR, cbor2.dumps([b"\xff", cbor2.CBORTag(80, b"table"), {1: 2.5}, None]))
        written = json.loads(PYTHON.encode(Publication(0, "t", data)))
        self.assertEqual(written["params"], ["hEH/2FBFdGFibGWhAftABAAAAAAAAPY="])
        data = Payload(PayloadKind.CBOR, cbor2.dumps([b"\xff", cbor2.CBORTag(80, b"table"), {"a": float("nan")}]))
        written = json.loads(PYTHON.encode(Publication(0, "t", data)))
        self.assertEqual(written["params"], ["/w==", "dGFibGU=", {"a": None}])

    def test_nothing_and_named_arguments(self) -> None:
        for data, expected in (
            (NOTHING, []), (Payload(PayloadKind.TEXT, b""), []), (Payload(PayloadKind.CBOR, b"\x05"), [5]),
            (Payload(PayloadKind.CBOR, b"\xa1aa\x01"), {"a": 1}), (arguments('{"a":1}'), [{"a": 1}]),
        ):  # fmt: skip
            self.assertEqual(json.loads(PYTHON.encode(Request(1, "t", None, data)))["params"], expected)

    def test_a_target_is_told_in_one_dialect(self) -> None:
        request = Request(1, "t", "alice", NOTHING)
        self.assertEqual(json.loads(JULIA.encode(request))["method"], "alice/t")
        self.assertEqual(json.loads(PYTHON.encode(request))["method"], "t")

    def test_the_rest(self) -> None:
        self.assertEqual(json.loads(JULIA.encode(Unregister(1)))["params"], {"__type__": 9})
        self.assertEqual(json.loads(PYTHON.encode(Identity(1, "a")))["params"], {"type": 0, "cid": "a", "meta": {}})
        self.assertEqual(json.loads(PYTHON.encode(Response(1, 0)))["result"], {"type": 4, "sts": 0, "data": None})
