"""How many deliveries the pure broker decides in a second of processor time: rights, routes and queues, no bytes.

Also what a look-up among many patterns costs, and a publish after the rights changed.

    .venv/bin/python bench/broker.py [--messages 20000]
"""

from __future__ import annotations

import argparse
import time
from collections.abc import Callable

from pkid.broker.broker import Broker
from pkid.broker.changes import Authorize
from pkid.broker.commands import Acknowledge, Answer, Call, Expose, Identify, Prove, Publish, Subscribe
from pkid.broker.effects import Deliver, Effect, Invoke
from pkid.broker.index import PatternIndex
from pkid.broker.inputs import Admitted, Known, Pause
from pkid.broker.message import Moment, QoS
from pkid.broker.policy import Policy
from pkid.broker.rights import Rights
from pkid.broker.topic import Pattern

NOW = Moment(0.0, 0.0)
TOPIC = "house/room/temperature"


def main() -> None:
    """Measure, and print one line for each case."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--messages", type=int, default=20_000)
    options = parser.parse_args()
    for subscribers in (1, 10, 100):
        for qos in (QoS.AT_MOST_ONCE, QoS.AT_LEAST_ONCE):
            report(
                f"publish 1 -> {subscribers}, private topic, {qos.name}", *fan_out(options.messages, subscribers, qos)
            )
    report("publish 1 -> 10, one of them slow", *fan_out(options.messages, 10, QoS.AT_MOST_ONCE, slow=True))
    report("publish 1 -> 10 through a pattern", *fan_out(options.messages, 10, QoS.AT_MOST_ONCE, "house/**"))
    report(
        "publish 1 -> 10, rights change each time", *fan_out(options.messages // 10, 10, QoS.AT_MOST_ONCE, change=True)
    )
    report("calls", *calls(options.messages))
    report("look-ups among 10000 patterns", *look_ups(options.messages))


def report(case: str, seconds: float, publishes: int, deliveries: int) -> None:
    """Print what one case came to."""
    print(f"{case:55} {publishes / seconds:>10.0f} inputs/cpu-s {deliveries / seconds:>12.0f} deliveries/cpu-s")


def proven(broker: Broker, name: str) -> int:
    """Open a session under a proven name."""
    number, _ = broker.connect(b"c" * 32, NOW, offered=False)
    for given in (Identify(None, name), Known(("key",)), Prove(None, name, ""), Admitted(name)):
        broker.receive(number, given, NOW)
    return number


def fan_out(
    messages: int, subscribers: int, qos: QoS, pattern: str = TOPIC, slow: bool = False, change: bool = False
) -> tuple[float, int, int]:
    """Publish on a private topic; acknowledge for each subscriber where that is due."""
    broker = Broker(Policy(), Rights())
    names = [f"s{number}" for number in range(subscribers)]
    for name in (*names, "publisher"):
        broker.change(Authorize(Pattern(TOPIC), name))
    if pattern != TOPIC:
        for name in names:
            broker.change(Authorize(Pattern(pattern), name))
    publisher = proven(broker, "publisher")
    for name in names:
        broker.receive(proven(broker, name), Subscribe(None, pattern), NOW)
    if slow:
        broker.receive(publisher + 1, Pause(), NOW)
    payload = b"x" * 100

    def run() -> int:
        delivered = 0
        for number in range(messages):
            if change:
                broker.change(Authorize(Pattern("other"), "s0"))
            effects = broker.receive(publisher, Publish(number, TOPIC, payload, 100, qos), NOW)
            delivered += carry_out(broker, effects, qos)
            if number % 1000 == 0:
                broker.tick(NOW)
        return delivered

    seconds, delivered = timed(run)
    return seconds, messages, delivered


def carry_out(broker: Broker, effects: list[Effect], qos: QoS) -> int:
    """Count what is delivered, and acknowledge it."""
    delivered = 0
    for effect in effects:
        if isinstance(effect, Deliver):
            delivered += len(effect.sessions)
            if qos is not QoS.AT_MOST_ONCE:
                for session in effect.sessions:
                    broker.receive(session, Acknowledge(None, effect.message.number), NOW)
    return delivered


def calls(count: int) -> tuple[float, int, int]:
    """Call, and answer, one at a time."""
    broker = Broker(Policy(), Rights())
    caller, exposer = proven(broker, "caller"), proven(broker, "exposer")
    broker.receive(exposer, Expose(None, "add"), NOW)

    def run() -> int:
        for number in range(count):
            (effect,) = broker.receive(caller, Call(number, "add", b"x", 1), NOW)
            assert isinstance(effect, Invoke)
            broker.receive(exposer, Answer(None, effect.invocation.number, b"y", 1), NOW)
        return count

    seconds, done = timed(run)
    return seconds, 2 * count, done


def look_ups(count: int) -> tuple[float, int, int]:
    """Find which of many patterns mean a topic."""
    index: PatternIndex[int] = PatternIndex()
    for number in range(10_000):
        index.add(Pattern(f"house/*/{number}" if number % 2 else f"**/{number}/temperature"), number)
    topic = ("house", "room", "temperature")

    def run() -> int:
        for _ in range(count):
            index.find(topic)
        return count

    seconds, done = timed(run)
    return seconds, done, 0


def timed(run: Callable[[], int]) -> tuple[float, int]:
    """Return the processor time of a run, in seconds, and its result."""
    started = time.process_time()
    result = run()
    return time.process_time() - started, result


if __name__ == "__main__":
    main()
