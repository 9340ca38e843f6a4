"""What a session may ask for in a second."""

from __future__ import annotations

from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from pkid.messaging.rates import Allowance, Rates
from tests.support import Case


class AllowanceTests(Case):
    """One session's allowance."""

    def test_as_many_commands_as_one_second_brings_are_free_at_once(self) -> None:
        allowance = Allowance(Rates(commands=10), 0.0)
        self.assertEqual([allowance.take(0, 0.0) for _ in range(10)], [0.0] * 10)
        self.assertAlmostEqual(allowance.take(0, 0.0), 0.1)

    def test_time_brings_more_and_no_more_than_one_second_is_saved_up(self) -> None:
        allowance = Allowance(Rates(commands=10), 0.0)
        for _ in range(10):
            allowance.take(0, 0.0)
        self.assertEqual(allowance.take(0, 0.1), 0.0)
        self.assertEqual([allowance.take(0, 100.0) for _ in range(10)], [0.0] * 10)
        self.assertGreater(allowance.take(0, 100.0), 0.0)

    def test_bytes_count_for_themselves_and_a_large_message_is_late_but_possible(self) -> None:
        allowance = Allowance(Rates(bytes=1000), 0.0)
        self.assertAlmostEqual(allowance.take(5000, 0.0), 4.0)
        self.assertAlmostEqual(allowance.take(0, 1.0), 3.0)
        self.assertEqual(allowance.take(0, 4.0), 0.0)

    def test_without_limits_nobody_waits(self) -> None:
        allowance = Allowance(Rates(), 0.0)
        self.assertEqual({allowance.take(1 << 30, 0.0) for _ in range(1000)}, {0.0})
        self.assertFalse(Rates().is_limited)

    @settings(deadline=None, database=None, derandomize=True, suppress_health_check=[HealthCheck.too_slow])
    @given(st.lists(st.integers(0, 3000), min_size=1, max_size=60))
    def test_who_waits_as_told_stays_within_the_rate(self, sizes: list[int]) -> None:
        rates = Rates(commands=20, bytes=1000)
        allowance, now = Allowance(rates, 0.0), 0.0
        for size in sizes:
            now += allowance.take(size, now)
        self.assertLessEqual(len(sizes), rates.commands * (now + 1) + 1e-6)
        self.assertLessEqual(sum(sizes), rates.bytes * (now + 1) + 1e-6)
