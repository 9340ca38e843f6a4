"""Kept messages: each is added once and with few statements, and forgotten in steps; the sums stay right."""

from __future__ import annotations

from typing import Any

from sqlalchemy import create_engine, event, func, insert, select

from pkid.store.messages.messages import STEP, Limits, SQLMessages
from pkid.store.messages.schema import messages, metadata, progress
from tests.store.messages.kept import message
from tests.support import Case


class MessagesCase(Case):
    def setUp(self) -> None:
        engine = create_engine("sqlite://")
        metadata.create_all(engine)
        self.connection = engine.connect()
        self.addCleanup(engine.dispose)
        self.addCleanup(self.connection.close)
        self.connection.execute(insert(progress).values(id=1, last_number=0))
        self.stored = SQLMessages(self.connection)

    def counted(self) -> tuple[int, int]:
        """Count what the sums should say."""
        found = self.connection.execute(select(func.count(), func.coalesce(func.sum(messages.c.size), 0))).one()
        return found[0], found[1]


class KeepingTests(MessagesCase):
    def test_a_group_of_new_messages_takes_four_statements_with_all_that_is_looked_up(self) -> None:
        self.stored.keep([message(1)])
        done: list[str] = []

        def note(_: Any, __: Any, statement: str, *rest: Any) -> None:
            done.append(" ".join(statement.split()[:2]))

        event.listen(self.connection, "before_cursor_execute", note)
        stored = SQLMessages(self.connection)
        stored.keep([message(2, size=5), message(3, size=5)])
        self.assertFalse(stored.trim(".", Limits()))
        totals = stored.totals()
        self.assertEqual(done[:3], ["UPDATE progress", "INSERT INTO", "UPDATE usage"])
        self.assertEqual(len(done), 4)
        self.assertEqual(totals, self.counted())

    def test_of_a_group_only_what_is_not_there_is_added_whatever_its_number(self) -> None:
        for group, kept in (
            ([2, 3], [2, 3]),
            ([3, 4, 4], [2, 3, 4]),
            ([9], [2, 3, 4, 9]),
            ([5, 2, 9], [2, 3, 4, 5, 9]),
        ):
            self.stored.keep([message(number, size=2) for number in group])
            found = self.connection.execute(select(messages.c.number).order_by(messages.c.number)).scalars()
            self.assertEqual(list(found), kept)
            self.assertEqual((self.stored.totals(), self.stored.last_number()), (self.counted(), max(kept)))


class ForgettingTests(MessagesCase):
    def test_what_is_far_too_much_goes_in_steps(self) -> None:
        self.stored.keep([message(number, size=1) for number in range(1, 2 * STEP + 200)])
        steps = 1
        while self.stored.trim(".", Limits(most=10)):
            steps += 1
        self.assertEqual((steps, self.stored.totals(), self.counted()), (3, (10, 10), (10, 10)))

    def test_what_is_too_old_goes_in_steps_whatever_its_tenant(self) -> None:
        total = 2 * STEP + 200
        self.stored.keep([message(n, size=2, tenant=f"t{n % 3}", received_at=float(n)) for n in range(1, total + 1)])
        beyond, steps = self.stored.expire(2 * STEP + 101.0, 0), 1
        while beyond is not None:
            beyond, steps = self.stored.expire(2 * STEP + 101.0, beyond), steps + 1
        self.assertEqual((steps, self.stored.totals(), self.counted()), (3, (100, 200), (100, 200)))

    def test_it_looks_no_further_when_nothing_is_old(self) -> None:
        self.stored.keep([message(number) for number in range(1, STEP + 2)])
        self.assertIsNone(self.stored.expire(0.0, 0))

    def test_one_whose_clock_was_ahead_does_not_keep_the_others(self) -> None:
        self.stored.keep([message(1, received_at=9e9), message(2, received_at=1.0), message(3, received_at=5.0)])
        self.assertIsNone(self.stored.expire(2.0, 0))
        self.assertEqual(list(self.connection.execute(select(messages.c.number)).scalars()), [1, 3])

    def test_a_tenant_of_which_nothing_is_known_has_nothing_to_forget(self) -> None:
        self.assertFalse(self.stored.trim("nobody", Limits(most=0)))
