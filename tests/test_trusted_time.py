"""A clock that leaps ahead is believed when it has gone on from there."""

from __future__ import annotations

from datetime import timedelta

from pkid.trusted_time import TrustedTime
from tests.certificates import NOON
from tests.support import Case

DAY = timedelta(days=1)
HOUR = timedelta(hours=1)
MICROSECOND = timedelta(microseconds=1)


class TrustedTimeTests(Case):
    def setUp(self) -> None:
        self.trusted = TrustedTime(NOON, DAY)

    def believes(self, wall: timedelta, steady: timedelta) -> bool:
        return self.trusted.believes(NOON + wall, steady)

    def test_up_to_a_day_ahead(self) -> None:
        self.assertTrue(self.believes(DAY, HOUR))
        self.assertTrue(self.believes(2 * DAY, 2 * HOUR))
        self.assertFalse(self.believes(3 * DAY + MICROSECOND, 3 * HOUR))

    def test_a_clock_that_was_set_back(self) -> None:
        self.assertTrue(self.believes(-9 * DAY, HOUR))
        self.assertFalse(self.believes(-8 * DAY + MICROSECOND, 2 * HOUR))

    def test_a_leap_is_believed_after_a_day(self) -> None:
        self.assertFalse(self.believes(90 * DAY, HOUR))
        self.assertFalse(self.believes(91 * DAY - MICROSECOND, 25 * HOUR - MICROSECOND))
        self.assertTrue(self.believes(91 * DAY, 25 * HOUR))
        self.assertTrue(self.believes(91 * DAY + HOUR, 26 * HOUR))

    def test_another_leap_begins_the_day_anew(self) -> None:
        self.assertFalse(self.believes(90 * DAY, HOUR))
        self.assertFalse(self.believes(93 * DAY, 13 * HOUR))
        self.assertFalse(self.believes(93 * DAY + 13 * HOUR, 26 * HOUR))
        self.assertTrue(self.believes(94 * DAY, 37 * HOUR))

    def test_a_leap_that_was_taken_back_is_forgotten(self) -> None:
        self.assertFalse(self.believes(90 * DAY, HOUR))
        self.assertTrue(self.believes(HOUR, 2 * HOUR))
        self.assertFalse(self.believes(90 * DAY, 30 * HOUR))

    def test_as_patient_as_it_is_told(self) -> None:
        self.trusted = TrustedTime(NOON, HOUR)
        self.assertTrue(self.believes(HOUR, HOUR))
        self.assertFalse(self.believes(2 * HOUR + MICROSECOND, HOUR))
        self.assertTrue(self.believes(3 * HOUR + MICROSECOND, 2 * HOUR))
