"""What every store of the broker promises, as a case to inherit from; it stands apart so that it is not run itself."""

from __future__ import annotations

from dataclasses import replace
from datetime import timedelta

from pkid.broker.changes import AddRule, AssignRole, Authorize, Change, PublicTopic, changes_to
from pkid.broker.effects import Recall, Wanted
from pkid.broker.identity import ANONYMOUS, Identity
from pkid.broker.message import Message, QoS
from pkid.broker.payload import Payload, PayloadKind
from pkid.broker.rights import Rights
from pkid.broker.rules import ALL_VERBS, Access, Rule, Subject
from pkid.broker.topic import Pattern
from pkid.errors import PkidError
from pkid.messaging.store import Absentee, BrokerStore, Stored
from pkid.store.messages.messages import Limits
from tests.store.messages.kept import message, recall
from tests.support import Case

LIMITS = Limits(most=10, room=2000, age=timedelta(seconds=60))


class BrokerStoreContract(Case):
    """The promises; the store keeps at most what :data:`LIMITS` say."""

    store: BrokerStore

    def setUp(self) -> None:
        self.told: list[tuple[list[int], PkidError | None]] = []
        self.open()
        self.begin()

    def open(self) -> None:
        """Set ``store``, for the first time."""
        raise NotImplementedError

    def open_again(self) -> None:
        """Set ``store`` to one that has what the former one was given."""
        raise NotImplementedError

    def begin(self) -> Stored:
        return self.store.begin(lambda numbers, error: self.told.append((list(numbers), error)))

    def restart(self) -> Stored:
        self.open_again()
        return self.begin()

    def keep(self, *messages: Message) -> None:
        for each in messages:
            self.store.keep(each, awaited=False)

    def recalled(self, asked: Recall) -> list[int]:
        return [found.number for found in self.successResultOf(self.store.recall(asked)).messages]

    # Messages

    def test_a_message_comes_back_equal_whatever_it_holds(self) -> None:
        every_byte = Payload(PayloadKind.BYTES, bytes(range(256)))
        kept = [
            message(1),
            message(2, payload=every_byte, size=256, qos=QoS.EXACTLY_ONCE, slot=(1 << 32) - 1),
            message(3, topic="ü/\N{SNOWMAN}/@x", sender=ANONYMOUS, qos=QoS.AT_MOST_ONCE),
            message(4, sender=Identity("bob"), received_at=1000.123456789),
            message(5, payload=Payload(PayloadKind.JSON, b""), size=0),
            message(6, payload=Payload(PayloadKind.CBOR, b"\x00"), slot=0),
        ]
        self.keep(*kept)
        self.restart()
        found = self.successResultOf(self.store.recall(recall("**", "ü/\N{SNOWMAN}/@x")))
        self.assertEqual(list(found.messages), kept)

    def test_those_who_wait_are_told_once_and_in_order(self) -> None:
        for number in range(1, 5):
            self.store.keep(message(number), awaited=number % 2 == 0)
        self.recalled(recall("news"))
        told = [number for numbers, error in self.told for number in numbers]
        self.assertEqual((told, {error for _, error in self.told}), ([2, 4], {None}))

    def test_a_message_that_comes_twice_is_kept_once_and_told_twice(self) -> None:
        for _ in range(2):
            self.store.keep(message(1), awaited=True)
        self.assertEqual(self.recalled(recall("news")), [1])
        self.assertEqual(self.told, [([1], None), ([1], None)])

    def test_a_message_that_comes_late_gets_its_place(self) -> None:
        self.keep(message(3), message(5), message(1), message(4))
        self.assertEqual(self.recalled(recall("news")), [1, 3, 4, 5])

    # Recalling

    def test_only_what_is_asked_for_is_recalled(self) -> None:
        self.keep(message(1), message(2, "a/b"), message(3, "a/c/d"), message(4, "a/@b"), message(5, tenant="other"))
        for topics, numbers in (
            (("news",), [1]),
            (("a/*",), [2]),
            (("a/**",), [2, 3]),
            (("a/@b", "news"), [1, 4]),
            (("**",), [1, 2, 3]),
            (("nothing",), []),
        ):
            self.assertEqual(self.recalled(recall(*topics)), numbers, topics)
        self.assertEqual(self.recalled(recall("news", tenant="other")), [5])
        self.assertEqual(self.recalled(recall("news", tenant="nobody")), [])

    def test_numbers_and_times_bound_what_is_recalled(self) -> None:
        self.keep(*map(message, range(1, 7)))
        self.assertEqual(self.recalled(recall("news", beyond=2, until=4)), [3, 4])
        self.assertEqual(self.recalled(recall("news", since=1005.0)), [5, 6])

    def test_each_pattern_has_its_own_bounds(self) -> None:
        self.keep(message(1, "a"), message(2, "b"), message(3, "a"), message(4, "b"))
        wanted = (Wanted(Pattern("a"), 0.0, 1), Wanted(Pattern("*"), 1004.0, 0))
        self.assertEqual(self.recalled(replace(recall(), wanted=wanted)), [3, 4])

    def test_it_comes_in_parts_of_so_many_messages(self) -> None:
        self.keep(*(message(number, "news" if number % 2 else "other") for number in range(1, 8)))
        parts, asked, more = [], recall("news", most=3), True
        while more:
            part = self.successResultOf(self.store.recall(asked))
            self.assertEqual(part.recall, asked)
            parts.append([found.number for found in part.messages])
            asked, more = replace(asked, beyond=parts[-1][-1]), part.more
        self.assertEqual(parts, [[1, 3, 5], [7]])

    def test_it_comes_in_parts_of_so_many_bytes_but_of_one_message_at_least(self) -> None:
        self.keep(message(1, size=900), message(2, size=50), message(3, size=51))
        found = self.successResultOf(self.store.recall(recall("news", room=100)))
        self.assertEqual(([each.number for each in found.messages], found.more), ([1], True))
        self.assertEqual(self.recalled(recall("news", room=100, beyond=1)), [2])
        self.assertEqual(self.recalled(recall("news", room=101, beyond=1)), [2, 3])

    # Forgetting

    def test_the_oldest_make_room_when_there_are_too_many(self) -> None:
        self.keep(*(message(number, size=1) for number in range(1, 16)))
        self.assertEqual(self.recalled(recall("news")), list(range(6, 16)))

    def test_the_oldest_make_room_when_they_are_too_large(self) -> None:
        self.keep(*(message(number, size=500) for number in range(1, 8)))
        self.assertEqual(self.recalled(recall("news")), [4, 5, 6, 7])

    def test_a_message_larger_than_the_room_is_not_kept(self) -> None:
        self.keep(message(1), message(2, size=2001), message(3))
        self.assertEqual(self.recalled(recall("news")), [3])

    def test_tenants_do_not_take_one_anothers_room(self) -> None:
        self.keep(message(1), *(message(number, tenant="other") for number in range(2, 20)))
        self.assertEqual(self.recalled(recall("news")), [1])
        self.assertEqual(self.recalled(recall("news", tenant="other")), list(range(10, 20)))

    def test_too_old_messages_are_forgotten(self) -> None:
        self.keep(message(1, received_at=1000.0), message(2, received_at=1000.5), message(3, received_at=1001.0))
        self.store.expire(1060.5)
        self.assertEqual(self.recalled(recall("news")), [2, 3])

    def test_the_room_of_what_is_forgotten_is_free_again(self) -> None:
        self.keep(*(message(number, received_at=1000.0, size=1) for number in range(1, 11)))
        self.store.expire(2000.0)
        self.keep(*(message(number, received_at=2000.0, size=1) for number in range(11, 21)))
        self.assertEqual(self.recalled(recall("news")), list(range(11, 21)))

    # Numbers

    def test_new_numbers_are_higher_than_those_of_messages_though_they_be_forgotten(self) -> None:
        self.assertEqual(self.restart().last_number, 0)
        self.keep(message(7, received_at=1000.0), message(5, received_at=1000.0))
        self.store.expire(2000.0)
        self.assertEqual(self.restart().last_number, 7)

    def test_new_numbers_are_higher_than_those_of_marks_though_they_be_forgotten(self) -> None:
        self.store.remember("alice", Pattern("news"), 60.0)
        self.store.mark("alice", 9)
        self.assertEqual(self.restart().last_number, 9)
        self.store.forget("alice")
        self.assertEqual(self.restart().last_number, 9)

    # Who wants them

    def test_subscriptions_and_marks_are_there_again(self) -> None:
        news, all_of = Pattern("news"), Pattern("a/**")
        self.store.remember("alice", news, 60.5)
        self.store.remember("alice", all_of, float("inf"))
        self.store.mark("alice", 7)
        self.store.mark("alice", 8)
        self.store.remember("bob", news, 0.0)
        self.store.remember("bob", news, 1.0)
        (alice, bob) = sorted(self.restart().absentees, key=lambda absentee: absentee.component)
        self.assertEqual(
            (alice.component, dict(alice.subscriptions), alice.mark), ("alice", {news: 60.5, all_of: float("inf")}, 8)
        )
        self.assertEqual(bob, Absentee("bob", ((news, 1.0),), 0))

    def test_a_subscription_is_forgotten_and_the_mark_with_the_last_one(self) -> None:
        self.store.remember("alice", Pattern("news"), 60.0)
        self.store.remember("alice", Pattern("other"), 60.0)
        self.store.mark("alice", 7)
        self.store.forget("alice", Pattern("news"))
        self.assertEqual(self.restart().absentees, (Absentee("alice", ((Pattern("other"), 60.0),), 7),))
        self.store.forget("alice", Pattern("other"))
        self.store.remember("alice", Pattern("other"), 60.0)
        self.assertEqual(self.restart().absentees, (Absentee("alice", ((Pattern("other"), 60.0),), 0),))

    def test_all_that_a_component_wanted_is_forgotten_and_nothing_of_others(self) -> None:
        for component in ("alice", "bob"):
            self.store.remember(component, Pattern("news"), 60.0)
            self.store.remember(component, Pattern("other"), 60.0)
            self.store.mark(component, 7)
        self.store.forget("alice")
        self.assertEqual([absentee.component for absentee in self.restart().absentees], ["bob"])

    # Rights

    def test_rights_are_there_again(self) -> None:
        denial = Rule(Access.DENY, ALL_VERBS, Pattern("a/*"), Subject("web-*"))
        wanted = Rights()
        made: list[Change] = [
            Authorize(Pattern("t"), "alice"),
            PublicTopic(Pattern("open/**")),
            AddRule(denial),
            AssignRole("root", "admin"),
        ]
        for change in made:
            self.successResultOf(self.store.persist(change, "root"))
            change.apply(wanted)
        found = Rights()
        for change in self.restart().changes:
            change.apply(found)
        self.assertEqual(set(changes_to(found)), set(changes_to(wanted)))
