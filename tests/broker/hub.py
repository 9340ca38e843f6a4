"""A core and doors around a broker, in memory: it carries out every effect at once and writes down what clients see."""

from __future__ import annotations

from collections import deque
from collections.abc import Iterable

from pkid.broker.broker import Broker
from pkid.broker.changes import Change
from pkid.broker.commands import Acknowledge, Command, Identify, Prove
from pkid.broker.effects import (
    Audit,
    Authenticate,
    Close,
    CloseReason,
    Deliver,
    DeliverBatch,
    Effect,
    Enroll,
    Forget,
    Invoke,
    Keep,
    LookUp,
    Mark,
    Persist,
    Recall,
    Remember,
    Revoke,
    Send,
    Serve,
    Undelivered,
)
from pkid.broker.inputs import Admitted, Committed, Denied, Failure, Input, Known
from pkid.broker.kept import KeptMessages
from pkid.broker.message import Invocation, Message, Moment, QoS
from pkid.broker.policy import Policy
from pkid.broker.replies import Acknowledged, AcknowledgedBatch, Reply
from pkid.broker.rights import Rights
from pkid.errors import Reason, Refused

__all__ = ["GOOD", "TENANTS", "Delivered", "Hub"]

GOOD = "good"
"""The proof that the hub accepts."""

TENANTS = ("org", "com", "tenant2")
"""The tenants that were declared."""

Delivered = tuple[str, object]
"""What a client is handed: the topic, or the pattern and the topic joined by ``<-``, and the payload."""


class Hub:
    """Runs a broker, by default one that lets names into a tenant which were not proven.

    :ivar keys: names with a credential.
    :ivar holding: whether commits are held back.
    """

    def __init__(
        self,
        policy: Policy | None = None,
        keys: Iterable[str] = (),
        private_by_default: bool = False,
        tenants: Iterable[str] = TENANTS,
    ) -> None:
        self.policy = policy or Policy(claimed_tenants=True)
        self.rights = Rights(private_by_default)
        self.broker = Broker(self.policy, self.rights, own=frozenset({"uptime"}), tenants=tenants)
        self.keys = set(keys)
        self.kept = KeptMessages()
        self.now = Moment(1000.0, 1_700_000_000.0)
        self.holding = False
        self.held: list[Effect] = []
        self._waiting: deque[Effect] = deque()
        self._busy = False
        self.acknowledging = True
        self.replies: dict[int, list[Reply]] = {}
        self.delivered: dict[int, list[Delivered]] = {}
        self.deliveries: list[Deliver] = []
        self.invoked: dict[int, list[Invocation]] = {}
        self.closed: dict[int, CloseReason] = {}
        self.audited: list[Audit] = []
        self.remembered: list[Remember | Forget | Mark] = []
        self.undelivered: list[Undelivered] = []
        self.served: list[Serve] = []

    # Clients

    def connect(self, offered: bool = False, active: bool = True) -> int:
        """Connect a client that says nothing yet."""
        number, effects = self.broker.connect(b"c" * 32, self.now, offered, active)
        self.replies[number], self.delivered[number], self.invoked[number] = [], [], []
        self.carry_out(effects)
        return number

    def join(self, name: str, active: bool = True) -> int:
        """Connect a client under a name, with a good proof if one is needed."""
        number = self.connect(active=active)
        self.say(number, Identify("login", name))
        if name in self.keys:
            self.say(number, Prove("proof", name, GOOD))
        return number

    def say(self, number: int, given: Command | Input) -> list[Reply]:
        """Give the broker an input of one session; return what this client is told."""
        before = len(self.replies[number])
        self.carry_out(self.broker.receive(number, given, self.now))
        return self.replies[number][before:]

    def payloads(self, number: int) -> list[object]:
        """Return what was delivered to a client so far, and forget it."""
        payloads = [payload for _, payload in self.delivered[number]]
        self.delivered[number].clear()
        return payloads

    # The core

    def wait(self, seconds: float) -> None:
        """Let time pass."""
        self.now = Moment(self.now.monotonic + seconds, self.now.utc + seconds)
        self.carry_out(self.broker.tick(self.now))

    def change(self, *changes: Change) -> None:
        """Change the rights, as an operator does."""
        for change in changes:
            self.carry_out(self.broker.change(change))

    def release(self) -> None:
        """Commit what was held back."""
        self.holding = False
        held, self.held = self.held, []
        self.carry_out(held)

    def carry_out(self, effects: list[Effect]) -> None:
        """Do what the broker says, in order; what follows from it comes after it."""
        self._waiting += effects
        if self._busy:
            return
        self._busy = True
        while self._waiting:
            self._carry_out(self._waiting.popleft())
        self._busy = False

    def _carry_out(self, effect: Effect) -> None:
        match effect:
            case Send(session=session, reply=AcknowledgedBatch(requests)):
                self.replies[session] += map(Acknowledged, requests)
            case Send(session=session, reply=reply):
                self.replies[session].append(reply)
            case Deliver():
                self._deliver(effect)
            case DeliverBatch(sessions, batch, pattern):
                for message in batch.messages:
                    self._carry_out(Deliver(sessions, message, pattern))
            case Invoke(session=session, invocation=invocation):
                self.invoked[session].append(invocation)
            case Close(session=session, reason=reason):
                assert session not in self.closed, f"session {session} was closed twice"
                self.closed[session] = reason
            case Audit():
                self.audited.append(effect)
            case Remember() | Forget() | Mark():
                self.remembered.append(effect)
            case Undelivered():
                self.undelivered.append(effect)
            case Serve():
                self.served.append(effect)
            case _:
                self._answer(effect)

    def _answer(self, effect: Effect) -> None:
        if self.holding and isinstance(effect, (Keep, Persist)):
            self.held.append(effect)
            return
        match effect:
            case LookUp(session=session, name=name):
                self._tell(session, Known(("key",) if name in self.keys else ()))
            case Authenticate(session=session, name=name, proof=proof):
                good = proof == GOOD and name in self.keys
                self._tell(session, Admitted(name) if good else Denied())
            case Enroll(session=session, request=request, name=name):
                taken = name in self.keys
                self.keys.add(name)
                self._tell(
                    session, Failure(request, Refused(Reason.NOT_ALLOWED, name)) if taken else Committed(request)
                )
            case Revoke(session=session, request=request, name=name):
                self.keys.discard(name)
                self._tell(session, Committed(request))
            case Persist(session=session, request=request, change=change):
                self.change(change)
                self._tell(session, Committed(request))
            case Keep(message=message, awaited=awaited):
                self.kept.keep(message)
                if awaited:
                    self.carry_out(self.broker.kept([message.number]))
            case Recall(session=session):
                self._tell(session, self.kept.recall(effect))
            case _:
                raise AssertionError(f"unknown effect {effect}")

    def _tell(self, session: int, given: Input) -> None:
        self.carry_out(self.broker.receive(session, given, self.now))

    def _deliver(self, effect: Deliver) -> None:
        self.deliveries.append(effect)
        message = effect.message
        topic = message.topic if effect.pattern is None else f"{effect.pattern}<-{message.topic}"
        for session in effect.sessions:
            assert session not in self.closed, f"session {session} is closed"
            self.delivered[session].append((topic, message.payload))
        if self.acknowledging and message.qos is not QoS.AT_MOST_ONCE and effect.pattern is None:
            for session in effect.sessions:
                self._acknowledge(session, message)

    def _acknowledge(self, session: int, message: Message) -> None:
        self.carry_out(self.broker.receive(session, Acknowledge(None, message.number), self.now))
