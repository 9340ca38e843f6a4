"""The benchmark suite's curves: where they bend, and how they are shown."""

from __future__ import annotations

from contextlib import AbstractContextManager
from xml.etree import ElementTree

from bench.suite.curve import bend, curves
from bench.suite.measurement import Contestant, Measure, Path, Role
from bench.suite.plot import as_svg
from bench.suite.report import as_markdown
from bench.suite.rounds import Outcome
from tests.support import Case


def nobody() -> AbstractContextManager[Measure]:
    raise AssertionError("nothing is started here")


def outcome() -> Outcome:
    """Two curves, the rounds of which are in disorder; what is at 1000 was not measured."""
    contestants = [Contestant(f"pkid, {at}", nobody, at=at) for at in (100, 1, 10, 1000)]
    contestants += [Contestant(f"relay, {at}", nobody, Role.LIMIT, at) for at in (1, 10)]
    path = Path("A curve", "deliveries/cpu-s", tuple(contestants), axis="topics", why="Because.")
    rates = {"pkid, 1": 1000.0, "pkid, 10": 900.0, "pkid, 100": 400.0, "relay, 1": 5000.0, "relay, 10": 5000.0}
    return Outcome("curve", path, {name: [{"deliveries/cpu-s": rate}] for name, rate in rates.items()})


class BendTests(Case):
    def test_a_curve_bends_where_the_cost_has_doubled_from_the_best(self) -> None:
        said = bend([(1, 1000.0), (10, 501.0), (100, 500.0), (1000, 100.0)], "topics")
        self.assertEqual(said, "each costs least at 1 topics, 1000.00 us; twice that or more from 100 on")

    def test_a_curve_may_bend_on_both_sides_of_the_best(self) -> None:
        said = bend([(1, 100.0), (10, 400.0), (100, 1000.0), (1000, 10.0)], "subscribers")
        self.assertIn("at 100 subscribers", said)
        self.assertIn("up to 10;", said)
        self.assertIn("from 1,000 on", said)

    def test_one_that_does_not_bend_says_so(self) -> None:
        self.assertIn("less than twice that beyond", bend([(1, 100.0), (10, 90.0)], "grants"))


class CurveTests(Case):
    def test_points_are_medians_from_left_to_right_for_each_role(self) -> None:
        found = curves(outcome())
        self.assertEqual(found[Role.PKID], [(1, 1000.0), (10, 900.0), (100, 400.0)])
        self.assertEqual(found[Role.LIMIT], [(1, 5000.0), (10, 5000.0)])

    def test_the_report_says_where_it_bends_and_why(self) -> None:
        text = as_markdown([outcome()], {})
        self.assertIn("pkid: each costs least at 1 topics, 1000.00 us; twice that or more from 100 on. Because.", text)
        self.assertIn("the limit: each costs least at 1 topics, 200.00 us; less than twice", text)

    def test_the_picture_has_a_line_for_each_over_a_logarithmic_axis(self) -> None:
        root = ElementTree.fromstring(as_svg([outcome()]))
        pkid, limit = (each.get("points", "").split() for each in root if each.tag.endswith("polyline"))
        self.assertEqual((len(pkid), len(limit)), (3, 2))
        first, second, third = (float(each.partition(",")[0]) for each in pkid)
        self.assertAlmostEqual(second - first, third - second, places=0)
