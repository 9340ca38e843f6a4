"""The load on a broker of the Rembus protocol: messages, calls and logins, over one WebSocket for each client.

All clients are in one process: every message of a case is equally long, and no more is under way than is asked for, so
that no broker has a reason to drop anything. What was begun is finished before a client leaves, so that no broker waits
for somebody who is gone.
"""

from __future__ import annotations

import os
import time
from collections.abc import Callable
from functools import partial

from bench.suite.load import percentiles
from bench.suite.rembus_client import Broker, Client, Stopwatch, frame, size_of, text, watching

__all__ = ["CASES", "Case"]

_PAYLOAD = 100  # bytes
_WINDOW = 1024  # messages under way at QoS 0
_IN_FLIGHT = 64  # publications without acknowledgement at QoS 1


Case = Callable[[Broker, float], dict[str, float]]
"""Measures for so many seconds, and returns figures."""


_ARGUMENTS = b"\x81\x58" + bytes((_PAYLOAD,)) + b"x" * _PAYLOAD
_SUBSCRIBE = b"\xa1\x63cmd\x69subscribe"
_EXPOSE = b"\xa1\x63cmd\x66expose"
_REACTIVE = b"\xa2\x63cmd\x68reactive\x66status\xf5"
_PUBLISH, _ACK, _CALL, _ANSWER = b"\x84\x11\x48", b"\x82\x05\x48", b"\x85\x02\x48", b"\x84\x04\x48"
_ID = bytes(8)


def subscribers(url: str, count: int, topic: str) -> list[Client]:
    """Connect clients that want a topic."""
    clients = [Client(url, f"sub{os.urandom(4).hex()}") for _ in range(count)]
    for client in clients:
        client.admin(topic, _SUBSCRIBE)
    for client in clients:  # some brokers tell each who else has subscribed; that is read with the answer
        client.admin("__config__", _REACTIVE)
    return clients


