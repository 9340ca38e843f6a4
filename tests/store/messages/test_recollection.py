"""Recalls in slices bring what the model in memory brings, however the slices fall."""

from __future__ import annotations

from dataclasses import replace
from datetime import timedelta

from hypothesis import given, settings
from hypothesis import strategies as st
from sqlalchemy import create_engine, insert

from pkid.broker.effects import Recall, Wanted
from pkid.broker.inputs import Recalled
from pkid.broker.kept import KeptMessages
from pkid.broker.message import Message
from pkid.broker.topic import Pattern
from pkid.store.messages import recollection, topics
from pkid.store.messages.messages import SQLMessages
from pkid.store.messages.schema import metadata, progress
from tests.store.messages.kept import message, recall
from tests.support import Case

PROPERTY = settings(max_examples=80, deadline=None, database=None, derandomize=True)

names = st.sampled_from(["a", "b", "a/b", "a/c", "a/@c", "c/d/e"])
patterns = st.sampled_from([Pattern(text) for text in ("a", "b", "a/*", "**", "a/@c", "*/d/**", "nothing")])
kept = st.lists(
    st.builds(
        lambda topic, tenant, at, size: (topic, {"tenant": tenant, "received_at": at, "size": size}),
        names,
        st.sampled_from([".", ".", ".", "other"]),
        st.integers(0, 9).map(float),
        st.integers(0, 50),
    ),
    max_size=40,
)
wanted = st.lists(st.builds(Wanted, patterns, st.integers(0, 9).map(float), st.integers(0, 40)), min_size=1, max_size=4)


class SliceTests(Case):
    def setUp(self) -> None:
        self.patch(recollection, "SLICE", 8)
        self.patch(recollection, "_PROBE", 4)
        self.patch(recollection, "_CHUNK", 3)
        self.patch(topics, "_SPARSE", 2)
        self.engine = create_engine("sqlite://")
        self.addCleanup(self.engine.dispose)
        metadata.create_all(self.engine)
        with self.engine.begin() as connection:
            connection.execute(insert(progress).values(id=1, last_number=0))

    def found(self, messages: list[Message], asked: Recall) -> Recalled:
        """Keep messages, recall some, and forget all."""
        with self.engine.connect() as connection, connection.begin() as transaction:
            SQLMessages(connection).keep(messages)
            looking = recollection.Recollection(asked)
            while (found := looking.look_on(connection)) is None:
                pass
            transaction.rollback()
        return found

    @PROPERTY
    @given(kept, wanted, st.integers(0, 40), st.integers(0, 45), st.integers(1, 12), st.integers(1, 300))
    def test_they_bring_what_the_model_brings(
        self,
        kept: list[tuple[str, dict[str, object]]],
        wanted: list[Wanted],
        beyond: int,
        until: int,
        most: int,
        room: int,
    ) -> None:
        messages = [message(number, topic, **rest) for number, (topic, rest) in enumerate(kept, 1)]
        model = KeptMessages(age=timedelta(days=1))
        for each in messages:
            model.keep(each)
        asked = replace(recall(), wanted=tuple(wanted), beyond=beyond, until=until, most=most, room=room)
        self.assertEqual(self.found(messages, asked), model.recall(asked))

    def test_a_slice_looks_at_no_more_than_it_may(self) -> None:
        messages = [message(number, "a" if number > 90 else f"b/{number}") for number in range(1, 101)]
        with self.engine.begin() as connection:
            SQLMessages(connection).keep(messages)
            looking, slices = recollection.Recollection(recall("**", since=1091.0)), 1
            while (found := looking.look_on(connection)) is None:
                slices += 1
        self.assertEqual([each.number for each in found.messages], list(range(91, 101)))
        self.assertEqual(slices, 1 + (100 - 4) // 8 + 1)

    def test_few_topics_among_many_are_found_by_their_index(self) -> None:
        topics = ["a", "b", *(f"c/{number}" for number in range(20))]
        plans: list[str] = []
        with self.engine.begin() as connection:
            SQLMessages(connection).keep([message(n, topic) for n, topic in enumerate(topics * 2, 1)])
            looking = recollection.Recollection(recall("a", "b", beyond=2))
            self.assertIsNone(looking.look_on(connection))
            statement = looking._rows.compile(self.engine, compile_kwargs={"literal_binds": True})
            plans += [row[3] for row in connection.exec_driver_sql(f"EXPLAIN QUERY PLAN {statement}")]
            found = looking.look_on(connection)
        assert found is not None
        self.assertEqual([each.topic for each in found.messages], ["a", "b"])
        self.assertIn("messages_by_topic", plans[0])
