"""Renewal arithmetic, at both sides of each boundary."""

from __future__ import annotations

from datetime import timedelta

from hypothesis import given, settings
from hypothesis import strategies as st

from pkid.ca.renewal import (
    RENEW_BEFORE,
    Step,
    longest_retry,
    next_step,
    renewal_due,
    replaceable_from,
    retry_delay,
    time_to_sleep,
)
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

    def test_four_days_are_where_half_of_the_lifetime_stops_the_jitter(self) -> None:
        second = timedelta(seconds=2)
        for lifetime, earliest in (
            (4 * DAY + second, 2 * DAY),
            (4 * DAY, 2 * DAY),
            (4 * DAY - second, 2 * DAY - second / 2),
            (3 * DAY, 1.5 * DAY),
            (DAY, DAY / 2),
        ):
            self.assertEqual(NOON + lifetime - renewal_due(NOON, NOON + lifetime, 1.0), earliest)

    def test_a_fresh_one_of_two_minutes_that_is_backdated_is_not_due_for_half_a_minute(self) -> None:
        start, end = NOON - timedelta(minutes=1), NOON + timedelta(minutes=2)
        self.assertEqual(renewal_due(start, end), NOON + timedelta(minutes=1))
        self.assertEqual(renewal_due(start, end, 1.0), NOON + timedelta(seconds=30))

    @PROPERTY
    @given(lifetimes, jitters)
    def test_jitter_is_only_earlier_and_half_of_the_lifetime_is_never_touched(
        self, lifetime: timedelta, jitter: float
    ) -> None:
        end = NOON + lifetime
        due = renewal_due(NOON, end, jitter)
        plain = renewal_due(NOON, end)
        self.assertLessEqual(due, plain)
        self.assertLess(plain, end)
        self.assertGreaterEqual(due, end - 2 * RENEW_BEFORE)
        self.assertGreaterEqual(due, NOON + lifetime / 2 - timedelta(microseconds=2))


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

    def test_who_lives_on_short_certificates_comes_back_sooner(self) -> None:
        minute, second = timedelta(minutes=1), timedelta(seconds=6)
        for span, longest in (
            (3 * minute - second, minute / 2),
            (3 * minute, minute / 2),
            (3 * minute + second, minute / 2 + second / 6),
            (90 * minute - second, 15 * minute - second / 6),
            (90 * minute, 15 * minute),
            (365 * DAY, 15 * minute),
        ):
            self.assertEqual(longest_retry(NOON, NOON + span), longest)
        self.assertEqual(retry_delay(4, 0.0, 0.0, minute), timedelta(seconds=40))
        self.assertEqual(retry_delay(10**6, 0.0, 0.0, minute), minute)
        self.assertEqual(retry_delay(10**6, 0.0, 900.0, minute), 15 * minute)

    def test_the_other_side_may_ask_for_more_time_and_not_for_less(self) -> None:
        for asked, waited in ((0, 5), (4, 5), (6, 6), (900, 900), (10**9, 900)):
            self.assertEqual(retry_delay(1, 0.0, asked), timedelta(seconds=waited))


class StepTests(Case):
    def step(self, now: timedelta, failures: int = 0) -> Step:
        """Return the step so long after noon, for a certificate that is due then and ends a day later."""
        return next_step(NOON + DAY, NOON, NOON + now, failures)

    def test_before_it_is_due_nothing_is_done(self) -> None:
        self.assertIs(self.step(-timedelta(microseconds=1)), Step.WAIT)
        self.assertIs(self.step(-timedelta(microseconds=1), 1), Step.WAIT)

    def test_from_then_on_it_renews_itself(self) -> None:
        self.assertIs(self.step(timedelta(0)), Step.RENEW)
        self.assertIs(self.step(DAY - timedelta(microseconds=1)), Step.RENEW)

    def test_once_it_has_ended_it_is_not_shown(self) -> None:
        for failures in range(3):
            self.assertIs(self.step(DAY, failures), Step.ENROLL)

    def test_after_a_failure_the_other_way_is_tried(self) -> None:
        steps = [self.step(timedelta(0), failures) for failures in range(4)]
        self.assertEqual(steps, [Step.RENEW, Step.ENROLL, Step.RENEW, Step.ENROLL])


class AuthorityTests(Case):
    def test_ten_years_may_be_replaced_thirty_days_before_their_end(self) -> None:
        end = NOON + timedelta(days=3650)
        self.assertEqual(replaceable_from(NOON, end), end - timedelta(days=30))

    def test_ninety_days_are_where_a_third_takes_over(self) -> None:
        for days, margin in ((91, 30), (90, 30), (60, 20), (3, 1)):
            end = NOON + timedelta(days=days)
            self.assertEqual(replaceable_from(NOON, end), end - timedelta(days=margin))


class SleepTests(Case):
    def test_is_until_it_is_due_but_a_minute_at_most(self) -> None:
        for left, sleep in ((-5, 0), (0, 0), (59, 59), (60, 60), (61, 60), (10**6, 60)):
            self.assertEqual(time_to_sleep(NOON + timedelta(seconds=left), NOON), timedelta(seconds=sleep))
