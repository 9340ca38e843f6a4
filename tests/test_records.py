"""Records of TLS are counted where they end, however they come."""

from __future__ import annotations

from hypothesis import given, settings
from hypothesis import strategies as st

from pkid.records import Records
from tests.support import Case

BODIES = st.lists(st.integers(0, 40) | st.sampled_from([255, 256, 257, 0xFFFF]), max_size=6)


def record(size: int) -> bytes:
    """Return a record with so many bytes, none of which is part of another's length."""
    return b"\x17\x03\x03" + size.to_bytes(2, "big") + b"\xff" * size


class RecordsTests(Case):
    def test_a_whole_record_ends_where_it_came(self) -> None:
        records = Records()
        self.assertEqual([records.feed(record(size)) for size in (3, 0, 0x0102, 0xFFFF)], [1, 1, 1, 1])

    def test_one_that_comes_byte_by_byte_ends_with_its_last_byte(self) -> None:
        records, data = Records(), record(3)
        counts = [records.feed(bytes([byte])) for byte in data * 2]
        self.assertEqual(counts, [0, 0, 0, 0, 0, 0, 0, 1] * 2)

    @settings(max_examples=200, deadline=None, database=None, derandomize=True)
    @given(BODIES, st.lists(st.integers(0, 300), max_size=6))
    def test_however_the_stream_is_cut_each_record_is_counted_with_the_piece_that_ends_it(
        self, sizes: list[int], cuts: list[int]
    ) -> None:
        data, ends = b"", []
        for size in sizes:
            data += record(size)
            ends.append(len(data))
        records, at = Records(), 0
        for cut in [*cuts, len(data)]:
            piece = data[at : at + cut]
            self.assertEqual(records.feed(piece), sum(at < end <= at + len(piece) for end in ends))
            at += len(piece)
