"""Searches of the ledger give what the same searches of memory give, page by page, by their indexes."""

from __future__ import annotations

from collections.abc import Iterable
from datetime import timedelta
from pathlib import Path
from typing import Any

from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from sqlalchemy import event
from twisted.internet.defer import Deferred, succeed

from pkid.ca.ledger import Entry
from pkid.errors import Malformed
from pkid.inventory.binding import bind_order
from pkid.inventory.grammar import MOST_TERMS
from pkid.inventory.inventory import Inventory
from pkid.inventory.kinds import CERTIFICATE, Resource
from pkid.inventory.predicate import ALL
from pkid.inventory.results import gather
from pkid.inventory.source import MOST_GROUPS, MemorySource, Source
from pkid.resources import certificate_resource
from pkid.store import plans
from pkid.store.ledger import SQLLedger
from pkid.store.search import CertificateSource
from pkid.store.sqlite import open_reader, open_sqlite
from tests.store.entries import NOON, entry
from tests.support import Case

DAY = timedelta(days=1)


def ledger() -> list[Entry]:
    """Make entries with everything that searches tell apart, and much that they cannot."""
    names = ["web-1", "Web-1", "web_1", "web%1", "web\\1", "ü", "", "*.web"]
    return [
        entry(
            number + 1,
            name=names[number % len(names)],
            profile="core" if number % 7 == 0 else "component",
            credential=f"psk:{'ab'[number % 2]}",
            issued_at=NOON - (number % 5) * DAY,
            not_after=NOON + (number % 11 - 5) * DAY,
            origin=[None, "psk:a", "psk:b", "psk:default"][number % 4],
            renews=number if number % 3 == 0 and number else None,
        )
        for number in range(60)
    ]


class LedgerCase(Case):
    """A ledger on the disk, and the same entries in memory."""

    def setUp(self) -> None:
        path = Path(self.mktemp())
        writer, self.reader = open_sqlite(path), open_reader(path)
        self.addCleanup(writer.dispose)
        self.addCleanup(self.reader.dispose)
        self.writer = writer
        self.source = CertificateSource(self.read)

    def record(self, entries: Iterable[Entry]) -> None:
        with self.writer.begin() as connection:
            SQLLedger(connection).record(list(entries))

    def read(self, work: Any, /) -> Deferred[Any]:
        with self.reader.connect() as connection, connection.begin():
            return succeed(work(connection))

    def inventory(self, source: Source) -> Inventory:
        return Inventory([source], lambda: NOON)

    def wait(self, coroutine: Any) -> Any:
        return self.successResultOf(Deferred.fromCoroutine(coroutine))

    def find(self, text: str, source: Source | None = None) -> list[Any]:
        inventory = self.inventory(source or self.source)
        return list(self.wait(gather(inventory.find(inventory.read(text)))))


WORDS = {
    "name": ["web-1", "web*", "*1", "w*b*", "'web%1'", "'web\\1'", "Web*", "'*.web'", "ü", "''", "w_b*", "*", "*EB-1"],
    "issued_at": ["0s", "-2d", "-49h", "2031-05-04"],
    "not_after": ["0s", "1d", "-3d", "2031-05-07T12:00:00.123456Z"],
    "serial": ["1", "2a", "0x0f", "ffffffffffffffffffffffffffffffffffffffff"],
    "renews": ["null", "3", "9"],
    "proven": ["true", "false"],
    "expired": ["true", "false"],
    "age": ["1d", "48h", "-1d"],
    "profile": ["core", "c*"],
    "credential": ["psk:a", "psk:*"],
    "origin": ["null", "psk:b", "psk:d*"],
    "sha256": [entry(7).sha256.hex(), "00"],
}
ORDERED = ["=", "!=", "<", "<=", ">", ">="]


@st.composite
def comparisons(draw: st.DrawFn) -> str:
    field = draw(st.sampled_from(sorted(WORDS)))
    value = draw(st.sampled_from(WORDS[field]))
    signs = ["=", "!="] if field in ("proven", "expired") or value == "null" else ORDERED
    if field in ("name", "profile", "credential", "origin") and value != "null":
        signs = [*signs, "like", "not like"]
    listed = f"{field} in [{', '.join(draw(st.lists(st.sampled_from(WORDS[field]), min_size=1, max_size=3)))}]"
    return draw(st.sampled_from([listed, *(f"{field} {sign} {value}" for sign in signs)]))


