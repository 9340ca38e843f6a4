"""What a client publishes, and what it gets."""

from __future__ import annotations

from typing import Any

from twisted.internet.defer import CancelledError, Deferred

from pkid.broker.commands import LAST_RECEIVED, Acknowledge, Complete, Publish, Setup, Subscribe, Unsubscribe
from pkid.broker.message import QoS
from pkid.broker.payload import Payload, PayloadKind
from pkid.errors import Malformed
from pkid.line.client.errors import Denied, Disconnected
from pkid.line.client.outbox import MOST_UNACKNOWLEDGED
from pkid.line.client.subscriptions import MOST_WAITING, Subscription
from pkid.line.events import Delivered
from tests.line.client.cores import ClientCase


class PublishingTests(ClientCase):
    """At most once, at least once, exactly once."""

    def test_text_and_bytes_go_as_what_they_are(self) -> None:
        self.start()
        for content, payload in (
            ("sunny", Payload(PayloadKind.TEXT, b"sunny")),
            (b"\0\1", Payload(PayloadKind.BYTES, b"\0\1")),
            (None, Payload(PayloadKind.BYTES, b"")),
            (Payload(PayloadKind.JSON, b"{}"), Payload(PayloadKind.JSON, b"{}")),
        ):
            self.successResultOf(self.client.publish("weather", content))
            self.assertEqual(self.end.only(Publish).payload, payload)

    def test_without_a_connection_at_most_once_is_not_at_all(self) -> None:
        self.failureResultOf(self.client.publish("weather", "sunny"), Disconnected)
        self.start()
        self.assertEqual(self.end.heard(), [])

    def test_a_topic_that_is_no_word_is_refused(self) -> None:
        self.start()
        for qos in QoS:
            for topic in ("", "a b", "a\nPUBLISH b"):
                self.assertRaises(Malformed, self.client.publish, topic, "x", qos)
        self.assertEqual(self.end.heard(), [])

    def test_who_publishes_waits_while_the_transport_is_full(self) -> None:
        self.start()
        self.end.protocol.pauseProducing()
        waiting = self.client.publish("weather", "sunny")
        self.assertNoResult(waiting)
        self.end.protocol.resumeProducing()
        self.successResultOf(waiting)

    def test_at_least_once_is_done_when_the_core_says_so(self) -> None:
        self.start()
        done = self.client.publish("weather", "sunny", QoS.AT_LEAST_ONCE)
        publish = self.end.only(Publish)
        self.assertNoResult(done)
        self.end.say(f"#{publish.request} OK")
        self.successResultOf(done)
        self.assertEqual(self.end.heard(), [])

    def test_what_was_not_acknowledged_is_sent_again_in_its_order_under_its_id(self) -> None:
        early = self.client.publish("weather", "0", QoS.AT_LEAST_ONCE)
        self.start()
        first = self.end.only(Publish)
        done = [self.client.publish("weather", str(number), QoS.AT_LEAST_ONCE) for number in (1, 2)]
        second, third = self.end.heard()
        assert isinstance(second, Publish)
        self.end.say(f"#{second.request} OK")
        self.successResultOf(done[0])
        self.reconnect()
        self.assertEqual(self.end.heard(), [first, third])
        self.assertNoResult(done[1])
        self.end.say(f"#{first.request} OK")
        self.successResultOf(early)
        self.reconnect()
        self.assertEqual(self.end.heard(), [third])
        self.end.say(f"#{third.request} OK")
        self.successResultOf(done[1])

    def test_ids_differ_from_those_of_other_requests_and_begin_with_a_mark_of_the_program(self) -> None:
        self.start()
        self.client.publish("weather", "1", QoS.AT_LEAST_ONCE).addErrback(lambda failure: failure.trap(Disconnected))
        self.assertEqual(self.end.only(Publish).request, f"p{'00' * 9}-1")

    def test_what_the_core_refuses_is_not_sent_again(self) -> None:
        self.start()
        done = self.client.publish("secret", "x", QoS.AT_LEAST_ONCE)
        self.end.say(f"#{self.end.only(Publish).request} ERROR forbidden :not allowed: no grant")
        self.assertEqual(self.failureResultOf(done, Denied).value.code, "forbidden")
        self.reconnect()
        self.assertEqual(self.end.heard(), [])

    def test_who_waits_no_longer_has_nothing_sent_again(self) -> None:
        self.start()
        done = self.client.publish("weather", "x", QoS.AT_LEAST_ONCE)
        done.cancel()
        self.failureResultOf(done, CancelledError)
        self.end.say(f"#{self.end.only(Publish).request} OK")
        self.reconnect()
        self.assertEqual(self.end.heard(), [])

    def test_exactly_once_is_completed(self) -> None:
        self.start()
        done = self.client.publish("weather", "x", QoS.EXACTLY_ONCE)
        request = self.end.only(Publish).request
        self.end.say(f"#{request} OK")
        self.successResultOf(done)
        self.assertEqual(self.end.heard(), [Complete(request)])

    def test_only_so_many_wait(self) -> None:
        waiting = [self.client.publish("a", "x", QoS.AT_LEAST_ONCE) for _ in range(MOST_UNACKNOWLEDGED)]
        self.failureResultOf(self.client.publish("a", "x", QoS.AT_LEAST_ONCE), Denied)
        self.start()
        self.client.stopService()
        for each in waiting:
            self.failureResultOf(each, Disconnected)


