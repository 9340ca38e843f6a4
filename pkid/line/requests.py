"""A client's lines, as a client writes them."""

from __future__ import annotations

from pkid.auth.proofs import PasswordProof, Registration, ScramFinish
from pkid.auth.schemes import Scheme
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
    React,
    Register,
    Setup,
    Subscribe,
    Unexpose,
    Unregister,
    Unsubscribe,
)
from pkid.broker.message import QoS
from pkid.broker.payload import Payload, PayloadKind
from pkid.errors import Malformed, Reason
from pkid.line.proofs import write_proof
from pkid.line.rights import write_change
from pkid.line.talk import Bye, Help, Ping, Pong, Talk
from pkid.line.writing import body, line, prefix, word

__all__ = ["write_command"]

_PLAIN_WORDS: dict[type[Command | Talk], str] = {
    Bye: "BYE", Cancel: "CANCEL", Complete: "COMPLETE", Help: "HELP", Ping: "PING", Pong: "PONG",
    Unregister: "UNENROLL",
}  # fmt: skip
_TOPICS: dict[type[Command | Talk], str] = {
    Expose: "EXPOSE", Subscribe: "SUBSCRIBE", Unexpose: "UNEXPOSE", Unsubscribe: "UNSUBSCRIBE",
}  # fmt: skip


def write_command(command: Command | Talk, scheme: Scheme | None = None) -> bytes:
    """Return the line of a command, and its body.

    :param scheme: which of the plain schemes a plain proof is of.
    :raises Malformed: ``bad-line`` when something in it cannot be a word.
    :raises ValueError: when the line protocol has no verb for it.
    """
    request = command.request
    match command:
        case Publish(_, topic, Payload() as payload, _, qos, slot):
            if qos is QoS.AT_MOST_ONCE and slot is None:
                return body(f"{prefix(request)}PUBLISH {word(topic)}", payload)
            return body(_head(request, "PUBLISH", topic, qos=qos.value or None, slot=slot), payload)
        case Call(_, topic, Payload() as payload, _, target, seconds):
            return body(_head(request, "CALL", topic, to=target, within=seconds), payload)
        case Answer(_, number, Payload() as payload, _, failed):
            return body(_head(request, "ANSWER", str(number), failed=failed), payload)
        case Prove(_, name, ScramFinish(message)):
            return line(request, "FINISH", name, message.decode("ascii"))
        case Prove(_, name, PasswordProof(password)):
            return f"{_head(request, 'PROVE', name, Scheme.PASSWORD.value)} :{_printable(password)}\n".encode()
        case Prove(_, name, proof):
            return line(request, "PROVE", name, *write_proof(proof, scheme))  # type: ignore[arg-type]
        case Register(_, name, Registration() as registration):
            return _enroll(request, name, registration)
        case Setup():
            return body(_head(request, "SETUP"), Payload(PayloadKind.TEXT, _parts(command)))
    return line(request, *_words(command), options=_options(command))


def _enroll(request: object, name: str, registration: Registration) -> bytes:
    until = None if registration.expires is None else registration.expires.isoformat()
    head = _head(request, "ENROLL", name, pin=registration.pin, expires=until)
    return body(head, Payload(PayloadKind.BYTES, registration.key))


def _words(command: Command | Talk) -> tuple[str, ...]:
    match command:
        case Identify(_, name):
            return "LOGIN", name
        case Acknowledge(_, number):
            return "ACK", str(number)
        case Administer(_, change):
            return write_change(change)
        case Explain(_, verb, topic, _):
            return "EXPLAIN", verb.value, topic
        case Inspect(_, view):
            return "INSPECT", view.value
        case React(_, active):
            return ("START",) if active else ("STOP",)
        case Expose(_, topic) | Unexpose(_, topic) | Subscribe(_, topic) | Unsubscribe(_, topic):
            return _TOPICS[type(command)], topic
    if type(command) not in _PLAIN_WORDS:
        raise ValueError(f"the line protocol has no verb for {type(command).__name__}")
    return (_PLAIN_WORDS[type(command)],)


def _options(command: Command | Talk) -> dict[str, object]:
    match command:
        case Explain(_, _, _, component):
            return {"component": component}
        case Subscribe(_, _, since):
            return {"since": _since(since)}
        case React(_, True, since):
            return {"since": _since(since)}
    return {}


def _head(request: object, *words: str, **options: object) -> str:
    return line(request, *words, options=options).decode().removesuffix("\n")


def _printable(password: str) -> str:
    if not password.isprintable():
        raise Malformed(Reason.BAD_LINE, "a password that cannot be printed cannot be typed")
    return password


def _parts(setup: Setup) -> bytes:
    parts = [line("", "EXPOSE", topic) for topic in setup.exposed]
    parts += [line("", "SUBSCRIBE", topic, options={"since": _since(since)}) for topic, since in setup.subscribed]
    return b"".join(parts)


def _since(since: float | None) -> object:
    return "last" if since == LAST_RECEIVED else since
