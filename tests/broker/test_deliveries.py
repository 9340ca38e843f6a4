"""Deliveries: acknowledgements, messages sent again, subscribers that are slow, and what was kept."""

from __future__ import annotations

from datetime import timedelta

from pkid.broker.changes import Authorize, PrivateTopic, Unauthorize
from pkid.broker.commands import LAST_RECEIVED, Acknowledge, Complete, Publish, React, Subscribe, Unsubscribe
from pkid.broker.effects import CloseReason, Effect, Recall, Send
from pkid.broker.inputs import Lost, Pause, Ready
from pkid.broker.kept import KeptMessages
from pkid.broker.message import QoS
from pkid.broker.policy import Overflow, Policy
from pkid.broker.replies import Acknowledged, Done, Failed, Release
from pkid.broker.topic import Pattern
from pkid.errors import Reason, Unavailable
from tests.broker.hub import Hub
from tests.support import Case

ONCE, LEAST, EXACTLY = QoS.AT_MOST_ONCE, QoS.AT_LEAST_ONCE, QoS.EXACTLY_ONCE


def publish(payload: object, qos: QoS = ONCE, request: object = None, size: int = 100, topic: str = "t") -> Publish:
    return Publish(request, topic, payload, size, qos)


def pair(policy: Policy | None = None, since: float = 0.0) -> tuple[Hub, int, int]:
    """Return a hub, a publisher, and a subscriber to ``t``."""
    hub = Hub(policy)
    publisher, subscriber = hub.join("p"), hub.join("s")
    hub.say(subscriber, Subscribe(0, "t", since))
    return hub, publisher, subscriber


class AcknowledgementTests(Case):
    def test_a_publisher_hears_once_the_message_is_with_its_subscribers(self) -> None:
        hub, publisher, subscriber = pair()
        self.assertEqual(hub.say(publisher, publish(1, LEAST, "m1")), [Acknowledged("m1")])
        self.assertEqual(hub.payloads(subscriber), [1])
        self.assertEqual(hub.say(publisher, publish(2, ONCE, "m2")), [])

    def test_a_copy_is_acknowledged_again_and_passed_on_once(self) -> None:
        hub, publisher, subscriber = pair()
        for _ in range(3):
            self.assertEqual(hub.say(publisher, publish(1, LEAST, "m1")), [Acknowledged("m1")])
        self.assertEqual(hub.payloads(subscriber), [1])
        hub.say(publisher, Complete("m1"))
        hub.say(publisher, publish(1, EXACTLY, "m1"))
        self.assertEqual(hub.payloads(subscriber), [1])

    def test_numbers_of_one_publisher_are_not_those_of_another(self) -> None:
        hub, publisher, subscriber = pair()
        hub.say(publisher, publish(1, EXACTLY, "m1"))
        hub.say(hub.join("q"), publish(2, EXACTLY, "m1"))
        self.assertEqual(hub.payloads(subscriber), [1, 2])

    def test_only_so_many_numbers_are_remembered(self) -> None:
        hub, publisher, subscriber = pair(Policy(remembered=2))
        for request in ("a", "b", "c", "a", "c"):
            hub.say(publisher, publish(request, LEAST, request))
        self.assertEqual(hub.payloads(subscriber), ["a", "b", "c", "a"])

    def test_a_subscriber_releases_the_number_of_an_exactly_once_message(self) -> None:
        hub, publisher, subscriber = pair()
        hub.acknowledging = False
        hub.say(publisher, publish(1, EXACTLY, "m"))
        (effect,) = hub.deliveries
        self.assertEqual(
            hub.say(subscriber, Acknowledge(None, effect.message.number)), [Release(effect.message.number)]
        )
        self.assertEqual(hub.say(subscriber, Acknowledge(None, effect.message.number)), [])
        self.assertEqual(hub.say(subscriber, Acknowledge(None, 999)), [])

    def test_what_is_not_acknowledged_is_sent_again_and_given_up_in_the_end(self) -> None:
        hub, publisher, subscriber = pair(Policy(sends=3, acknowledge_time=timedelta(seconds=2)))
        hub.acknowledging = False
        hub.say(publisher, publish(1, LEAST, "m"))
        hub.wait(1.9)
        self.assertEqual(len(hub.deliveries), 1)
        hub.wait(0.1)
        self.assertEqual([effect.again for effect in hub.deliveries], [False, True])
        for _ in range(5):
            hub.wait(2)
        self.assertEqual(len(hub.deliveries), 3)
        (given_up,) = hub.undelivered
        self.assertEqual((given_up.session, given_up.message.payload), (subscriber, 1))

    def test_what_was_acknowledged_is_not_sent_again(self) -> None:
        hub, publisher, _ = pair()
        hub.say(publisher, publish(1, LEAST, "m"))
        hub.wait(100)
        self.assertEqual(len(hub.deliveries), 1)

    def test_what_may_no_longer_be_had_is_not_sent_again(self) -> None:
        for ending in (Unsubscribe(1, "t"), None):
            hub, publisher, subscriber = pair()
            hub.acknowledging = False
            hub.say(publisher, publish(1, LEAST, "m"))
            if ending:
                hub.say(subscriber, ending)
            else:
                hub.change(PrivateTopic(Pattern("t")))
            hub.wait(2)
            self.assertEqual(len(hub.deliveries), 1)
            self.assertEqual(len(hub.undelivered), 1)

    def test_one_that_acknowledges_nothing_is_sent_only_so_much_and_holds_up_nobody(self) -> None:
        hub, publisher, subscriber = pair(Policy(unacknowledged=4))
        hub.acknowledging = False
        other = hub.join("o")
        hub.say(other, Subscribe(0, "t"))
        for number in range(10):
            hub.say(publisher, publish(number, LEAST, number))
            hub.say(other, Acknowledge(None, hub.deliveries[-1].message.number))
        self.assertEqual(hub.payloads(other), list(range(10)))
        self.assertEqual(hub.payloads(subscriber), [0, 1, 2, 3])
        first = hub.deliveries[0].message.number
        hub.say(subscriber, Acknowledge(None, first))
        hub.say(subscriber, Acknowledge(None, first + 1))
        self.assertEqual(hub.payloads(subscriber), [4, 5])


