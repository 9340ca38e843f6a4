"""What a client says, as frames and as lines: each verb with the command that it stands for."""

from __future__ import annotations

from base64 import b64decode
from collections.abc import Callable, Sequence
from datetime import UTC, datetime

from pkid.auth.proofs import Registration, ScramFinish
from pkid.broker.commands import (
    LAST_RECEIVED,
    Acknowledge,
    Administer,
    Answer,
    Call,
    Cancel,
    Command,
    Complete,
    Explain,
    Expose,
    Identify,
    Inspect,
    Prove,
    Publish,
    PublishBatch,
    React,
    Register,
    Setup,
    Subscribe,
    Unexpose,
    Unregister,
    Unsubscribe,
    View,
)
from pkid.broker.message import QoS
from pkid.broker.payload import Payload, PayloadKind, Payloads
from pkid.broker.rules import Verb
from pkid.errors import PkidError
from pkid.line.frames import Frame, LineFault, refuse
from pkid.line.printable import is_printable
from pkid.line.proofs import read_proof
from pkid.line.rights import CHANGES
from pkid.line.talk import Bye, Help, Ping, Pong, Talk

__all__ = ["ARITIES", "read_batch", "read_command", "read_since"]

_MOST_PARTS = 4096  # of a setup; fewer may count
_MOST_DIGITS = 18
_LAST = "last"
_NO_PAYLOAD = Payload(PayloadKind.BYTES, b"")


def read_command(frame: Frame) -> Command | Talk:
    """Return what a frame asks for.

    :raises LineFault: when its words, options or body are not those of its verb.
    """
    arity, read = _VERBS[frame.verb]
    if len(frame.words) < arity:
        raise refuse(frame, f"{frame.verb} has {arity} words, not {len(frame.words)}")
    try:
        return read(frame)
    except LineFault:
        raise
    except PkidError as error:
        raise LineFault(error.reason, error.subject, frame.request) from None
    except ValueError as error:
        raise refuse(frame, f"the words of {frame.verb} cannot be understood") from error


def read_batch(frame: Frame, bodies: Sequence[bytes]) -> Command:
    """Return what publications ask for that differ in their bodies only.

    :param frame: the first of them, whose body stands in its line.
    :param bodies: those of the others, which can be printed.
    """
    first = _payload(frame)
    data = (first.data, *bodies)
    return PublishBatch(frame.request, frame.words[0], Payloads(first.kind, data, is_printable(first.data)))


def read_since(text: str) -> float:
    """Read from when on messages are wanted: a number of seconds, or ``last``.

    :raises ValueError: when it is neither.
    """
    return LAST_RECEIVED if text == _LAST else _seconds(text)


def _seconds(text: str) -> float:
    """Read a number of seconds: digits, and a fraction of them."""
    whole, _, fraction = text.partition(".")
    if len(text) > _MOST_DIGITS or not text.isascii() or not whole.isdigit() or not (fraction or "0").isdigit():
        raise ValueError("a number of seconds")
    return float(text)


def _number(text: str) -> int:
    if not (text.isascii() and text.isdigit() and len(text) <= _MOST_DIGITS):
        raise ValueError("a number")
    return int(text)


def _bare(frame: Frame, *options: str) -> dict[str, str]:
    """Return the options of a line without a body, if it has no others."""
    if frame.body is not None or frame.kind is not None:
        raise refuse(frame, f"{frame.verb} has no body, and no more words")
    return _known(frame, *options)


def _known(frame: Frame, *options: str) -> dict[str, str]:
    given = frame.options
    if given and not given.keys() <= set(options):
        raise refuse(frame, f"{frame.verb} has no such option")
    return given


def _payload(frame: Frame) -> Payload:
    body, kind = frame.body, frame.kind
    if type(body) is str:
        return Payload(PayloadKind.TEXT if kind is None else kind, body.encode())
    if body is None:
        return _NO_PAYLOAD if kind is None else Payload(kind, b"")
    if kind is PayloadKind.TEXT or kind is PayloadKind.JSON:
        body.decode()  # type: ignore[union-attr]
    return Payload(PayloadKind.BYTES if kind is None else kind, body)  # type: ignore[arg-type]


def _publish(frame: Frame) -> Command:
    qos, slot = QoS.AT_MOST_ONCE, None
    if frame.options:
        options = _known(frame, "qos", "slot")
        qos = QoS(_number(options.get("qos", "0")))
        slot = _slot(options["slot"]) if "slot" in options else None
        if qos is not QoS.AT_MOST_ONCE and not frame.request:
            raise refuse(frame, "a message that is acknowledged needs an id: #1 PUBLISH ...")
    payload = _payload(frame)
    return Publish(frame.request, frame.words[0], payload, len(payload.data), qos, slot)


def _slot(text: str) -> int:
    slot = _number(text)
    if slot >= 1 << 32:
        raise ValueError("a slot has 32 bits")
    return slot


def _call(frame: Frame) -> Command:
    options = _known(frame, "to", "within")
    seconds = _seconds(options["within"]) if "within" in options else None
    payload = _payload(frame)
    return Call(frame.request, frame.words[0], payload, len(payload.data), options.get("to"), seconds)