PREDICATES = st.recursive(
    comparisons(),
    lambda inner: st.one_of(
        inner.map(lambda one: f"not ({one})"),
        st.lists(inner, min_size=2, max_size=3).map(lambda terms: f"({' and '.join(terms)})"),
        st.lists(inner, min_size=2, max_size=3).map(lambda terms: f"({' or '.join(terms)})"),
    ),
    max_leaves=6,
)
KEYS = st.builds(
    lambda name, way: f"{name} {way}",
    st.sampled_from(
        ["name", "issued_at", "not_after", "renews", "origin", "proven", "age", "expired", "serial", "sha256"]
    ),
    st.sampled_from(["asc", "desc"]),
)


class EquivalenceTests(LedgerCase):
    def setUp(self) -> None:
        super().setUp()
        self.record(ledger())

        async def read() -> list[Resource]:
            return [certificate_resource(each) for each in ledger()]

        self.memory = MemorySource(CERTIFICATE, read)
        self.patch_page_size(7)

    def patch_page_size(self, size: int) -> None:
        for module in ("pkid.store.search", "pkid.inventory.source", "pkid.inventory.found"):
            self.patch(__import__(module, fromlist=["PAGE"]), "PAGE", size)

    @settings(deadline=None, max_examples=150, suppress_health_check=list(HealthCheck))
    @given(PREDICATES, st.lists(KEYS, max_size=3))
    def test_any_search_finds_the_same_in_the_same_order(self, predicate: str, keys: list[str]) -> None:
        text = f"{predicate} sort {', '.join(keys)}" if keys else predicate
        found, wanted = self.find(text), self.find(text, self.memory)
        if not keys:
            found, wanted = (sorted(each, key=lambda item: item["serial"]) for each in (found, wanted))
        self.assertEqual(found, wanted, text)
        inventory = self.inventory(self.source)
        self.assertEqual(self.wait(inventory.find(inventory.read(predicate)).count()), len(wanted))

    @settings(deadline=None, max_examples=40, suppress_health_check=list(HealthCheck))
    @given(PREDICATES, st.sampled_from(["name", "proven", "renews", "origin", "expired", "profile", "kind", "sha256"]))
    def test_any_tally_is_the_same(self, predicate: str, field: str) -> None:
        found, wanted = (
            self.wait(inventory.find(inventory.read(predicate)).tally(field))
            for inventory in (self.inventory(self.source), self.inventory(self.memory))
        )
        self.assertEqual(found, wanted)

    def test_as_many_terms_as_a_search_may_hold(self) -> None:
        for word in (" and ", " or "):
            self.assertEqual(self.find(word.join(["origin like a*"] * MOST_TERMS)), [])
        few = " and ".join(["origin like psk:a*"] * (MOST_TERMS // 8))
        found = self.find(" and ".join([f"({few})"] * 8))
        self.assertEqual(found, self.find("origin like psk:a*"))
        self.assertNotEqual(found, [])

    def test_letters_of_different_case_are_different(self) -> None:
        for text in ("name = web-1", "name like web-*", "name like *eb-1 and name < a", "name like *EB-1"):
            self.assertNotEqual({item["name"] for item in self.find(text)} & {"web-1", "Web-1"}, {"web-1", "Web-1"})
        self.assertEqual(self.find("name like *EB-1"), [])

    def test_pages_without_an_order_keep_to_the_ledger_s(self) -> None:
        for text in ("all", "name like web*", "not_after < 2d"):
            found = self.find(text)
            self.assertEqual(len({item["serial"] for item in found}), len(found))

    def test_too_many_values(self) -> None:
        self.record(entry(1000 + number) for number in range(MOST_GROUPS))
        self.assertRaises(Malformed, self.source.tally, ALL, "name")


class PlanTests(LedgerCase):
    """What people ask for often is found by an index, and nothing is sorted for it."""

    def setUp(self) -> None:
        super().setUp()
        self.asked: list[tuple[str, Any]] = []
        event.listen(self.reader, "before_cursor_execute", self.note)

    def note(self, connection: Any, cursor: Any, statement: str, parameters: Any, context: Any, many: bool) -> None:
        if statement.startswith("SELECT"):
            self.asked.append((statement, parameters))

    def plan(self, text: str) -> str:
        """Return SQLite's plan for the first page and for one behind it."""
        inventory = self.inventory(self.source)
        found = inventory.find(inventory.read(text))
        (part,) = found.parts
        order = bind_order(found.order or self.source.usual_order(part.predicate), CERTIFICATE)
        told: list[str] = []
        for last in (None, certificate_resource(entry(1))):
            self.successResultOf(self.source.page(part.predicate, order, last))
            told += self.explain(*self.asked[-1])
        return "; ".join(told)

    def explain(self, statement: str, parameters: Any) -> list[str]:
        with self.reader.connect() as connection:
            return [row[3] for row in connection.exec_driver_sql(f"EXPLAIN QUERY PLAN {statement}", parameters)]

    def test_orders(self) -> None:
        for text, index in {
            "all": "issued_at",
            "is(certificate) and not_after < 30d sort not_after": "not_after",
            "is(certificate) and not_after < 30d": "not_after",
            "all sort name": "name",
            "all sort issued_at desc": "issued_at",
            "all sort age": "issued_at",
            "expired = true": "not_after",
            "name like web-*": "name",
            "name = web-1": "name",
            "credential = psk:a": "credential",
            "profile = core": "profile",
        }.items():
            plan = self.plan(text)
            self.assertIn(f"INDEX certificates_by_{index}", plan, text)
            self.assertNotIn("TEMP B-TREE", plan, text)

    def test_many_are_left_out_on_the_way_and_few_are_sorted(self) -> None:
        self.patch(plans, "_FEW", 3)
        self.record(entry(number, name=f"n{number % 3}", profile="core") for number in range(1, 13))
        plan = self.plan("profile = core sort name")
        self.assertIn("INDEX certificates_by_name", plan)
        self.assertNotIn("TEMP B-TREE", plan)
        plan = self.plan("profile = core and renews = 7 sort name")
        self.assertIn("INDEX certificates_by_renewed", plan)
        self.assertNotIn("INDEX certificates_by_profile", plan)

    def test_a_few_that_end_alike_are_found_by_their_end_and_many_on_the_way(self) -> None:
        self.patch(plans, "_FEW", 3)
        self.record(entry(number, name=f"n{number}\U0001f600" + "end" * (number > 3)) for number in range(1, 13))
        plan = self.plan("name like *\U0001f600")
        self.assertIn("INDEX certificates_by_ending", plan)
        plan = self.plan("name like n*d and expired = false")
        self.assertIn("INDEX certificates_by_name", plan)
        self.assertNotIn("TEMP B-TREE", plan)
        inventory = self.inventory(self.source)
        for text, number in {"*\U0001f600": 3, "*2\U0001f600": 1, "*nd": 9, "n1*\U0001f600end": 3, "*x": 0}.items():
            self.assertEqual(self.wait(inventory.find(inventory.read(f"name like {text}")).count()), number, text)

    def test_a_search_in_the_order_of_time_knows_names_without_the_rows(self) -> None:
        """Each condition that is not looked up stands by itself, so that SQLite asks those of the index first."""
        self.patch(plans, "_FEW", 3)
        self.record(entry(number, name="n", profile="core") for number in range(1, 13))
        self.plan("profile = core and name like n* and issued_at > 2000-01-01 sort issued_at")
        statement, _ = self.asked[-1]
        self.assertEqual(statement.count("+("), 2)

    def test_a_count_goes_by_the_index_that_tells_most(self) -> None:
        self.patch(plans, "_FEW", 3)
        self.record(entry(number, name="n", profile="core") for number in range(1, 13))
        inventory = self.inventory(self.source)
        found = inventory.find(inventory.read("profile = core and credential = psk:default and not_after > 0s"))
        self.assertEqual(self.wait(found.count()), 12)
        self.assertIn("INDEX certificates_by_not_after", "; ".join(self.explain(*self.asked[-1])))
