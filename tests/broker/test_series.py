"""Messages on several topics that came together: what may go together does, and nobody sees another order."""

from __future__ import annotations

from pkid.broker.changes import PrivateTopic
from pkid.broker.commands import LAST_RECEIVED, Subscribe
from pkid.broker.effects import Deliver, DeliverBatch, Effect, Keep
from pkid.broker.inputs import Lost, Pause
from pkid.broker.topic import Pattern
from tests.broker.hub import Hub
from tests.broker.test_batches import series
from tests.support import Case


class SeriesTests(Case):
    def setUp(self) -> None:
        self.hub = Hub(keys={"ann", "bob"})
        self.publisher, self.ann, self.bob = map(self.hub.join, ("publisher", "ann", "bob"))

    def subscribe(self, number: int, *topics: str) -> None:
        """Have somebody subscribe."""
        for topic in topics:
            self.hub.say(number, Subscribe("1", topic))

    def publish(self, text: str) -> list[Effect]:
        """Publish each word on the topic that its first character names; return what comes of it."""
        messages = [(f"t/{word[0]}", word.encode()) for word in text.split()]
        effects = self.hub.broker.receive(self.publisher, series(*messages), self.hub.now)
        self.hub.carry_out(effects)
        return effects

    def deliveries(self, text: str) -> list[tuple[tuple[int, ...], list[bytes]]]:
        """Publish; return what goes out together, and to whom."""
        effects = [effect for effect in self.publish(text) if isinstance(effect, DeliverBatch)]
        return [(effect.sessions, list(effect.batch.payloads.data)) for effect in effects]

    def texts(self, number: int) -> list[object]:
        """Return what was delivered to a client so far, and forget it."""
        return [getattr(payload, "data", payload) for payload in self.hub.payloads(number)]

    def test_what_is_for_the_same_subscribers_is_one_effect_whatever_its_topics(self) -> None:
        for number in (self.ann, self.bob):
            self.subscribe(number, "t/a", "t/b", "t/c")
        self.assertEqual(self.deliveries("a1 b1 a2 c1"), [((self.ann, self.bob), [b"a1", b"b1", b"a2", b"c1"])])
        self.assertEqual([topic for topic, _ in self.hub.delivered[self.ann]], ["t/a", "t/b", "t/a", "t/c"])

    def test_through_a_pattern_too(self) -> None:
        self.subscribe(self.ann, "t/*")
        self.assertEqual(self.deliveries("a1 b1 a2"), [((self.ann,), [b"a1", b"b1", b"a2"])])
        self.assertEqual(self.hub.delivered[self.ann][0][0], "t/*<-t/a")

    def test_what_is_for_different_subscribers_is_parted(self) -> None:
        self.subscribe(self.ann, "t/a")
        self.subscribe(self.bob, "t/b")
        self.assertEqual(self.deliveries("a1 b1 a2"), [((self.ann,), [b"a1", b"a2"]), ((self.bob,), [b"b1"])])

    def test_who_gets_messages_on_different_ways_gets_them_in_their_order(self) -> None:
        self.subscribe(self.ann, "t/a", "t/b")
        self.subscribe(self.bob, "t/b")
        self.publish("a1 b1 a2 b2")
        self.assertEqual(self.texts(self.ann), [b"a1", b"b1", b"a2", b"b2"])
        self.assertEqual(self.texts(self.bob), [b"b1", b"b2"])

    def test_the_order_stays_for_whoever_gets_messages_on_one_of_many_ways(self) -> None:
        cid, dan = map(self.hub.join, ("cid", "dan"))
        for number, topics in ((self.ann, ["t/a"]), (self.bob, ["t/b", "t/e"]), (cid, ["t/c", "t/d"])):
            self.subscribe(number, *topics)
        self.subscribe(dan, "t/d", "t/e")
        self.publish("a1 b1 e1 b2")
        self.assertEqual(self.texts(self.bob), [b"b1", b"e1", b"b2"])
        self.publish("a1 b1 c1 d1 c2")
        self.assertEqual(self.texts(cid), [b"c1", b"d1", b"c2"])

    def test_who_gets_a_message_twice_gets_it_twice_before_the_next(self) -> None:
        self.subscribe(self.ann, "t/a", "t/*")
        self.publish("b1 a1 b2")
        self.assertEqual(self.texts(self.ann), [b"b1", b"a1", b"a1", b"b2"])

    def test_one_for_its_publisher_goes_to_the_others(self) -> None:
        for number in (self.ann, self.publisher):
            self.subscribe(number, "t/a")
        self.assertEqual([type(effect) for effect in self.publish("a1")], [Deliver])
        self.assertEqual((self.texts(self.ann), self.texts(self.publisher)), ([b"a1"], []))

    def test_what_is_for_a_slow_subscriber_waits(self) -> None:
        self.subscribe(self.ann, "t/a")
        self.subscribe(self.bob, "t/b")
        self.hub.say(self.ann, Pause())
        self.assertEqual(self.deliveries("a1 b1 a2"), [((self.bob,), [b"b1"])])
        self.assertEqual(self.texts(self.ann), [])

    def test_one_that_is_forbidden_or_has_no_topic_is_left_out_alone(self) -> None:
        self.subscribe(self.ann, "t/*")
        self.hub.change(PrivateTopic(Pattern("t/b")))
        self.publish("a1 b1 *1 a2")
        self.assertEqual(self.texts(self.ann), [b"a1", b"a2"])
        self.assertEqual(len(self.hub.audited), 4)

    def test_one_that_somebody_wants_later_is_kept(self) -> None:
        self.hub.say(self.ann, Subscribe("1", "t/b", LAST_RECEIVED))
        self.subscribe(self.bob, "t/*")
        self.hub.say(self.ann, Lost())
        kept = [effect.message for effect in self.publish("a1 b1 a2") if isinstance(effect, Keep)]
        self.assertEqual([(message.topic, message.number) for message in kept], [("t/b", 2)])
        self.assertEqual(self.texts(self.bob), [b"a1", b"b1", b"a2"])
