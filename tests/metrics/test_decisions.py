"""Decisions are counted from the audit trail, by words of pkid's own."""

from __future__ import annotations

from twisted.internet.task import Clock
from twisted.logger import Logger, LogPublisher, globalLogPublisher

from pkid.audit import Action, Strangers, allowed, denied
from pkid.metrics.decisions import Decisions
from tests.support import Case

PEER = "192.0.2.1"


class DecisionsTests(Case):
    def setUp(self) -> None:
        self.strangers = Strangers(Clock().seconds)
        self.decisions = Decisions(self.strangers, globalLogPublisher)
        self.decisions.startService()
        self.addCleanup(self.decisions.stopService)

    def test_each_kind_is_counted_for_itself(self) -> None:
        allowed(Action.SIGN, "psk:default", PEER, name="web")
        allowed(Action.SIGN, "psk:default", PEER, name="db")
        denied(Action.SIGN, "psk:default", PEER, "weak-key", message="anything")
        self.assertEqual(self.decisions.read(), {("sign", "allowed", ""): 2, ("sign", "denied", "weak-key"): 1})

    def test_refused_logins_count_although_a_flood_of_them_is_not_written(self) -> None:
        for _ in range(100):
            self.strangers.denied(PEER, "unauthorized", path="/")
        self.assertEqual(self.decisions.read(), {("login", "denied", "unauthorized"): 100})

    def test_other_events_are_no_decisions(self) -> None:
        Logger(namespace="elsewhere", observer=globalLogPublisher).info("x", audit={"action": "sign"})
        Logger(namespace="pkid.audit", observer=globalLogPublisher).info("x", audit="sign")
        self.assertEqual(self.decisions.read(), {})

    def test_a_mistake_cannot_make_ever_more_series(self) -> None:
        for number in range(1000):
            denied(Action.SIGN, "psk:default", PEER, f"reason {number}")
        counted = self.decisions.read()
        self.assertLessEqual(len(counted), 257)
        self.assertEqual(sum(counted.values()), 1000)

    def test_nothing_is_counted_before_the_start_and_after_the_stop(self) -> None:
        publisher = LogPublisher()
        decisions = Decisions(self.strangers, publisher)
        log = Logger(namespace="pkid.audit", observer=publisher)
        log.info("x", audit={"action": "sign"})
        decisions.startService()
        log.info("x", audit={"action": "sign"})
        decisions.stopService()
        log.info("x", audit={"action": "sign"})
        self.assertEqual(sum(decisions.read().values()), 1)
