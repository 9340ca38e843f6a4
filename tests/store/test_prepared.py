"""Statements that are made once."""

from __future__ import annotations

from datetime import UTC, datetime

from sqlalchemy import (
    Boolean,
    Column,
    DateTime,
    Integer,
    MetaData,
    Table,
    bindparam,
    create_engine,
    event,
    insert,
    select,
    update,
)

from pkid.store.prepared import Insertion, Prepared
from tests.support import Case

THINGS = Table("things", MetaData(), Column("id", Integer), Column("good", Boolean), Column("since", DateTime))
ADD = Insertion(THINGS, ("id", "good", "since"))
MARK = Prepared(update(THINGS).values(good=bindparam("sign")))
RAISE = Prepared(update(THINGS).where(THINGS.c.id < bindparam("least")).values(id=bindparam("least")))
IDS = Prepared(select(THINGS.c.id).order_by(THINGS.c.id))
NOW = datetime(2026, 11, 22, tzinfo=UTC).replace(tzinfo=None)


class PreparedTests(Case):
    def setUp(self) -> None:
        engine = create_engine("sqlite://")
        self.addCleanup(engine.dispose)
        self.connection = engine.connect()
        self.addCleanup(self.connection.close)
        THINGS.create(self.connection)

    def test_values_are_stored_as_the_library_stores_them(self) -> None:
        ADD.run(self.connection, [(1, True, NOW)])
        self.connection.execute(insert(THINGS).values(id=2, good=True, since=NOW))
        rows = self.connection.exec_driver_sql("SELECT good, since FROM things").all()
        self.assertEqual(rows[0], rows[1])
        self.assertEqual(self.connection.execute(select(THINGS)).first(), (1, True, NOW))

    def test_a_value_may_stand_at_several_places(self) -> None:
        ADD.run(self.connection, [(each, None, None) for each in (1, 5, 3)])
        self.assertEqual(RAISE.run(self.connection, least=4).rowcount, 2)
        self.assertEqual(IDS.run(self.connection).scalars().all(), [4, 4, 5])

    def test_what_is_missing_is_an_error(self) -> None:
        self.assertRaises(KeyError, MARK.run, self.connection)
        self.assertRaises(ValueError, ADD.run, self.connection, [(1, True)])

    def test_many_rows_go_in_few_statements(self) -> None:
        executed: list[str] = []
        event.listen(self.connection, "before_cursor_execute", lambda *given: executed.append(given[2]))
        ADD.run(self.connection, [(each, None, None) for each in range(100)])
        self.assertEqual(len(executed), 2)
        self.assertEqual(IDS.run(self.connection).scalars().all(), list(range(100)))
