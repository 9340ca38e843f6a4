"""What the core says, as a client reads it."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field

from pkid.broker.payload import Payload, PayloadKind
from pkid.line.frames import Frame, LineFault, refuse
from pkid.line.talk import Ping, Pong
from pkid.line.writing import decode_base64url

__all__ = [
    "EVENT_ARITIES", "Challenged", "Closed", "Continued", "Delivered", "Drains", "Errored", "Event", "Forgotten",
    "Greeted", "Invoked", "Succeeded", "Welcomed", "WithdrawnCall", "read_event",
]  # fmt: skip

_NOTHING = Payload(PayloadKind.BYTES, b"")


@dataclass(frozen=True, slots=True)
class Greeted:
    """The connection is ready."""

    version: str
    server: str
    nonce: bytes
    schemes: tuple[str, ...]
    """The kinds of proof that this core takes from somebody who did not say a name, the best first."""


@dataclass(frozen=True, slots=True)
class Challenged:
    """A proof of the name is needed."""

    request: str
    nonce: bytes
    schemes: tuple[str, ...]
    """The kinds of proof that will do, the best first; these are what the proof covers."""


@dataclass(frozen=True, slots=True)
class Continued:
    """The proof goes on: the core's first message of SCRAM."""

    request: str
    message: bytes


@dataclass(frozen=True, slots=True)
class Welcomed:
    """The session has a name."""

    request: str
    name: str
    proven: bool
    evidence: bytes
    """What proves the core in turn; empty where the kind of proof has none."""
    warning: str


@dataclass(frozen=True, slots=True)
class Succeeded:
    """It was done, or this is the answer to a call."""

    request: str
    payload: Payload | None


@dataclass(frozen=True, slots=True)
class Errored:
    """It was not done."""

    request: str
    code: str
    """Of :class:`pkid.errors.Reason`; ``failed`` when whoever was called says so."""
    text: str
    payload: Payload | None = None
    """What whoever was called says of its failure."""


@dataclass(frozen=True, slots=True)
class Delivered:
    """A message."""

    topic: str
    payload: Payload
    sender: str | None
    proven: bool
    """Whether the sender proved its name."""
    at: float
    """When it came to the core, seconds since the epoch."""
    number: int | None
    """What to acknowledge it by, if it is to be acknowledged."""
    qos: int
    pattern: str | None
    """The subscribed pattern that means the topic; ``None`` when the topic itself is subscribed."""
    slot: int | None
    again: bool
    """Whether it was sent before, and not acknowledged."""


@dataclass(frozen=True, slots=True)
class Forgotten:
    """The acknowledgement of an exactly-once message arrived; its number may be forgotten."""

    number: int


@dataclass(frozen=True, slots=True)
class Invoked:
    """Somebody calls."""

    number: int
    topic: str
    payload: Payload
    caller: str | None
    proven: bool
    """Whether the caller proved its name."""
    seconds: float
    """For how long an answer is of use."""


@dataclass(frozen=True, slots=True)
class WithdrawnCall:
    """Nobody waits for the answer of a call any more."""

    number: int


@dataclass(frozen=True, slots=True)
class Drains:
    """The core is about to stop."""


@dataclass(frozen=True, slots=True)
class Closed:
    """The core closes the connection."""

    code: str
    """Of :class:`pkid.broker.effects.CloseReason`."""
    text: str = field(repr=False)


Event = (
    Greeted
    | Challenged
    | Continued
    | Welcomed
    | Succeeded
    | Errored
    | Delivered
    | Forgotten
    | Invoked
    | WithdrawnCall
    | Drains
    | Closed
    | Ping
    | Pong
)


def read_event(frame: Frame) -> Event:
    """Return what a frame tells.

    A client that does not know an option passes it over, so that a later core may say more.

    :raises LineFault: when it cannot be understood.
    """
    arity, read = _EVENTS[frame.verb]
    if len(frame.words) < arity:
        raise refuse(frame, f"{frame.verb} has {arity} words, not {len(frame.words)}")
    try:
        return read(frame)
    except LineFault:
        raise
    except (KeyError, ValueError) as error:
        raise refuse(frame, f"the words of {frame.verb} cannot be understood") from error


def _payload(frame: Frame) -> Payload | None:
    text, kind = frame.body, frame.kind
    if isinstance(text, str):
        return Payload(kind or PayloadKind.TEXT, text.encode())
    return None if text is None else Payload(kind or PayloadKind.BYTES, text)


def _text(frame: Frame) -> str:
    return frame.body if isinstance(frame.body, str) else ""


def _more_words(frame: Frame) -> tuple[str, ...]:
    return tuple(_text(frame).split(" ")) if frame.body else ()


def _sender(frame: Frame) -> tuple[str | None, bool]:
    name = frame.options.get("from")
    return (frame.options.get("claimed"), False) if name is None else (name, True)


def _delivered(frame: Frame) -> Delivered:
    options = frame.options
    sender, proven = _sender(frame)
    number, slot = options.get("number"), options.get("slot")
    return Delivered(
        frame.words[0], _payload(frame) or _NOTHING, sender, proven, float(options["at"]),
        None if number is None else int(number), int(options.get("qos", "0")), options.get("pattern"),
        None if slot is None else int(slot), "again" in options,
    )  # fmt: skip


def _invoked(frame: Frame) -> Invoked:
    number, topic = frame.words
    seconds = float(frame.options["within"])
    return Invoked(int(number), topic, _payload(frame) or _NOTHING, *_sender(frame), seconds)


def _welcomed(frame: Frame) -> Welcomed:
    name, how = frame.words
    evidence = decode_base64url(frame.options.get("evidence", ""))
    return Welcomed(frame.request, name, how == "proven", evidence, _text(frame))


def _greeted(frame: Frame) -> Greeted:
    version, server, nonce = frame.words
    return Greeted(version, server, decode_base64url(nonce), _more_words(frame))


_EVENTS: dict[str, tuple[int, Callable[[Frame], Event]]] = {
    "PKID": (3, _greeted),
    "CHALLENGE": (1, lambda frame: Challenged(frame.request, decode_base64url(frame.words[0]), _more_words(frame))),
    "CONTINUE": (1, lambda frame: Continued(frame.request, frame.words[0].encode("ascii"))),
    "WELCOME": (2, _welcomed),
    "OK": (0, lambda frame: Succeeded(frame.request, _payload(frame))),
    "ERROR": (1, lambda frame: Errored(frame.request, frame.words[0], _text(frame))),
    "FAILED": (0, lambda frame: Errored(frame.request, "failed", "the call failed", _payload(frame))),
    "MESSAGE": (1, _delivered),
    "FORGET": (1, lambda frame: Forgotten(int(frame.words[0]))),
    "INVOKE": (2, _invoked),
    "WITHDRAWN": (1, lambda frame: WithdrawnCall(int(frame.words[0]))),
    "DRAINING": (0, lambda frame: Drains()),
    "BYE": (1, lambda frame: Closed(frame.words[0], _text(frame))),
    "PING": (0, lambda frame: Ping(frame.request)),
    "PONG": (0, lambda frame: Pong(frame.request)),
}
"""How many words each verb of the core has, and what reads it."""

EVENT_ARITIES = {verb: arity for verb, (arity, _) in _EVENTS.items()}
