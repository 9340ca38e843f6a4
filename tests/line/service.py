"""A broker's service for tests of the door: the broker itself, in memory, with logins that a test decides."""

from __future__ import annotations

from collections.abc import Callable

from twisted.internet.interfaces import IReactorTime

from pkid.broker.broker import Broker
from pkid.broker.commands import Command
from pkid.broker.effects import (
    Authenticate,
    Close,
    CloseReason,
    Deliver,
    DeliverBatch,
    Effect,
    Enroll,
    Invoke,
    LookUp,
    Persist,
    Revoke,
    Send,
)
from pkid.broker.inputs import Committed, Disconnect, Input, Lost, Pause, Ready
from pkid.broker.message import Moment
from pkid.broker.policy import Policy
from pkid.broker.rights import Rights
from pkid.broker.states import State
from pkid.messaging.interfaces import Approach, Client, Session

__all__ = ["NONCE", "MemoryMessaging", "MemorySession"]

NONCE = bytes(range(32))


class MemorySession:
    """A session, and what its door told of it."""

    def __init__(self, messaging: MemoryMessaging, number: int, client: Client, approach: Approach) -> None:
        self.messaging = messaging
        self.number = number
        self.client: Client | None = client
        self.approach = approach
        self.told: list[str] = []

    is_metered = False

    @property
    def is_open(self) -> bool:
        """Whether it has its identity."""
        return self.messaging.state(self.number) is State.OPEN

    @property
    def party(self) -> str:
        """Who takes turns."""
        return self.approach.peer

    def receive(self, command: Command) -> None:
        """Do what the client asks for; hold it while it logs in."""
        self.give(command)
        if self.client is not None and self.messaging.state(self.number) in (State.IDENTIFYING, State.VERIFYING):
            self.client.hold()

    def give(self, given: Command | Input) -> None:
        """Give the broker an input."""
        self.messaging.carry_out(self.messaging.broker.receive(self.number, given, self.messaging.moment()))

    def pause(self) -> None:
        """Note a full transport."""
        self.told.append("pause")
        self.give(Pause())

    def ready(self, room: int) -> None:
        """Note a transport with room."""
        self.told.append("ready")
        self.give(Ready(room))

    def disconnect(self, reason: CloseReason) -> None:
        """End it."""
        self.give(Disconnect(reason))

    def lost(self) -> None:
        """Note the end of the connection."""
        self.told.append("lost")
        self.client = None
        self.give(Lost())


class MemoryMessaging:
    """Carries out what doors see, and keeps the questions of logins for the test to answer."""

    server = "pkid"

    def __init__(self, clock: IReactorTime, policy: Policy | None = None) -> None:
        self.clock = clock
        self.broker = Broker(policy or Policy(), Rights())
        self.sessions: dict[int, MemorySession] = {}
        self.asked: list[LookUp | Authenticate] = []
        self.refuse: Callable[[], None] = lambda: None

    def moment(self) -> Moment:
        """Return the time."""
        return Moment(self.clock.seconds(), self.clock.seconds())

    def state(self, number: int) -> State:
        """Return a session's state."""
        return self.broker.state(number)

    def connect(self, client: Client, approach: Approach, *, offered: bool, active: bool = True) -> Session:
        """Begin a session."""
        self.refuse()
        number, effects = self.broker.connect(NONCE, self.moment(), offered, active)
        session = self.sessions[number] = MemorySession(self, number, client, approach)
        self.carry_out(effects)
        return session

    def answer(self, given: Input) -> None:
        """Answer the oldest question of a login, and let the client go on."""
        session = self.sessions[self.asked.pop(0).session]
        session.give(given)
        if session.client is not None:
            session.client.proceed()

    def tick(self) -> None:
        """Let the broker take note of the time."""
        self.carry_out(self.broker.tick(self.moment()))

    def carry_out(self, effects: list[Effect]) -> None:
        """Do what effects say, as far as it concerns doors and logins."""
        for effect in effects:
            match effect:
                case Send(session, reply) if self.sessions[session].client is not None:
                    self._client(session).send(reply)
                case Deliver(sessions, message, pattern, again):
                    for each in sessions:
                        self._client(each).write(self._client(each).dialect.encode(message, pattern, again))
                case DeliverBatch(sessions, batch, pattern):
                    for each in sessions:
                        self._client(each).write(self._client(each).dialect.encode_batch(batch, pattern))
                case Invoke(session, invocation):
                    self._client(session).invoke(invocation)
                case Close(session, reason):
                    client = self._client(session)
                    self.sessions[session].client = None
                    client.close(reason)
                case LookUp() | Authenticate():
                    self.asked.append(effect)
                case Persist(session, request, change):
                    self.carry_out(self.broker.change(change))
                    self.sessions[session].give(Committed(request))
                case Enroll(session, request):
                    self.sessions[session].give(Committed(request))
                case Revoke(session, request):
                    self.sessions[session].give(Committed(request))
                    self.sessions[session].disconnect(CloseReason.EXPELLED)

    def _client(self, session: int) -> Client:
        client = self.sessions[session].client
        assert client is not None, "nothing is said to a client that is gone"
        return client
