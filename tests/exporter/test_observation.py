"""The core is looked at once in an interval, and what was seen last is kept while it is away."""

from __future__ import annotations

from datetime import timedelta

from twisted.internet.defer import Deferred, fail, succeed
from twisted.internet.task import Clock
from twisted.logger import capturedLogs, formatEvent

from pkid.answers import Answer
from pkid.exchange import Request, Unreachable
from pkid.exporter.observation import Observation
from tests.exporter.answers import METRICS, answer, inventory
from tests.support import Case


class ObservationTests(Case):
    def setUp(self) -> None:
        self.clock = Clock()
        self.asked: list[str] = []
        self.answers: dict[str, Answer | Exception] = {"/cli/execute": inventory(), "/metrics": answer(METRICS)}
        self.held: Deferred[Answer] | None = None
        self.seen = Observation(self.ask, self.clock, timedelta(seconds=30), timedelta(seconds=5))
        self.seen.startService()

    def ask(self, request: Request) -> Deferred[Answer]:
        self.asked.append(request.path)
        if self.held is not None:
            return self.held
        found = self.answers[request.path]
        return fail(found) if isinstance(found, Exception) else succeed(found)

    def look(self) -> None:
        self.successResultOf(self.seen.refresh())

    def go_away(self) -> None:
        self.answers["/metrics"] = Unreachable("the core cannot be reached")

    def test_nothing_is_known_before_the_first_look(self) -> None:
        self.assertEqual((self.seen.up, self.seen.last, self.seen.age), (False, None, None))

    def test_what_is_seen(self) -> None:
        self.look()
        assert self.seen.last is not None
        self.assertTrue(self.seen.up)
        self.assertEqual(self.seen.last.inventory.kept["component"], 7)
        self.assertEqual([metric.name for metric in self.seen.last.metrics], ["pkid_decisions", "pkid_ready"])

    def test_one_look_is_good_for_an_interval(self) -> None:
        self.look()
        self.clock.advance(29.9)
        self.look()
        self.assertEqual(len(self.asked), 2)
        self.assertAlmostEqual(self.seen.age or 0, 29.9)
        self.clock.advance(0.2)
        self.look()
        self.assertEqual((len(self.asked), self.seen.age), (4, 0))

    def test_a_core_that_is_away_is_not_asked_more_often(self) -> None:
        self.go_away()
        self.look()
        self.look()
        self.assertEqual(self.asked, ["/cli/execute", "/metrics"])

    def test_what_was_seen_last_is_kept_while_the_core_is_away(self) -> None:
        self.look()
        self.go_away()
        self.clock.advance(100)
        self.look()
        self.assertEqual((self.seen.up, self.seen.age), (False, 100))
        assert self.seen.last is not None
        self.answers["/metrics"] = answer(METRICS)
        self.clock.advance(30)
        self.look()
        self.assertEqual((self.seen.up, self.seen.age), (True, 0))

    def test_one_look_serves_all_who_ask_meanwhile(self) -> None:
        self.held = Deferred()
        waiting = [self.seen.refresh() for _ in range(3)]
        self.assertEqual(len(self.asked), 1)
        held, self.held = self.held, None
        held.callback(inventory())
        for each in waiting:
            self.successResultOf(each)
        self.assertEqual(self.asked, ["/cli/execute", "/metrics"])

    def test_who_leaves_stops_nothing(self) -> None:
        held: Deferred[Answer] = Deferred()
        self.held = held
        self.seen.refresh().addErrback(lambda _: None).cancel()
        self.held = None
        held.callback(inventory())
        self.assertTrue(self.seen.up)

    def test_a_core_that_does_not_answer_is_waited_for_no_longer_than_patience_lasts(self) -> None:
        self.look()
        self.clock.advance(30)
        self.held = Deferred()
        waiting = self.seen.refresh()
        self.clock.advance(4.9)
        self.assertNoResult(waiting)
        self.clock.advance(0.2)
        self.successResultOf(waiting)
        self.assertFalse(self.seen.up)
        self.assertAlmostEqual(self.seen.seconds, 5.1)

    def test_an_answer_that_cannot_be_read_is_a_core_that_is_not_up(self) -> None:
        for path, bad in (("/cli/execute", answer(b"ok")), ("/metrics", answer(b"\xff")), ("/metrics", answer(b"x{"))):
            self.answers = {"/cli/execute": inventory(), "/metrics": answer(METRICS), path: bad}
            self.clock.advance(30)
            self.look()
            self.assertFalse(self.seen.up)
        self.assertEqual(self.flushLoggedErrors(), [])

    def test_a_fault_is_told_with_its_traceback_and_the_next_look_is_made_all_the_same(self) -> None:
        self.answers["/metrics"] = ZeroDivisionError()
        self.look()
        self.assertEqual(len(self.flushLoggedErrors(ZeroDivisionError)), 1)
        self.answers["/metrics"] = answer(METRICS)
        self.clock.advance(30)
        self.look()
        self.assertTrue(self.seen.up)

    def test_the_log_tells_when_the_core_goes_and_comes_and_no_more(self) -> None:
        with capturedLogs() as events:
            for _ in range(2):
                self.look()
                self.clock.advance(30)
            self.go_away()
            for _ in range(3):
                self.look()
                self.clock.advance(30)
            self.answers["/metrics"] = answer(METRICS)
            self.look()
        self.assertEqual(
            [formatEvent(event) for event in events if event["log_namespace"].startswith("pkid")],
            [
                "the core is observed",
                "the core cannot be observed: the core cannot be reached",
                "the core is observed",
            ],
        )

    def test_stopping_ends_a_look(self) -> None:
        self.held = Deferred()
        waiting = self.seen.refresh()
        self.seen.stopService()
        self.successResultOf(waiting)
        self.assertEqual((self.clock.getDelayedCalls(), self.seen.up), ([], False))