class CommitTests(Case):
    def test_a_kept_message_is_acknowledged_when_it_is_committed(self) -> None:
        hub, publisher, subscriber = pair(Policy(retained=(Pattern("t"),)))
        hub.holding = True
        self.assertEqual(hub.say(publisher, publish(1, LEAST, "m")), [])
        self.assertEqual(hub.say(publisher, publish(1, LEAST, "m")), [])
        self.assertEqual(hub.payloads(subscriber), [1])
        hub.release()
        self.assertEqual(hub.replies[publisher][-1], Acknowledged("m"))
        self.assertEqual(hub.replies[publisher].count(Acknowledged("m")), 1)

    def test_what_could_not_be_kept_is_told_and_may_be_tried_again(self) -> None:
        hub, publisher, _ = pair(Policy(retained=(Pattern("t"),)))
        hub.holding = True
        hub.say(publisher, publish(1, LEAST, "m"))
        hub.carry_out(hub.broker.kept([1], Unavailable(Reason.STORE)))
        self.assertEqual(hub.replies[publisher][-1], Failed("m", Reason.STORE))
        hub.holding = False
        self.assertEqual(hub.say(publisher, publish(1, LEAST, "m")), [Acknowledged("m")])

    def test_a_message_for_one_that_is_away_is_kept_before_it_is_acknowledged(self) -> None:
        hub, publisher, subscriber = pair(since=LAST_RECEIVED)
        hub.say(subscriber, Lost())
        hub.holding = True
        self.assertEqual(hub.say(publisher, publish(1, LEAST, "m")), [])
        hub.release()
        self.assertEqual(hub.replies[publisher][-1], Acknowledged("m"))
        self.assertEqual(hub.payloads(hub.join("s")), [1])

    def test_a_commit_for_a_publisher_that_left_is_told_nobody(self) -> None:
        hub, publisher, _ = pair(Policy(retained=(Pattern("t"),)))
        hub.holding = True
        hub.say(publisher, publish(1, LEAST, "m"))
        hub.say(publisher, Lost())
        again = hub.join("p")
        hub.release()
        self.assertNotIn(Acknowledged("m"), hub.replies[again])
        self.assertEqual(hub.say(again, publish(1, LEAST, "m")), [Acknowledged("m")])


