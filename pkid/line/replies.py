"""What the core says, as lines: the greeting, replies, calls and deliveries."""

from __future__ import annotations

import json
from collections.abc import Callable, Iterable
from dataclasses import fields
from enum import Enum
from functools import cache, lru_cache
from typing import Any, cast

from pkid.auth.proofs import ScramAnswer
from pkid.auth.schemes import Scheme, scheme_names
from pkid.broker.changes import Change
from pkid.broker.effects import CloseReason
from pkid.broker.identity import Identity
from pkid.broker.message import Batch, Invocation, Message, Series
from pkid.broker.overview import SessionFacts, TopicFacts
from pkid.broker.payload import Payload, PayloadKind
from pkid.broker.replies import (
    Acknowledged,
    AcknowledgedBatch,
    Answered,
    Challenge,
    Done,
    Draining,
    Failed,
    Release,
    Reply,
    Welcome,
    Withdrawn,
)
from pkid.broker.rules import Decision
from pkid.broker.topic import Pattern
from pkid.line.frames import LineFault
from pkid.line.rights import write_change
from pkid.line.writing import bodies, body, encode_base64url, headed_bodies, line, prefix, shown, word

__all__ = [
    "VERSION", "write_batch", "write_closing", "write_delivery", "write_fault", "write_greeting", "write_invocation",
    "write_reply", "write_series",
]  # fmt: skip

VERSION = "1"
"""Of the line protocol; another one when a program that keeps to this one could not go on."""


def write_greeting(server: str, nonce: bytes, accepted: Iterable[Scheme]) -> bytes:
    """Write the first line of a connection."""
    before, after = _around_nonce(server, tuple(accepted))
    return before + encode_base64url(nonce).encode("ascii") + after


@lru_cache(maxsize=64)
def _around_nonce(server: str, accepted: tuple[Scheme, ...]) -> tuple[bytes, bytes]:
    """Write what all greetings have in common, before the challenge and behind it."""
    offers = "".join(f" {word(name)}" for name in scheme_names(accepted))
    return line("", "PKID", VERSION, server)[:-1] + b" ", f"{offers}\n".encode()


def write_reply(reply: Reply) -> bytes:
    """Write a reply; `Greet` is not one of them, because the greeting tells more."""
    return _WRITERS[type(reply)](reply)


def write_fault(fault: LineFault) -> bytes:
    """Write that a line could not be read."""
    return line(fault.request, "ERROR", fault.reason.code, text=str(fault))


@cache  # of the few reasons that there are
def write_closing(reason: CloseReason) -> bytes:
    """Write why the connection ends."""
    return line("", "BYE", reason.code, text=reason.sentence)


def write_delivery(message: Message, pattern: Pattern | None, again: bool) -> bytes:
    """Write a message for its subscribers; it has a number if it is to be acknowledged."""
    assert isinstance(message.payload, Payload)
    head = f"MESSAGE {message.topic}{_whose(message.sender)} +at={message.received_at:.3f}"
    if message.qos and pattern is None:
        head += f" +number={message.number} +qos={message.qos.value}"
    if pattern is not None:
        head += f" +pattern={pattern.text}"
    if message.slot is not None:
        head += f" +slot={message.slot}"
    return body(f"{head} +again" if again else head, message.payload)


def write_batch(batch: Batch, pattern: Pattern | None) -> bytes:
    """Write the messages of a batch for their subscribers."""
    if batch.qos and pattern is None:
        return b"".join([write_delivery(message, pattern, False) for message in batch.messages])
    return bodies(f"MESSAGE {batch.topic}{_tail(batch, pattern)}", batch.payloads)


def write_series(series: Series, pattern: Pattern | None) -> bytes:
    """Write the messages of a series for their subscribers."""
    return headed_bodies("MESSAGE ", series.topics, _tail(series, pattern), series.payloads)


