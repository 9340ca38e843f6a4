"""What generators of load know of brokers' protocols, and how much they publish at once."""

from __future__ import annotations

from contextlib import AbstractContextManager, ExitStack, contextmanager

from cbor2 import dumps

from bench.suite.brokers import Broker, Shared
from bench.suite.dialects.dialect import CallDialect, Dialect
from bench.suite.dialects.line import LineDialect
from bench.suite.dialects.mqtt import Mqtt
from bench.suite.dialects.nats import Nats
from bench.suite.dialects.wamp import Wamp
from bench.suite.fan_out import FanOut
from bench.suite.measurement import Skipped
from tests.support import Case

LINE, WAMP, MQTT, NATS = LineDialect(1, None, None), Wamp(1), Mqtt(1), Nats(1)
X = b"x" * 100


def wamp(*message: object) -> bytes:
    body = dumps(message)
    return len(body).to_bytes(4, "big") + body


class DeliveryTests(Case):
    """The size of the first message tells that of all others."""

    def sizes(self, dialect: Dialect, message: bytes) -> None:
        """The size is that of the first message, however much came behind it, and open while it cannot be known."""
        self.assertEqual(dialect.delivery_size(message * 2), len(message))
        self.assertIsNone(dialect.delivery_size(message[:1]))

    def test_line(self) -> None:
        self.sizes(LINE, b"MESSAGE a/b +at=1700000000.000 :%b\n" % X)

    def test_line_with_a_body_by_length(self) -> None:
        self.sizes(LINE, b"MESSAGE a/b +at=1700000000.000 +100\n%b\n" % X)
        self.sizes(LINE, b"MESSAGE a/b +100 +text\n%b\n" % X)

    def test_mqtt(self) -> None:
        for size in (10, 1000, 100_000):
            self.sizes(MQTT, MQTT.publication("a/b", b"x" * size))

    def test_nats(self) -> None:
        self.sizes(NATS, b"MSG a.b 1 100\r\n%b\r\n" % X)

    def test_wamp(self) -> None:
        self.sizes(WAMP, wamp(36, 1, 2, {}, ["x"]))

    def test_anything_else_is_no_message(self) -> None:
        """A refusal is not counted."""
        self.assertRaises(Skipped, LINE.delivery_size, b"ERROR forbidden :no\n")
        self.assertRaises(Skipped, WAMP.delivery_size, wamp(8, 16, 1, {}, "wamp.error.not_authorized"))


class CallTests(Case):
    def test_only_results_count(self) -> None:
        self.assertEqual(LINE.result_size(b"#000001 OK :x\n#0"), 14)
        self.assertRaises(Skipped, LINE.result_size, b"#000001 ERROR not-exposed :nobody exposes a\n")
        self.assertRaises(Skipped, WAMP.result_size, wamp(8, 48, 1, {}, "wamp.error.no_such_procedure"))

    def test_whole_calls_are_answered_with_what_they_brought(self) -> None:
        for dialect, invocation, answer in (
            (LINE, b"INVOKE 7 a +within=10.000 :x y\n", b"ANSWER 7 :x y\n"),
            (NATS, b"MSG a 1 _INBOX.bench.7 3\r\nx y\r\n", b"PUB _INBOX.bench.7 3\r\nx y\r\n"),
            (WAMP, wamp(68, 7, 1, {}, ["x y"]), wamp(70, 7, {}, ["x y"])),
        ):
            self.assertEqual(dialect.answers(invocation * 2 + invocation[:-2]), (answer * 2, invocation[:-2]))

    def test_calls_have_one_size(self) -> None:
        dialects: tuple[CallDialect, ...] = (LINE, NATS, WAMP)
        for dialect in dialects:
            self.assertEqual(
                {len(dialect.call("a", X, number)) for number in (1, 999_999)}, {len(dialect.call("a", X, 5))}
            )


class FanOutTests(Case):
    def test_small_messages_are_batched(self) -> None:
        ((messages, data),) = FanOut().writes(MQTT, ["a"])
        self.assertEqual((messages, len(data)), (64, 64 * 105))

    def test_long_ones_are_written_alone(self) -> None:
        ((messages, _),) = FanOut(payload=1 << 20).writes(MQTT, ["a"])
        self.assertEqual(messages, 1)

    def test_what_is_under_way_is_bounded_in_messages_and_bytes(self) -> None:
        windows = [FanOut(payload=size).window for size in (10, 1 << 10, 1 << 20)]
        self.assertEqual(windows, [2048, 512, 1])

    def test_all_topics_have_their_turn(self) -> None:
        writes = FanOut(topics=100).writes(MQTT, [f"t/{number:05}" for number in range(100)])
        self.assertEqual([count for count, _ in writes], [64, 36])
        self.assertEqual(len({data[i : i + 111] for _, data in writes for i in range(0, len(data), 111)}), 100)


class SharedTests(Case):
    def setUp(self) -> None:
        self.said: list[str] = []

    @contextmanager
    def running(self):
        self.said.append("starts")
        yield Broker(MQTT, ())
        self.said.append("ends")

    def missing(self) -> AbstractContextManager[Broker[Mqtt]]:
        self.said.append("is looked for")
        raise Skipped("needs nobody")

    def test_a_broker_is_started_once_and_ends_with_the_last_path(self) -> None:
        with ExitStack() as stack:
            shared = Shared(self.running, stack)
            self.assertEqual(self.said, [])
            self.assertIs(shared.get(), shared.get())
            self.assertEqual(self.said, ["starts"])
        self.assertEqual(self.said, ["starts", "ends"])

    def test_one_that_is_missing_is_looked_for_once(self) -> None:
        with ExitStack() as stack:
            shared = Shared(self.missing, stack)
            for _ in range(2):
                self.assertEqual(str(self.assertRaises(Skipped, shared.get)), "needs nobody")
        self.assertEqual(self.said, ["is looked for"])
