"""What is published together, and decided by what was decided before, comes to the same as one by one and anew."""

from __future__ import annotations

from random import Random

from hypothesis import Phase, given, settings
from hypothesis import strategies as st

from pkid.broker.changes import AddRule, Authorize, Change, PrivateTopic, PublicTopic, RemoveRule
from pkid.broker.commands import (
    LAST_RECEIVED,
    Acknowledge,
    AcknowledgeBatch,
    Command,
    PublishBatch,
    PublishSeries,
    React,
    Subscribe,
    Unsubscribe,
)
from pkid.broker.effects import Audit, CloseReason, DeliverBatch, Effect, Keep, Send
from pkid.broker.inputs import Input, Lost, Pause, Ready
from pkid.broker.payload import PayloadKind, Payloads
from pkid.broker.policy import Overflow, Policy
from pkid.broker.replies import Acknowledged, AcknowledgedBatch, Failed, Reply
from pkid.broker.rules import Access, Rule, Subject, Verb
from pkid.broker.topic import Pattern, literal, read_topic
from pkid.errors import Reason, Unavailable
from tests.broker.hub import Hub
from tests.broker.test_properties import KEYS, NAMES, PATTERNS, SUBJECTS, TOPICS
from tests.support import Case


def batch(topic: str, *payloads: bytes) -> PublishBatch:
    """Return publications."""
    return PublishBatch("", topic, Payloads(PayloadKind.TEXT, payloads))


def acknowledged_batch(topic: str, *requests: str) -> PublishBatch:
    """Return publications that are to arrive at least once, each with its request for a payload."""
    return PublishBatch(None, topic, Payloads(PayloadKind.TEXT, tuple(map(str.encode, requests))), requests)


def series(*messages: tuple[str, bytes]) -> PublishSeries:
    """Return publications on several topics."""
    topics, data = zip(*messages, strict=True)
    return PublishSeries("", topics, Payloads(PayloadKind.TEXT, data))


class Forgetful(Hub):
    """A hub whose broker decides everything anew, and publishes one by one."""

    def say(self, number: int, given: Command | Input) -> list[Reply]:
        """Give the broker an input, or the parts of a batch."""
        self.forget()
        if isinstance(given, PublishBatch) and given.requests:
            return self.say_before_anything_is_committed(number, *given.parts)
        if isinstance(given, PublishBatch | PublishSeries):
            return [reply for part in given.parts for reply in self.say(number, part)]
        if isinstance(given, AcknowledgeBatch):
            return [reply for each in given.numbers for reply in self.say(number, Acknowledge(None, each))]
        return super().say(number, given)

    def say_before_anything_is_committed(self, number: int, *given: Command) -> list[Reply]:
        """Give the broker inputs one by one; then have carried out what they led to."""
        before = len(self.replies[number])
        effects: list[Effect] = []
        for each in given:
            self.forget()
            effects += self.broker.receive(number, each, self.now)
        self.carry_out(effects)
        return self.replies[number][before:]

    def forget(self) -> None:
        """Forget every decision."""
        literal.cache_clear()
        read_topic.cache_clear()
        self.rights._forget()
        for tenant in self.broker.membership.tenants():
            tenant._forget()


Seen = tuple[dict[int, list[tuple[str, object]]], dict[int, list[Reply]], dict[int, CloseReason], list[Audit], int]


def seen(hub: Hub) -> Seen:
    """Return all that anybody was told, and how much was dropped."""
    return hub.delivered, hub.replies, hub.closed, hub.audited, hub.broker.figures.dropped


