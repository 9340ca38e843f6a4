"""A broker at work in memory, with clients that write down what they are told."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any

from twisted.internet.defer import Deferred
from twisted.internet.task import Clock

from pkid.audit import Strangers
from pkid.auth.proofs import Admission, Greeting, PlainProof, Proof, ScramAnswer
from pkid.auth.registration import Applicant, Registration
from pkid.auth.schemes import Scheme
from pkid.auth.transcript import Channel
from pkid.broker.commands import Command, Identify, Prove, Publish
from pkid.broker.effects import CloseReason
from pkid.broker.message import Batch, Invocation, Message, QoS, Series
from pkid.broker.payload import Payload, PayloadKind
from pkid.broker.replies import Reply
from pkid.broker.topic import Pattern
from pkid.errors import Reason, Refused
from pkid.messaging.connection import Connection
from pkid.messaging.interfaces import Approach
from pkid.messaging.memory import MemoryBrokerStore
from pkid.messaging.service import BrokerService
from pkid.messaging.store import BrokerStore
from pkid.messaging.terms import Terms

__all__ = ["BAD", "GOOD", "PEER", "WALL", "Core", "FakeClient", "Keys", "PlainDialect", "publish", "text"]

PEER = "192.0.2.1"
WALL = 1_700_000_000.0
GOOD = PlainProof(b"good")
"""The proof that is accepted."""
BAD = PlainProof(b"bad")
"""One that is not."""


def text(written: str) -> Payload:
    """Return a payload."""
    return Payload(PayloadKind.TEXT, written.encode())


def publish(topic: str, payload: str = "hello", request: str | None = None, qos: QoS = QoS.AT_MOST_ONCE) -> Publish:
    """Return a publication."""
    return Publish(request, topic, text(payload), len(payload), qos)


class PlainDialect:
    """Writes the topic and the payload; counts how often."""

    def __init__(self) -> None:
        self.encoded = 0

    def encode(self, message: Message, pattern: Pattern | None, again: bool) -> bytes:
        self.encoded += 1
        assert isinstance(message.payload, Payload)
        return b"%b %b" % (message.topic.encode(), message.payload.data)

    def encode_batch(self, batch: Batch | Series, pattern: Pattern | None) -> bytes:
        self.encoded += 1
        topics = batch.topics if isinstance(batch, Series) else (batch.topic,)
        return b" ".join((*map(str.encode, topics), *batch.payloads.data))


PLAIN = PlainDialect()


class FakeClient:
    """A client that does what its door would: it writes down everything, in order.

    :ivar held: commands that came while the session was held.
    """

    def __init__(self, dialect: PlainDialect = PLAIN) -> None:
        self.dialect = dialect
        self.deliveries: list[bytes] = []
        self.replies: list[Reply] = []
        self.invocations: list[Invocation] = []
        self.closed: CloseReason | None = None
        self.is_held = False
        self.held: list[Command] = []
        self.session: Connection

    def write(self, delivery: bytes) -> None:
        self._check()
        self.deliveries.append(delivery)

    def send(self, reply: Reply) -> None:
        self._check()
        self.replies.append(reply)

    def invoke(self, invocation: Invocation) -> None:
        self._check()
        self.invocations.append(invocation)

    def hold(self) -> None:
        self._check()
        assert not self.is_held
        self.is_held = True

    def proceed(self) -> None:
        self._check()
        assert self.is_held
        self.is_held = False
        while self.held and not self.is_held:
            self.session.receive(self.held.pop(0))

    def close(self, reason: CloseReason) -> None:
        self._check()
        self.closed = reason

    def say(self, *commands: Command) -> list[Reply]:
        """Send commands at once; return what comes back at once."""
        before = len(self.replies)
        for command in commands:
            if self.is_held:
                self.held.append(command)
            else:
                self.session.receive(command)
        return self.replies[before:]

    def _check(self) -> None:
        assert self.closed is None, "something is told to a client that was closed"


class Keys:
    """Names with a credential, and the logins that know them; a proof is good when it is :data:`GOOD`.

    :ivar slow: whether answers wait in *waiting* until somebody fires them.
    """

    def __init__(self, names: Iterable[str] = ()) -> None:
        self.names = set(names)
        self.greetings: list[Greeting] = []
        self.applicants: list[Applicant] = []
        self.slow = False
        self.waiting: list[Deferred[None]] = []
        self.error: Exception | None = None
        self.expires: Any = None
        self.origin = ""
        self.kind = "key"

    def __call__(self, greeting: Greeting, peer: str, certificate: bytes | None) -> Keys:
        self.greetings.append(greeting)
        self.kind = "key" if certificate is None else "certificate"
        return self

    async def offer(self, component: str) -> tuple[str, ...]:
        await self._wait()
        return ("key",) if component in self.names else ()

    async def prove(self, component: str, proof: Proof) -> Admission | ScramAnswer:
        await self._wait()
        if proof != GOOD or component not in self.names:
            raise Refused(Reason.PROOF_FAILED)
        return Admission(component, f"{self.kind}:{component}", b"evidence", self.expires, self.origin)

    async def register(self, component: str, registration: Registration, applicant: Applicant) -> None:
        self.applicants.append(applicant)
        await self._wait()
        if component in self.names:
            raise Refused(Reason.NOT_ALLOWED, component)
        self.names.add(component)

    async def unregister(self, component: str, credential: str) -> list[str]:
        await self._wait()
        self.names.discard(component)
        return [f"key:{component}"]

    async def _wait(self) -> None:
        if self.slow:
            self.waiting.append(Deferred())
            await self.waiting[-1]
        if self.error is not None:
            raise self.error


class Core:
    """A broker's service on a clock.

    :ivar out_of_service: credentials that are not in service.
    """

    def __init__(self, terms: Terms | None = None, keys: Iterable[str] = (), store: BrokerStore | None = None) -> None:
        self.clock = Clock()
        self.keys = Keys(keys)
        self.out_of_service: set[str] = set()
        self.store = store or MemoryBrokerStore()
        self.service = BrokerService(
            terms or Terms(), self.store, self.keys, self.clock, Strangers(self.clock.seconds),
            registrar=self.keys, holds=lambda credential: credential not in self.out_of_service,
            means=lambda credential, component: credential in {f"key:{component}", f"psk:{component}"},
            wall=lambda: WALL + self.clock.seconds(), random=lambda size: b"n" * size,
        )  # fmt: skip
        self.service.startService()

    def connect(
        self,
        peer: str = PEER,
        dialect: PlainDialect = PLAIN,
        *,
        offered: bool = False,
        certificate: bytes | None = None,
    ) -> FakeClient:
        """Connect a client that says nothing yet.

        :param certificate: what it proves its name by; ``None`` for a key.
        """
        client = FakeClient(dialect)
        channel = Channel(encrypted=True, exporter=b"e" * 32)
        approach = Approach("test", peer, channel, (Scheme.ED25519,), certificate)
        client.session = self.service.connect(client, approach, offered=offered)
        return client

    def join(self, name: str = "", peer: str = PEER, certificate: bytes | None = None) -> FakeClient:
        """Connect a client under a name, with a proof if one is needed."""
        client = self.connect(peer, certificate=certificate)
        if name:
            client.say(Identify("login", name))
        if name in self.keys.names:
            client.say(Prove("proof", name, GOOD))
        client.replies.clear()
        return client

    def wait(self, seconds: float) -> None:
        """Let time pass, in steps as short as the broker's."""
        for _ in range(int(seconds * 4)):
            self.clock.advance(0.25)
