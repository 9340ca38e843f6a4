"""Messages and calls: what is published arrives, whatever becomes of the others."""

from __future__ import annotations

from pkid.broker.commands import (
    Acknowledge,
    AcknowledgeBatch,
    Answer,
    Call,
    Expose,
    Publish,
    PublishBatch,
    PublishSeries,
    Subscribe,
)
from pkid.broker.effects import CloseReason
from pkid.broker.message import Batch, Message, Series
from pkid.broker.payload import Payload, PayloadKind, Payloads
from pkid.broker.replies import Answered
from pkid.broker.topic import Pattern
from pkid.messaging.rates import Rates
from pkid.messaging.terms import Terms
from tests.messaging.core import Core, PlainDialect, publish, text
from tests.support import Case


class Picky(PlainDialect):
    """Has no way to write a 2."""

    def encode(self, message: Message, pattern: Pattern | None, again: bool) -> bytes:
        if isinstance(message.payload, Payload) and message.payload.data == b"2":
            raise ValueError("a 2")
        return super().encode(message, pattern, again)

    def encode_batch(self, batch: Batch | Series, pattern: Pattern | None) -> bytes:
        return b"".join(self.encode(message, pattern, False) for message in batch.messages)


class MessageTests(Case):
    """What is published arrives."""

    def test_a_delivery_is_encoded_once_for_all_who_share_a_dialect(self) -> None:
        core = Core()
        one, other = PlainDialect(), PlainDialect()
        clients = [core.connect(dialect=one) for _ in range(3)] + [core.connect(dialect=other)]
        for client in clients:
            client.say(Subscribe(1, "news"))
        core.join().say(publish("news"))
        self.assertEqual([client.deliveries for client in clients], [[b"news hello"]] * 4)
        self.assertEqual((one.encoded, other.encoded), (1, 1))
        self.assertEqual(core.service.tally.delivered, 4)

    def test_a_batch_is_encoded_once_and_counts_message_by_message(self) -> None:
        core = Core()
        clients = [core.join() for _ in range(2)]
        for client in clients:
            client.say(Subscribe(1, "news"))
        before = clients[0].dialect.encoded
        publisher = core.join()
        publisher.say(Acknowledge(None, 0), PublishBatch("", "news", Payloads(PayloadKind.TEXT, (b"1", b"2", b"3"))))
        self.assertEqual([client.deliveries for client in clients], [[b"news 1 2 3"]] * 2)
        self.assertEqual(clients[0].dialect.encoded - before, 1)
        self.assertEqual((core.service.tally.delivered, core.service.tally.commands[Publish]), (6, 3))

    def test_a_series_is_encoded_once_and_counts_message_by_message(self) -> None:
        core = Core()
        client, publisher = core.join(), core.join()
        for topic in "ab":
            client.say(Subscribe(1, topic))
        before = client.dialect.encoded
        series = PublishSeries("", ("a", "b", "a"), Payloads(PayloadKind.TEXT, (b"1", b"2", b"3")))
        publisher.say(Acknowledge(None, 0), series)
        self.assertEqual((client.deliveries, client.dialect.encoded - before), ([b"a b a 1 2 3"], 1))
        self.assertEqual((core.service.tally.delivered, core.service.tally.commands[Publish]), (3, 3))

    def test_acknowledgements_that_come_together_are_counted_one_by_one(self) -> None:
        core = Core()
        core.join().say(AcknowledgeBatch(None, (1, 2, 3)))
        self.assertEqual(core.service.tally.commands, {Acknowledge: 3})

    def test_a_message_of_a_batch_that_cannot_be_written_is_passed_over_alone(self) -> None:
        core = Core()
        clients = [core.connect(dialect=dialect) for dialect in (PlainDialect(), Picky())]
        for client in clients:
            client.say(Subscribe(1, "news"))
        publisher = core.join()
        publisher.say(Acknowledge(None, 0), PublishBatch("", "news", Payloads(PayloadKind.TEXT, (b"1", b"2", b"3"))))
        self.assertEqual([len(client.deliveries) for client in clients], [3, 2])
        self.assertEqual((core.service.tally.delivered, core.service.tally.undelivered), (5, {"unwritable": 1}))
        self.assertEqual(len(self.flushLoggedErrors(ValueError)), 1)

    def test_only_a_limit_on_what_is_asked_for_is_metered(self) -> None:
        for rates, metered in ((Rates(), False), (Rates(commands=4), True), (Rates(bytes=4), True)):
            self.assertIs(Core(Terms(rates=rates)).join().session.is_metered, metered)

    def test_a_client_that_cannot_be_written_to_is_no_loss_for_the_others(self) -> None:
        core = Core()
        clients = [core.join() for _ in range(3)]
        for client in clients:
            client.say(Subscribe(1, "news"))

        def broken(delivery: bytes) -> None:
            raise RuntimeError("broken")

        clients[1].write = broken  # type: ignore[method-assign]
        core.join().say(publish("news"))
        self.assertEqual([client.deliveries for client in clients], [[b"news hello"], [], [b"news hello"]])
        self.assertIs(clients[1].closed, CloseReason.LOST)
        self.assertEqual(len(self.flushLoggedErrors(RuntimeError)), 1)

    def test_an_effect_that_fails_does_not_stop_the_next(self) -> None:
        core = Core()
        client, other = core.join(), core.join()
        other.say(Subscribe(1, "news"))

        def broken(reply: object) -> None:
            raise RuntimeError("broken")

        client.send = broken  # type: ignore[method-assign]
        client.say(Subscribe(1, "news"), publish("news"))
        self.assertEqual(other.deliveries, [b"news hello"])
        self.assertEqual(len(self.flushLoggedErrors(RuntimeError)), 1)

    def test_what_a_client_says_while_it_is_told_something_is_done_afterwards(self) -> None:
        core = Core()
        talker, listener = core.join(), core.join()
        listener.say(Subscribe(1, "second"))
        talker.say(Subscribe(1, "first"))
        record = talker.write

        def answering(delivery: bytes) -> None:
            record(delivery)
            talker.say(publish("second"))

        talker.write = answering  # type: ignore[method-assign]
        core.join().say(publish("first"))
        self.assertEqual((talker.deliveries, listener.deliveries), ([b"first hello"], [b"second hello"]))

    def test_a_client_that_takes_no_more_gets_the_rest_when_it_does(self) -> None:
        core = Core()
        slow, quick = core.join(), core.join()
        for client in (slow, quick):
            client.say(Subscribe(1, "news"))
        slow.session.pause()
        core.join().say(publish("news", "1"), publish("news", "2"))
        self.assertEqual((slow.deliveries, quick.deliveries), ([], [b"news 1", b"news 2"]))
        slow.session.ready(1 << 16)
        self.assertEqual(slow.deliveries, [b"news 1", b"news 2"])

    def test_calls_go_to_the_exposer_and_back(self) -> None:
        core = Core()
        exposer, caller = core.join(), core.join()
        exposer.say(Expose(1, "sum"))
        caller.say(Call(2, "sum", text("1 2"), 3))
        (invocation,) = exposer.invocations
        exposer.say(Answer(None, invocation.number, text("3"), 1))
        self.assertEqual(caller.replies, [Answered(2, text("3"), 1, failed=False)])

    def test_the_core_answers_calls_of_its_own_topics(self) -> None:
        core = Core()
        client = core.join()
        core.clock.advance(7)
        for topic, part in (("rid", core.service.server), ("version", "pkid "), ("uptime", "up for 7 seconds")):
            (answer,) = client.say(Call(topic, topic, text(""), 0))
            assert isinstance(answer, Answered)
            self.assertIn(part.encode(), answer.payload.data)  # type: ignore[attr-defined]

    def test_who_asks_too_fast_is_read_more_slowly(self) -> None:
        core = Core(Terms(rates=Rates(commands=4)))
        fast, slow, listener = core.join(), core.join(), core.join()
        listener.say(Subscribe(1, "news"))
        fast.say(*(publish("news", str(number)) for number in range(8)))
        self.assertTrue(fast.is_held)
        self.assertEqual(len(listener.deliveries), 5)
        slow.say(publish("news", "slow"))
        self.assertEqual(listener.deliveries[-1], b"news slow")
        core.wait(2)
        self.assertEqual((fast.is_held, len(listener.deliveries)), (False, 9))
