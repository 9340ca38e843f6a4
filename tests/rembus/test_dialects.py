"""Deliveries as bytes."""

from __future__ import annotations

import json

import cbor2

from pkid.broker.identity import ANONYMOUS
from pkid.broker.message import Batch, Invocation, QoS, Series
from pkid.broker.payload import Payload, PayloadKind, Payloads
from pkid.broker.replies import Answered
from pkid.broker.topic import Pattern
from pkid.rembus.cbor import CBOR
from pkid.rembus.dialects import CborDialect, JsonDialect
from pkid.rembus.jsonrpc import JULIA, PYTHON
from pkid.rembus.names import Numbering
from pkid.rembus.packets import Ack, Request, Response, Status
from tests.rembus.test_names import message
from tests.support import Case

ARGUMENTS = Payload(PayloadKind.CBOR, cbor2.dumps([21, {"a": None}]))


def framed(data: bytes) -> bytes:
    return b"<" + data + b">"


class CborTests(Case):
    dialect = CborDialect(CBOR, framed, Numbering())

    def test_a_delivery_has_its_frame_and_its_number(self) -> None:
        delivery = self.dialect.encode(message(5, QoS.EXACTLY_ONCE, payload=ARGUMENTS), None, False)
        self.assertEqual(delivery, b"<" + cbor2.dumps([0x31, bytes([5]) + bytes(7), "t", [21, {"a": None}]]) + b">")

    def test_through_a_pattern_the_topic_is_the_first_argument(self) -> None:
        for data, expected in (
            ("8115", [21]), ("9f1516ff", [21, 22]), ("80", []), ("15", [21]), ("f6", [None]),
            ("9817" + "00" * 23, [0] * 23),
        ):  # fmt: skip
            sent = message(5, payload=Payload(PayloadKind.CBOR, bytes.fromhex(data)), topic="a/b")
            delivery = self.dialect.encode(sent, Pattern("a/*"), False)
            self.assertEqual(cbor2.loads(delivery[1:-1]), [1, "a/*", ["a/b", *expected]])

    def test_each_message_of_a_batch_has_its_frame(self) -> None:
        batch = Batch(5, ".", "t", ("t",), Payloads(PayloadKind.CBOR, (b"\x01", b"\x02")), ANONYMOUS, 1.5)
        for dialect in (self.dialect, JsonDialect(PYTHON, framed, Numbering())):
            first, second = (dialect.encode(each, None, False) for each in batch.messages)
            self.assertEqual(dialect.encode_batch(batch, None), first + second)

    def test_a_series_is_written_as_it_would_be_one_by_one(self) -> None:
        payloads = Payloads(PayloadKind.CBOR, (b"\x81\x01", b"\x80"), are_checked=True)
        series = Series(5, ".", ("a", "b"), payloads, ANONYMOUS, 1.5)
        for dialect in (self.dialect, JsonDialect(PYTHON, framed, Numbering())):
            for pattern in (None, Pattern("*")):
                one_by_one = b"".join(dialect.encode(each, pattern, False) for each in series.messages)
                self.assertEqual(dialect.encode_batch(series, pattern), one_by_one)

    def test_a_batch_that_is_to_be_acknowledged_is_written_as_it_would_be_one_by_one(self) -> None:
        payloads = Payloads(PayloadKind.CBOR, (b"\x81\x01", b"\x80"), are_checked=True)
        batch = Batch(5, ".", "a/b", ("a", "b"), payloads, ANONYMOUS, 1.5, QoS.AT_LEAST_ONCE)
        for dialect in (self.dialect, JsonDialect(PYTHON, framed, Numbering())):
            for pattern in (None, Pattern("a/*")):
                one_by_one = b"".join(dialect.encode(each, pattern, False) for each in batch.messages)
                self.assertEqual(dialect.encode_batch(batch, pattern), one_by_one)

    def test_acknowledgements_are_packets_each_in_its_frame(self) -> None:
        for dialect in (self.dialect, JsonDialect(PYTHON, framed, Numbering())):
            self.assertEqual(dialect.acknowledgements((1, 2)), dialect.packet(Ack(1)) + dialect.packet(Ack(2)))

    def test_a_call_is_asked_by_its_number(self) -> None:
        invocation = Invocation(9, "a/b", ARGUMENTS, 2, ANONYMOUS, 0.0)
        for dialect in (self.dialect, JsonDialect(PYTHON, framed, Numbering())):
            self.assertEqual(dialect.request(invocation), dialect.packet(Request(9, "a/b", None, ARGUMENTS)))

    def test_an_answer_says_whether_it_is_one_or_what_went_wrong(self) -> None:
        for dialect in (self.dialect, JsonDialect(PYTHON, framed, Numbering())):
            for failed, status in ((False, Status.OK), (True, Status.METHOD_EXCEPTION)):
                answer = dialect.answer(Answered(7, ARGUMENTS, 2, failed))
                self.assertEqual(answer, dialect.packet(Response(7, status, ARGUMENTS)))

    def test_calls_and_answers_are_arrays_as_every_reader_of_cbor_expects(self) -> None:
        id = bytes([9]) + bytes(7)
        request = self.dialect.request(Invocation(9, "a/b", ARGUMENTS, 2, ANONYMOUS, 0.0))
        self.assertEqual(cbor2.loads(request[1:-1]), [2, id, "a/b", None, [21, {"a": None}]])
        answer = self.dialect.answer(Answered(9, ARGUMENTS, 2, True))
        self.assertEqual(cbor2.loads(answer[1:-1]), [4, id, 40, [21, {"a": None}]])

    def test_a_packet_has_its_frame(self) -> None:
        self.assertEqual(self.dialect.packet(Ack(1)), b"<" + CBOR.encode(Ack(1)) + b">")


class JsonTests(Case):
    def test_a_delivery_in_each_dialect(self) -> None:
        for codec, id, key in ((PYTHON, 5, "type"), (JULIA, "5", "__type__")):
            dialect = JsonDialect(codec, framed, Numbering())
            delivery = dialect.encode(message(5, payload=ARGUMENTS), None, True)
            self.assertEqual(
                json.loads(delivery[1:-1]),
                {"jsonrpc": "2.0", "id": id, "method": "t", "params": {key: 16, "data": [21, {"a": None}]}},
            )
            self.assertEqual(dialect.packet(Ack(1)), framed(codec.encode(Ack(1))))

    def test_through_a_pattern_the_topic_is_the_first_argument(self) -> None:
        dialect = JsonDialect(PYTHON, framed, Numbering())
        for payload, expected in (
            (ARGUMENTS, [21, {"a": None}]), (Payload(PayloadKind.TEXT, b""), []),
            (Payload(PayloadKind.CBOR, b"\xa1aa\x01"), [{"a": 1}]), (Payload(PayloadKind.JSON, b'"\xc3\xbc"'), ["ü"]),
        ):  # fmt: skip
            delivery = dialect.encode(message(5, payload=payload, topic="a/b"), Pattern("**"), False)
            expected_message = {"jsonrpc": "2.0", "method": "**", "params": ["a/b", *expected]}
            self.assertEqual(json.loads(delivery[1:-1]), expected_message)