def _tail(batch: Batch | Series, pattern: Pattern | None) -> str:
    """Write what stands behind the topic in messages that are not to be acknowledged."""
    tail = f"{_whose(batch.sender)} +at={batch.received_at:.3f}"
    return tail if pattern is None else f"{tail} +pattern={pattern.text}"


def write_invocation(invocation: Invocation, now: float) -> bytes:
    """Write a call for who is to answer it.

    :param now: seconds of the monotonic clock that the deadline is on.
    """
    assert isinstance(invocation.payload, Payload)
    within = max(0.0, invocation.deadline - now)
    head = f"INVOKE {invocation.number} {invocation.topic}{_whose(invocation.caller)} +within={within:.3f}"
    return body(head, invocation.payload)


def _whose(identity: Identity) -> str:
    if identity.component is None:
        return ""
    return f" +from={identity.component}" if identity.authenticated else f" +claimed={identity.component}"


def _challenge(reply: Challenge) -> bytes:
    if isinstance(reply.challenge, ScramAnswer):
        return line(reply.request, "CONTINUE", reply.challenge.message.decode("ascii"))
    assert isinstance(reply.challenge, bytes)
    return line(reply.request, "CHALLENGE", encode_base64url(reply.challenge), *reply.offers)


def _welcome(reply: Welcome) -> bytes:
    identity, evidence = reply.identity, reply.evidence
    how = "proven" if identity.authenticated else "claimed"
    shown_evidence = encode_base64url(evidence) if isinstance(evidence, bytes) and evidence else None
    name = identity.component or "anonymous"
    return line(reply.request, "WELCOME", name, how, options={"evidence": shown_evidence}, text=reply.warning or None)


def _done(reply: Done) -> bytes:
    value, head = reply.value, f"{prefix(reply.request)}OK"
    if value is None:
        return f"{head}\n".encode()
    if isinstance(value, Decision):
        return body(head, Payload(PayloadKind.TEXT, str(value).encode()))
    return body(head, Payload(PayloadKind.JSON, _json(value)))


def _failed(reply: Failed) -> bytes:
    sentence = reply.reason.sentence.format(subject=reply.subject)
    return f"{prefix(reply.request)}ERROR {reply.reason.code} :{shown(sentence)}\n".encode()


def _answered(reply: Answered) -> bytes:
    assert isinstance(reply.payload, Payload)
    return body(f"{prefix(reply.request)}{'FAILED' if reply.failed else 'OK'}", reply.payload)


_WRITERS: dict[type[Reply], Callable[[Any], bytes]] = {
    Acknowledged: lambda reply: f"{prefix(reply.request)}OK\n".encode(),
    AcknowledgedBatch: lambda reply: b"".join(f"{prefix(each)}OK\n".encode() for each in reply.requests),
    Answered: _answered,
    Challenge: _challenge,
    Done: _done,
    Draining: lambda reply: b"DRAINING\n",
    Failed: _failed,
    Release: lambda reply: b"FORGET %d\n" % reply.number,
    Welcome: _welcome,
    Withdrawn: lambda reply: b"WITHDRAWN %d\n" % reply.number,
}


def _json(value: object) -> bytes:
    """Write a value, a list with one member on a line, so that people can read it too."""
    if isinstance(value, tuple | list) and value:
        return "[\n{}\n]".format(",\n".join(json.dumps(_plain(each), ensure_ascii=False) for each in value)).encode()
    return json.dumps(_plain(value), ensure_ascii=False).encode()


def _plain(value: object) -> object:
    """Return a value as JSON knows it: facts as objects, names of states, changes as the lines that make them."""
    match value:
        case None | bool() | int() | float() | str():
            return value
        case Identity():
            return str(value)
        case Enum():
            return value.value
        case tuple() | list():
            return [_plain(each) for each in value]
        case SessionFacts() | TopicFacts():
            return {field.name: _plain(getattr(value, field.name)) for field in fields(value)}
    return " ".join(write_change(cast("Change", value)))
