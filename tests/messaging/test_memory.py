"""The store in memory: what it was given, it gives back."""

from __future__ import annotations

from datetime import timedelta

from pkid.broker.changes import Authorize
from pkid.broker.effects import Recall, Wanted
from pkid.broker.identity import ANONYMOUS
from pkid.broker.kept import KeptMessages
from pkid.broker.message import Message, QoS
from pkid.broker.rights import Rights
from pkid.broker.topic import Pattern
from pkid.errors import PkidError
from pkid.messaging.memory import MemoryBrokerStore
from pkid.messaging.store import Absentee
from tests.support import Case

NEWS = Pattern("news")


def message(number: int, at: float = 1000.0) -> Message:
    """Return a message on the topic ``news``."""
    return Message(number, ".", "news", ("news",), b"", 10, QoS.AT_LEAST_ONCE, ANONYMOUS, at)


def everything(until: int = 100) -> Recall:
    """Return a recall of all that was published on the topic."""
    return Recall(1, ".", (Wanted(NEWS, 0.0, 0),), 0, until, 100, 1 << 20)


class MemoryBrokerStoreTests(Case):
    """A store in memory."""

    def setUp(self) -> None:
        self.told: list[tuple[list[int], PkidError | None]] = []
        self.store = MemoryBrokerStore(KeptMessages(age=timedelta(seconds=60)))
        self.store.begin(lambda numbers, error: self.told.append((list(numbers), error)))

    def numbers(self) -> list[int]:
        """Return the numbers of what is kept."""
        return [found.number for found in self.successResultOf(self.store.recall(everything())).messages]

    def test_what_is_kept_is_recalled_and_whoever_awaits_it_is_told(self) -> None:
        self.store.keep(message(1), awaited=True)
        self.store.keep(message(2), awaited=False)
        self.assertEqual((self.told, self.numbers()), ([([1], None)], [1, 2]))

    def test_too_old_messages_are_forgotten(self) -> None:
        self.store.keep(message(1, at=1000.0), awaited=False)
        self.store.keep(message(2, at=1050.0), awaited=False)
        self.store.expire(1070.0)
        self.assertEqual(self.numbers(), [2])

    def test_it_begins_with_the_rights_that_held_last(self) -> None:
        change = Authorize(NEWS, "alice")
        self.successResultOf(self.store.persist(change, "root"))
        expected, found = Rights(), Rights()
        change.apply(expected)
        for each in self.store.begin(lambda *_: None).changes:
            each.apply(found)
        self.assertEqual(list(found.rules()), list(expected.rules()))
        self.assertTrue(found.is_private(("news",)))

    def test_it_begins_with_what_components_want_and_how_far_they_got(self) -> None:
        self.store.remember("alice", NEWS, 60.0)
        self.store.mark("alice", 7)
        self.store.remember("bob", NEWS, 0.0)
        self.store.forget("bob", NEWS)
        stored = self.store.begin(lambda *_: None)
        self.assertEqual(stored.absentees, (Absentee("alice", ((NEWS, 60.0),), 7),))

    def test_all_that_a_component_wanted_can_be_forgotten(self) -> None:
        self.store.remember("alice", NEWS, 60.0)
        self.store.remember("alice", Pattern("other"), 60.0)
        self.store.forget("alice")
        self.assertEqual(self.store.begin(lambda *_: None).absentees, ())

    def test_new_numbers_are_higher_than_those_of_messages_and_of_marks(self) -> None:
        self.assertEqual(self.store.begin(lambda *_: None).last_number, 0)
        self.store.keep(message(5), awaited=False)
        self.assertEqual(self.store.begin(lambda *_: None).last_number, 5)
        self.store.remember("alice", NEWS, 60.0)
        self.store.mark("alice", 9)
        self.assertEqual(self.store.begin(lambda *_: None).last_number, 9)