class Twins:
    """Two brokers to which the same is said."""

    def __init__(self, chance: Random) -> None:
        self.chance = chance
        policy = Policy(
            claimed_tenants=True, retained=(Pattern("a/x"),), overflow=chance.choice(list(Overflow)), backlog_entries=5,
            unacknowledged=3, remembered=12,
        )  # fmt: skip
        self.hubs = Hub(policy, KEYS), Forgetful(policy, KEYS)
        for hub in self.hubs:
            hub.acknowledging = False
        self.rules: list[Rule] = []
        self.numbers: list[int] = []
        for name in (*NAMES, None):
            self.join(name)

    def join(self, name: str | None) -> None:
        """Have somebody come."""
        first, _ = [hub.join(name) if name else hub.connect() for hub in self.hubs]
        self.numbers.append(first)

    def step(self) -> None:
        """Do one thing in both, and compare."""
        chance = self.chance
        if chance.random() < 0.25:
            change = self.change()
            for hub in self.hubs:
                hub.change(change)
        elif chance.random() < 0.1:
            self.join(chance.choice(NAMES))
        elif chance.random() < 0.05:
            for hub in self.hubs:
                hub.wait(10)
        else:
            number, given = chance.choice(self.numbers), self.given()
            told = [hub.say(number, given) for hub in self.hubs]
            assert told[0] == told[1], (given, told)
        assert seen(self.hubs[0]) == seen(self.hubs[1])

    def given(self) -> Command | Input:
        """Return something that a client says."""
        chance = self.chance
        payloads = [b"%d" % chance.randrange(1 << 30) for _ in range(chance.randint(1, 4))]
        since = chance.choice([None, 0.0, 5.0, LAST_RECEIVED])
        said: list[Command | Input] = [
            *[batch(chance.choice(TOPICS), *payloads)] * 6,
            *[acknowledged_batch(chance.choice(TOPICS), *self.requests())] * 4,
            *[series(*((chance.choice(TOPICS), payload) for payload in payloads))] * 6,
            *[AcknowledgeBatch(None, tuple(chance.sample(range(self.last_number + 2), 2)))] * 3,
            *[Subscribe("1", chance.choice(PATTERNS), since)] * 3,
            Unsubscribe("1", chance.choice(PATTERNS)),
            React("1", chance.random() < 0.7),
            Pause(),
            Ready(1 << 30),
            Ready(1),
            Lost(),
        ]
        return chance.choice(said)

    def requests(self) -> list[str]:
        """Return what publications are called, some of which may have come before."""
        return [f"{self.chance.randrange(30)}" for _ in range(self.chance.randint(1, 4))]

    @property
    def last_number(self) -> int:
        """The number of the last message that anybody was handed."""
        return max([0, *(delivery.message.number for delivery in self.hubs[0].deliveries)])

    def change(self) -> Change:
        """Return a change of the rights."""
        chance, topic = self.chance, Pattern(self.chance.choice(PATTERNS))
        rule = Rule(
            chance.choice(list(Access)),
            frozenset(chance.sample(list(Verb), 2)),
            topic,
            Subject(chance.choice(SUBJECTS)),
        )
        self.rules.append(rule)
        changes: list[Change] = [
            PrivateTopic(topic),
            PublicTopic(topic),
            AddRule(rule),
            RemoveRule(chance.choice(self.rules)),
        ]
        return chance.choice([*changes, Authorize(topic, chance.choice(KEYS))])


class TwinTests(Case):
    @settings(max_examples=60, deadline=None, database=None, derandomize=True, phases=[Phase.generate])
    @given(st.integers(0, 2**64))
    def test_decisions_that_are_remembered_are_those_that_would_be_made_anew(self, number: int) -> None:
        twins = Twins(Random(number))
        for _ in range(100):
            twins.step()


class BatchTests(Case):
    def setUp(self) -> None:
        self.hub = Hub(keys={"ann", "bob"})
        self.publisher = self.hub.join("publisher")

    def batches(self, *payloads: bytes) -> list[DeliverBatch]:
        """Publish, and return what goes out together."""
        effects = self.hub.broker.receive(self.publisher, batch("t", *payloads), self.hub.now)
        self.hub.carry_out(effects)
        return [effect for effect in effects if isinstance(effect, DeliverBatch)]

    def test_many_messages_are_one_effect_for_all_who_may_have_them(self) -> None:
        ann, bob = self.hub.join("ann"), self.hub.join("bob")
        for number in (ann, bob):
            self.hub.say(number, Subscribe("1", "t"))
        (effect,) = self.batches(b"x", b"y")
        self.assertEqual(effect.sessions, (ann, bob))
        self.assertEqual([message.number for message in effect.batch.messages], [1, 2])

    def test_a_right_that_is_taken_away_holds_for_the_next_batch(self) -> None:
        ann, bob = self.hub.join("ann"), self.hub.join("bob")
        for number in (ann, bob):
            self.hub.say(number, Subscribe("1", "t"))
        self.batches(b"x")
        self.hub.change(AddRule(Rule(Access.DENY, frozenset({Verb.SUBSCRIBE}), Pattern("t"), Subject("ann"))))
        (effect,) = self.batches(b"y")
        self.assertEqual(effect.sessions, (bob,))

    def test_who_may_not_publish_hears_it_for_each_message(self) -> None:
        self.batches(b"x")
        self.hub.change(PrivateTopic(Pattern("t")))
        self.assertEqual(len(self.hub.say(self.publisher, batch("t", b"x", b"y"))), 2)
        self.assertEqual(len(self.hub.audited), 3)

    def test_what_is_for_a_slow_subscriber_waits_message_by_message_and_the_others_get_it_together(self) -> None:
        ann, bob = self.hub.join("ann"), self.hub.join("bob")
        for number in (ann, bob):
            self.hub.say(number, Subscribe("1", "t"))
        self.hub.say(ann, Pause())
        (effect,) = self.batches(b"x", b"y")
        self.assertEqual(effect.sessions, (bob,))
        self.hub.say(ann, Ready(1 << 20))
        self.assertEqual([len(self.hub.payloads(number)) for number in (ann, bob)], [2, 2])
        (effect,) = self.batches(b"z")
        self.assertEqual(effect.sessions, (ann, bob))

    def test_its_publisher_gets_nothing_of_a_batch(self) -> None:
        ann = self.hub.join("ann")
        for number in (ann, self.publisher):
            self.hub.say(number, Subscribe("1", "t"))
        (effect,) = self.batches(b"x", b"y")
        self.assertEqual(effect.sessions, (ann,))
        self.assertEqual(self.hub.payloads(self.publisher), [])

    def test_a_slow_subscriber_of_another_topic_makes_no_difference(self) -> None:
        ann, bob = self.hub.join("ann"), self.hub.join("bob")
        self.hub.say(ann, Subscribe("1", "other"))
        self.hub.say(bob, Subscribe("1", "t"))
        self.batches(b"x")
        self.hub.say(ann, Pause())
        self.assertEqual(len(self.batches(b"x", b"y")), 1)


