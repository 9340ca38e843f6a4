"""Whatever is done in whatever order: nobody gets what it may not have, or did not ask for, and everybody else does.

The model beside the broker knows the rules in their plainest form, and shares no code with it.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from random import Random

from hypothesis import Phase, given, settings
from hypothesis import strategies as st

from pkid.broker.changes import AddRule, Authorize, Change, PrivateTopic, PublicTopic, RemoveRule, Unauthorize
from pkid.broker.commands import (
    LAST_RECEIVED,
    Answer,
    Call,
    Expose,
    Identify,
    Prove,
    Publish,
    React,
    Setup,
    Subscribe,
    Unsubscribe,
)
from pkid.broker.effects import Close, Deliver, Effect, Invoke
from pkid.broker.inputs import Lost, Pause, Ready
from pkid.broker.message import QoS
from pkid.broker.policy import Policy
from pkid.broker.rules import Access, Rule, Subject, Verb
from pkid.broker.topic import Pattern
from tests.broker.hub import GOOD, Hub
from tests.broker.test_topic import means
from tests.support import Case

KEYS = ["ann", "bob", "cy.org"]
NAMES = [*KEYS, "dan", "eve.org", None]
TOPICS = ["a", "a/x", "a/@y"]
PATTERNS = [*TOPICS, "**", "a/*", "a/**"]
SUBJECTS = ["ann", "bob", "*", "c*", "dan"]


@dataclass
class Client:
    """What the model knows of one session."""

    name: str | None
    proven: bool
    wants: set[str] = field(default_factory=set)
    exposes: set[str] = field(default_factory=set)
    active: bool = True
    paused: bool = False

    @property
    def tenant(self) -> str:
        return "org" if self.name and self.name.endswith(".org") else ""


class Model:
    """The rights, as a list that is read from top to bottom."""

    def __init__(self) -> None:
        self.private: dict[str, bool] = {}
        self.rules: list[Rule] = []

    def allows(self, client: Client, verb: Verb, topic: str) -> bool:
        segments = tuple(topic.split("/"))
        concerned = [
            rule
            for rule in self.rules
            if verb in rule.verbs and means(rule.topic.segments, segments, False) and self.is_about(rule, client)
        ]
        if any(rule.access is Access.DENY for rule in concerned):
            return False
        if topic in self.private:
            private = self.private[topic]
        else:
            private = any(said for text, said in self.private.items() if means(tuple(text.split("/")), segments, False))
        return not private or (bool(concerned) and client.proven)

    @staticmethod
    def is_about(rule: Rule, client: Client) -> bool:
        subject = rule.subject.text
        if subject == "*":
            return True
        return client.name is not None and (client.name == subject or (subject == "c*" and client.name[0] == "c"))

    def apply(self, change: Change) -> None:
        match change:
            case PrivateTopic(topic=topic):
                self.private[topic.text] = True
            case PublicTopic(topic=topic):
                self.private[topic.text] = False
                self.rules = [r for r in self.rules if r.topic != topic or r.access is Access.DENY]
            case Authorize(topic=topic, component=name):
                self.private[topic.text] = True
                self.rules.append(Rule(Access.GRANT, frozenset(Verb), topic, Subject(name)))
            case Unauthorize(topic=topic, component=name):
                self.rules = [
                    r for r in self.rules if r.topic != topic or r.subject.text != name or r.access is Access.DENY
                ]
            case AddRule(rule=added):
                self.rules.append(added)
            case RemoveRule(rule=removed):
                self.rules = [r for r in self.rules if r != removed]


class WatchedHub(Hub):
    """A hub that compares every delivery, at its moment, with the model."""

    def __init__(self, policy: Policy) -> None:
        super().__init__(policy, keys=KEYS)
        self.model = Model()
        self.clients: dict[int, Client] = {}
        self.got: list[tuple[int, str | None]] = []

    def change(self, *changes: Change) -> None:
        for change in changes:
            self.model.apply(change)
        super().change(*changes)

    def _carry_out(self, effect: Effect) -> None:
        if isinstance(effect, Deliver):
            for session in effect.sessions:
                self.check(self.clients[session], effect)
                self.got.append((session, effect.pattern.text if effect.pattern else None))
        elif isinstance(effect, Invoke):
            exposer = self.clients[effect.session]
            assert effect.invocation.topic in exposer.exposes
            assert self.model.allows(exposer, Verb.EXPOSE, effect.invocation.topic)
        elif isinstance(effect, Close):
            self.clients.pop(effect.session, None)
        super()._carry_out(effect)

    def check(self, client: Client, effect: Deliver) -> None:
        message = effect.message
        assert client.active, "it does not take messages"
        assert (effect.pattern.text if effect.pattern else message.topic) in client.wants, "it did not subscribe"
        assert self.model.allows(client, Verb.SUBSCRIBE, message.topic), "it may not have it"
        assert message.tenant == (client.tenant or "."), "it is of another tenant"
        if effect.pattern is not None:
            assert means(effect.pattern.segments, message.segments), "the pattern does not mean it"


class Walk:
    """Clients that come, go, subscribe, publish and call, while rights change."""

    def __init__(self) -> None:
        self.hub = WatchedHub(Policy(claimed_tenants=True, retained=(Pattern("a/**"),), recalled=2))
        self.serial = 0
        for name in NAMES:
            self.connect(name)

    def step(self, chance: Random) -> None:
        """Do one thing, then let everybody publish on one topic."""
        one_of = chance.choice(CHANGES if chance.random() < 0.4 or not self.hub.clients else ACTIONS)
        one_of(self, chance)
        self.publish(chance)
        assert set(self.hub.broker._peers) == set(self.hub.clients)

    # Changes of the rights, and of who is there

    def arrive(self, chance: Random) -> None:
        name = chance.choice(NAMES)
        if name is None or all(client.name != name for client in self.hub.clients.values()):
            self.connect(name)

    def connect(self, name: str | None) -> None:
        client = Client(name, name in KEYS)
        for peer in self.hub.broker.membership.peers(name or "") if name else ():
            client.wants |= {pattern.text for pattern in peer.subscriptions}
            client.exposes |= set(peer.exposed)
        number = self.hub.connect()
        self.hub.clients[number] = client
        self.hub.say(number, React(None, True) if name is None else Identify(None, name))
        if client.proven:
            self.hub.say(number, Prove(None, name or "", GOOD))

    def set_visibility(self, chance: Random) -> None:
        topic = Pattern(chance.choice(PATTERNS))
        self.hub.change(PrivateTopic(topic) if chance.random() < 0.5 else PublicTopic(topic))

    def authorize(self, chance: Random) -> None:
        topic, name = Pattern(chance.choice(TOPICS)), chance.choice(["ann", "bob", "cy.org", "dan"])
        self.hub.change(Authorize(topic, name) if chance.random() < 0.7 else Unauthorize(topic, name))

    def change_rules(self, chance: Random) -> None:
        if self.hub.model.rules and chance.random() < 0.6:
            self.hub.change(RemoveRule(chance.choice(self.hub.model.rules)))
            return
        verbs = frozenset(chance.sample(list(Verb), chance.randint(1, 3)))
        topic, subject = Pattern(chance.choice(PATTERNS)), Subject(chance.choice(SUBJECTS))
        self.hub.change(AddRule(Rule(chance.choice(list(Access)), verbs, topic, subject)))

    # What clients do

    def client(self, chance: Random) -> tuple[int, Client]:
        number = chance.choice(sorted(self.hub.clients))
        return number, self.hub.clients[number]

    def subscribe(self, chance: Random) -> None:
        number, client = self.client(chance)
        topic = chance.choice(PATTERNS)
        if self.hub.model.allows(client, Verb.SUBSCRIBE, topic):
            client.wants.add(topic)
        self.hub.say(number, Subscribe(None, topic, chance.choice([None, 0.0, 5.0, LAST_RECEIVED])))

    def unsubscribe(self, chance: Random) -> None:
        number, client = self.client(chance)
        topic = chance.choice(sorted(client.wants) or PATTERNS)
        if self.hub.model.allows(client, Verb.SUBSCRIBE, topic):
            client.wants.discard(topic)
        self.hub.say(number, Unsubscribe(None, topic))

    def react(self, chance: Random) -> None:
        number, client = self.client(chance)
        client.active = not client.active
        self.hub.say(number, React(None, client.active))

    def set_up(self, chance: Random) -> None:
        number, client = self.client(chance)
        exposed, subscribed = chance.choice(TOPICS), chance.choice(PATTERNS)
        client.active = True
        if self.hub.model.allows(client, Verb.SUBSCRIBE, subscribed):
            client.wants.add(subscribed)
        if self.hub.model.allows(client, Verb.EXPOSE, exposed):
            client.exposes.add(exposed)
        self.hub.say(number, Setup(None, (exposed,), ((subscribed, None),)))

    def expose(self, chance: Random) -> None:
        number, client = self.client(chance)
        topic = chance.choice(TOPICS)
        if self.hub.model.allows(client, Verb.EXPOSE, topic):
            client.exposes.add(topic)
        self.hub.say(number, Expose(None, topic))

    def call(self, chance: Random) -> None:
        number, client = self.client(chance)
        topic = chance.choice(TOPICS)
        before = sum(map(len, self.hub.invoked.values()))
        self.serial += 1
        self.hub.say(number, Call(self.serial, topic, self.serial, 10))
        allowed = self.hub.model.allows(client, Verb.RPC, topic)
        assert allowed or sum(map(len, self.hub.invoked.values())) == before, "it may not call"

    def answer(self, chance: Random) -> None:
        number, _ = self.client(chance)
        for invocation in self.hub.invoked[number][-3:]:
            self.hub.say(number, Answer(None, invocation.number, "x", 1))

    def pause_or_resume(self, chance: Random) -> None:
        number, client = self.client(chance)
        client.paused = not client.paused
        self.hub.say(number, Pause() if client.paused else Ready(1 << 30))

    def leave(self, chance: Random) -> None:
        number, _ = self.client(chance)
        self.hub.say(number, Lost())
        del self.hub.clients[number]

    def wait(self, chance: Random) -> None:
        self.hub.acknowledging = chance.random() < 0.5
        self.hub.wait(chance.choice([1.0, 3.0, 20.0]))

    def publish(self, chance: Random) -> None:
        topic, qos = chance.choice(TOPICS), chance.choice(list(QoS))
        for number, client in list(self.hub.clients.items()):
            due = self.due(number, client, topic)
            self.hub.got.clear()
            self.serial += 1
            self.hub.say(number, Publish(self.serial, topic, self.serial, 10, qos))
            got = set(self.hub.got)
            assert len(got) == len(self.hub.got), "it came twice"
            assert got <= due, "it came to somebody else"
            late = {hit for hit in due - got if not self.hub.clients[hit[0]].paused}
            assert not late or not self.hub.acknowledging, "it did not come"

    def due(self, sender: int, client: Client, topic: str) -> set[tuple[int, str | None]]:
        """Say who is to get a message, and under which pattern."""
        if not self.hub.model.allows(client, Verb.PUBLISH, topic):
            return set()
        segments = tuple(topic.split("/"))
        return {
            (number, None if text == topic else text)
            for number, other in self.hub.clients.items()
            if number != sender and other.active and other.tenant == client.tenant
            and self.hub.model.allows(other, Verb.SUBSCRIBE, topic)
            for text in other.wants
            if means(tuple(text.split("/")), segments)
        }  # fmt: skip


CHANGES = [Walk.set_visibility, Walk.authorize, Walk.change_rules, Walk.arrive]
ACTIONS = [
    Walk.subscribe, Walk.subscribe, Walk.unsubscribe, Walk.react, Walk.set_up, Walk.expose, Walk.call, Walk.answer,
    Walk.pause_or_resume, Walk.pause_or_resume, Walk.pause_or_resume, Walk.pause_or_resume, Walk.leave, Walk.wait,
]  # fmt: skip


class BrokerProperties(Case):
    # Without shrinking: it would take minutes. A number gives the same walk again.
    @settings(max_examples=40, deadline=None, database=None, derandomize=True, phases=[Phase.generate])
    @given(st.integers(0, 2**64))
    def test_nobody_gets_what_it_may_not_have_and_everybody_what_it_is_to_get(self, number: int) -> None:
        walk, chance = Walk(), Random(number)
        for _ in range(120):
            walk.step(chance)