class SilentSessionTests(Case):
    def test_a_transport_may_fill_before_anything_was_said(self) -> None:
        hub = Hub()
        number = hub.connect()
        self.assertEqual(hub.say(number, Pause()), [])
        self.assertEqual(hub.say(number, Ready()), [])


class SlowSubscriberTests(Case):
    SMALL = Policy(backlog_bytes=4 * 356, backlog_entries=100)  # four messages of 100 bytes

    def test_what_waits_is_written_in_order_when_there_is_room(self) -> None:
        hub, publisher, subscriber = pair()
        hub.say(subscriber, Pause())
        for number in range(5):
            hub.say(publisher, publish(number))
        self.assertEqual(hub.payloads(subscriber), [])
        hub.say(subscriber, Ready(250))
        self.assertEqual(hub.payloads(subscriber), [0, 1, 2])
        hub.say(publisher, publish(5))
        self.assertEqual(hub.payloads(subscriber), [])
        hub.say(subscriber, Ready())
        self.assertEqual(hub.payloads(subscriber), [3, 4, 5])
        hub.say(publisher, publish(6))
        self.assertEqual(hub.payloads(subscriber), [6])

    def test_an_acknowledgement_does_not_end_a_pause(self) -> None:
        hub, publisher, subscriber = pair()
        hub.acknowledging = False
        hub.say(publisher, publish(0, LEAST, "m"))
        hub.say(subscriber, Pause())
        hub.say(publisher, publish(1))
        hub.say(subscriber, Acknowledge(None, hub.deliveries[0].message.number))
        self.assertEqual(hub.payloads(subscriber), [0])

    def test_it_costs_the_others_nothing(self) -> None:
        hub, publisher, subscriber = pair(self.SMALL)
        other = hub.join("o")
        hub.say(other, Subscribe(0, "t"))
        hub.say(subscriber, Pause())
        for number in range(1000):
            hub.say(publisher, publish(number))
        self.assertEqual(hub.payloads(other), list(range(1000)))

    def test_the_oldest_or_the_newest_is_dropped_or_the_session_ended(self) -> None:
        for overflow, expected in (
            (Overflow.DROP_OLDEST, [6, 7, 8, 9]),
            (Overflow.DROP_NEWEST, [0, 1, 2, 3]),
            (Overflow.DISCONNECT, []),
        ):
            hub, publisher, subscriber = pair(Policy(backlog_bytes=4 * 356, overflow=overflow))
            hub.say(subscriber, Pause())
            for number in range(10):
                hub.say(publisher, publish(number))
            (peer,) = hub.broker.membership.peers("s")
            hub.say(subscriber, Ready())
            self.assertEqual(hub.payloads(subscriber), expected, overflow)
            closed = {subscriber: CloseReason.OVERFLOW} if overflow is Overflow.DISCONNECT else {}
            self.assertEqual(hub.closed, closed)
            self.assertEqual(peer.backlog.dropped, 0 if overflow is Overflow.DISCONNECT else 6)

    def test_it_overflows_again_after_a_part_was_written(self) -> None:
        hub, publisher, subscriber = pair(self.SMALL)
        hub.say(subscriber, Pause())
        for number in range(4):
            hub.say(publisher, publish(number))
        hub.say(subscriber, Ready(200))
        for number in range(4, 8):
            hub.say(publisher, publish(number))
        hub.say(subscriber, Ready())
        self.assertEqual(hub.payloads(subscriber), [0, 1, 4, 5, 6, 7])

    def test_a_message_that_never_fits_is_dropped_alone(self) -> None:
        hub, publisher, subscriber = pair(self.SMALL)
        hub.say(subscriber, Pause())
        hub.say(publisher, publish(0))
        hub.say(publisher, publish(1, size=10_000))
        hub.say(subscriber, Ready())
        self.assertEqual(hub.payloads(subscriber), [0])
        self.assertEqual(hub.closed, {})

    def test_the_number_of_messages_is_bounded_too(self) -> None:
        hub, publisher, subscriber = pair(Policy(backlog_entries=2))
        hub.say(subscriber, Pause())
        for number in range(5):
            hub.say(publisher, publish(number, size=0))
        hub.say(subscriber, Ready())
        self.assertEqual(hub.payloads(subscriber), [3, 4])

    def test_what_was_promised_is_not_dropped_but_kept_for_the_next_session(self) -> None:
        hub, publisher, subscriber = pair(self.SMALL, since=LAST_RECEIVED)
        hub.say(subscriber, Pause())
        hub.say(publisher, publish("lost"))
        for number in range(5):
            self.assertEqual(hub.say(publisher, publish(number, LEAST, number)), [Acknowledged(number)])
        self.assertEqual(hub.closed, {subscriber: CloseReason.OVERFLOW})
        self.assertEqual(hub.payloads(hub.join("s")), [0, 1, 2, 3, 4])

    def test_what_waited_is_judged_again(self) -> None:
        for pattern in ("t", "*"):
            hub, publisher, subscriber = pair()
            hub.say(subscriber, Unsubscribe(1, "t"))
            hub.say(subscriber, Subscribe(1, pattern))
            hub.say(subscriber, Pause())
            hub.say(publisher, publish(1))
            hub.change(PrivateTopic(Pattern("t")))
            hub.say(subscriber, Ready())
            self.assertEqual(hub.payloads(subscriber), [], pattern)

    def test_what_waited_for_a_subscription_that_ended_is_dropped(self) -> None:
        hub, publisher, subscriber = pair()
        hub.say(subscriber, Pause())
        hub.say(publisher, publish(1))
        hub.say(subscriber, Unsubscribe(1, "t"))
        hub.say(subscriber, Ready())
        self.assertEqual(hub.payloads(subscriber), [])

    def test_ceasing_to_react_leaves_the_transport_as_it_is(self) -> None:
        hub, publisher, subscriber = pair()
        hub.say(subscriber, Pause())
        hub.say(subscriber, React(1, False))
        hub.say(subscriber, React(2, True))
        hub.say(publisher, publish(1))
        self.assertEqual(hub.payloads(subscriber), [])
        hub.say(subscriber, Ready())
        self.assertEqual(hub.payloads(subscriber), [1])


