"""Where items of CBOR end, and which of them are well-formed."""

from __future__ import annotations

import cbor2
from hypothesis import given
from hypothesis import strategies as st

from pkid.errors import Malformed
from pkid.messaging.translation import DEPTH, MOST_ITEMS
from pkid.rembus.items import elements, head, read_bytes, read_text, read_unsigned, write_bytes, write_text
from tests.support import Case

VALUES = st.recursive(
    st.none() | st.booleans() | st.integers(-(1 << 64), (1 << 64) - 1) | st.floats(allow_nan=False)
    | st.text(max_size=300) | st.binary(max_size=300),
    lambda inner: st.lists(inner, max_size=30) | st.dictionaries(st.text(max_size=5) | st.integers(), inner, max_size=5)
    | st.builds(cbor2.CBORTag, st.sampled_from([27, 80, 1 << 40]), inner),
    max_leaves=40,
)  # fmt: skip

WELL_FORMED = (
    "00", "1817", "1b0000000000000001", "3903e7", "40", "5801ff", "5f4161420102ff", "60", "7803616263",
    "7f616162c3bcff",
    "80", "9f01820203ff", "a0", "bf6161019f02ff03ff", "c11a514b67b0", "d850d81b43010203", "f4", "f7", "f820", "f97e00",
    "fa47c35000", "fb3ff199999999999a", "e0", "a1f6f6",
)  # fmt: skip
NOT_WELL_FORMED = (
    "1c", "18", "1b00000000000000", "41", "5801", "61ff", "62c3", "7803ffffff", "81", "8201", "9f01", "a1", "a101",
    "bf01ff", "c1", "f81f", "f8", "fc", "ff", "5f6161ff", "7f4161ff", "5f5f4161ffff", "1f", "3f", "df00ff", "81ff",
    "9bffffffffffffffff00", "bbffffffffffffffff", "5bffffffffffffffff00", "7bffffffffffffffff61", "7f61ff",
)  # fmt: skip


class ElementTests(Case):
    def test_elements_are_cut_out_as_they_are_written(self) -> None:
        for text in WELL_FORMED:
            item = bytes.fromhex(text)
            self.assertEqual(elements(b"\x83\x07" + item + b"\x00", 6), [b"\x07", item, b"\x00"], text)

    def test_what_is_not_well_formed_is_refused(self) -> None:
        for text in NOT_WELL_FORMED:
            self.assertRaises(Malformed, elements, b"\x81" + bytes.fromhex(text), 6)

    def test_only_an_array_of_the_right_length_will_do_and_nothing_behind_it(self) -> None:
        for text in ("", "00", "80", "8700000000000000", "9f01ff", "a10102", "8101" + "00", "d84f8101"):
            self.assertRaises(Malformed, elements, bytes.fromhex(text), 6)
        self.assertEqual(elements(bytes.fromhex("980101"), 6), [b"\x01"])

    def test_there_is_a_limit_to_nesting(self) -> None:
        for begin, end in ((b"\x81", b""), (b"\xa1\x00", b""), (b"\xc1", b""), (b"\x9f", b"\xff")):
            deepest = b"\x81" + begin * DEPTH + b"\x00" + end * DEPTH
            self.assertEqual(len(elements(deepest, 1)), 1)
            self.assertRaises(Malformed, elements, b"\x81" + begin * (DEPTH + 1) + b"\x00" + end * (DEPTH + 1), 1)

    def test_there_is_a_limit_to_the_number_of_items_whatever_they_are(self) -> None:
        half = MOST_ITEMS // 2
        for item, items in (
            (b"\x00", 1), (b"\x80", 1), (b"\x61a", 1), (b"\xc1\x00", 2), (b"\x81\x00", 2), (b"\xa1\x00\x00", 3),
            (b"\x9f\x00\xff", 2), (b"\xbf\x00\x00\xff", 3), (b"\x5f\x40\xff", 2),
        ):  # fmt: skip
            few, many = MOST_ITEMS // items, MOST_ITEMS // items + 1
            for begin, end in ((b"\x9f", b"\xff"), (b"\x9a" + few.to_bytes(4, "big"), b"")):
                self.assertEqual(len(elements(b"\x81" + begin + item * few + end, 1)), 1)
            for begin, end in ((b"\x9f", b"\xff"), (b"\x9a" + many.to_bytes(4, "big"), b"")):
                self.assertRaises(Malformed, elements, b"\x81" + begin + item * many + end, 1)
        self.assertRaises(Malformed, elements, b"\x81\x7f" + b"\x60" * (MOST_ITEMS + 1) + b"\xff", 1)
        in_two = b"\x9a" + half.to_bytes(4, "big") + b"\x00" * half
        self.assertRaises(Malformed, elements, b"\x83" + in_two * 2 + b"\x81\x00", 3)

    @given(VALUES, VALUES)
    def test_what_a_library_writes_is_cut_as_that_library_writes_it(self, first: object, second: object) -> None:
        written = [cbor2.dumps(first), cbor2.dumps(second)]
        self.assertEqual(elements(b"\x82" + b"".join(written), 2), written)

    @given(st.binary(max_size=60))
    def test_what_is_accepted_of_anything_a_library_can_read(self, data: bytes) -> None:
        try:
            found = elements(data, 6)
        except Malformed:
            return
        for element in found:
            try:
                cbor2.loads(element, max_depth=DEPTH + 2)
            except cbor2.CBORDecodeError as error:
                self.assertIn("semantic tag", str(error))


class LeafTests(Case):
    def test_a_number_may_be_written_in_more_bytes_than_it_takes(self) -> None:
        for text in ("01", "1801", "190001", "1a00000001", "1b0000000000000001"):
            self.assertEqual(read_unsigned(bytes.fromhex(text)), 1)

    def test_something_else_is_refused(self) -> None:
        for text in ("20", "6101", "4101", "f6", "8101", "5f4101ff"):
            element = bytes.fromhex(text)
            self.assertRaises(Malformed, read_unsigned, element)
            if element[0] != 0x61:
                self.assertRaises(Malformed, read_text, element)
            if element[0] != 0x41:
                self.assertRaises(Malformed, read_bytes, element)

    @given(st.integers(0, (1 << 64) - 1), st.text(), st.binary(max_size=70_000))
    def test_what_is_written_is_canonical_and_is_read_again(self, number: int, text: str, data: bytes) -> None:
        written = head(0, number), write_text(text), write_bytes(data)  # type: ignore[arg-type]
        self.assertEqual(written, (cbor2.dumps(number), cbor2.dumps(text), cbor2.dumps(data)))
        self.assertEqual(read_unsigned(written[0]), number)
        self.assertEqual((read_text(written[1]), read_bytes(written[2])), (text, data))

    def test_there_are_no_longer_arguments_than_eight_bytes(self) -> None:
        self.assertRaises(ValueError, head, 0, 1 << 64)
