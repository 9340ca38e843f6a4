"""How often somebody may guess."""

from __future__ import annotations

from datetime import timedelta

from pkid.auth.attempts import Attempts
from pkid.errors import Unavailable
from tests.support import Case


class AttemptsTests(Case):
    def setUp(self) -> None:
        self.now = 1000.0
        self.attempts = Attempts(3, timedelta(seconds=60), lambda: self.now, capacity=4)

    def begin(self, *keys: str) -> None:
        for key in keys:
            self.attempts.begin(key)

    def test_so_many_and_no_more(self) -> None:
        self.begin("a", "a", "a", "b")
        refused = self.assertRaises(Unavailable, self.begin, "a")
        self.assertEqual(refused.retry_after, 61)

    def test_what_is_refused_does_not_lengthen_the_wait(self) -> None:
        self.begin("a", "a", "a")
        self.now += 59
        self.assertRaises(Unavailable, self.begin, "a")
        self.now += 1
        self.begin("a", "a", "a")

    def test_each_becomes_free_when_its_time_is_over(self) -> None:
        self.begin("a")
        self.now += 30
        self.begin("a", "a")
        self.now += 30
        self.begin("a")
        self.assertRaises(Unavailable, self.begin, "a")

    def test_one_that_was_right_does_not_count(self) -> None:
        for _ in range(10):
            self.begin("a")
            self.attempts.take_back("a")
        self.begin("a", "a", "a")
        self.assertRaises(Unavailable, self.begin, "a")
        self.attempts.take_back("unknown")

    def test_many_at_once_are_no_way_around(self) -> None:
        """An attempt counts from its beginning, not from its end."""
        self.begin("a", "a", "a")
        self.assertRaises(Unavailable, self.begin, "a")

    def test_few_are_remembered(self) -> None:
        self.begin("a", "a", "a", "b", "c", "d", "e")
        self.begin("a")
        self.assertLessEqual(len(self.attempts._begun), 4)