def _answer(frame: Frame) -> Command:
    failed = "failed" in _known(frame, "failed")
    payload = _payload(frame)
    return Answer(frame.request, _number(frame.words[0]), payload, len(payload.data), failed)


def _subscribe(frame: Frame) -> Command:
    options = _bare(frame, "since")
    return Subscribe(frame.request, frame.words[0], read_since(options["since"]) if "since" in options else None)


def _start(frame: Frame) -> Command:
    options = _bare(frame, "since")
    return React(frame.request, True, read_since(options["since"]) if "since" in options else None)


def _setup(frame: Frame) -> Command:
    """Read lines of ``EXPOSE`` and ``SUBSCRIBE`` in the body."""
    exposed: list[str] = []
    subscribed: list[tuple[str, float | None]] = []
    _known(frame)
    lines = _payload(frame).data.decode().splitlines()
    if len(lines) > _MOST_PARTS:
        raise refuse(frame, f"a setup has at most {_MOST_PARTS} lines")
    for each in lines:
        verb, topic, *since = each.split(" ")
        if verb == "EXPOSE" and not since:
            exposed.append(topic)
        elif verb == "SUBSCRIBE" and len(since) <= 1:
            subscribed.append((topic, read_since(since[0].removeprefix("+since=")) if since else None))
        else:
            raise ValueError("lines of EXPOSE and SUBSCRIBE")
    return Setup(frame.request, tuple(exposed), tuple(subscribed))


def _prove(frame: Frame) -> Command:
    _known(frame)
    text = frame.body if isinstance(frame.body, str) else ""
    return Prove(frame.request, frame.words[0], read_proof(frame.words[1], text))


def _finish(frame: Frame) -> Command:
    _bare(frame)
    return Prove(frame.request, frame.words[0], ScramFinish(frame.words[1].encode("ascii")))


def _enroll(frame: Frame) -> Command:
    """Read a public key: PEM or DER by length, or DER in base64 in the line, which can be pasted."""
    options, body = _known(frame, "pin", "expires"), frame.body
    if not body:
        raise ValueError("a key")
    expires = _instant(options["expires"]) if "expires" in options else None
    key = body if isinstance(body, bytes) else b64decode(body, validate=True)
    return Register(frame.request, frame.words[0], Registration(key, options.get("pin"), expires))


def _instant(text: str) -> datetime:
    """Read a time with its offset, and return it in UTC."""
    time = datetime.fromisoformat(text)
    if time.tzinfo is None:
        raise ValueError("a time with its offset")
    try:
        return time.astimezone(UTC)
    except OverflowError:
        raise ValueError("a time of the years 1 to 9999 in UTC") from None


def _explain(frame: Frame) -> Command:
    options = _bare(frame, "component")
    return Explain(frame.request, Verb(frame.words[0]), frame.words[1], options.get("component"))


def _worded(make: Callable[..., Command | Talk], *read: Callable[[str], object]) -> Callable[[Frame], Command | Talk]:
    """Return what reads a line that is only words."""

    def read_words(frame: Frame) -> Command | Talk:
        _bare(frame)
        return make(frame.request, *(one(word) for one, word in zip(read, frame.words, strict=True)))

    return read_words


def _change(verb: str) -> Callable[[Frame], Command | Talk]:
    def read_change(frame: Frame) -> Command | Talk:
        _bare(frame)
        return Administer(frame.request, CHANGES[verb][1](*frame.words))

    return read_change


_VERBS: dict[str, tuple[int, Callable[[Frame], Command | Talk]]] = {
    # Logging in
    "LOGIN": (1, _worded(Identify, str)),
    "PROVE": (2, _prove),
    "FINISH": (2, _finish),
    "ENROLL": (1, _enroll),
    "UNENROLL": (0, _worded(Unregister)),
    # Messages
    "PUBLISH": (1, _publish),
    "COMPLETE": (0, _worded(Complete)),
    "ACK": (1, _worded(Acknowledge, _number)),
    "SUBSCRIBE": (1, _subscribe),
    "UNSUBSCRIBE": (1, _worded(Unsubscribe, str)),
    "START": (0, _start),
    "STOP": (0, _worded(lambda request: React(request, False))),
    "SETUP": (0, _setup),
    # Calls
    "EXPOSE": (1, _worded(Expose, str)),
    "UNEXPOSE": (1, _worded(Unexpose, str)),
    "CALL": (1, _call),
    "CANCEL": (0, _worded(Cancel)),
    "ANSWER": (1, _answer),
    # Rights
    **{verb: (arity, _change(verb)) for verb, (arity, _) in CHANGES.items()},
    "EXPLAIN": (2, _explain),
    "INSPECT": (1, _worded(Inspect, View)),
    # The connection
    "PING": (0, _worded(Ping)),
    "PONG": (0, _worded(Pong)),
    "HELP": (0, _worded(Help)),
    "BYE": (0, _worded(Bye)),
}
"""How many words each verb has, and what reads it. None begins with Q, R or K, which openssl s_client keeps."""

ARITIES = {verb: arity for verb, (arity, _) in _VERBS.items()}
"""How many words each verb of a client has."""
