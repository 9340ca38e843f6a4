"""What real clients were recorded to say is said to the broker again: it answers as the recorded one did.

Where it does not, the difference is listed here. Ids of forwarded messages and calls are each broker's own.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence

from pkid.broker.broker import Broker
from pkid.broker.changes import AssignRole
from pkid.broker.commands import Answer, Identify, Prove
from pkid.broker.effects import Deliver, Effect, Invoke, Send, Serve
from pkid.broker.inputs import Lost
from pkid.broker.payload import Payload, PayloadKind
from pkid.broker.policy import Policy
from pkid.broker.replies import Answered
from pkid.broker.topic import Pattern
from pkid.rembus.cbor import CBOR, decode
from pkid.rembus.conversation import Conversation
from pkid.rembus.dialects import CborDialect
from pkid.rembus.names import Numbering
from pkid.rembus.packets import Ack, Packet, Publication, Request, Response
from tests.broker.hub import GOOD, TENANTS, Hub
from tests.rembus.recordings import Recorded, scenarios
from tests.support import Case

Differences = Sequence[tuple[int, str, object, object]]
"""For a connection and a topic, or all publications or calls: what was recorded, and what comes of it here."""


class Replay(Hub):
    """A hub whose clients speak the protocol.

    :ivar told: for each connection of the recording, what the broker said.
    """

    def __init__(self, policy: Policy | None, proven: tuple[str, ...]) -> None:
        super().__init__(policy, proven)
        self.broker = Broker(self.policy, self.rights, own=frozenset({"rid", "version", "uptime"}), tenants=TENANTS)
        self.numbering = Numbering()
        self.dialect = CborDialect(CBOR, bytes, self.numbering)
        self.sessions: dict[int, int] = {}
        self.talks: dict[int, Conversation] = {}
        self.told: dict[int, list[Packet]] = {}
        self.asked: dict[int, list[int]] = {}

    def hear(self, message: Recorded) -> None:
        """Have a client say what was recorded, to this broker's own calls what was said to the recorded one's."""
        connection = self._meet(message.connection)
        if not message.data:
            self.say(self.sessions[connection], Lost())
            return
        assert isinstance(message.data, bytes)
        packet = decode(message.data)
        if isinstance(packet, Ack):
            return  # the hub acknowledges by itself
        if isinstance(packet, Response):
            if not self.asked[connection]:
                return  # an answer to what only the recorded broker asked
            packet = Response(self.asked[connection].pop(0), packet.status, packet.data)
        meant = self.talks[connection].hear(packet)
        if isinstance(meant, Response):
            self.told[connection].append(meant)
            return
        self.say(self.sessions[connection], meant)
        if isinstance(meant, Identify) and meant.name in self.keys:
            self.told[connection].clear()  # nobody had a key in the recording
            self.say(self.sessions[connection], Prove(meant.request, meant.name, GOOD))

    def _carry_out(self, effect: Effect) -> None:
        super()._carry_out(effect)
        match effect:
            case Send(session=session, reply=Answered() as answered):
                self._note(session, lambda talk: decode(self.dialect.answer(answered)))
            case Send(session=session, reply=reply):
                self._note(session, lambda talk: talk.tell(reply))
            case Invoke(session=session, invocation=invocation):
                self._note(session, lambda talk: decode(self.dialect.request(invocation)))
                self.asked[self._connection(session)].append(invocation.number)
            case Deliver(message=message, pattern=pattern, sessions=sessions):
                packet = decode(self.dialect.encode(message, pattern, False))
                for session in sessions:
                    self._note(session, lambda talk: packet)
            case Serve(number=number, topic=topic):
                payload = Payload(PayloadKind.TEXT, topic.encode())
                self.carry_out(self.broker.served(Answer(None, number, payload, 1)))

    def _note(self, session: int, packet_of: Callable[[Conversation], Packet | None]) -> None:
        connection = self._connection(session)
        packet = packet_of(self.talks[connection])
        if packet is not None:
            self.told[connection].append(packet)

    def _connection(self, session: int) -> int:
        return next(known for known, number in self.sessions.items() if number == session)

    def _meet(self, connection: int) -> int:
        if connection not in self.sessions:
            self.told[connection], self.asked[connection] = [], []
            self.talks[connection] = Conversation("broker", self.numbering)
            self.sessions[connection] = self.connect(active=False)
        return connection


def answers(told: Iterable[Packet]) -> dict[int, object]:
    """Return what was answered to each request: its status, or that it was acknowledged."""
    return {
        packet.id: int(packet.status) if isinstance(packet, Response) else type(packet).__name__
        for packet in told
        if isinstance(packet, Response | Ack)
    }


def publications(told: Iterable[Packet]) -> list[tuple[str, int, int | None, bytes]]:
    """Return what was delivered."""
    return [
        (packet.topic, int(packet.qos), packet.slot, packet.data.data)
        for packet in told
        if isinstance(packet, Publication)
    ]


def calls(told: Iterable[Packet]) -> list[tuple[str, bytes]]:
    """Return what was to be answered."""
    return [(packet.topic, packet.data.data) for packet in told if isinstance(packet, Request)]


class ReplayTests(Case):
    def replay(self, scenario: str, *proven: str, policy: Policy | None = None, differences: Differences = ()) -> None:
        """Compare what each client is told with what the recorded ones were told."""
        replay = Replay(policy, proven)
        replay.change(AssignRole("admin", "admin"))
        recorded: dict[int, list[Packet]] = {}
        topics: dict[tuple[int, int], str] = {}
        for event in scenarios()[scenario]:
            if event.sent or not event.data:
                replay.hear(event)
                replay.wait(1)
            if event.data:
                assert isinstance(event.data, bytes)
                packet = decode(event.data)
                topics.setdefault((event.connection, packet.id), getattr(packet, "topic", ""))
                recorded.setdefault(event.connection, []).extend([] if event.sent else [packet])
        found = []
        for connection, told in replay.told.items():
            theirs, ours = answers(recorded[connection]), answers(told)
            found += [
                (connection, topics[connection, id], theirs.get(id), ours.get(id))
                for id in dict.fromkeys([*theirs, *ours])
                if theirs.get(id) != ours.get(id)
            ]
            for part in (publications, calls):
                if (theirs_too := part(recorded[connection])) != (ours_too := part(told)):
                    found.append((connection, part.__name__, len(theirs_too), len(ours_too)))
        self.assertEqual(sorted(found, key=str), sorted(differences, key=str))

    def test_an_anonymous_client(self) -> None:
        self.replay("anonymous")

    def test_a_name_without_key_and_the_same_once_more(self) -> None:
        self.replay("named_no_key")

    def test_each_quality_of_service_with_and_without_slot(self) -> None:
        self.replay("pubsub_qos")

    def test_calls(self) -> None:
        """Nobody is asked what he does not expose; a target that left is down, and a topic nobody exposes not found."""
        self.replay("rpc", differences=[(1, "calls", 6, 5), (2, "df", 43, 42), (2, "add", 45, 46)])

    def test_private_topics(self) -> None:
        """Who may not call is told so, also with a target, and who may not publish need not try again."""
        names = ("admin", "good", "bad", "pubx")
        self.replay("private_topics", *names, differences=[(3, "psvc", 42, 10), (4, "secret", None, 10)])

    def test_each_admin_command(self) -> None:
        """More of them are known."""
        self.replay("admin_commands", "admin", differences=[(1, "__config__", 47, 0)] * 4)

    def test_what_was_missed(self) -> None:
        self.replay("retroactive", policy=Policy(retained=(Pattern("**"),)))

    def test_what_was_missed_and_was_to_arrive(self) -> None:
        """It arrives later, and nobody waits for that."""
        kept = Policy(retained=(Pattern("**"),))
        self.replay("retroactive_qos1_stall", policy=kept, differences=[(4, "publications", 0, 1)])

    def test_tenants(self) -> None:
        """Of another tenant there is nothing to be seen, also with a target."""
        unseen = [(connection, "svc", 43, 42) for connection in (3, 4, 5)]
        self.replay("tenants", differences=[*unseen, (3, "svc", 0, 45), (1, "calls", 2, 1)])

    def test_a_client_that_comes_again(self) -> None:
        self.replay("reconnect_setup")

    def test_what_brokers_tell_one_another(self) -> None:
        self.replay("mesh")

    def test_topic_spaces(self) -> None:
        """Nothing private comes through a pattern, nothing of one's own and nothing of another tenant."""
        self.replay("wildcard_topics", "admin", differences=[(1, "publications", 5, 3), (3, "publications", 3, 0)])
