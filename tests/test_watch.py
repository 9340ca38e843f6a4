"""Files that are replaced are put to use; what cannot be used is refused in one line, and tried again."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from datetime import datetime, timedelta
from functools import cache
from typing import Any, TypeVar

from twisted.internet.defer import Deferred, execute
from twisted.internet.task import Clock
from twisted.internet.testing import EventLoggingObserver
from twisted.logger import formatEvent, globalLogPublisher

from pkid.errors import StateError
from pkid.state import KeyPair
from pkid.watch import FileWatch
from tests.certificates import NOON, authority
from tests.support import Case

R = TypeVar("R")


@cache
def pair(name: str, *valid: datetime) -> KeyPair:
    """Return the pair of this name, the same one each time."""
    issuer = authority(f"CN={name}", valid=(valid[0], valid[1])) if valid else authority(f"CN={name}")
    return KeyPair(issuer.key, issuer.certificate)


class WatchCase(Case):
    def setUp(self) -> None:
        self.clock = Clock()
        self.content: KeyPair | Exception = pair("one")
        self.mark = 1
        self.used: list[KeyPair] = []
        self.loads = 0
        self.offload: Callable[..., Deferred[Any]] = execute
        self.observer = EventLoggingObserver()
        globalLogPublisher.addObserver(self.observer)
        self.addCleanup(globalLogPublisher.removeObserver, self.observer)
        self.watch = self.make()

    def make(self) -> FileWatch[KeyPair]:
        return FileWatch(
            "the pair", lambda: self.mark, self.load, self.use,
            offload=lambda work: self.offload(work), clock=self.clock, now=self.now,
        )  # fmt: skip

    def now(self) -> datetime:
        return NOON + timedelta(seconds=self.clock.seconds())

    def load(self) -> KeyPair:
        self.loads += 1
        if isinstance(self.content, Exception):
            raise self.content
        return self.content

    def use(self, pair: KeyPair) -> None:
        self.used.append(pair)

    def start(self) -> None:
        self.watch.prepare()
        self.watch.startService()
        self.addCleanup(self.watch.stopService)

    def replace(self, content: KeyPair | Exception) -> None:
        self.content, self.mark = content, self.mark + 1

    def lines(self, *words: str) -> int:
        """Count the lines of the log that hold all of these words."""
        return sum(all(word in formatEvent(event) for word in words) for event in self.observer)


class ReplacementTests(WatchCase):
    def test_what_is_there_first_is_for_the_caller_to_use(self) -> None:
        self.assertEqual(self.watch.prepare(), pair("one"))
        self.assertEqual((self.used, self.watch.not_after), ([], pair("one").certificate.not_valid_after_utc))

    def test_what_cannot_be_used_at_first_is_an_error(self) -> None:
        self.content = StateError("/own.crt", "is bad", "mend it")
        self.assertRaises(StateError, self.watch.prepare)

    def test_a_replacement_is_used_within_a_minute(self) -> None:
        self.start()
        self.replace(pair("two"))
        self.clock.advance(59)
        self.assertEqual(self.used, [])
        self.clock.advance(1)
        self.assertEqual(self.used, [pair("two")])
        self.replace(pair("three"))
        self.clock.advance(60)
        self.assertEqual(self.used, [pair("two"), pair("three")])
        self.assertEqual(self.lines("the pair was replaced", "valid until"), 2)

    def test_files_that_are_the_same_are_not_read_again(self) -> None:
        self.start()
        self.clock.pump([60] * 10)
        self.assertEqual((self.loads, self.used), (1, []))

    def test_files_that_hold_the_same_again_change_nothing(self) -> None:
        self.start()
        self.replace(pair("one"))
        self.clock.pump([60] * 3)
        self.assertEqual((self.loads, self.used), (2, []))

    def test_another_chain_for_the_same_certificate_is_a_replacement(self) -> None:
        self.start()
        self.replace(replace(pair("one"), issuers=authority("CN=above").chain))
        self.clock.advance(60)
        self.assertEqual(len(self.used), 1)

    def test_who_asks_has_them_read_at_once_even_if_they_seem_the_same(self) -> None:
        self.start()
        self.content = pair("two")
        self.successResultOf(self.watch.check())
        self.assertEqual(self.used, [pair("two")])


class RefusalTests(WatchCase):
    def test_the_one_before_stays_in_use_and_one_line_says_why(self) -> None:
        self.start()
        self.replace(StateError("/own.crt", "is half written", "wait"))
        self.clock.pump([60] * 5)
        self.assertEqual((self.used, self.loads), ([], 6))
        self.assertEqual(self.lines("the pair was not replaced", "/own.crt is half written", "stays in use"), 1)
        self.assertEqual(self.watch.not_after, pair("one").certificate.not_valid_after_utc)

    def test_it_is_tried_again_even_if_the_files_stay_the_same(self) -> None:
        self.start()
        self.replace(StateError("/own.crt", "is not valid yet", "wait"))
        self.clock.advance(60)
        self.content = pair("two")
        self.clock.advance(60)
        self.assertEqual(self.used, [pair("two")])

    def test_the_same_fault_again_after_it_was_mended_is_told_again(self) -> None:
        self.start()
        for _ in range(2):
            self.replace(StateError("/own.crt", "is half written", "wait"))
            self.clock.advance(60)
            self.content, self.mark = pair("one"), 1  # as it was
            self.clock.advance(60)
            self.mark = 1
        self.assertEqual((self.lines("was not replaced"), self.used), (2, []))

    def test_another_reason_is_another_line(self) -> None:
        self.start()
        for problem in ("is half written", "does not fit", "is half written"):
            self.replace(StateError("/own.crt", problem, "wait"))
            self.clock.pump([60, 60])
        self.assertEqual(self.lines("was not replaced"), 3)

    def test_what_can_be_read_but_not_used_is_refused_likewise(self) -> None:
        def refuse(_: KeyPair) -> None:
            raise StateError("the door", "does not take it", "get another one")

        self.start()
        self.watch._use = refuse
        self.replace(pair("two"))
        self.clock.advance(60)
        self.assertEqual(self.lines("the door does not take it"), 1)
        self.watch._use = self.use
        self.clock.advance(60)
        self.assertEqual(self.used, [pair("two")])

    def test_a_fault_of_the_program_does_not_end_the_watch(self) -> None:
        self.start()
        self.replace(ZeroDivisionError("a fault"))
        self.clock.advance(60)
        self.assertEqual(len(self.flushLoggedErrors(ZeroDivisionError)), 1)
        self.replace(pair("two"))
        self.clock.advance(60)
        self.assertEqual(self.used, [pair("two")])

    def test_who_asks_hears_of_no_failure(self) -> None:
        self.start()
        self.replace(StateError("/own.crt", "is bad", "mend it"))
        self.assertIsNone(self.successResultOf(self.watch.check()))


class EndTests(WatchCase):
    def test_an_end_that_is_near_is_told_once_of_each_certificate(self) -> None:
        self.content = pair("one", NOON - timedelta(days=90), NOON + timedelta(days=14, minutes=3))
        self.start()
        self.clock.pump([60] * 2)
        self.assertEqual(self.lines("valid only until"), 0)
        self.clock.pump([60] * 10)
        self.assertEqual(self.lines("the pair is valid only until", "put a new one"), 1)
        self.replace(pair("two", NOON - timedelta(days=90), NOON + timedelta(days=1)))
        self.clock.pump([60] * 3)
        self.assertEqual(self.lines("valid only until"), 2)

    def test_a_short_life_is_told_of_in_its_last_third(self) -> None:
        self.content = pair("one", NOON, NOON + timedelta(minutes=30))
        self.start()
        self.clock.pump([60] * 19)
        self.assertEqual(self.lines("valid only until"), 0)
        self.clock.pump([60] * 2)
        self.assertEqual(self.lines("valid only until"), 1)


class OffloadTests(WatchCase):
    """The files are read elsewhere, which takes a while."""

    def setUp(self) -> None:
        super().setUp()
        self.waiting: list[tuple[Callable[[], Any], Deferred[Any]]] = []

    def later(self, work: Callable[[], R]) -> Deferred[R]:
        done: Deferred[R] = Deferred()
        self.waiting.append((work, done))
        return done

    def work(self) -> None:
        """Do what waits."""
        waiting, self.waiting = self.waiting, []
        for work, done in waiting:
            execute(work).chainDeferred(done)

    def begin(self) -> None:
        self.start()
        self.offload = self.later

    def test_what_is_written_while_they_are_read_is_seen_next_time(self) -> None:
        self.begin()
        self.replace(pair("two"))
        self.clock.advance(60)
        self.work()  # the stamp
        self.replace(pair("three"))
        self.content = pair("two")
        self.work()
        self.assertEqual(self.used, [pair("two")])
        self.content = pair("three")
        self.clock.advance(60)
        self.work()
        self.work()
        self.assertEqual(self.used, [pair("two"), pair("three")])

    def test_who_asks_during_a_look_gets_another_one_behind_it(self) -> None:
        self.begin()
        self.clock.advance(60)
        asked = self.watch.check()
        self.assertEqual(len(self.waiting), 1)
        self.work()
        self.assertNoResult(asked)
        self.content = pair("two")
        self.work()
        self.work()
        self.successResultOf(asked)
        self.assertEqual(self.used, [pair("two")])

    def test_looks_do_not_pile_up(self) -> None:
        self.begin()
        self.clock.pump([60] * 5)
        self.assertEqual(len(self.waiting), 1)
        self.work()
        self.watch.check()
        self.clock.pump([60] * 5)
        self.assertEqual(len(self.waiting), 1)

    def test_a_look_under_way_is_waited_for_and_is_the_last(self) -> None:
        self.begin()
        self.clock.advance(60)
        stopped = self.watch.stopService()
        assert stopped is not None
        self.assertNoResult(stopped)
        self.work()
        self.successResultOf(stopped)
        self.assertEqual(self.clock.getDelayedCalls(), [])
