"""Identifiers that may be used once."""

from __future__ import annotations

from hypothesis import given, settings
from hypothesis import strategies as st

from pkid.auth.replay import UsedIdentifiers
from pkid.errors import Refused, Unavailable
from tests.support import Case

PROPERTY = settings(max_examples=200, deadline=None, database=None, derandomize=True)


class UsedIdentifiersTests(Case):
    def test_once_until_it_expires(self) -> None:
        used = UsedIdentifiers()
        used.use("a", 10, 0)
        for now in (0, 9.999):
            self.assertRaises(Refused, used.use, "a", 10, now)
        used.use("a", 20, 10)
        self.assertRaises(Refused, used.use, "a", 30, 19)

    def test_forgets_what_expired(self) -> None:
        used = UsedIdentifiers()
        for number in range(10):
            used.use(str(number), number + 1, 0)
        self.assertEqual(len(used), 10)
        used.use("x", 100, 5)
        self.assertEqual(len(used), 6)

    def test_what_is_forgotten_is_refused_when_the_clock_was_set_back(self) -> None:
        used = UsedIdentifiers()
        used.use("a", 10, 0)
        used.use("b", 30, 11)
        self.assertRaises(Refused, used.use, "a", 10, 5)
        used.use("c", 10.5, 5)

    def test_it_begins_anew_when_the_clock_was_set_back_by_more_than_a_token_lives(self) -> None:
        used = UsedIdentifiers(since=1000)
        used.look_at_clock(1000)
        used.use("a", 1010, 1000)
        used.look_at_clock(1100)
        used.use("b", 1200, 1100)
        used.look_at_clock(981)
        self.assertEqual(used.since, 1000)
        self.assertRaises(Refused, used.use, "c", 1010, 981)
        used.look_at_clock(979)
        self.assertEqual(used.since, 979)
        used.use("c", 1010, 979)
        self.assertRaises(Refused, used.use, "b", 1200, 979)
        used.look_at_clock(870)
        self.assertEqual(used.since, 979)

    def test_a_refused_use_does_not_prolong(self) -> None:
        used = UsedIdentifiers()
        used.use("a", 10, 0)
        self.assertRaises(Refused, used.use, "a", 1000, 5)
        used.use("a", 20, 10)

    def test_forgets_nothing_early_and_is_busy_instead(self) -> None:
        used = UsedIdentifiers(capacity=2)
        used.use("a", 10, 0)
        used.use("b", 7.5, 0)
        with self.assertRaises(Unavailable) as caught:
            used.use("c", 10, 1)
        self.assertEqual(caught.exception.retry_after, 7)
        self.assertRaises(Refused, used.use, "a", 10, 1)
        used.use("c", 10, 1 + caught.exception.retry_after)

    @PROPERTY
    @given(st.lists(st.tuples(st.sampled_from("abcd"), st.integers(1, 9), st.integers(0, 3))))
    def test_an_identifier_is_used_again_only_after_it_expired(self, steps: list[tuple[str, int, int]]) -> None:
        used, expiries, now = UsedIdentifiers(capacity=3), dict[str, int](), 0
        for identifier, life, passed in steps:
            now += passed
            alive = {known for known, expiry in expiries.items() if expiry > now}
            try:
                used.use(identifier, now + life, now)
            except Refused:
                self.assertIn(identifier, alive)
            except Unavailable:
                self.assertEqual(len(alive), 3)
            else:
                self.assertNotIn(identifier, alive)
                expiries[identifier] = now + life
            self.assertLessEqual(len(used), 3)
