"""Searches over several kinds in memory: what they find, in which order, and how much of it is read."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from datetime import UTC, datetime, timedelta
from typing import Any

from twisted.internet.defer import Deferred

from pkid.errors import Malformed
from pkid.inventory.found import Found
from pkid.inventory.grammar import read_order
from pkid.inventory.inventory import Inventory
from pkid.inventory.kinds import KINDS, Derivation, Field, Kind, Resource, Type
from pkid.inventory.order import Order
from pkid.inventory.predicate import Predicate, is_like
from pkid.inventory.results import Mapped, Results, Selection, gather
from pkid.inventory.source import PAGE, MemorySource
from tests.support import Case

NOW = datetime(2031, 5, 6, 12, tzinfo=UTC)
DAY = timedelta(days=1)

SHIP = Kind(
    "ship",
    "a ship",
    "name",
    ("name",),
    (
        Field("name", Type.TEXT, ""),
        Field("masts", Type.INTEGER, ""),
        Field("home", Type.TEXT, ""),
        Field("built", Type.INSTANT, ""),
        Field("afloat", Type.BOOLEAN, ""),
        Field("age", Type.DURATION, "", Derivation.AGE, "built"),
        Field("old", Type.BOOLEAN, "", Derivation.PAST, "built"),
    ),
)
PORT = Kind("port", "a port", "name", ("name",), (Field("name", Type.TEXT, ""), Field("depth", Type.INTEGER, "")))

SHIPS: list[Resource] = [
    {"name": "Argo", "masts": 1, "home": "Iolkos", "built": NOW - 9 * DAY, "afloat": False},
    {"name": "Beagle", "masts": 3, "home": None, "built": NOW - 2 * DAY, "afloat": True},
    {"name": "Clio", "masts": 3, "home": "Bremen", "built": NOW + 5 * DAY, "afloat": True},
    {"name": "Dove", "masts": 2, "home": "Bremen", "built": None, "afloat": True},
]
PORTS: list[Resource] = [{"name": "Bremen", "depth": 9}, {"name": "Corfu", "depth": 4}]


class ReadPages(MemorySource):
    """Counts the pages that are read."""

    pages = 0

    async def page(self, predicate: Predicate, order: Order, after: Resource | None) -> Sequence[Resource]:
        self.pages += 1
        return await super().page(predicate, order, after)


def source(kind: Kind, resources: list[Resource]) -> ReadPages:
    async def read() -> Iterable[Resource]:
        return resources

    return ReadPages(kind, read)


class SearchCase(Case):
    def setUp(self) -> None:
        self.ships, self.ports = source(SHIP, SHIPS), source(PORT, PORTS)
        self.inventory = Inventory([self.ships, self.ports], lambda: NOW)

    def find(self, text: str) -> Found:
        return self.inventory.find(self.inventory.read(text))

    def wait(self, coroutine: Any) -> Any:
        return self.successResultOf(Deferred.fromCoroutine(coroutine))

    def items(self, results: Results) -> tuple[Any, ...]:
        return self.wait(gather(results))  # type: ignore[no-any-return]

    def names(self, text: str) -> str:
        return " ".join(item["name"] for item in self.items(self.find(text)))

    def fails(self, text: str, message: str) -> None:
        with self.assertRaises(Malformed) as raised:
            self.inventory.read(text)
        self.assertEqual(str(raised.exception), message)


class PredicateTests(SearchCase):
    def test_kinds(self) -> None:
        self.assertEqual(self.names("is(resource)"), "Argo Beagle Clio Dove Bremen Corfu")
        self.assertEqual(self.names("is(port)"), "Bremen Corfu")
        self.assertEqual(self.names("not is(port)"), "Argo Beagle Clio Dove")
        self.assertEqual(self.names("is(ship, port) and name < C"), "Argo Beagle Bremen")
        self.assertEqual(self.names("kind = port"), "Bremen Corfu")
        self.assertEqual(self.names("kind != port and kind like s*"), "Argo Beagle Clio Dove")
        self.assertEqual(self.names("kind in [port, x]"), "Bremen Corfu")

    def test_comparisons(self) -> None:
        for text, names in {
            "masts = 3": "Beagle Clio",
            "masts != 3": "Argo Dove Bremen Corfu",
            "masts < 3": "Argo Dove",
            "masts <= 2": "Argo Dove",
            "masts > 1 and masts < 3": "Dove",
            "masts >= 3": "Beagle Clio",
            "masts in [1, 2]": "Argo Dove",
            "is(ship) and masts not in [1, 2]": "Beagle Clio",
            "afloat = false": "Argo",
            "name like *o": "Argo Clio",
            "is(ship) and name not like *o": "Beagle Dove",
            "name = 'Corfu'": "Corfu",
        }.items():
            self.assertEqual(self.names(text), names, text)

    def test_a_comparison_with_an_absent_value_is_false(self) -> None:
        self.assertEqual(self.names("home = null"), "Beagle")
        self.assertEqual(self.names("is(ship) and home != null"), "Argo Clio Dove")
        self.assertEqual(self.names("is(ship) and home != Bremen"), "Argo Beagle")
        self.assertEqual(self.names("home < Z"), "Argo Clio Dove")
        self.assertEqual(self.names("home in [null, Iolkos]"), "Argo Beagle")

    def test_a_field_that_a_kind_has_not(self) -> None:
        self.assertEqual(self.names("depth > 1"), "Bremen Corfu")
        self.assertEqual(self.names("depth > 5 or masts > 2"), "Beagle Clio Bremen")

    def test_times(self) -> None:
        self.assertEqual(self.names("built < 0s"), "Argo Beagle")
        self.assertEqual(self.names("built > -3d and built < 3d"), "Beagle")
        self.assertEqual(self.names("built >= 2031-05-11T12:00:00Z"), "Clio")

    def test_derived_fields(self) -> None:
        self.assertEqual(self.names("age > 3d"), "Argo")
        self.assertEqual(self.names("age <= 2d"), "Beagle Clio")
        self.assertEqual(self.names("age = 2d or age in [9d]"), "Argo Beagle")
        self.assertEqual(self.names("old = true"), "Argo Beagle")
        self.assertEqual(self.names("old != true and is(ship)"), "Clio Dove")
        self.assertEqual(self.names("old = null"), "Dove")
        (argo,) = self.items(self.find("name = Argo"))
        self.assertEqual((argo["kind"], argo["age"], argo["old"]), ("ship", 9 * DAY, True))
        (dove,) = self.items(self.find("name = Dove"))
        self.assertEqual((dove["age"], dove["old"]), (None, None))

    def test_what_there_is_not(self) -> None:
        self.fails("is(boat)", "there is no kind 'boat' at character 1 of the search; there are resource, ship, port")
        self.fails("a=1 and is(port)", "there is no field 'a' at character 1; there are kind, name, depth")
        self.fails("is(port) sort masts", "there is no field 'masts' at character 15; there are kind, name, depth")
        self.fails("masts = x", "masts is a whole number, not 'x', at character 9 of the search")
        self.fails("masts like 1*", "masts like cannot be asked of a whole number, at character 12 of the search")
        self.fails("old < true", "old < cannot be asked of true or false, at character 7 of the search")
        self.fails("home < null", "home < cannot be asked of null, at character 8 of the search")
        self.fails(
            "age > 999999999w",
            "age is a duration, as 90s, 15m, 12h, 30d, 2w, not '999999999w', at character 7 of the search",
        )
        self.fails("age > 5000w and age < 999999d", "age cannot be as long as 999999 days, 0:00:00")

    def test_patterns(self) -> None:
        for pattern, texts in {"a*": "a ab", "*": "a ", "*a": "a ba", "a*b*c": "abc a1b2c", "a*a": "aa aba"}.items():
            for text in texts.split(" "):
                self.assertTrue(is_like(text, pattern), (text, pattern))
        for pattern, text in (("a*", "A"), ("a*a", "a"), ("a*b*c", "acb"), ("a", "ab"), ("a*bc*c", "abc"), ("%", "a")):
            self.assertFalse(is_like(text, pattern), (text, pattern))


class OrderTests(SearchCase):
    def test_by_each_kind_of_value(self) -> None:
        for text, names in {
            "name desc": "Dove Corfu Clio Bremen Beagle Argo",
            "masts, name": "Bremen Corfu Argo Dove Beagle Clio",
            "masts desc, name": "Beagle Clio Dove Argo Bremen Corfu",
            "masts desc": "Clio Beagle Dove Argo Corfu Bremen",
            "home, masts desc": "Beagle Corfu Bremen Clio Dove Argo",
            "kind, name": "Bremen Corfu Argo Beagle Clio Dove",
            "age": "Bremen Corfu Dove Clio Beagle Argo",
        }.items():
            found = self.names(f"all sort {text}")
            self.assertEqual(sorted(found.split()), sorted(names.split()))
            if text not in ("home, masts desc", "age", "masts desc"):  # where some stand alike in the order
                self.assertEqual(found, names, text)
        self.assertEqual(self.names("is(ship) and built != null sort age"), "Clio Beagle Argo")
        self.assertEqual(self.names("is(ship) and built != null sort old desc, name"), "Argo Beagle Clio")

    def test_absent_values_come_first_and_last_the_other_way(self) -> None:
        self.assertEqual(self.names("is(ship) sort home, name"), "Beagle Clio Dove Argo")
        self.assertEqual(self.names("is(ship) sort home desc, name"), "Argo Clio Dove Beagle")

    def test_windows(self) -> None:
        self.assertEqual(self.names("all limit 2"), "Argo Beagle")
        self.assertEqual(self.names("all limit 3, 2"), "Dove Bremen")
        self.assertEqual(self.names("all sort name limit 1, 2"), "Beagle Bremen")
        self.assertEqual(self.names("all limit 0"), "")
        for text, number in (("all", 6), ("all limit 2", 2), ("all limit 5, 9", 1), ("all limit 9, 9", 0)):
            self.assertEqual(self.wait(self.find(text).count()), number)


class PipelineTests(SearchCase):
    def test_head_and_tail(self) -> None:
        for text in ("all", "all sort name", "all limit 1, 4", "is(ship) sort masts"):
            everything = self.items(self.find(text))
            for number in (1, 2, 3, 5, 9):
                head, tail = self.find(text).head(number), self.wait(self.find(text).tail(number))
                self.assertEqual(self.items(head), everything[:number], text)
                self.assertEqual(self.items(tail), everything[-number:], text)
                self.assertEqual(self.items(self.wait(head.tail(2))), everything[:number][-2:], text)

    def test_sorting_what_was_cut_sorts_only_that(self) -> None:
        cut = self.find("all sort name").head(3)
        found = self.items(self.wait(cut.sort(read_order("name desc"))))
        self.assertEqual([item["name"] for item in found], ["Bremen", "Beagle", "Argo"])

    def test_tallies(self) -> None:
        self.assertEqual(self.wait(self.find("all").tally("masts")), ({1: 1, 2: 1, 3: 2}, 2))
        self.assertEqual(self.wait(self.find("all").tally("kind")), ({"ship": 4, "port": 2}, 0))
        self.assertEqual(self.wait(self.find("is(ship)").tally("old")), ({True: 2, False: 1}, 1))
        self.assertEqual(self.wait(self.find("all").head(2).tally("masts")), ({1: 1, 3: 1}, 0))
        self.failureResultOf(Deferred.fromCoroutine(self.find("all").tally("age")), Malformed)
        self.failureResultOf(Deferred.fromCoroutine(self.find("all").tally("colour")), Malformed)
        self.failureResultOf(Deferred.fromCoroutine(self.find("all").sort(read_order("colour"))), Malformed)

    def test_lines_can_be_cut_and_counted_but_have_no_fields(self) -> None:
        lines = Mapped(self.find("all sort name"), lambda item: item["name"])  # type: ignore[index]
        self.assertEqual(self.items(lines.head(2)), ("Argo", "Beagle"))
        self.assertEqual(self.items(self.wait(lines.tail(1))), ("Dove",))
        self.assertEqual(self.wait(lines.count()), 6)
        for coroutine in (lines.tally("name"), lines.sort(read_order("name")), Selection(("a",)).sort(())):
            self.failureResultOf(Deferred.fromCoroutine(coroutine), Malformed)
        self.assertEqual(self.wait(Selection(("a", {"b": 1})).tally("b")), ({1: 1}, 1))

    def test_more_than_can_be_held(self) -> None:
        self.failureResultOf(Deferred.fromCoroutine(self.find("all").tail(10_001)), Malformed)
        many = Selection(tuple("x" for _ in range(10_001)))
        self.failureResultOf(Deferred.fromCoroutine(gather(many)), Malformed)


class PageTests(SearchCase):
    def setUp(self) -> None:
        super().setUp()
        fleet: list[Resource] = [{**SHIPS[0], "name": f"s{number:04}", "masts": number % 3} for number in range(1000)]
        ports: list[Resource] = [{"name": f"s{number:04}+", "depth": 1} for number in range(1000)]
        self.ships, self.ports = source(SHIP, fleet), source(PORT, ports)
        self.inventory = Inventory([self.ships, self.ports], lambda: NOW)

    def test_all_pages_together_are_everything_once(self) -> None:
        for order in ("", "sort name", "sort masts desc", "sort home, name desc"):
            names = [item["name"] for item in self.items(self.find(f"all {order}"))]
            self.assertEqual(len(names), 2000, order)
            self.assertEqual(len(set(names)), 2000, order)
        names = [item["name"] for item in self.items(self.find("all sort name"))]
        self.assertEqual(names, sorted(names))

    def test_no_more_is_read_than_is_asked_for(self) -> None:
        pages = self.find("all sort name").pages()
        first = self.wait(anext(pages))
        self.assertEqual((len(first), self.ships.pages, self.ports.pages), (PAGE, 1, 1))
        self.items(self.find("is(ship)").head(10))
        self.assertEqual(self.ships.pages, 2)
        self.items(self.find("is(ship) and name < s0005"))
        self.assertEqual(self.ships.pages, 3)


class KindTests(Case):
    def test_fields_that_share_a_name_share_a_type(self) -> None:
        types: dict[str, set[Type]] = {}
        for kind in KINDS:
            for field in kind.fields:
                types.setdefault(field.name, set()).add(field.type)
        self.assertEqual([name for name, found in types.items() if len(found) > 1], [])

    def test_each_kind_has_the_fields_that_it_names(self) -> None:
        for kind in KINDS:
            origins = [field.origin for field in kind.fields if field.derivation]
            for name in (kind.identity, *kind.shown, *origins):
                self.assertIn(name, [field.name for field in kind.fields], kind.name)