def measure_qos0(broker: Broker, seconds: float, count: int, batch: int = _WINDOW // 4) -> dict[str, float]:
    """Publish, never further ahead than a window of the slowest subscriber.

    :param batch: how many messages go with one write.
    """
    topic = f"b{os.urandom(4).hex()}"
    message = b"\x83\x01" + text(topic) + _ARGUMENTS
    wanting, publisher = subscribers(broker.url, count, topic), Client(broker.url)
    data, sent, got = frame(message) * batch, 0, dict.fromkeys(wanting, 0)
    with watching(*wanting) as wait:
        watch, figures = Stopwatch(broker), {}
        while not figures or min(got.values()) < sent:
            while not figures and sent - min(got.values()) <= _WINDOW - batch:
                publisher.socket.sendall(data)
                sent += batch
            for client in wait():
                got[client] += len(client.read(size_of(message)))
            if not figures and watch.seconds > seconds:
                figures = watch.rates(published=min(got.values()), delivered=sum(got.values()))
    publisher.socket.close()
    return figures


def measure_qos1(broker: Broker, seconds: float, count: int) -> dict[str, float]:
    """Publish with acknowledgement, some at a time; the subscribers acknowledge what they get."""
    topic = f"b{os.urandom(4).hex()}"
    rest = text(topic) + _ARGUMENTS
    wanting, publisher = subscribers(broker.url, count, topic), Client(broker.url)
    acknowledgement, delivery = size_of(_ACK + _ID), size_of(_PUBLISH + _ID + rest)
    before, acknowledge = frame(_PUBLISH + _ID + rest).partition(_PUBLISH)[0] + _PUBLISH, frame(_ACK + _ID)[:-8]
    at = delivery - len(_ID + rest)
    first = 1 + int.from_bytes(os.urandom(7), "little")  # ids are random, and never 0
    sent, acknowledged, got = 0, 0, 0

    def publish(more: int) -> None:
        nonlocal sent
        ids = (number.to_bytes(8, "little") for number in range(first + sent, first + sent + more))
        publisher.socket.sendall(b"".join(before + id + rest for id in ids))
        sent += more

    with watching(publisher, *wanting) as wait:
        watch, figures = Stopwatch(broker), {}
        publish(_IN_FLIGHT)
        while not figures or acknowledged < sent or got < sent * count:
            for client in wait():
                if client is publisher:
                    done = len(client.read(acknowledgement))
                    acknowledged += done
                    if done and not figures:
                        publish(done)
                elif messages := client.read(delivery):
                    got += len(messages)
                    client.socket.sendall(b"".join(acknowledge + each[at : at + 8] for each in messages))
            if not figures and watch.seconds > seconds:
                figures = watch.rates(published=acknowledged, delivered=got)
    return figures


def measure_lone_calls(broker: Broker, seconds: float) -> dict[str, float]:
    """Call, one at a time; the load waits for the one alone whose turn it is, so that it takes as little as it can."""
    topic = f"b{os.urandom(4).hex()}"
    exposer, caller = Client(broker.url, f"exp{os.urandom(4).hex()}"), Client(broker.url)
    exposer.admin(topic, _EXPOSE)
    rest, end = text(topic) + b"\xf6" + _ARGUMENTS, b"\x00\x01"
    asked, answered = size_of(_CALL + _ID + rest), size_of(_ANSWER + _ID + end)
    at = asked - len(_ID + rest)
    call, answer = frame(_CALL + _ID + rest).partition(_ID + rest)[0], frame(_ANSWER + _ID + end)[:-10]
    watch, times = Stopwatch(broker), []
    while watch.seconds < seconds:
        began = time.perf_counter()
        caller.socket.sendall(call + len(times).to_bytes(8, "little") + rest)
        message = exposer.read_one(asked)
        exposer.socket.sendall(answer + message[at : at + 8] + end)
        caller.read_one(answered)
        times.append(time.perf_counter() - began)
    figures = watch.rates(calls=len(times)) | percentiles(times)
    exposer.socket.close()
    caller.socket.close()
    return figures


def measure_calls(broker: Broker, seconds: float, in_flight: int) -> dict[str, float]:
    """Call, some at a time; the exposer answers at once. What is due together goes with one write."""
    topic = f"b{os.urandom(4).hex()}"
    exposer, caller = Client(broker.url, f"exp{os.urandom(4).hex()}"), Client(broker.url)
    exposer.admin(topic, _EXPOSE)
    rest = text(topic) + b"\xf6" + _ARGUMENTS
    asked, answered = size_of(_CALL + _ID + rest), size_of(_ANSWER + _ID + b"\x00\x01")
    at = asked - len(_ID + rest)
    before, answer = frame(_CALL + _ID + rest).partition(_ID + rest)[0], frame(_ANSWER + _ID + b"\x00\x01")[:-10]
    number, times, begun = 0, [], {}

    def call(more: int) -> None:
        nonlocal number
        ids = [each.to_bytes(8, "little") for each in range(number + 1, number + more + 1)]
        number += more
        begun.update(dict.fromkeys(ids, time.perf_counter()))
        caller.socket.sendall(b"".join([before + id + rest for id in ids]))

    with watching(exposer, caller) as wait:
        watch, figures = Stopwatch(broker), {}
        call(in_flight)
        while not figures or begun:
            for client in wait():
                if client is exposer:
                    ids = [message[at : at + 8] for message in client.read(asked)]
                    client.socket.sendall(b"".join([answer + id + b"\x00\x01" for id in ids]))
                    continue
                messages, now = client.read(answered), time.perf_counter()
                times += [now - begun.pop(message[5:13]) for message in messages]
                call(0 if figures else len(messages))
            if not figures and watch.seconds > seconds:
                figures = watch.rates(calls=len(times)) | percentiles(times)
    return figures


def measure_logins(broker: Broker, seconds: float) -> dict[str, float]:
    """Connect under a name without a key, one after the other."""
    watch, done = Stopwatch(broker), 0
    while watch.seconds < seconds:
        Client(broker.url, f"name{os.urandom(4).hex()}").socket.close()
        done += 1
    return watch.rates(logins=done)


CASES: dict[str, Case] = {
    "QoS 0, 1 to 1": partial(measure_qos0, count=1),
    "QoS 0, 1 to 4": partial(measure_qos0, count=4),
    "QoS 0, 1 to 1, one message per write": partial(measure_qos0, count=1, batch=1),
    "QoS 1, 1 to 1": partial(measure_qos1, count=1),
    "QoS 1, 1 to 4": partial(measure_qos1, count=4),
    "calls, one at a time": measure_lone_calls,
    "calls, 8 at a time": partial(measure_calls, in_flight=8),
    "named logins": measure_logins,
}
