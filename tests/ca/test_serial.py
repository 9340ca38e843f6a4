"""Serial numbers: of the length and the kind that RFC 5280 wants, unforeseen, and in order of time."""

from __future__ import annotations

from datetime import datetime, timedelta

from hypothesis import given, settings
from hypothesis import strategies as st

from pkid.ca.serial import RANDOM_BYTES, serial_number
from tests.certificates import NOON
from tests.support import Case

PROPERTY = settings(max_examples=300, deadline=None, database=None, derandomize=True)
RANDOM = st.binary(min_size=RANDOM_BYTES, max_size=RANDOM_BYTES)
TIMES = st.integers(0, 10**12).map(lambda number: NOON + timedelta(milliseconds=number))


class SerialNumberTests(Case):
    @PROPERTY
    @given(TIMES, RANDOM)
    def test_it_is_positive_of_20_bytes_and_holds_all_that_is_random(self, now: datetime, random: bytes) -> None:
        encoded = serial_number(now, random).to_bytes(20, "big")
        self.assertEqual(encoded[0] >> 6, 1)  # the first bit is the sign, the next one makes the length
        self.assertEqual(encoded[-RANDOM_BYTES:], random)

    @PROPERTY
    @given(RANDOM, RANDOM, st.integers(1, 2**20))
    def test_later_ones_stand_behind_earlier_ones(self, one: bytes, other: bytes, later: int) -> None:
        then = NOON + timedelta(milliseconds=later)
        self.assertLess(serial_number(NOON, one), serial_number(then, other))

    def test_those_of_one_millisecond_stand_together(self) -> None:
        ones = [serial_number(NOON, bytes([byte] * RANDOM_BYTES)) for byte in (0, 128, 255)]
        self.assertEqual(len({number >> 128 for number in ones}), 1)
        self.assertEqual(len(set(ones)), 3)

    def test_too_little_that_is_random_is_refused(self) -> None:
        for size in (0, RANDOM_BYTES - 1, RANDOM_BYTES + 1):
            self.assertRaises(ValueError, serial_number, NOON, bytes(size))
