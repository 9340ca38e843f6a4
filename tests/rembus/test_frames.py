"""Messages on a plain stream."""

from __future__ import annotations

from hypothesis import given
from hypothesis import strategies as st

from pkid.errors import Malformed, Refused
from pkid.rembus.frames import FrameReader, frame
from tests.support import Case


class FrameTests(Case):
    def test_the_length_takes_as_many_bytes_as_it_needs(self) -> None:
        for length, begin in ((0, "8100"), (255, "81ff"), (256, "8d0100"), (65535, "8dffff"), (65536, "8f00010000")):
            self.assertEqual(frame(bytes(length)), bytes.fromhex(begin) + bytes(length))

    @given(st.lists(st.binary(max_size=300), max_size=5), st.integers(1, 50))
    def test_what_is_framed_is_read_however_it_arrives(self, messages: list[bytes], size: int) -> None:
        stream = b"".join(map(frame, messages))
        reader = FrameReader(300)
        found = [m for at in range(0, len(stream), size) for m in reader.feed(stream[at : at + size])]
        self.assertEqual(found, messages)

    def test_a_length_may_be_longer_than_it_needs_to_be(self) -> None:
        self.assertEqual(FrameReader(9).feed(bytes.fromhex("8f0000000141" + "8d000142")), [b"A", b"B"])

    def test_too_long_a_message_is_refused_before_it_comes(self) -> None:
        for begin in ("810a", "8d000a", "8f0000000a", "8fffffffff"):
            self.assertRaises(Refused, FrameReader(9).feed, bytes.fromhex(begin))
        self.assertEqual(FrameReader(9).feed(frame(bytes(9))), [bytes(9)])

    def test_anything_else_is_refused(self) -> None:
        for first in set(range(256)) - {0x81, 0x8D, 0x8F}:
            self.assertRaises(Malformed, FrameReader(9).feed, bytes((first,)))
