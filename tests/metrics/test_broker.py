"""The broker in numbers: each is counted where it happens."""

from __future__ import annotations

from types import SimpleNamespace
from typing import Any

from prometheus_client import CollectorRegistry

from pkid.broker.commands import Call, Expose, Identify, Prove, Subscribe
from pkid.broker.message import QoS
from pkid.broker.policy import Policy
from pkid.broker.topic import Pattern
from pkid.errors import Unavailable
from pkid.messaging.occupancy import Places
from pkid.messaging.terms import Terms
from pkid.metrics.broker import watch_broker
from pkid.metrics.readings import Readings
from tests.messaging.core import BAD, Core, publish, text
from tests.metrics.scrape import Scrape
from tests.support import Case


class BrokerMetricsTests(Case):
    def start(self, terms: Terms | None = None) -> Core:
        """Watch a broker at work."""
        core = Core(terms, keys=["alice"])
        self.registry = CollectorRegistry()
        self.store: Any = SimpleNamespace(waiting=3, dropped=4, messages=6)
        file: Any = SimpleNamespace(size=lambda: 5)
        watch_broker(Readings(self.registry), core.service, self.store, file)
        return core

    def seen(self, name: str, **labels: str) -> float | None:
        """Return the value of a metric of the broker."""
        return Scrape(self.registry).value(f"pkid_broker_{name}", **labels)

    def test_sessions_by_door_and_state(self) -> None:
        core = self.start()
        core.connect(), core.join("alice"), core.join()
        core.connect().say(Identify(1, "alice"))
        for state, number in (("greeted", 2), ("open", 1), ("proving", 1)):
            self.assertEqual(self.seen("sessions", door="test", state=state), number, state)

    def test_logins_and_ends(self) -> None:
        core = self.start(Terms(places=Places(total=2)))
        core.join("alice")
        core.connect().say(Identify(1, "alice"), Prove(2, "alice", BAD))
        self.assertRaises(Unavailable, core.connect)
        self.assertEqual(self.seen("logins_total", scheme="plain", result="allowed"), 1)
        self.assertEqual(self.seen("logins_total", scheme="plain", result="denied"), 1)
        self.assertEqual(self.seen("sessions_closed_total", reason="login-failed"), 1)
        self.assertEqual(self.seen("connections_refused_total"), 1)

    def test_messages(self) -> None:
        core = self.start(Terms(Policy(retained=(Pattern("kept"),), backlog_bytes=1024)))
        slow, quick, speaker = core.join(), core.join(), core.join()
        for listener in (slow, quick):
            listener.say(Subscribe(1, "kept"))
        slow.session.pause()
        speaker.say(*(publish("kept", "x" * 100) for _ in range(10)))
        self.assertEqual(self.seen("commands_total", command="publish"), 10)
        self.assertEqual((self.seen("deliveries_total"), self.seen("kept_total")), (10, 10))
        self.assertEqual(self.seen("undelivered_total", reason="overflow"), 8)
        self.assertEqual(self.seen("waiting_bytes"), 2 * (100 + 256))

    def test_what_was_dropped_is_counted_when_its_session_is_gone_too(self) -> None:
        core = self.start(Terms(Policy(backlog_bytes=1024)))
        slow = core.join()
        slow.say(Subscribe(1, "news"))
        slow.session.pause()
        core.join().say(*(publish("news", "x" * 100) for _ in range(10)))
        slow.session.lost()
        self.assertEqual(self.seen("undelivered_total", reason="overflow"), 8)

    def test_messages_that_nobody_acknowledges(self) -> None:
        core = self.start()
        listener = core.join()
        listener.say(Subscribe(1, "news"))
        core.join().say(publish("news", request="a", qos=QoS.AT_LEAST_ONCE))
        core.wait(60)
        self.assertEqual(self.seen("undelivered_total", reason="unacknowledged"), 1)

    def test_calls_and_the_store(self) -> None:
        core = self.start()
        core.join().say(Expose(1, "sum"))
        core.join().say(Call(1, "sum", text(""), 0))
        self.assertEqual(self.seen("calls_waiting"), 1)
        self.assertEqual((self.seen("store_waiting"), self.seen("store_dropped_total")), (3, 4))
        self.assertEqual((self.seen("store_bytes"), self.seen("store_messages")), (5, 6))
