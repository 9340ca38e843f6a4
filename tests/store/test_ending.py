"""A name ends with the last of its certificates; what has a successor does not count."""

from __future__ import annotations

from datetime import timedelta
from pathlib import Path

from sqlalchemy import event

from pkid.ca.ledger import Entry
from pkid.store.ending import count_ending_names
from pkid.store.ledger import SQLLedger
from pkid.store.sqlite import open_reader, open_sqlite
from tests.store.entries import NOON, entry
from tests.support import Case

DAY = timedelta(days=1)


class EndingTests(Case):
    def count(self, *entries: Entry) -> list[int]:
        """Count the names that ended in the last day, and that end in the next one and the next two."""
        path = Path(self.mktemp())
        engine = open_sqlite(path)
        self.addCleanup(engine.dispose)
        with engine.begin() as connection:
            SQLLedger(connection).record(entries)
        reader = open_reader(path)
        self.addCleanup(reader.dispose)
        with reader.connect() as connection:
            spans = [(NOON - DAY, NOON), (NOON, NOON + DAY), (NOON, NOON + 2 * DAY)]
            return count_ending_names(connection, spans)

    def test_nothing(self) -> None:
        self.assertEqual(self.count(), [0, 0, 0])

    def test_each_name_counts_where_its_certificate_ends(self) -> None:
        self.assertEqual(
            self.count(
                entry(1, name="a", not_after=NOON - DAY / 2),
                entry(2, name="b", not_after=NOON + DAY / 2),
                entry(3, name="c", not_after=NOON + DAY * 1.5),
                entry(4, name="d", not_after=NOON + DAY * 3),
                entry(5, name="e", not_after=NOON - DAY * 2),
            ),
            [1, 1, 2],
        )

    def test_what_has_a_successor_does_not_count(self) -> None:
        self.assertEqual(
            self.count(
                entry(1, name="a", not_after=NOON - DAY / 2),
                entry(2, name="a", not_after=NOON + DAY / 2),
                entry(3, name="a", not_after=NOON + DAY * 3),
                entry(4, name="b", not_after=NOON - DAY / 2),
                entry(5, name="b", not_after=NOON + DAY / 2),
            ),
            [0, 1, 1],
        )

    def test_certificates_that_end_together_are_one_name(self) -> None:
        end = NOON + DAY / 2
        self.assertEqual(self.count(entry(1, name="a", not_after=end), entry(2, name="a", not_after=end)), [0, 1, 1])

    def test_the_core_s_own_do_not_count(self) -> None:
        self.assertEqual(self.count(entry(1, profile="core", not_after=NOON + DAY / 2)), [0, 0, 0])

    def test_an_index_is_read_from_end_to_end_and_no_row(self) -> None:
        engine = open_sqlite(Path(self.mktemp()))
        self.addCleanup(engine.dispose)
        asked: list[tuple[str, object]] = []
        event.listen(engine, "before_cursor_execute", lambda *given: asked.append(given[2:4]))
        with engine.begin() as connection:
            count_ending_names(connection, [(NOON, NOON + DAY)])
            statement, parameters = asked[-1]
            plan = [row[3] for row in connection.exec_driver_sql(f"EXPLAIN QUERY PLAN {statement}", parameters)]  # type: ignore[arg-type]
        self.assertIn("SCAN certificates USING COVERING INDEX certificates_by_name", plan)
        self.assertNotIn("TEMP B-TREE", "; ".join(plan))