class AcknowledgedBatchTests(Case):
    def setUp(self) -> None:
        self.hub = Hub(Policy(unacknowledged=4))
        self.hub.acknowledging = False
        self.publisher, self.ann = self.hub.join("publisher"), self.hub.join("ann")
        self.hub.say(self.ann, Subscribe("1", "t"))

    def publish(self, *requests: str) -> list[Effect]:
        """Publish, and return what comes of it."""
        effects = self.hub.broker.receive(self.publisher, acknowledged_batch("t", *requests), self.hub.now)
        self.hub.carry_out(effects)
        return effects

    def test_messages_are_one_effect_and_their_receipts_another(self) -> None:
        delivery, receipts = self.publish("x", "y")
        assert isinstance(delivery, DeliverBatch)
        self.assertEqual([(each.number, each.qos) for each in delivery.batch.messages], [(1, 1), (2, 1)])
        self.assertEqual(receipts, Send(self.publisher, AcknowledgedBatch(("x", "y"))))

    def test_without_subscribers_they_are_acknowledged(self) -> None:
        self.hub.say(self.ann, Unsubscribe("1", "t"))
        self.assertEqual(self.publish("x", "y"), [Send(self.publisher, AcknowledgedBatch(("x", "y")))])

    def test_each_is_sent_again_until_it_is_acknowledged(self) -> None:
        self.publish("x", "y", "z")
        self.hub.say(self.ann, AcknowledgeBatch(None, (1, 3)))
        self.hub.wait(self.hub.policy.acknowledge_time.total_seconds())
        self.assertEqual([(each.message.number, each.again) for each in self.hub.deliveries[3:]], [(2, True)])

    def test_no_more_are_under_way_to_a_subscriber_than_may_be(self) -> None:
        self.publish("1", "2", "3")
        self.publish("4", "5", "6")
        self.assertEqual(len(self.hub.payloads(self.ann)), 4)
        self.hub.say(self.ann, AcknowledgeBatch(None, (1, 2, 3)))
        self.assertEqual(len(self.hub.payloads(self.ann)), 2)

    def test_one_that_comes_twice_is_passed_on_once(self) -> None:
        self.publish("x", "y")
        self.hub.say(self.ann, AcknowledgeBatch(None, (1, 2)))
        self.publish("y", "z")
        self.publish("w", "w")
        self.assertEqual(len(self.hub.payloads(self.ann)), 4)
        self.assertEqual(self.hub.replies[self.publisher][1:], [Acknowledged(each) for each in "xyyzww"])

    def test_what_was_committed_together_is_acknowledged_together(self) -> None:
        self.hub = Hub(Policy(retained=(Pattern("t"),)))
        self.hub.holding = True
        self.publisher, other = self.hub.join("publisher"), self.hub.join("other")
        first, second, *rest = self.publish("x", "y")
        assert isinstance(first, Keep) and isinstance(second, Keep)
        self.hub.say(other, acknowledged_batch("t", "z"))
        self.assertEqual(
            ([first.awaited, second.awaited, *rest], self.hub.broker.kept([1, 2, 3])),
            ([True, True], [
                Send(self.publisher, AcknowledgedBatch(("x", "y"))), Send(other, Acknowledged("z")),
            ]),
        )  # fmt: skip
        self.assertEqual(self.hub.broker.kept([1, 2, 3]), [])

    def test_of_what_is_not_committed_each_may_come_again(self) -> None:
        self.hub = Hub(Policy(retained=(Pattern("t"),)))
        self.hub.holding = True
        self.publisher = self.hub.join("publisher")
        self.publish("x", "y")
        failures = self.hub.broker.kept([1, 2], Unavailable(Reason.STORE))
        self.assertEqual(failures, [Send(self.publisher, Failed(each, Reason.STORE)) for each in "xy"])
        self.assertEqual(len(self.publish("x", "y")), 2)

    def test_of_what_is_kept_each_waits_for_its_commit(self) -> None:
        self.hub = Hub(Policy(retained=(Pattern("t"),)))
        self.hub.holding = True
        publisher = self.hub.connect()
        self.assertEqual(self.hub.say(publisher, acknowledged_batch("t", "x", "y")), [])
        self.hub.release()
        self.assertEqual(self.hub.replies[publisher], [Acknowledged("x"), Acknowledged("y")])

    def test_through_a_pattern_none_is_to_be_acknowledged(self) -> None:
        self.hub.say(self.ann, Unsubscribe("1", "t"))
        self.hub.say(self.ann, Subscribe("1", "*"))
        self.publish("1", "2", "3", "4", "5")
        self.hub.wait(self.hub.policy.acknowledge_time.total_seconds())
        self.assertEqual(len(self.hub.payloads(self.ann)), 5)
