"""Publications as they mostly come: plain lines, a topic and a text, that follow one another.

They are read together, and only as far as nothing else can be meant; all else is read line by line. Pure.
"""

from __future__ import annotations

from pkid.broker.commands import Command, Publish, PublishBatch, PublishSeries
from pkid.broker.payload import Payload, PayloadKind, Payloads
from pkid.line.frames import repeated_bodies
from pkid.line.printable import is_printable

__all__ = ["PUBLISH", "read_publications"]

PUBLISH = b"PUBLISH "
"""What such a line begins with."""

_COLON = b" :"


def read_publications(lines: bytes, most: int, longest: int) -> tuple[Command, int] | None:
    """Return what the first lines ask for, and how many bytes they take with their ends; nothing if that is not sure.

    :param lines: whole lines, without the end of the last one; the first begins with :data:`PUBLISH`.
    :param most: how many may be read.
    :param longest: bytes that a line may have.
    """
    end = lines.find(b"\n")
    first = lines if end < 0 else lines[:end]
    topic, colon, body = first[len(PUBLISH) :].partition(_COLON)
    if not colon or not _is_word(topic):
        return None
    if end < 0:
        return _single(topic, body, longest)
    head = lines[: end - len(body)]
    if lines.startswith(head, end + 1):
        bodies = repeated_bodies(lines, head, most)
        length = sum(map(len, bodies)) + len(bodies) * (len(head) + 1)
        if len(bodies) == most or not lines.startswith(PUBLISH, length):
            fits = len(head) + max(map(len, bodies)) <= longest
            return _batch(topic, bodies, length) if fits else None
    return _series(lines, most, longest)


def _single(topic: bytes, body: bytes, longest: int) -> tuple[Command, int] | None:
    length = len(PUBLISH) + len(topic) + len(_COLON) + len(body)
    if length > longest or not is_printable(topic) or not is_printable(body):
        return None
    return Publish("", topic.decode(), Payload(PayloadKind.TEXT, body), len(body)), length + 1


def _batch(topic: bytes, bodies: list[bytes], length: int) -> tuple[Command, int] | None:
    if not is_printable(b" ".join((topic, *bodies))):
        return None
    return PublishBatch("", topic.decode(), Payloads(PayloadKind.TEXT, tuple(bodies), True)), length


def _series(lines: bytes, most: int, longest: int) -> tuple[Command, int] | None:
    topics: list[bytes] = []
    bodies: list[bytes] = []
    for line in lines.split(b"\n", most)[:most]:
        head, colon, body = line.partition(_COLON)
        topic = head[len(PUBLISH) :]
        if not colon or not head.startswith(PUBLISH) or not _is_word(topic) or len(line) > longest:
            break
        topics.append(topic)
        bodies.append(body)
    if len(topics) <= 1:
        return _single(topics[0], bodies[0], longest) if topics else None
    length = sum(map(len, topics)) + sum(map(len, bodies)) + len(topics) * (len(PUBLISH) + len(_COLON) + 1)
    if not is_printable(lines[: length - 1].replace(b"\n", b" ")):
        return None
    topics_read = tuple([topic.decode() for topic in topics])
    return PublishSeries("", topics_read, Payloads(PayloadKind.TEXT, tuple(bodies), True)), length


def _is_word(text: bytes) -> bool:
    return bool(text) and b" " not in text
