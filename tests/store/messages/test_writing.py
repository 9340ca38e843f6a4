"""Groups: nothing is said to be kept before its commit, and a failure is told to those who wait."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any

from sqlalchemy import Connection
from twisted.internet.defer import Deferred
from twisted.internet.task import Clock
from twisted.internet.testing import EventLoggingObserver
from twisted.logger import Logger, formatEvent

from pkid.broker.effects import Keep, Mark, Remember
from pkid.broker.topic import Pattern
from pkid.errors import PkidError, Reason, Unavailable
from pkid.store.messages.messages import Limits, SQLMessages
from pkid.store.messages.subscriptions import SQLSubscriptions
from pkid.store.messages.writing import Writing
from tests.store.messages.kept import Databases, message
from tests.support import Case


class WritingTests(Case):
    def setUp(self) -> None:
        folder = Path(self.mktemp())
        folder.mkdir()
        self.databases = Databases(folder)
        self.addCleanup(self.databases.close)
        self.events = EventLoggingObserver()
        self.patch(Writing, "_log", Logger(observer=self.events))
        self.clock = Clock()
        self.held: list[tuple[Callable[[Connection], Any], Deferred[Any]]] = []
        self.told: list[tuple[list[int], Reason | None]] = []
        self.writing = Writing(self.hold, Limits(), self.tell, self.clock, room=10_000)

    def hold(self, work: Callable[[Connection], Any]) -> Deferred[Any]:
        done: Deferred[Any] = Deferred()
        self.held.append((work, done))
        return done

    def commit(self) -> None:
        """Let the open transaction commit."""
        work, done = self.held.pop(0)
        self.databases.messages.write(work).chainDeferred(done)

    def refuse(self, error: Exception | None = None) -> None:
        """Let the open transaction fail."""
        self.held.pop(0)[1].errback(error or Unavailable(Reason.STORE))

    def tell(self, numbers: Any, error: PkidError | None) -> None:
        self.told.append((list(numbers), None if error is None else error.reason))

    def keep(self, *numbers: int, awaited: bool = True) -> None:
        for number in numbers:
            self.writing.add(Keep(message(number), awaited))

    def kept(self) -> int:
        return self.databases.messages.write_now(lambda connection: SQLMessages(connection).totals())[0]

    def test_nothing_is_told_before_the_commit_and_the_next_group_takes_what_waits(self) -> None:
        self.keep(1, 2, 3)
        self.assertEqual((self.told, len(self.held), self.writing.waiting), ([], 1, 2))
        self.commit()
        self.assertEqual(self.told, [([1], None)])
        self.commit()
        self.assertEqual((self.told, self.held), ([([1], None), ([2, 3], None)], []))
        self.assertEqual(self.kept(), 3)

    def test_a_group_that_begins_at_the_end_of_the_turn_is_all_that_came_together(self) -> None:
        soon = lambda begin: self.clock.callLater(0, begin)  # noqa: E731
        self.writing = Writing(self.hold, Limits(), self.tell, self.clock, soon=soon)
        self.keep(1, 2, 3)
        self.assertEqual(self.held, [])
        self.clock.advance(0)
        self.keep(4)
        self.commit()
        self.commit()
        self.assertEqual(self.told, [([1, 2, 3], None), ([4], None)])
        self.assertEqual(self.clock.getDelayedCalls(), [])

    def test_all_is_written_in_its_order(self) -> None:
        self.keep(1)
        self.writing.add(Remember("alice", Pattern("a"), 1.0))
        self.writing.add(Mark("alice", 7))
        self.writing.add(Remember("alice", Pattern("a"), 2.0))
        self.commit()
        self.commit()
        (alice,) = self.databases.messages.write_now(lambda connection: SQLSubscriptions(connection).absentees())
        self.assertEqual((alice.subscriptions, alice.mark), (((Pattern("a"), 2.0),), 7))

    def test_a_failed_commit_is_told_to_those_who_wait_and_nothing_of_it_is_kept(self) -> None:
        self.keep(1)
        self.keep(2, 3)
        self.refuse()
        self.assertEqual(self.told, [([1], Reason.STORE)])
        self.assertEqual(self.held, [])  # not at once: the disk may need a moment
        self.clock.advance(1)
        self.commit()
        self.assertEqual((self.told[1:], self.kept()), ([([2, 3], None)], 2))

    def test_what_nobody_waits_for_is_tried_again(self) -> None:
        self.keep(1, awaited=False)
        self.writing.add(Remember("alice", Pattern("a"), 1.0))
        for _ in range(3):
            self.refuse()
            self.clock.advance(1)
        self.commit()
        self.assertEqual((self.kept(), self.writing.waiting, self.writing.dropped), (1, 0, 0))
        self.assertEqual(len(self.databases.messages.write_now(lambda c: SQLSubscriptions(c).absentees())), 1)

    def test_a_defect_is_logged_told_and_not_tried_again(self) -> None:
        self.keep(1, awaited=False)
        self.keep(2)
        self.refuse(ZeroDivisionError())
        self.clock.advance(1)
        self.commit()
        self.assertEqual((self.told, self.writing.dropped), ([([2], None)], 1))
        self.assertIn("1 things that the broker was to keep are lost", [formatEvent(event) for event in self.events])

    def test_too_much_is_refused_and_room_comes_back(self) -> None:
        self.keep(*range(1, 41))
        refused = [numbers[0] for numbers, reason in self.told if reason is Reason.BUSY]
        self.assertEqual(refused, list(range(29, 41)))  # 28 messages of 356 bytes fit into 10,000
        self.keep(99, awaited=False)
        self.assertEqual(self.writing.dropped, 1)
        self.commit()
        self.refuse()
        self.told.clear()
        self.keep(*range(50, 78))
        self.clock.advance(1)
        self.commit()
        self.assertEqual(self.told, [(list(range(50, 78)), None)])

    def test_who_waits_for_all_so_far_waits_for_nothing_later(self) -> None:
        self.assertEqual(self.successResultOf(self.writing.settled()), None)
        self.keep(1)
        settled = self.writing.settled()
        self.keep(2)
        self.assertNoResult(settled)
        self.commit()
        self.successResultOf(settled)
        self.assertEqual(len(self.held), 1)

    def test_who_waits_for_all_so_far_does_not_wait_for_a_disk_that_fails(self) -> None:
        self.keep(1, 2, awaited=False)
        settled = self.writing.settled()
        self.refuse()
        self.clock.advance(1)
        self.refuse()
        self.successResultOf(settled)

    def test_finishing_writes_what_waits(self) -> None:
        self.keep(1, 2, 3)
        finished = Deferred.fromCoroutine(self.writing.finish())
        self.commit()
        self.assertNoResult(finished)
        self.commit()
        self.successResultOf(finished)
        self.assertEqual(self.kept(), 3)

    def test_finishing_gives_up_what_cannot_be_written_and_says_so(self) -> None:
        self.keep(1, awaited=False)
        self.refuse()
        finished = Deferred.fromCoroutine(self.writing.finish())
        self.refuse()
        self.successResultOf(finished)
        self.assertEqual((self.writing.dropped, self.clock.getDelayedCalls()), (1, []))
        self.assertIn("1 things that the broker was to keep are lost", [formatEvent(event) for event in self.events])

    def test_tenants_with_too_much_are_trimmed_step_by_step_though_nothing_comes(self) -> None:
        many = [message(number, size=1) for number in range(1, 1301)]
        self.databases.messages.write_now(lambda connection: SQLMessages(connection).keep(many))
        self.writing = Writing(self.hold, Limits(most=10), self.tell, self.clock)
        self.writing.trim(["."])
        self.refuse()
        self.clock.advance(1)
        for _ in range(3):
            self.commit()
        self.assertEqual((self.held, self.kept()), ([], 10))