class HistoryTests(Case):
    RETAINED = Policy(claimed_tenants=True, retained=(Pattern("**"),))

    def test_one_that_was_away_gets_what_it_missed_in_order(self) -> None:
        hub, publisher, subscriber = pair(since=LAST_RECEIVED)
        hub.say(publisher, publish("live"))
        hub.say(subscriber, Lost())
        for payload in ("offline0", "offline1"):
            hub.say(publisher, publish(payload))
        again = hub.join("s", active=False)
        self.assertEqual(hub.payloads(again), [])
        self.assertEqual(hub.say(again, React(1, True)), [Done(1)])
        self.assertEqual(hub.payloads(again), ["offline0", "offline1"])
        hub.say(again, React(2, False))
        hub.say(again, React(3, True))
        self.assertEqual(hub.payloads(again), [])

    def test_a_newcomer_gets_what_it_asks_for_of_the_past(self) -> None:
        hub, publisher, _ = pair(self.RETAINED)
        hub.say(publisher, publish("old"))
        hub.wait(100)
        hub.say(publisher, publish("new"))
        newcomer = hub.join("n", active=False)
        hub.say(newcomer, Subscribe(1, "t", 50.0))
        hub.say(newcomer, React(2, True))
        self.assertEqual(hub.payloads(newcomer), ["new"])
        late = hub.join("l")
        hub.say(late, Subscribe(1, "*", 3600.0))
        self.assertEqual(hub.delivered[late], [("*<-t", "old"), ("*<-t", "new")])

    def test_reacting_may_ask_for_less_than_the_subscriptions_do(self) -> None:
        hub, publisher, _ = pair(self.RETAINED)
        hub.say(publisher, publish("old"))
        hub.wait(100)
        hub.say(publisher, publish("new"))
        for since, expected in ((0.0, []), (50.0, ["new"]), (1000.0, ["old", "new"])):
            newcomer = hub.join(f"n{int(since)}", active=False)
            hub.say(newcomer, Subscribe(1, "t", 3600.0))
            hub.say(newcomer, React(2, True, since))
            self.assertEqual(hub.payloads(newcomer), expected)

    def test_without_a_wish_for_the_past_there_is_none(self) -> None:
        hub, publisher, subscriber = pair(self.RETAINED)
        hub.say(subscriber, Lost())
        hub.say(publisher, publish("missed"))
        self.assertEqual(hub.payloads(hub.join("s")), [])

    def test_it_comes_part_by_part_and_before_what_is_new(self) -> None:
        hub, publisher, subscriber = pair(Policy(recalled=2), since=LAST_RECEIVED)
        hub.say(subscriber, Lost())
        for number in range(5):
            hub.say(publisher, publish(number))
        again = hub.join("s", active=False)
        effects = hub.broker.receive(again, React(1, True), hub.now)
        hub.say(publisher, publish(5))
        self.assertEqual(hub.payloads(again), [])
        hub.carry_out(effects)
        self.assertEqual(hub.payloads(again), [0, 1, 2, 3, 4, 5])

    def test_a_slow_transport_holds_the_next_part(self) -> None:
        hub, publisher, subscriber = pair(Policy(recalled=2), since=LAST_RECEIVED)
        hub.say(subscriber, Lost())
        for number in range(4):
            hub.say(publisher, publish(number))
        again = hub.join("s", active=False)
        hub.say(again, Pause())
        hub.say(again, React(1, True))
        self.assertEqual(hub.payloads(again), [0, 1])
        hub.say(again, Ready())
        self.assertEqual(hub.payloads(again), [2, 3])

    def test_rights_count_as_they_are_now(self) -> None:
        hub = Hub(self.RETAINED, keys={"s", "p"})
        topic = Pattern("t")
        hub.change(Authorize(topic, "p"))
        publisher = hub.join("p")
        hub.say(publisher, publish("before"))
        newcomer = hub.join("s")
        hub.say(newcomer, Subscribe(1, "*", LAST_RECEIVED))
        self.assertEqual(hub.payloads(newcomer), [])
        hub.change(Authorize(topic, "s"))
        hub.say(newcomer, Subscribe(2, "t", LAST_RECEIVED))
        self.assertEqual(hub.payloads(newcomer), ["before"])
        hub.say(newcomer, Lost())
        hub.say(publisher, publish("missed"))
        hub.change(Unauthorize(topic, "s"))
        self.assertEqual(hub.payloads(hub.join("s")), [])

    def test_two_wishes_are_served_one_after_the_other(self) -> None:
        hub, publisher, _ = pair(self.RETAINED)
        hub.say(publisher, publish("a", topic="a"))
        hub.say(publisher, publish("b", topic="b"))
        newcomer = hub.join("n")
        effects = hub.broker.receive(newcomer, Subscribe(1, "a", 99.0), hub.now)
        effects += hub.broker.receive(newcomer, Subscribe(2, "b", 99.0), hub.now)
        hub.carry_out(effects)
        self.assertEqual(hub.payloads(newcomer), ["a", "b"])

    def test_another_tenants_past_stays_there(self) -> None:
        hub = Hub(self.RETAINED)
        hub.say(hub.join("p.org"), publish("x"))
        newcomer = hub.join("n.com")
        hub.say(newcomer, Subscribe(1, "**", LAST_RECEIVED))
        self.assertEqual(hub.payloads(newcomer), [])

    def test_each_subscription_has_a_past_of_its_own(self) -> None:
        hub, publisher, _ = pair(self.RETAINED)
        hub.say(publisher, publish("old"))
        hub.wait(100)
        newcomer = hub.join("n", active=False)
        hub.say(newcomer, Subscribe(1, "t", 50.0))
        hub.say(newcomer, Subscribe(2, "*", 1000.0))
        hub.say(newcomer, React(3, True))
        self.assertEqual(hub.delivered[newcomer], [("*<-t", "old")])
        hub.say(newcomer, Lost())
        hub.say(publisher, publish("missed"))
        again = hub.join("n", active=False)
        hub.say(again, Subscribe(4, "**", 1000.0))
        hub.say(again, React(5, True))
        self.assertEqual(
            hub.delivered[again], [("**<-t", "old"), ("t", "missed"), ("*<-t", "missed"), ("**<-t", "missed")]
        )

    def test_what_comes_while_the_past_is_brought_comes_once(self) -> None:
        hub, publisher, subscriber = pair(self.RETAINED, since=LAST_RECEIVED)
        hub.say(subscriber, Lost())
        hub.say(publisher, publish("missed"))
        again = hub.join("s", active=False)
        effects = hub.broker.receive(again, React(1, True), hub.now)
        hub.say(publisher, publish("new"))
        hub.carry_out(effects)
        self.assertEqual(hub.payloads(again), ["missed", "new"])

    def test_an_answer_to_a_wish_of_before_does_not_count_for_the_next(self) -> None:
        hub, publisher, subscriber = pair(since=LAST_RECEIVED)
        hub.say(subscriber, Lost())
        hub.say(publisher, publish("a"))
        again = hub.join("s", active=False)
        stale = hub.broker.receive(again, React(1, True), hub.now)
        hub.say(again, React(2, False))
        hub.say(publisher, publish("b"))
        hub.say(again, React(3, True))
        self.assertEqual(hub.payloads(again), [])
        hub.carry_out(stale)
        self.assertEqual(hub.payloads(again), ["a", "b"])

    def test_an_answer_to_an_older_wish_is_passed_over(self) -> None:
        hub, publisher, subscriber = pair(since=LAST_RECEIVED)
        hub.say(subscriber, Lost())
        hub.say(publisher, publish("missed"))
        again = hub.join("s", active=False)
        stale = hub.broker.receive(again, React(1, True), hub.now)
        hub.say(again, React(2, False))
        hub.say(again, React(3, True))
        hub.say(again, React(4, False))
        hub.carry_out(stale)
        self.assertEqual(hub.payloads(again), [])
        hub.say(again, React(5, True))
        self.assertEqual(hub.payloads(again), ["missed"])

    def test_one_thing_is_asked_of_the_past_at_a_time_however_often_it_is_wished_for(self) -> None:
        hub, publisher, subscriber = pair(since=LAST_RECEIVED)
        hub.say(subscriber, Lost())
        again = hub.join("s", active=False)
        asked: list[Effect] = []
        for number in range(10):
            hub.say(publisher, publish(number))
            for wish in (True, False, True):
                asked += hub.broker.receive(again, React(None, wish), hub.now)
            hub.broker.receive(again, React(None, False), hub.now)
        asked += hub.broker.receive(again, React(None, True), hub.now)
        self.assertEqual(len([each for each in asked if isinstance(each, Recall)]), 1)
        hub.carry_out(asked)
        self.assertEqual(hub.payloads(again), list(range(10)))

    def test_subscriptions_whose_past_is_still_to_come_have_a_limit(self) -> None:
        hub, publisher, _ = pair(Policy(subscriptions=3, retained=(Pattern("t"),)))
        hub.say(publisher, publish("x"))
        newcomer = hub.join("n")
        for _ in range(3):
            hub.broker.receive(newcomer, Subscribe(1, "t", LAST_RECEIVED), hub.now)
            hub.broker.receive(newcomer, Unsubscribe(2, "t"), hub.now)
        (failed,) = hub.broker.receive(newcomer, Subscribe(3, "t", LAST_RECEIVED), hub.now)
        assert isinstance(failed, Send) and isinstance(failed.reply, Failed)
        self.assertIs(failed.reply.reason, Reason.LIMIT)


