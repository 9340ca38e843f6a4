"""Renewal arithmetic, at both sides of each boundary."""

from __future__ import annotations

from datetime import timedelta

from hypothesis import given, settings
from hypothesis import strategies as st

from pkid.ca.renewal import RENEW_BEFORE, renewal_due, retry_delay
from tests.certificates import NOON
from tests.support import Case

PROPERTY = settings(max_examples=200, deadline=None, database=None, derandomize=True)
DAY = timedelta(days=1)
jitters = st.floats(0, 1, exclude_max=True)
lifetimes = st.timedeltas(timedelta(seconds=1), timedelta(days=3650))


class DueTests(Case):
    def test_a_year_is_renewed_one_day_before_its_end_and_not_after_it(self) -> None:
        end = NOON + timedelta(days=365)
        self.assertEqual(renewal_due(NOON, end), end - DAY)

    def test_three_days_are_where_a_third_takes_over(self) -> None:
        second = timedelta(seconds=3)
        for lifetime, margin in ((3 * DAY + second, DAY), (3 * DAY, DAY), (3 * DAY - second, DAY - second / 3)):
            self.assertEqual(NOON + lifetime - renewal_due(NOON, NOON + lifetime), margin)

    def test_minutes_are_renewed_a_third_before_their_end(self) -> None:
        end = NOON + timedelta(minutes=6)
        self.assertEqual(renewal_due(NOON, end), end - timedelta(minutes=2))

    def test_full_jitter_doubles_the_margin(self) -> None:
        end = NOON + timedelta(days=365)
        self.assertEqual(renewal_due(NOON, end, 0.5), end - 1.5 * DAY)

    @PROPERTY
    @given(lifetimes, jitters)
    def test_jitter_is_only_earlier_and_a_third_of_the_lifetime_is_always_left(
        self, lifetime: timedelta, jitter: float
    ) -> None:
        end = NOON + lifetime
        due = renewal_due(NOON, end, jitter)
        plain = renewal_due(NOON, end)
        self.assertLessEqual(due, plain)
        self.assertLess(plain, end)
        self.assertGreaterEqual(due, end - 2 * RENEW_BEFORE)
        self.assertGreaterEqual(due, NOON + lifetime / 3 - timedelta(microseconds=2))


class RetryTests(Case):
    def test_doubles_from_five_seconds_to_fifteen_minutes(self) -> None:
        delays = [retry_delay(failures).total_seconds() for failures in range(1, 11)]
        self.assertEqual(delays, [5, 10, 20, 40, 80, 160, 320, 640, 900, 900])
        self.assertEqual(retry_delay(10**6), timedelta(minutes=15))

        self.assertEqual(retry_delay(1, 0.5), timedelta(seconds=3.75))

    @PROPERTY
    @given(st.integers(1, 10**9), jitters)
    def test_jitter_takes_up_to_half_away(self, failures: int, jitter: float) -> None:
        whole = retry_delay(failures)
        self.assertTrue(whole / 2 <= retry_delay(failures, jitter) <= whole)
