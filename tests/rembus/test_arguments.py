"""Arguments: whatever a stranger says that a payload is, clients get something that they can read."""

from __future__ import annotations

import json
from base64 import b64encode

import cbor2

from pkid.broker.payload import Payload, PayloadKind
from pkid.rembus.arguments import cbor_arguments, cbor_item, json_arguments, preceded_cbor, preceded_json
from tests.support import Case

NOT_CBOR = ("", "9f", "ff", "8080", "61ff", "98", "9a0000", "9bffffffffffffffff", "bf", "63eda080", "8101f6")


def no_constant(name: str) -> None:
    """Refuse what RFC 8259 does not know."""
    raise AssertionError(f"{name} is no JSON")


class ArgumentTests(Case):
    """Payloads that are not what they say."""

    def test_what_is_no_single_item_of_cbor_is_handed_over_as_text_or_bytes(self) -> None:
        for written in NOT_CBOR:
            data = bytes.fromhex(written)
            payload = Payload(PayloadKind.CBOR, data)
            said = {data, data.decode("utf-8", "replace")}
            self.assertIn(cbor2.loads(cbor_item(payload)), said, written)
            self.assertIn(cbor2.loads(cbor_arguments(payload))[0], said, written)
            first, second = cbor2.loads(preceded_cbor("t", payload))
            self.assertEqual(first, "t")
            self.assertIn(second, said, written)

    def test_cbor_that_would_take_too_long_to_read_is_handed_over_as_text_or_bytes(self) -> None:
        for data in (b"\x9f" + b"\x60" * 0x10001 + b"\xff", b"\x9f" + b"\x80" * 0x10001 + b"\xff"):
            payload = Payload(PayloadKind.CBOR, data)
            self.assertEqual(cbor2.loads(cbor_item(payload)), data)
            self.assertEqual(json.loads(json_arguments(payload)), [b64encode(data).decode()])

    def test_cbor_is_passed_on_byte_by_byte(self) -> None:
        for written in ("8101", "9f01ff", "01", "a10102", "d9ffff80"):
            data = bytes.fromhex(written)
            self.assertEqual(cbor_item(Payload(PayloadKind.CBOR, data)), data)
            self.assertEqual(cbor_arguments(Payload(PayloadKind.CBOR, data)), data)

    def test_json_is_json_whatever_came(self) -> None:
        for data, expected in (
            (b'["\\ud800"]', ["\ud800"]), (b"[NaN, -Infinity]", [None, None]), (b" [ ]", []), (b'[1, "]"]', [1, "]"]),
            (b'{"a": 1}', [{"a": 1}]), (b"", [""]), (b"3", [3]),
        ):  # fmt: skip
            payload = Payload(PayloadKind.JSON, data)
            self.assertEqual(json.loads(json_arguments(payload), parse_constant=no_constant), expected, data)
            self.assertEqual(
                json.loads(preceded_json("t", payload), parse_constant=no_constant), ["t", *expected], data
            )

    def test_a_topic_comes_before_arguments_by_name(self) -> None:
        payload = Payload(PayloadKind.CBOR, cbor2.dumps({"a": 1}))
        self.assertEqual(json.loads(preceded_json("t", payload)), ["t", {"a": 1}])
