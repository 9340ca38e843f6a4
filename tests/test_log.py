"""The log's text: that of Twisted's own observer, line by line, at less cost."""

from __future__ import annotations

import cProfile
import io
import os
import pstats
import sys
import time
from typing import Any

from twisted.logger import Logger, LogLevel, LogPublisher, formatEventAsClassicLogText, textFileLogObserver
from twisted.python.failure import Failure

from pkid.audit import Action, Strangers, allowed
from pkid.log import event_text, stdout_observer, text_observer
from pkid.metrics.decisions import Decisions
from tests.audited import audited
from tests.certificates import NOON
from tests.support import Case

PEER = "192.0.2.1"
MOST_CALLS = 60
"""Of Python and of C, to write down what was decided, count it, and make its line."""


class TextTests(Case):
    def compare(self, event: dict[str, Any]) -> None:
        expected = formatEventAsClassicLogText(dict(event))
        self.assertEqual(event_text(event), expected)

    def test_a_line_of_the_trail(self) -> None:
        with audited() as trail:
            for name in ("alice", "a\nb\x1b[31m {peer} {}", ""):
                allowed(Action.CONNECT, "psk:default", PEER, name=name, not_after=NOON)
        for event in trail.events:
            self.compare(event)
            self.assertEqual(str(event_text(event)).count("\n"), 1)

    def test_other_events(self) -> None:
        events: list[dict[str, Any]] = []
        log = Logger(namespace="elsewhere", observer=events.append)  # type: ignore[arg-type]
        log.info("{audit_line}, {number}", audit_line="a\nb", number=1)
        log.warn("two\nlines")
        log.failure("a failure", Failure(ValueError("x")))
        events += [{}, {"log_format": "no time"}, {"log_format": "x", "log_time": 1.0, "log_level": LogLevel.debug}]
        for event in events:
            self.compare(event)

    def test_only_what_twisted_says_of_a_port_is_left_out(self) -> None:
        said = (
            "Vestibule starting on 8900",
            "(TCP Port 8900 Closed)",
            "Site starting on '/run/a b'",
            "a port starting on",
        )
        events = [{"log_namespace": "log_legacy", "log_format": "{log_text}", "log_text": each} for each in said]
        self.assertEqual([event_text(each) is None for each in events], [True, True, True, False])
        elsewhere = events[0] | {"log_namespace": "elsewhere"}
        self.compare(elsewhere)

    def test_each_second_and_zone_has_its_time(self) -> None:
        self.addCleanup(time.tzset)
        self.patch(os, "environ", {**os.environ, "TZ": "Europe/Berlin"})
        time.tzset()
        spring, autumn = 1774746000, 1792890000  # when clocks are set
        for seconds in (0, 0.9, 1, 1.5, spring - 0.5, spring, autumn - 0.5, autumn):
            self.compare({"log_format": "x", "log_time": seconds})

    def test_it_is_written_at_once(self) -> None:
        ours, theirs = io.StringIO(), io.StringIO()
        publisher = LogPublisher(text_observer(ours), textFileLogObserver(theirs))
        Logger(namespace="pkid", observer=publisher).info("hello {name}", name="alice")
        self.assertEqual(ours.getvalue(), theirs.getvalue())

    def test_it_goes_to_standard_output(self) -> None:
        output = io.StringIO()
        self.patch(sys, "stdout", output)
        stdout_observer()({"log_format": "hello", "log_time": None})
        self.assertEqual(output.getvalue(), "- [-#-] hello\n")


class WorkTests(Case):
    def test_a_decision_costs_some_calls(self) -> None:
        publisher = LogPublisher(text_observer(io.StringIO()))
        Decisions(Strangers(time.monotonic), publisher).startService()
        self.patch(sys.modules["pkid.audit"], "_log", Logger(namespace="pkid.audit", observer=publisher))

        def work() -> None:
            allowed(Action.CONNECT, "psk:default", PEER, name="alice", door="line", session=12345)

        work()
        profile = cProfile.Profile()
        profile.runcall(work)
        self.assertLess(pstats.Stats(profile).total_calls, MOST_CALLS)  # type: ignore[attr-defined]