class SubscribingTests(ClientCase):
    """To topics and patterns."""

    def setUp(self) -> None:
        super().setUp()
        self.got: list[Delivered] = []

    def subscribe(self, topic: str, handler: Any = None, since: float | None = None) -> Subscription:
        subscribing = self.client.subscribe(topic, handler, since)
        self.assertNoResult(subscribing)
        self.end.confirm(Subscribe)
        return self.successResultOf(subscribing)

    def next_of(self, subscription: Subscription) -> Deferred[Delivered]:
        return Deferred.fromCoroutine(subscription.__anext__())

    def test_a_handler_gets_what_comes(self) -> None:
        self.start()
        self.subscribe("weather/*", self.got.append)
        self.subscribe("weather/rome", self.got.append)
        self.end.say("MESSAGE weather/rome +from=bob +at=1.5 +pattern=weather/* :sunny", "MESSAGE other +at=2 :x")
        (message,) = self.got
        self.assertEqual((message.topic, message.payload.data, message.sender), ("weather/rome", b"sunny", "bob"))
        self.end.say("MESSAGE weather/rome +at=1.5 +number=7 +qos=1 :sunny")
        self.assertEqual(len(self.got), 2)
        self.assertEqual(self.end.heard(), [Acknowledge("", 7)])

    def test_a_handler_that_takes_its_time_gets_one_after_the_other(self) -> None:
        self.start()
        works: list[Deferred[None]] = []

        def handle(message: Delivered) -> Deferred[None]:
            self.got.append(message)
            works.append(Deferred())
            return works[-1]

        self.subscribe("a", handle)
        self.end.say("MESSAGE a +at=1 +number=1 +qos=1 :1", "MESSAGE a +at=1 +number=2 +qos=1 :2")
        self.assertEqual(len(self.got), 1)
        self.assertEqual(self.end.heard(), [])
        works[0].callback(None)
        self.assertEqual(len(self.got), 2)
        self.assertEqual(self.end.heard(), [Acknowledge("", 1)])

    def test_a_thousand_that_waited_are_handled_at_once(self) -> None:
        self.start()
        first: Deferred[None] = Deferred()

        def handle(message: Delivered) -> Deferred[None] | None:
            self.got.append(message)
            return first if len(self.got) == 1 else None

        self.subscribe("a", handle)
        self.end.say(*["MESSAGE a +at=1 :x"] * (MOST_WAITING + 1))
        first.callback(None)
        self.assertEqual(len(self.got), MOST_WAITING + 1)

    def test_what_a_handler_failed_at_is_not_acknowledged_and_comes_again(self) -> None:
        self.start()

        def handle(message: Delivered) -> None:
            self.got.append(message)
            if len(self.got) == 1:
                raise ZeroDivisionError

        self.subscribe("a", handle)
        self.end.say("MESSAGE a +at=1 +number=1 +qos=1 :1")
        self.assertEqual(len(self.flushLoggedErrors(ZeroDivisionError)), 1)
        self.assertEqual(self.end.heard(), [])
        self.end.say("MESSAGE a +at=1 +number=1 +qos=1 +again :1")
        self.assertEqual(len(self.got), 2)
        self.assertEqual(self.end.heard(), [Acknowledge("", 1)])

    def test_a_copy_is_acknowledged_and_not_passed_on(self) -> None:
        """Over the next connection, too; a number that a core uses anew is that of another message."""
        self.start()
        self.subscribe("a", self.got.append)
        self.end.say(*["MESSAGE a +at=1 +number=1 +qos=2 :1"] * 2)
        self.reconnect()
        self.end.say("MESSAGE a +at=1 +number=1 +qos=2 +again :1")
        self.assertEqual(len(self.got), 1)
        self.assertEqual(self.end.heard(), [Acknowledge("", 1)])
        self.end.say("MESSAGE a +at=2 +number=1 +qos=2 :new")
        self.assertEqual(len(self.got), 2)
        self.end.say("FORGET 1", "MESSAGE a +at=2 +number=1 +qos=2 :new")
        self.assertEqual(len(self.got), 3)

    def test_what_comes_is_read_from_the_subscription(self) -> None:
        self.start()
        subscription = self.subscribe("a")
        reading = self.next_of(subscription)
        self.assertNoResult(reading)
        self.end.say("MESSAGE a +at=1 +number=1 +qos=1 :1", "MESSAGE a +at=1 +number=1 +qos=1 +again :1")
        self.assertEqual(self.successResultOf(reading).payload.data, b"1")
        self.assertEqual(self.end.heard(), [])
        reading = self.next_of(subscription)
        self.assertEqual(self.end.heard(), [Acknowledge("", 1)])
        self.client.stopService()
        self.failureResultOf(reading, StopAsyncIteration)

    def test_what_waits_for_a_slow_program_is_bounded(self) -> None:
        self.start()
        subscription = self.subscribe("a")
        self.end.say(*(f"MESSAGE a +at=1 +number={number} +qos=1 :x" for number in range(MOST_WAITING + 2)))
        self.assertEqual(subscription.dropped, 2)
        self.assertEqual(self.successResultOf(self.next_of(subscription)).number, 2)
        self.assertEqual(self.end.heard(), [])
        self.end.say("MESSAGE a +at=1 +number=0 +qos=1 +again :x")
        read = [self.successResultOf(self.next_of(subscription)).number for _ in range(MOST_WAITING)]
        self.assertEqual((read[0], read[-1], subscription.dropped), (3, 0, 2))

    def test_a_subscription_is_made_when_there_is_a_connection(self) -> None:
        subscribing = self.client.subscribe("a", since=60.0)
        self.assertNoResult(subscribing)
        self.client.startService()
        self.assertEqual(self.end.confirm(Setup).subscribed, (("a", None),))
        self.clock.advance(0)
        self.assertEqual(self.end.confirm(Subscribe).since, 60.0)
        self.successResultOf(subscribing)

    def test_it_is_made_again_after_a_connection_was_lost(self) -> None:
        self.start()
        self.subscribe("a", self.got.append, since=60.0)
        self.subscribe("b", self.got.append, since=LAST_RECEIVED)
        self.assertEqual(self.reconnect().subscribed, (("a", None), ("b", LAST_RECEIVED)))
        self.end.say("MESSAGE a +at=1 :x")
        self.assertEqual(len(self.got), 1)

    def test_one_that_was_under_way_is_asked_for_again(self) -> None:
        self.start()
        subscribing = self.client.subscribe("a")
        self.end.only(Subscribe)
        self.end.lose()
        self.clock.advance(1)
        self.end.say("#1 OK")
        self.clock.advance(0)
        self.assertNoResult(subscribing)
        self.end.confirm(Subscribe)
        self.successResultOf(subscribing)

    def test_one_that_is_refused_is_none(self) -> None:
        self.start()
        subscribing = self.client.subscribe("secret", self.got.append)
        self.end.say(f"#{self.end.only(Subscribe).request} ERROR forbidden :not allowed: no grant")
        self.failureResultOf(subscribing, Denied)
        self.assertEqual(self.reconnect().subscribed, ())

    def test_it_ends_when_nobody_wants_it_any_more(self) -> None:
        self.start()
        subscription = self.subscribe("a")
        reading = self.next_of(subscription)
        ending = self.client.unsubscribe("a")
        self.failureResultOf(reading, StopAsyncIteration)
        self.end.confirm(Unsubscribe)
        self.successResultOf(ending)
        self.assertEqual(self.reconnect().subscribed, ())

    def test_it_ends_with_the_client(self) -> None:
        self.start()
        reading = self.next_of(self.subscribe("a"))
        self.client.stopService()
        self.failureResultOf(reading, StopAsyncIteration)

    def test_there_is_one_for_each_topic(self) -> None:
        self.start()
        self.subscribe("a")
        self.assertRaises(ValueError, self.client.subscribe, "a")