class KeptMessagesTests(Case):
    def fill(self, kept: KeptMessages, count: int) -> Hub:
        hub = Hub(Policy(retained=(Pattern("**"),)))
        hub.kept = kept
        publisher = hub.join("p")
        for number in range(count):
            hub.say(publisher, publish(number))
            hub.wait(1)
        return hub

    def recall(self, hub: Hub) -> list[object]:
        newcomer = hub.join("n")
        hub.say(newcomer, Subscribe(1, "t", LAST_RECEIVED))
        return hub.payloads(newcomer)

    def test_number_bytes_and_age_are_bounded(self) -> None:
        self.assertEqual(self.recall(self.fill(KeptMessages(most=3), 6)), [3, 4, 5])
        self.assertEqual(self.recall(self.fill(KeptMessages(room=250), 6)), [4, 5])
        kept = KeptMessages(age=timedelta(seconds=3))
        hub = self.fill(kept, 6)
        kept.expire(hub.now.utc)
        self.assertEqual(self.recall(hub), [3, 4, 5])
        kept.expire(hub.now.utc + 100)
        self.assertEqual(kept._tenants, {})

    def test_one_that_comes_twice_or_late_is_kept_once_and_in_its_place(self) -> None:
        hub = self.fill(KeptMessages(), 4)
        messages = list(hub.kept._tenants["."])
        kept = KeptMessages()
        for place in (1, 3, 0, 2, 0, 3):
            kept.keep(messages[place])
        self.assertEqual(list(kept._tenants["."]), messages)
