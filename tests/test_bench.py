"""The benchmark suite's own arithmetic: turns, medians, ratios within a round, and what was skipped."""

from __future__ import annotations

import json
from collections.abc import Iterator
from contextlib import AbstractContextManager, contextmanager
from functools import partial
from xml.etree import ElementTree

from bench.suite.measurement import Contestant, Mark, Measure, Path, Role, Sample, Scale, Skipped
from bench.suite.plot import as_svg
from bench.suite.report import as_json, as_markdown
from bench.suite.rounds import Outcome, measure
from tests.support import Case

SCALE = Scale(seconds=0.0, rounds=3, rows=0)
AROUND = {"processors": 2}


class RoundsTests(Case):
    def setUp(self) -> None:
        self.turns: list[str] = []

    @contextmanager
    def running(self, name: str, values: list[float]) -> Iterator[Measure]:
        left = iter(values)

        def run(seconds: float) -> Sample:
            self.turns.append(name)
            return {"requests/s": next(left)}

        yield run
        self.turns.append(f"{name} ends")

    def missing(self) -> AbstractContextManager[Measure]:
        raise Skipped("needs nobody: apt-get install nobody")

    @contextmanager
    def failing(self) -> Iterator[Measure]:
        def run(seconds: float) -> Sample:
            raise Skipped("it answered <b>no</b>")

        yield run

    def path(self, *marks: Mark, once: bool = False) -> Path:
        contestants = (
            Contestant("pkid", partial(self.running, "pkid", [10.0, 40.0, 30.0])),
            Contestant("peer", partial(self.running, "peer", [5.0, 10.0, 30.0]), Role.PEER),
            Contestant("nobody", self.missing, Role.PEER),
            Contestant("refuser", self.failing, Role.PEER),
        )
        return Path("A <path>", "requests/s", contestants, marks, once)

    def outcome(self, *marks: Mark) -> Outcome:
        return measure("path", self.path(*marks), SCALE)

    def test_contestants_take_turns_and_then_end(self) -> None:
        self.outcome()
        self.assertEqual(self.turns, ["pkid", "peer"] * 3 + ["peer ends", "pkid ends"])

    def test_a_path_that_does_not_vary_is_measured_once(self) -> None:
        measure("path", self.path(once=True), SCALE)
        self.assertEqual(self.turns[:2], ["pkid", "peer"])
        self.assertEqual(len(self.turns), 4)

    def test_medians_are_over_the_rounds(self) -> None:
        self.assertEqual(self.outcome().median("pkid", "requests/s"), 30.0)

    def test_a_ratio_is_the_median_of_those_within_each_round(self) -> None:
        (standing,) = self.outcome(Mark("pkid", "requests/s", "peer", at_least=2.0)).standings
        self.assertEqual((standing.value, standing.reached), (2.0, True))

    def test_a_mark_that_is_missed_says_so(self) -> None:
        low, high = self.outcome(
            Mark("pkid", "requests/s", "peer", at_least=2.1), Mark("pkid", "requests/s", at_most=29.0)
        ).standings
        self.assertEqual((low.reached, high.reached), (False, False))

    def test_a_mark_over_somebody_who_was_skipped_is_open(self) -> None:
        (standing,) = self.outcome(Mark("pkid", "requests/s", "nobody", at_least=2.0)).standings
        self.assertEqual((standing.value, standing.reached), (None, None))

    def test_the_report_says_who_was_skipped_and_why(self) -> None:
        text = as_markdown([self.outcome()], AROUND)
        self.assertIn("Skipped: nobody, because needs nobody: apt-get install nobody.", text)
        self.assertIn("Skipped: refuser", text)
        self.assertIn("| pkid | 30.0 |", text)

    def test_the_report_begins_with_the_marks_that_were_missed_and_the_time_of_each_path(self) -> None:
        outcome = self.outcome(Mark("pkid", "requests/s", "peer", at_least=2.1), Mark("pkid", "requests/s", at_most=99))
        outcome.seconds = 12.3
        head = as_markdown([outcome], AROUND).partition("## A <path>")[0]
        self.assertIn("Of 2 marks 1 were reached, 1 missed, 0 not measured.", head)
        self.assertIn("- A <path>: pkid: requests/s / peer >= 2.1, measured 2.00", head)
        self.assertIn("| A <path> | 12 |", head)

    def test_the_json_has_every_round(self) -> None:
        (found,) = json.loads(as_json([self.outcome()], AROUND))["paths"]
        self.assertEqual([each["requests/s"] for each in found["samples"]["peer"]], [5.0, 10.0, 30.0])

    def test_the_picture_is_xml_with_a_bar_for_each(self) -> None:
        root = ElementTree.fromstring(as_svg([self.outcome()]))
        bars = [each for each in root if each.tag.endswith("rect") and each.get("x")]
        self.assertEqual([round(float(bar.get("width") or 0)) for bar in bars], [540, 180])
