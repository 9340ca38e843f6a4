"""What the store keeps, and what comes back from it."""

from __future__ import annotations

from twisted.internet.defer import Deferred, fail

from pkid.broker.changes import AssignRole, Authorize, Change, PrivateTopic
from pkid.broker.commands import (
    LAST_RECEIVED,
    Administer,
    Subscribe,
)
from pkid.broker.effects import CloseReason, Recall
from pkid.broker.inputs import Recalled
from pkid.broker.message import QoS
from pkid.broker.policy import Policy
from pkid.broker.replies import Acknowledged, Done, Failed
from pkid.broker.topic import Pattern
from pkid.errors import Reason, Unavailable
from pkid.messaging.memory import MemoryBrokerStore
from pkid.messaging.terms import Terms
from tests.messaging.core import WALL, Core, publish
from tests.support import Case

RETAINED = Terms(Policy(retained=(Pattern("kept/**"),)))


class StoreTests(Case):
    """What is kept, and comes back."""

    def test_a_kept_message_is_acknowledged_once_it_is_committed(self) -> None:
        core = Core(RETAINED)
        client = core.join()
        self.assertEqual(client.say(publish("kept/1", request="a", qos=QoS.AT_LEAST_ONCE)), [Acknowledged("a")])

        class Holding(MemoryBrokerStore):
            def keep(self, message: object, awaited: bool) -> None:
                """Commit nothing."""

        client = Core(RETAINED, store=Holding()).join()
        self.assertEqual(client.say(publish("kept/1", request="a", qos=QoS.AT_LEAST_ONCE)), [])

    def test_a_message_that_could_not_be_kept_is_not_acknowledged(self) -> None:
        core = Core(RETAINED)
        client = core.join()
        held: list[int] = []
        core.store.keep = lambda message, awaited: held.append(message.number)  # type: ignore[method-assign]
        client.say(publish("kept/1", request="a", qos=QoS.AT_LEAST_ONCE))
        core.service._kept(held, Unavailable(Reason.STORE))
        self.assertEqual(client.replies, [Failed("a", Reason.STORE)])

    def test_what_was_kept_comes_to_later_subscribers(self) -> None:
        core = Core(RETAINED)
        core.join().say(publish("kept/1", "one"), publish("kept/2", "two"))
        late = core.join()
        late.say(Subscribe(1, "kept/*", LAST_RECEIVED))
        self.assertEqual(late.deliveries, [b"kept/1 one", b"kept/2 two"])

    def test_another_start_knows_rights_subscriptions_and_messages(self) -> None:
        store = MemoryBrokerStore()
        first = Core(RETAINED, keys=["alice"], store=store)
        self.successResultOf(first.service.change(Authorize(Pattern("kept/secret"), "alice"), "psk:default"))
        alice = first.join("alice")
        alice.say(Subscribe(1, "kept/secret", LAST_RECEIVED))
        alice.say(publish("kept/secret", "own"))
        alice.session.lost()
        second = Core(RETAINED, keys=["alice", "bob"], store=store)
        stranger, bob = second.join(), second.join("bob")
        self.assertEqual(
            stranger.say(Subscribe(1, "kept/secret"))[0],
            Failed(1, Reason.FORBIDDEN, "the topic is private, and no rule grants it"),
        )
        self.successResultOf(second.service.change(Authorize(Pattern("kept/secret"), "bob"), "psk:default"))
        bob.say(publish("kept/secret", "missed"))
        self.assertEqual(second.join("alice").deliveries, [b"kept/secret missed"])

    def test_a_session_whose_messages_cannot_be_read_ends(self) -> None:
        class Unreadable(MemoryBrokerStore):
            def recall(self, recall: Recall) -> Deferred[Recalled]:
                return fail(Unavailable(Reason.SEARCH))

        core = Core(RETAINED, store=Unreadable())
        core.join().say(publish("kept/1"))
        client = core.join()
        client.say(Subscribe(1, "kept/1", LAST_RECEIVED))
        self.assertIs(client.closed, CloseReason.STORE)

    def test_a_change_of_the_rights_holds_when_it_is_committed(self) -> None:
        waiting: Deferred[None] = Deferred()

        class Holding(MemoryBrokerStore):
            by = ""

            def persist(self, change: Change, by: str) -> Deferred[None]:
                self.by = by
                return waiting

        store = Holding()
        core = Core(keys=["root"], store=store)
        AssignRole("root", "admin").apply(core.service.rights)
        root, other = core.join("root"), core.join()
        self.assertEqual(root.say(Administer(1, PrivateTopic(Pattern("news")))), [])
        self.assertEqual((store.by, other.say(Subscribe(1, "news"))), ("root", [Done(1)]))
        waiting.callback(None)
        self.assertEqual(root.replies, [Done(1)])
        core.join().say(publish("news"))
        self.assertEqual(other.deliveries, [])

    def test_a_change_that_cannot_be_committed_changes_nothing(self) -> None:
        class Full(MemoryBrokerStore):
            def persist(self, change: Change, by: str) -> Deferred[None]:
                return fail(Unavailable(Reason.STORE))

        core = Core(keys=["root"], store=Full())
        AssignRole("root", "admin").apply(core.service.rights)
        root = core.join("root")
        self.assertEqual(root.say(Administer(1, PrivateTopic(Pattern("news")))), [Failed(1, Reason.STORE)])
        self.assertFalse(core.service.rights.is_private(("news",)))

    def test_old_messages_are_forgotten_every_minute(self) -> None:
        seen: list[float] = []

        class Watched(MemoryBrokerStore):
            def expire(self, utc: float) -> None:
                seen.append(utc)

        Core(store=Watched()).wait(121)
        self.assertEqual(seen, [WALL + 60, WALL + 120])
