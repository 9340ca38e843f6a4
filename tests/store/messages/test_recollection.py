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
from pkid.store.messages import recollection
from pkid.store.messages.messages import SQLMessages
from pkid.store.messages.schema import metadata, progress
from tests.store.messages.kept import message, recall
from tests.support import Case

PROPERTY = settings(max_examples=80, deadline=None, database=None, derandomize=True)

names = st.sampled_from(["a", "b", "a/b", "a/c", "a/@c", "c/d/e", "%/b/_"])
patterns = st.sampled_from([Pattern(text) for text in ("a", "b", "a/*", "**", "a/@c", "*/d/**", "%/b/*", "nothing")])
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
        self.patch(recollection, "_FIRST_SLICE", 2)
        self.patch(recollection, "_CHUNK", 3)
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
        self.assertEqual(slices, 1 + (100 - 2) // 8 + 1)

    def test_nothing_is_put_behind_what_had_no_room(self) -> None:
        messages = [message(1, size=50), message(2, size=60), message(3, size=1)]
        found = self.found(messages, recall("news", room=60))
        self.assertEqual(([each.number for each in found.messages], found.more), ([1], True))

    def test_one_topic_among_many_is_found_by_its_index(self) -> None:
        with self.engine.begin() as connection:
            SQLMessages(connection).keep([message(n, topic) for n, topic in enumerate("abcdefghijkl" * 4, 1)])
            looking, slices = recollection.Recollection(recall("c")), 1
            while (found := looking.look_on(connection)) is None:
                slices += 1
        self.assertEqual(([each.number for each in found.messages], slices), ([3, 15, 27, 39], 2))

    def test_more_topics_or_patterns_than_a_statement_compares_with_are_recalled_too(self) -> None:
        self.patch(recollection, "_MOST_TOPICS", 1)
        self.patch(recollection, "_MOST_PATTERNS", 1)
        messages = [message(1, "a"), message(2, "b"), message(3, "c/d")]
        for topics, numbers in ((("a", "b"), [1, 2]), (("a", "c/*"), [1, 3])):
            found = self.found(messages, recall(*topics))
            self.assertEqual([each.number for each in found.messages], numbers)

    def test_signs_with_a_meaning_in_sql_have_none(self) -> None:
        messages = [
            message(1, "a%b/x"),
            message(2, "a_b/x"),
            message(3, "aXb/x"),
            message(4, "a\\b/x"),
            message(5, "a%/b/x"),
        ]
        for topic, number in (("a%b/*", 1), ("a_b/*", 2), ("a\\b/*", 4), ("a%/b/*", 5)):
            found = self.found(messages, recall(topic))
            self.assertEqual([each.number for each in found.messages], [number])
