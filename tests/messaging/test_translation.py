"""Payloads for clients that cannot read the kind that was sent."""

from __future__ import annotations

import json
from base64 import b64encode

import cbor2
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from pkid.broker.payload import Payload, PayloadKind
from pkid.messaging.translation import DEPTH, MOST_ITEMS, as_cbor, as_json, read_cbor, read_json, write_json
from tests.support import Case

JSON = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats(allow_nan=False, allow_infinity=False) | st.text(),
    lambda inner: st.lists(inner) | st.dictionaries(st.text(), inner),
)


def cbor(hexadecimal: str) -> Payload:
    return Payload(PayloadKind.CBOR, bytes.fromhex(hexadecimal))


class JsonTests(Case):
    def test_json_and_text_stay_what_they_are(self) -> None:
        self.assertEqual(as_json(Payload(PayloadKind.JSON, b'{"a": [1, 2.50]}')), b'{"a": [1, 2.50]}')
        self.assertEqual(as_json(Payload(PayloadKind.TEXT, 'a "ü"'.encode())), '"a \\"ü\\""'.encode())

    def test_bytes_become_base64(self) -> None:
        self.assertEqual(as_json(Payload(PayloadKind.BYTES, b"\x00\xff")), b'"AP8="')

    def test_what_cbor_holds_is_read(self) -> None:
        for item, expected in (
            ("83010203", [1, 2, 3]), ("a16161f5", {"a": True}), ("4101", "AQ=="), ("f7", None), ("f97e00", None),
            ("fb7ff0000000000000", None), ("d85043010203", "AQID"), ("c249010000000000000000", 1 << 64),
            ("c349010000000000000000", -1 - (1 << 64)), ("a14101f5", {"AQ==": True}), ("f820", None),
            ("d8236161", "a"), ("c11a514b67b0", 1363896240), ("d81c81d81d00", [0]),
        ):  # fmt: skip
            self.assertEqual(json.loads(as_json(cbor(item))), expected, item)

    def test_what_json_cannot_hold_is_handed_over_as_it_is(self) -> None:
        for payload in (
            Payload(PayloadKind.JSON, b"{oh"), Payload(PayloadKind.JSON, b'"\n"'), Payload(PayloadKind.JSON, b"1 2"),
            Payload(PayloadKind.JSON, b"[" * 99 + b"]" * 99),
        ):  # fmt: skip
            self.assertEqual(json.loads(as_json(payload)), payload.data.decode())
        for payload in (
            cbor("ff"), cbor("a18101f5"), Payload(PayloadKind.TEXT, b"\xff"), cbor("81" * 99 + "00"),
            Payload(PayloadKind.JSON, b"[\xff]"), Payload(PayloadKind.JSON, "[ü]".encode("utf-16")),
        ):  # fmt: skip
            self.assertEqual(json.loads(as_json(payload)), b64encode(payload.data).decode())

    def test_a_number_of_many_bytes_is_not_written_in_digits(self) -> None:
        long = cbor2.dumps(1 << 8000)
        self.assertEqual(len(json.loads(as_json(Payload(PayloadKind.CBOR, long)))), 1336)

    def test_one_line_it_stays(self) -> None:
        self.assertNotIn(b"\n", write_json({"a\n": ["\n", "\r\u2028"]}))

    @settings(deadline=None, database=None, derandomize=True, suppress_health_check=[HealthCheck.too_slow])
    @given(JSON)
    def test_what_json_can_say_is_the_same_by_both_ways(self, value: object) -> None:
        text = Payload(PayloadKind.JSON, json.dumps(value).encode())
        item = Payload(PayloadKind.CBOR, as_cbor(text))
        self.assertEqual(cbor2.loads(item.data), value)
        self.assertEqual(json.loads(as_json(item)), value)

    @given(st.sampled_from(PayloadKind), st.binary())
    def test_of_anything_something_can_be_read(self, kind: PayloadKind, data: bytes) -> None:
        payload = Payload(kind, data)
        json.loads(as_json(payload))
        if kind is not PayloadKind.CBOR:
            cbor2.loads(as_cbor(payload))


class CborTests(Case):
    def test_cbor_stays_as_it_is(self) -> None:
        self.assertEqual(as_cbor(cbor("1b0000000000000001")), bytes.fromhex("1b0000000000000001"))

    def test_the_others_are_encoded(self) -> None:
        for kind, data, expected in (
            (PayloadKind.BYTES, b"\xff", b"\xff"), (PayloadKind.TEXT, b"a", "a"), (PayloadKind.TEXT, b"\xff", b"\xff"),
            (PayloadKind.JSON, b"[1]", [1]), (PayloadKind.JSON, b"[1", "[1"),
            (PayloadKind.JSON, b'"\\ud800"', '"\\ud800"'),
        ):  # fmt: skip
            self.assertEqual(cbor2.loads(as_cbor(Payload(kind, data))), expected)


class LimitTests(Case):
    def test_there_is_a_limit_to_nesting(self) -> None:
        for begin, end in (("[", "]"), ('{"a":', "}")):
            self.assertTrue(read_json(begin * DEPTH + "1" + end * DEPTH))
            for depth in (DEPTH + 1, 100_000):
                self.assertRaises(ValueError, read_json, begin * depth + "1" + end * depth)
        self.assertEqual(len(read_json(b"[" + b"[]," * 500 + b"1]")), 501)
        self.assertRaises(ValueError, read_cbor, b"\x81" * (DEPTH + 2) + b"\x00")

    def test_there_is_a_limit_to_how_much_is_read_item_by_item(self) -> None:
        self.assertEqual(len(read_json("[" + "1," * (MOST_ITEMS - 2) + "1]")), MOST_ITEMS - 1)
        for item in ("1", "[]", '{"a":1}', "[[[]]]"):
            self.assertRaises(ValueError, read_json, "[" + f"{item}," * MOST_ITEMS + "1]")

    def test_what_looks_like_items_within_texts_is_not_counted(self) -> None:
        for text in ("[,{" * MOST_ITEMS, '\\"[,' * MOST_ITEMS, "\\" * MOST_ITEMS + "," * (MOST_ITEMS + 1)):
            self.assertEqual(read_json(write_json([text])), [text])

    def test_a_text_without_an_end_is_no_json(self) -> None:
        for text in ('["' + '\\"' * MOST_ITEMS + "," * MOST_ITEMS, '["' + "," * MOST_ITEMS + "\\"):
            self.assertRaises(ValueError, read_json, text)

    def test_keys_that_could_be_made_to_collide_are_refused(self) -> None:
        self.assertRaises(ValueError, read_cbor, bytes.fromhex("a1820102f5"))
