"""The benchmark suite's own arithmetic: turns, medians, ratios within a round, and what was skipped."""

from __future__ import annotations

import json
from collections.abc import Iterator
from contextlib import AbstractContextManager, contextmanager
from dataclasses import replace
from functools import partial
from xml.etree import ElementTree

from bench.suite.machine import Ticks
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

    @contextmanager
    def shaky(self) -> Iterator[Measure]:
        answers = iter([4.0, None, 8.0])

        def run(seconds: float) -> Sample:
            answer = next(answers)
            if answer is None:
                raise Skipped("it was tired")
            return {"requests/s": answer}

        yield run

    def path(self, *marks: Mark, once: bool = False) -> Path:
        contestants = (
            Contestant("pkid", partial(self.running, "pkid", [10.0, 40.0, 30.0])),
            Contestant("peer", partial(self.running, "peer", [5.0, 10.0, 30.0]), Role.PEER),
            Contestant("nobody", self.missing, Role.PEER),
            Contestant("refuser", self.failing, Role.PEER),
            Contestant("shaky", self.shaky, Role.PEER),
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
        self.assertIn("\nnobody was skipped, because needs nobody: apt-get install nobody.", text)
        self.assertIn("- A <path>: refuser was skipped, because", text.partition("## A <path>")[0])
        self.assertNotIn("| refuser |", text)

    def test_behind_a_median_stands_how_far_the_rounds_went(self) -> None:
        text = as_markdown([self.outcome(Mark("pkid", "requests/s", "peer", at_least=2.1))], AROUND)
        self.assertIn("| pkid | 30.0 | 10.0 to 40.0 |", text)
        self.assertIn("measured 2.00 (1.00 to 4.00)", text)
        self.assertIn(">= 2.1 | 2.00 | 1.00 to 4.00 | **no** |", text)

    def test_a_turn_before_the_first_round_does_not_count(self) -> None:
        outcome = measure("path", replace(self.path(), warm_up=0.2), replace(SCALE, rounds=2))
        self.assertEqual(self.turns[:-2], ["pkid", "peer"] * 3)
        self.assertEqual(outcome.median("pkid", "requests/s"), 35.0)

    def test_who_fails_in_one_round_has_the_next_one_and_ratios_stay_within_a_round(self) -> None:
        outcome = measure("path", self.path(Mark("pkid", "requests/s", "shaky", at_least=1)), SCALE)
        self.assertEqual(outcome.median("shaky", "requests/s"), 6.0)
        self.assertEqual(outcome.standings[0].rounds, (10.0 / 4.0, 30.0 / 8.0))
        self.assertIn("shaky was skipped in 1 of 3 rounds, because it was tired.", as_markdown([outcome], AROUND))

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
        self.assertEqual([round(float(bar.get("width") or 0)) for bar in bars], [428, 142, 86])
        spreads = [each.get("d", "").replace("H", " ").split() for each in root if each.tag.endswith("path")]
        self.assertEqual([(low, high) for low, _, high in spreads][:1], [("M522.5", "950.0")])


class TicksTests(Case):
    def test_stolen_time_is_a_share_of_all_that_passed(self) -> None:
        before = Ticks.read("cpu  100 0 50 800 10 0 5 35 7 7")
        after = Ticks.read("cpu  150 0 60 830 10 0 5 45 9 9")
        self.assertEqual(after.stolen_since(before), 0.1)
        self.assertEqual(after.stolen_since(after), 0.0)


class ScaleTests(Case):
    def test_a_quick_look_has_the_ends_of_a_curve(self) -> None:
        full = Scale(1.0, 1, 0, sessions=1000)
        self.assertEqual(full.points(1, 10, 1000, 10_000), [1, 10, 1000])
        self.assertEqual(replace(full, is_quick=True).points(1, 10, 1000, 10_000), [1, 1000])
