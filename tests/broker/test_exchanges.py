"""What clients of the Rembus protocol say, in the order in which they say it, and what they are told.

The order of commands is that of recorded exchanges of real clients. A status is the number that such a client reads.
The broker's decisions are its own: what is refused here may have passed in the recording.
"""

from __future__ import annotations

from pkid.broker.changes import AssignRole, Authorize, Change, PrivateTopic, PublicTopic, Unauthorize
from pkid.broker.commands import (
    LAST_RECEIVED,
    Administer,
    Answer,
    Call,
    Command,
    Complete,
    Expose,
    Identify,
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
from pkid.broker.effects import CloseReason
from pkid.broker.inputs import Lost
from pkid.broker.message import QoS
from pkid.broker.policy import Policy
from pkid.broker.replies import Acknowledged, Answered, Challenge, Done, Failed, Greet, Reply, Welcome
from pkid.broker.topic import Pattern
from pkid.errors import Reason
from tests.broker.hub import GOOD, Delivered, Hub
from tests.support import Case

OK, ERROR, CHALLENGE = 0, 10, 11
STATUS = {
    Reason.NOT_EXPOSED: 42,
    Reason.NO_EXPOSER: 43,
    Reason.LOOPBACK: 44,
    Reason.TARGET_UNKNOWN: 45,
    Reason.TARGET_DOWN: 46,
}


def status(reply: Reply) -> int:
    """Return the number that a client reads."""
    match reply:
        case Challenge() | Greet():
            return CHALLENGE
        case Failed(reason=reason):
            return STATUS.get(reason, ERROR)
        case Answered(failed=True):
            return 40
        case _:
            return OK


class Exchange(Hub):
    """A hub whose clients go by names, and begin without taking messages, as theirs do."""

    def __init__(self, policy: Policy | None = None, keys: tuple[str, ...] = ()) -> None:
        super().__init__(policy, keys)
        self.clients: dict[str, int] = {}

    def enter(self, name: str) -> None:
        """Connect a client as its library does: with a name, and a proof if that is asked for."""
        self.clients[name] = self.join(name, active=False) if name else self.connect(active=False)

    def ask(self, name: str, command: Command) -> int | None:
        """Have a client say something; return the status that it is told, if any."""
        told = self.say(self.clients[name], command)
        return status(told[-1]) if told else None

    def received(self, name: str) -> list[Delivered]:
        """Return what was delivered to a client so far, and forget it."""
        delivered = list(self.delivered[self.clients[name]])
        self.delivered[self.clients[name]].clear()
        return delivered

    def answer(self, name: str, payload: object, failed: bool = False) -> None:
        """Have an exposer answer what it was asked last."""
        number = self.invoked[self.clients[name]][-1].number
        self.say(self.clients[name], Answer(None, number, payload, 1, failed))


def publish(topic: str, payload: object, qos: QoS = QoS.AT_MOST_ONCE, request: int | None = None) -> Publish:
    return Publish(request, topic, payload, 10, qos)


class LoginExchangeTests(Case):
    def test_a_name_without_key_and_a_second_connection_with_it(self) -> None:
        hub = Exchange()
        first, second = hub.connect(active=False), hub.connect(active=False)
        self.assertEqual([status(r) for r in hub.say(first, Identify(1, "alice"))], [OK])
        self.assertEqual([status(r) for r in hub.say(second, Identify(2, "alice"))], [ERROR])

    def test_register_log_in_and_unregister(self) -> None:
        hub = Exchange()
        hub.enter("")
        self.assertEqual(hub.ask("", Register(1, "reg", "key")), OK)
        self.assertEqual(hub.ask("", Register(2, "reg", "key")), ERROR)
        number = hub.connect(active=False)
        self.assertEqual([status(r) for r in hub.say(number, Identify(3, "reg"))], [CHALLENGE])
        self.assertEqual([status(r) for r in hub.say(number, Prove(4, "reg", GOOD))], [OK])
        self.assertEqual([status(r) for r in hub.say(number, Unregister(5))], [OK])
        hub.enter("nobody")
        self.assertEqual(hub.ask("nobody", Unregister(6)), ERROR)

    def test_a_wrong_key_is_told_and_ends_the_connection(self) -> None:
        hub = Exchange(keys=("alice",))
        number = hub.connect(active=False)
        hub.say(number, Identify(1, "alice"))
        self.assertEqual([status(r) for r in hub.say(number, Prove(2, "alice", "wrong"))], [ERROR])
        self.assertIs(hub.closed[number], CloseReason.LOGIN_FAILED)

    def test_after_a_reconnect_everything_is_announced_at_once(self) -> None:
        hub = Exchange()
        hub.enter("recon")
        for command in (Subscribe(1, "rt", 0.0), Expose(2, "rsvc"), React(3, True)):
            self.assertEqual(hub.ask("recon", command), OK)
        hub.say(hub.clients["recon"], Lost())
        hub.enter("recon")
        self.assertEqual(hub.ask("recon", Setup(4, ("rsvc",), (("rt", None),))), OK)
        hub.enter("other")
        hub.ask("other", publish("rt", "x"))
        self.assertEqual(hub.received("recon"), [("rt", "x")])
        hub.ask("other", Call(5, "rsvc", (), 1))
        hub.answer("recon", "here")
        self.assertEqual(hub.replies[hub.clients["other"]][-1], Answered(5, "here", 1, False))


class AuthenticatedExchangeTests(Case):
    def connect(self, hub: Exchange) -> int:
        number = hub.connect(offered=True, active=False)
        self.assertEqual([status(r) for r in hub.replies[number]], [CHALLENGE])
        return number

    def test_who_does_not_prove_a_name_may_register_and_nothing_else(self) -> None:
        hub = Exchange(Policy(authenticated=True))
        number = self.connect(hub)
        self.assertEqual([status(r) for r in hub.say(number, Register(1, "am", "key"))], [OK])
        hub.say(number, Call(2, "uptime", (), 1))
        self.assertIs(hub.closed[number], CloseReason.PROOF_NEEDED)
        number = self.connect(hub)
        hub.say(number, Setup(3, ("a",), (("b", None),)))
        self.assertIs(hub.closed[number], CloseReason.PROOF_NEEDED)

    def test_a_client_in_authenticated_mode_answers_what_came_unasked(self) -> None:
        hub = Exchange(Policy(authenticated=True), keys=("am",))
        number = self.connect(hub)
        self.assertEqual([status(r) for r in hub.say(number, Prove("unasked", "am", GOOD))], [OK])
        hub.say(number, Call(2, "uptime", (), 1))
        self.assertEqual(len(hub.served), 1)

    def test_a_client_in_default_mode_can_log_in_too(self) -> None:
        hub = Exchange(Policy(authenticated=True), keys=("am",))
        number = self.connect(hub)
        self.assertEqual([status(r) for r in hub.say(number, Identify(1, "am"))], [CHALLENGE])
        self.assertEqual([status(r) for r in hub.say(number, Prove(2, "am", GOOD))], [OK])

    def test_an_idle_client_and_a_stranger_are_sent_away(self) -> None:
        hub = Exchange(Policy(authenticated=True))
        idle, stranger = self.connect(hub), self.connect(hub)
        self.assertEqual([status(r) for r in hub.say(stranger, Prove("unasked", "stranger", GOOD))], [ERROR])
        hub.wait(5)
        self.assertEqual(hub.closed, {stranger: CloseReason.LOGIN_FAILED, idle: CloseReason.LOGIN_TIME})


class PublishExchangeTests(Case):
    def test_each_quality_of_service(self) -> None:
        hub = Exchange()
        hub.enter("sub1")
        hub.enter("pub1")
        self.assertEqual(hub.ask("sub1", Subscribe(1, "temp", 0.0)), OK)
        self.assertIsNone(hub.ask("pub1", publish("temp", "before reactive")))
        self.assertEqual(hub.ask("sub1", React(2, True)), OK)
        self.assertIsNone(hub.ask("pub1", publish("temp", "QOS0")))
        publisher = hub.clients["pub1"]
        self.assertEqual(hub.say(publisher, publish("temp", "QOS1", QoS.AT_LEAST_ONCE, 7)), [Acknowledged(7)])
        self.assertEqual(hub.say(publisher, publish("temp", "QOS2", QoS.EXACTLY_ONCE, 8)), [Acknowledged(8)])
        self.assertIsNone(hub.ask("pub1", Complete(8)))
        self.assertEqual(hub.received("sub1"), [("temp", "QOS0"), ("temp", "QOS1"), ("temp", "QOS2")])
        hub.ask("pub1", Subscribe(3, "temp", 0.0))
        hub.ask("pub1", React(4, True))
        hub.ask("pub1", publish("temp", "self"))
        self.assertEqual((hub.received("sub1"), hub.received("pub1")), ([("temp", "self")], []))
        for command in (Unsubscribe(5, "temp"), Unsubscribe(6, "temp"), React(7, False)):
            self.assertEqual(hub.ask("sub1", command), OK)

    def test_a_slot_is_passed_on(self) -> None:
        hub = Exchange()
        hub.enter("sub1")
        hub.enter("pub1")
        hub.ask("sub1", Setup(1, (), (("temp", None),)))
        hub.ask("pub1", Publish(None, "temp", "x", 1, slot=7))
        self.assertEqual(hub.deliveries[-1].message.slot, 7)

    def test_what_was_missed_and_what_was_before(self) -> None:
        hub = Exchange(Policy(retained=(Pattern("**"),)))
        hub.enter("late")
        hub.enter("early")
        hub.ask("late", Subscribe(1, "hist", LAST_RECEIVED))
        hub.ask("late", React(2, True))
        hub.ask("early", publish("hist", "live"))
        self.assertEqual(hub.received("late"), [("hist", "live")])
        hub.say(hub.clients["late"], Lost())
        for payload in ("offline0", "offline1", None):
            hub.ask("early", publish("hist", payload))
        hub.wait(3)
        hub.enter("late")
        self.assertEqual(hub.ask("late", React(3, True)), OK)
        self.assertEqual(hub.received("late"), [("hist", p) for p in ("offline0", "offline1", None)])
        hub.enter("newcomer")
        hub.ask("newcomer", Subscribe(4, "hist", 3600.0))
        self.assertEqual(hub.ask("newcomer", React(5, True)), OK)
        self.assertEqual(hub.received("newcomer"), [("hist", p) for p in ("live", "offline0", "offline1", None)])

    def test_topic_spaces(self) -> None:
        hub = Exchange(keys=("admin",))
        hub.change(AssignRole("admin", "admin"))
        for name in ("ws1", "wp1", "wx.tenant2", "admin"):
            hub.enter(name)
        hub.ask("ws1", Subscribe(1, "*/*/temperature", 0.0))
        hub.ask("ws1", Subscribe(2, "house/**", 0.0))
        hub.ask("ws1", React(3, True))
        hub.ask("wx.tenant2", Subscribe(4, "house/**", 0.0))
        hub.ask("wx.tenant2", React(5, True))
        for topic in (
            "a/b/temperature", "house/room/temperature", "house/@x/temperature", "flat", "a/b/c/temperature",
        ):  # fmt: skip
            hub.ask("wp1", publish(topic, 21))
        self.assertEqual(
            sorted(hub.received("ws1")),
            [
                ("*/*/temperature<-a/b/temperature", 21),
                ("*/*/temperature<-house/room/temperature", 21),
                ("house/**<-house/room/temperature", 21),
            ],
        )
        # Nothing private comes through a pattern, nothing of one's own, and nothing of another tenant.
        self.assertEqual(hub.ask("admin", Administer(6, PrivateTopic(Pattern("house/secret")))), OK)
        hub.ask("wp1", publish("house/secret", "leak?"))
        hub.ask("ws1", publish("house/me", "self"))
        self.assertEqual((hub.received("ws1"), hub.received("wx.tenant2")), ([], []))

    def test_tenants(self) -> None:
        hub = Exchange()
        for name in ("s1.org", "p1.org", "p1.com", "nodomain", ""):
            hub.enter(name)
        for command in (Subscribe(1, "tt", 0.0), React(2, True), Expose(3, "svc")):
            self.assertEqual(hub.ask("s1.org", command), OK)
        for name in ("p1.org", "p1.com", "nodomain", ""):
            hub.ask(name, publish("tt", name))
        self.assertEqual(hub.received("s1.org"), [("tt", "p1.org")])
        self.assertIsNone(hub.ask("p1.org", Call(4, "svc", (), 1)))
        hub.answer("s1.org", "org")
        self.assertEqual(hub.replies[hub.clients["p1.org"]][-1], Answered(4, "org", 1, False))
        # For the others it is as if the topic and the target were not there.
        for name in ("p1.com", "nodomain", ""):
            self.assertEqual(hub.ask(name, Call(5, "svc", (), 1)), 42)
            self.assertEqual(hub.ask(name, Call(6, "svc", (), 1, target="s1.org")), 45)


class CallExchangeTests(Case):
    def test_each_way_in_which_a_call_ends(self) -> None:
        hub = Exchange()
        hub.enter("srv")
        hub.enter("cli")
        caller = hub.clients["cli"]
        for request, topic in enumerate(("add", "boom", "df")):
            self.assertEqual(hub.ask("srv", Expose(request, topic)), OK)
        for topic, target, payload, failed in (
            ("add", None, 3, False), ("boom", None, "kaboom", True), ("df", None, "a frame", False),
            ("add", "srv", 7, False),
        ):  # fmt: skip
            self.assertIsNone(hub.ask("cli", Call(1, topic, (), 1, target)))
            hub.answer("srv", payload, failed)
            self.assertEqual(hub.replies[caller][-1], Answered(1, payload, 1, failed))
            self.assertEqual(status(hub.replies[caller][-1]), 40 if failed else OK)
        self.assertEqual(hub.ask("cli", Call(2, "nosuch", (), 1)), 42)
        self.assertEqual(hub.ask("cli", Call(3, "nosuch", (), 1, "srv")), 42)
        self.assertEqual(hub.ask("cli", Call(4, "add", (), 1, "ghost")), 45)
        self.assertEqual(hub.ask("srv", Call(5, "add", (), 1)), 44)
        self.assertEqual(hub.ask("srv", Unexpose(6, "df")), OK)
        self.assertEqual(hub.ask("cli", Call(7, "df", (), 1)), 42)
        hub.say(hub.clients["srv"], Lost())
        self.assertEqual(hub.ask("cli", Call(8, "add", (), 1)), 43)
        self.assertEqual(hub.ask("cli", Call(9, "add", (), 1, "srv")), 46)


class PrivateTopicExchangeTests(Case):
    def test_an_admin_makes_a_topic_private_and_lets_some_in(self) -> None:
        """All of them proved their names, which is what rights depend on."""
        names = ("admin", "good", "bad", "pubx")
        hub = Exchange(keys=names)
        hub.change(AssignRole("admin", "admin"))
        for name in names:
            hub.enter(name)
        secret, service = Pattern("secret"), Pattern("psvc")

        def administer(name: str, change: Change) -> int | None:
            return hub.ask(name, Administer(1, change))

        self.assertEqual(administer("bad", PrivateTopic(secret)), ERROR)
        self.assertEqual(administer("bad", Authorize(secret, "bad")), ERROR)
        self.assertEqual(administer("admin", PrivateTopic(secret)), OK)
        self.assertEqual(administer("admin", Authorize(secret, "good")), OK)
        self.assertEqual(hub.ask("admin", Subscribe(2, "secret", 0.0)), ERROR)
        self.assertEqual(hub.ask("good", Subscribe(3, "secret", 0.0)), OK)
        self.assertEqual(hub.ask("good", React(4, True)), OK)
        self.assertEqual(hub.ask("bad", Subscribe(5, "secret", 0.0)), ERROR)
        self.assertIsNone(hub.ask("pubx", publish("secret", 1)))
        self.assertEqual(
            hub.ask("pubx", publish("secret", "q1", QoS.AT_LEAST_ONCE, 6)), ERROR
        )  # told, so that it need not try again
        self.assertEqual(administer("admin", Authorize(secret, "pubx")), OK)
        hub.ask("pubx", publish("secret", 2))
        self.assertEqual(administer("admin", Unauthorize(secret, "good")), OK)
        hub.ask("pubx", publish("secret", 3))
        self.assertEqual(hub.ask("good", Unsubscribe(7, "secret")), ERROR)
        self.assertEqual(administer("admin", PublicTopic(secret)), OK)
        hub.ask("pubx", publish("secret", 4))
        self.assertEqual(hub.received("good"), [("secret", 2), ("secret", 4)])
        self.assertEqual(administer("admin", PrivateTopic(service)), OK)
        self.assertEqual(hub.ask("bad", Expose(8, "psvc")), ERROR)
        self.assertEqual(administer("admin", Authorize(service, "good")), OK)
        self.assertEqual(hub.ask("good", Expose(9, "psvc")), OK)
        self.assertEqual(hub.ask("bad", Call(10, "psvc", (), 1)), ERROR)
        self.assertEqual(hub.ask("bad", Call(11, "psvc", (), 1, "good")), ERROR)
        self.assertEqual(administer("admin", Authorize(service, "bad")), OK)
        self.assertIsNone(hub.ask("bad", Call(12, "psvc", (), 1)))
        hub.answer("good", "s3")
        self.assertEqual(hub.replies[hub.clients["bad"]][-1], Answered(12, "s3", 1, False))

    def test_what_only_was_claimed_is_no_admin(self) -> None:
        hub = Exchange()
        hub.change(AssignRole("admin", "admin"))
        hub.enter("admin")
        self.assertEqual(hub.ask("admin", Administer(1, PrivateTopic(Pattern("t")))), ERROR)

    def test_announcing_at_once_goes_around_no_check(self) -> None:
        hub = Exchange()
        hub.change(PrivateTopic(Pattern("psvc")))
        hub.enter("mallory")
        self.assertEqual(hub.ask("mallory", Setup(1, ("psvc",), (("psvc", None),))), OK)
        self.assertEqual(hub.replies[hub.clients["mallory"]][-1], Done(1, ("psvc", "psvc")))
        self.assertIsInstance(hub.replies[hub.clients["mallory"]][0], Welcome)
        (peer,) = hub.broker.membership.peers("mallory")
        self.assertEqual((list(peer.exposed), list(peer.subscriptions)), ([], []))
