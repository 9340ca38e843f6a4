"""Publishing and subscribing: who gets what, and who does not."""

from __future__ import annotations

from pkid.broker import commands
from pkid.broker.changes import AddRule, AssignRole, Authorize, PrivateTopic, PublicTopic, Unauthorize
from pkid.broker.commands import (
    LAST_RECEIVED,
    Acknowledge,
    AcknowledgeBatch,
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
    PublishSeries,
    React,
    Register,
    Setup,
    Subscribe,
    Unexpose,
    Unregister,
    Unsubscribe,
    View,
)
from pkid.broker.effects import CloseReason, Deliver, Event, Forget, Mark, Remember
from pkid.broker.identity import Identity
from pkid.broker.inputs import Disconnect, Lost, Pause
from pkid.broker.message import QoS
from pkid.broker.overview import SessionFacts, TopicFacts
from pkid.broker.payload import PayloadKind, Payloads
from pkid.broker.policy import Policy
from pkid.broker.replies import Acknowledged, Done, Failed
from pkid.broker.rules import Access, Basis, Decision, Rule, Subject, Verb
from pkid.broker.topic import Pattern
from pkid.errors import Reason
from tests.broker.hub import Hub
from tests.support import Case

SECRET = Pattern("house/secret")


def publish(topic: str, payload: object = "x") -> Publish:
    return Publish(None, topic, payload, 10)


class PublishTests(Case):
    def test_a_message_goes_to_all_who_subscribed_in_one_effect_and_not_to_its_sender(self) -> None:
        hub = Hub()
        a, b, c, other = (hub.join(name) for name in "abco")
        for number in (a, b, c):
            self.assertEqual(hub.say(number, Subscribe(1, "t")), [Done(1)])
        hub.say(other, Subscribe(1, "u"))
        hub.say(a, publish("t", "hello"))
        self.assertEqual([hub.payloads(n) for n in (a, b, c, other)], [[], ["hello"], ["hello"], []])
        hub.say(other, publish("t", "again"))
        self.assertEqual([effect.sessions for effect in hub.deliveries], [(b, c), (a, b, c)])

    def test_messages_are_numbered_and_name_their_sender_as_the_broker_knows_it(self) -> None:
        hub = Hub(keys={"alice"})
        hub.say(hub.join("s"), Subscribe(1, "t"))
        alice, bob, nobody = hub.join("alice"), hub.join("bob"), hub.connect()
        for number in (alice, bob, nobody):
            hub.say(number, publish("t"))
        messages = [effect.message for effect in hub.deliveries]
        self.assertEqual([str(m.sender) for m in messages], ["alice", "bob (not proven)", "anonymous"])
        self.assertEqual([m.number for m in messages], [1, 2, 3])
        self.assertEqual(messages[0].received_at, hub.now.utc)

    def test_what_is_no_topic_is_refused_and_reaches_nobody(self) -> None:
        hub = Hub()
        everything, number = hub.join("s"), hub.join("p")
        hub.say(everything, Subscribe(1, "**"))
        for topic in ("", "a b", "a/*", "**", "a//b"):
            (failed,) = hub.say(number, Publish(1, topic, "x", 1))
            assert isinstance(failed, Failed)
            self.assertIs(failed.reason, Reason.BAD_TOPIC)
        self.assertEqual(hub.delivered[everything], [])

    def test_one_who_left_gets_nothing_more(self) -> None:
        hub = Hub()
        subscriber, publisher = hub.join("s"), hub.join("p")
        hub.say(subscriber, Subscribe(1, "t"))
        hub.say(publisher, publish("t"))
        hub.say(subscriber, Unsubscribe(2, "t"))
        hub.say(publisher, publish("t"))
        self.assertEqual(len(hub.payloads(subscriber)), 1)
        hub.say(subscriber, Subscribe(3, "t"))
        hub.say(subscriber, Lost())
        hub.say(publisher, publish("t"))
        self.assertEqual(hub.payloads(subscriber), [])

    def test_subscribing_and_unsubscribing_twice_is_doing_it_once(self) -> None:
        hub = Hub()
        subscriber, publisher = hub.join("s"), hub.join("p")
        for request in (1, 2):
            self.assertEqual(hub.say(subscriber, Subscribe(request, "t")), [Done(request)])
        hub.say(publisher, publish("t"))
        self.assertEqual(len(hub.payloads(subscriber)), 1)
        for request in (3, 4):
            self.assertEqual(hub.say(subscriber, Unsubscribe(request, "t")), [Done(request)])


class PatternTests(Case):
    def test_each_pattern_that_means_the_topic_delivers_it_under_its_own_name(self) -> None:
        hub = Hub()
        subscriber, publisher = hub.join("s"), hub.join("p")
        for topic in ("*/*/temperature", "house/**", "house/room/temperature"):
            hub.say(subscriber, Subscribe(1, topic))
        hub.say(publisher, publish("house/room/temperature", 21))
        self.assertEqual(
            sorted(topic for topic, _ in hub.delivered[subscriber]),
            [
                "*/*/temperature<-house/room/temperature",
                "house/**<-house/room/temperature",
                "house/room/temperature",
            ],
        )

    def test_the_sender_gets_nothing_through_a_pattern_either(self) -> None:
        hub = Hub()
        number = hub.join("s")
        hub.say(number, Subscribe(1, "**"))
        hub.say(number, publish("t"))
        self.assertEqual(hub.delivered[number], [])

    def test_limits(self) -> None:
        hub = Hub(Policy(subscriptions=3, patterns=1, exposures=1))
        number = hub.join("s")
        hub.say(number, Subscribe(1, "a/*"))
        (failed,) = hub.say(number, Subscribe(2, "b/*"))
        self.assertEqual(failed, Failed(2, Reason.LIMIT, "1 subscriptions to patterns"))
        hub.say(number, Subscribe(3, "a"))
        hub.say(number, Subscribe(4, "b"))
        (failed,) = hub.say(number, Subscribe(5, "c"))
        self.assertEqual(failed, Failed(5, Reason.LIMIT, "3 subscriptions"))
        self.assertEqual(hub.say(number, Subscribe(6, "b", 5.0)), [Done(6)])
        hub.say(number, Expose(7, "a"))
        self.assertEqual(hub.say(number, Expose(8, "b")), [Failed(8, Reason.LIMIT, "1 exposed topics")])
        self.assertEqual(hub.say(number, Expose(9, "a")), [Done(9)])

    def test_the_place_of_a_pattern_is_free_again_when_it_is_given_up(self) -> None:
        hub = Hub(Policy(patterns=1))
        number = hub.join("s")
        for pattern in ("a/*", "b/*"):
            self.assertEqual(hub.say(number, Subscribe(1, pattern)), [Done(1)])
            self.assertEqual(hub.say(number, Subscribe(2, pattern)), [Done(2)])
            self.assertEqual(hub.say(number, Unsubscribe(3, pattern)), [Done(3)])

    def test_a_setup_of_more_parts_than_there_may_be_topics_is_not_begun(self) -> None:
        hub = Hub(Policy(subscriptions=2, exposures=1))
        number = hub.join("s")
        (failed,) = hub.say(number, Setup(1, ("a",), (("b", None), ("c", None), ("d", None))))
        self.assertEqual(failed, Failed(1, Reason.LIMIT, "3 parts of a setup"))
        hub.say(hub.join("t"), publish("b"))
        self.assertEqual(hub.delivered[number], [])
        self.assertEqual(hub.say(number, Setup(2, ("a",), (("b", None), ("c", None)))), [Done(2, ())])


class PrivateTopicTests(Case):
    def hub(self) -> Hub:
        hub = Hub(keys={"boss", "good", "bad"})
        hub.change(AssignRole("boss", "admin"))
        return hub

    def test_every_verb_on_a_private_topic_needs_the_right(self) -> None:
        hub = self.hub()
        hub.change(PrivateTopic(SECRET), Authorize(SECRET, "good"))
        good, bad = hub.join("good"), hub.join("bad")
        for request, command in enumerate((Subscribe, Unsubscribe, Expose, Unexpose)):
            self.assertEqual(hub.say(good, command(request, "house/secret")), [Done(request)])
            (failed,) = hub.say(bad, command(request, "house/secret"))
            self.assertEqual(failed, Failed(request, Reason.FORBIDDEN, Basis.PRIVATE.value))
            self.assertIs(hub.audited[-1].event, Event.FORBIDDEN)
            self.assertEqual(hub.audited[-1].detail, f"{command.__name__.lower()} house/secret")
        self.assertEqual(
            hub.say(bad, Publish(9, "house/secret", "x", 1)), [Failed(9, Reason.FORBIDDEN, Basis.PRIVATE.value)]
        )
        self.assertEqual(hub.say(bad, publish("house/secret")), [])

    def test_a_pattern_carries_nothing_private_to_who_may_not_have_it(self) -> None:
        hub = self.hub()
        hub.change(PrivateTopic(SECRET), Authorize(SECRET, "good"), Authorize(SECRET, "boss"))
        good, bad, stranger, boss = hub.join("good"), hub.join("bad"), hub.connect(), hub.join("boss")
        for number in (good, bad, stranger):
            for topic in ("house/*", "house/**", "**", "*/secret"):
                self.assertEqual(hub.say(number, Subscribe(1, topic)), [Done(1)])
        hub.say(boss, publish("house/secret"))
        hub.say(boss, publish("house/door"))
        self.assertEqual(len(hub.delivered[good]), 4 + 3)
        self.assertEqual(len(hub.delivered[bad]), 3)
        self.assertEqual(len(hub.delivered[stranger]), 3)

    def test_a_change_reaches_existing_subscriptions_at_once(self) -> None:
        hub = self.hub()
        good, publisher = hub.join("good"), hub.join("boss")
        hub.say(good, Subscribe(1, "t"))
        hub.say(good, Subscribe(1, "*"))
        topic = Pattern("t")
        steps = (
            (PrivateTopic(topic), 0), (Authorize(topic, "boss"), 0), (Authorize(topic, "good"), 2),
            (Unauthorize(topic, "good"), 0), (PublicTopic(topic), 2),
            (AddRule(Rule(Access.DENY, frozenset({Verb.SUBSCRIBE}), Pattern("**"), Subject("go*"))), 0),
        )  # fmt: skip
        hub.say(publisher, publish("t"))
        self.assertEqual(len(hub.payloads(good)), 2)
        for change, expected in steps:
            hub.change(change)
            hub.say(publisher, publish("t"))
            self.assertEqual(len(hub.payloads(good)), expected, change)

    def test_a_publisher_loses_its_right_at_once(self) -> None:
        hub = self.hub()
        good, bad = hub.join("good"), hub.join("bad")
        hub.say(good, Subscribe(1, "t"))
        hub.say(bad, publish("t"))
        hub.change(Authorize(Pattern("t"), "good"))
        hub.say(bad, publish("t"))
        self.assertEqual(len(hub.payloads(good)), 1)

    def test_a_claimed_name_has_no_right(self) -> None:
        hub = Hub()
        hub.change(Authorize(Pattern("t"), "good"), AssignRole("good", "admin"))
        number = hub.join("good")
        (failed,) = hub.say(number, Subscribe(1, "t"))
        self.assertEqual(failed, Failed(1, Reason.FORBIDDEN, Basis.UNPROVEN.value))
        self.assertEqual(hub.say(number, Administer(2, PublicTopic(Pattern("t")))), [Failed(2, Reason.NOT_ADMIN)])


class EveryCommandTests(Case):
    """No command can be added without saying here which right it needs."""

    OF_TOPICS = (
        Publish(1, "t", "x", 1), PublishBatch(1, "t", Payloads(PayloadKind.TEXT, (b"x",))),
        PublishSeries(1, ("t",), Payloads(PayloadKind.TEXT, (b"x",))),
        Subscribe(1, "t"), Unsubscribe(1, "t"), Expose(1, "t"), Unexpose(1, "t"),
        Call(1, "t", "x", 1), Call(1, "t", "x", 1, target="other"),
    )  # fmt: skip
    OF_ADMINS = (Administer(1, PublicTopic(Pattern("t"))), Inspect(1, View.RIGHTS), Explain(1, Verb.RPC, "t", "boss"))
    OF_ITS_OWN = (
        Acknowledge,
        AcknowledgeBatch,
        Answer,
        Cancel,
        Complete,
        React,
        Setup,
    )  # `Setup` is judged part by part
    OF_LOGINS = (Identify, Prove, Register, Unregister)

    def test_all_are_here(self) -> None:
        here = {type(command) for command in (*self.OF_TOPICS, *self.OF_ADMINS)}
        known = [value for value in vars(commands).values() if isinstance(value, type) and issubclass(value, Command)]
        self.assertEqual(here | {*self.OF_ITS_OWN, *self.OF_LOGINS}, set(known) - {Command})

    def test_each_is_refused_without_its_right(self) -> None:
        for reason, refused in ((Reason.FORBIDDEN, self.OF_TOPICS), (Reason.NOT_ADMIN, self.OF_ADMINS)):
            for command in refused:
                hub = Hub(keys={"bad", "other"})
                hub.change(Authorize(Pattern("t"), "other"))
                other = hub.join("other")
                hub.say(other, Expose(0, "t"))
                hub.say(other, Subscribe(0, "t"))
                for number in (hub.connect(), hub.join("claimed"), hub.join("bad")):
                    (failed,) = hub.say(number, command)
                    assert isinstance(failed, Failed), command
                    self.assertIs(failed.reason, reason, command)
                    self.assertIs(hub.audited[-1].event, Event.FORBIDDEN)
                self.assertEqual((hub.delivered[other], hub.invoked[other]), ([], []))


class AdministrationTests(Case):
    def test_an_admin_changes_rights_over_the_wire_once_they_are_committed(self) -> None:
        hub = Hub(keys={"boss"})
        hub.change(AssignRole("boss", "admin"))
        boss, other = hub.join("boss"), hub.join("other")
        hub.holding = True
        self.assertEqual(hub.say(boss, Administer(1, PrivateTopic(Pattern("t")))), [])
        self.assertEqual(hub.say(other, Subscribe(1, "t")), [Done(1)])
        hub.release()
        self.assertEqual(hub.replies[boss][-1], Done(1))
        (failed,) = hub.say(other, Subscribe(2, "t"))
        assert isinstance(failed, Failed)
        line = next(line for line in hub.audited if line.event is Event.CHANGE)
        self.assertEqual((line.allowed, str(line.identity)), (True, "boss"))
        self.assertEqual(line.detail, "private-topic t")

    def test_nobody_else_does(self) -> None:
        hub = Hub(keys={"alice"})
        for number in (hub.connect(), hub.join("bob"), hub.join("alice")):
            for change in (PrivateTopic(Pattern("t")), Authorize(Pattern("t"), "bob"), AssignRole("bob", "admin")):
                version = hub.rights.version
                self.assertEqual(hub.say(number, Administer(1, change)), [Failed(1, Reason.NOT_ADMIN)])
                self.assertIs(hub.audited[-1].allowed, False)
                self.assertEqual(hub.rights.version, version)

    def test_anybody_may_ask_why_of_themselves_and_an_admin_of_all(self) -> None:
        hub = Hub(keys={"boss", "alice"})
        hub.change(AssignRole("boss", "admin"), Authorize(Pattern("t"), "alice"))
        boss, alice = hub.join("boss"), hub.join("alice")
        (done,) = hub.say(alice, Explain(1, Verb.RPC, "t"))
        assert isinstance(done, Done) and isinstance(done.value, Decision)
        self.assertIs(done.value.basis, Basis.GRANTED)
        (done,) = hub.say(boss, Explain(2, Verb.RPC, "t", "bob"))
        assert isinstance(done, Done) and isinstance(done.value, Decision)
        self.assertIs(done.value.basis, Basis.PRIVATE)
        self.assertEqual(hub.say(alice, Explain(3, Verb.RPC, "t", "bob")), [Failed(3, Reason.NOT_ADMIN)])


class OverviewTests(Case):
    def test_an_admin_sees_sessions_topics_and_rights_and_nobody_else_does(self) -> None:
        hub = Hub(keys={"boss"})
        changes = (PrivateTopic(Pattern("t")), AssignRole("boss", "admin"))
        hub.change(*changes)
        boss, other, away = hub.join("boss"), hub.join("o"), hub.join("a.org")
        for number, topic in ((other, "u"), (other, "*"), (away, "u")):
            hub.say(number, Subscribe(None, topic))
        hub.say(other, Expose(None, "svc"))
        hub.say(away, Lost())
        self.assertEqual(hub.say(other, Inspect(1, View.SESSIONS)), [Failed(1, Reason.NOT_ADMIN)])
        self.assertEqual(hub.say(boss, Inspect(2, View.RIGHTS)), [Done(2, changes)])
        hub.say(other, Pause())
        for _ in range(2):
            hub.say(boss, publish("u"))
        (done,) = hub.say(boss, Inspect(3, View.SESSIONS))
        assert isinstance(done, Done) and isinstance(done.value, tuple)
        one, two = done.value
        self.assertEqual((one.number, str(one.identity), one.waiting), (boss, "boss", 0))
        self.assertEqual((two.number, two.subscriptions, two.exposures), (other, 2, 1))
        self.assertEqual((two.waiting, two.waiting_bytes), (4, 4 * (10 + 256)))
        (done,) = hub.say(boss, Inspect(4, View.TOPICS))
        assert isinstance(done, Done)
        o, a = Identity("o"), Identity("a.org")
        self.assertEqual(
            done.value,
            (
                TopicFacts(".", "*", (o,), ()),
                TopicFacts(".", "svc", (), (o,)),
                TopicFacts(".", "u", (o,), ()),
                TopicFacts("org", "u", (a,), ()),
            ),
        )

    def test_a_session_without_identity_is_seen_too(self) -> None:
        hub = Hub()
        number = hub.connect()
        (facts,) = hub.broker.look(View.SESSIONS)
        assert isinstance(facts, SessionFacts)
        self.assertEqual((facts.number, facts.state.value, str(facts.identity)), (number, "greeted", "anonymous"))


class SetupTests(Case):
    def test_each_part_is_judged_alone_and_the_rest_is_done(self) -> None:
        hub = Hub()
        hub.change(PrivateTopic(Pattern("t")))
        number, publisher = hub.join("s", active=False), hub.join("p")
        (done,) = hub.say(number, Setup(1, ("t", "svc"), (("t", None), ("u", None), ("bad topic", None))))
        self.assertEqual(done, Done(1, ("t", "t", "bad topic")))
        hub.say(publisher, publish("u"))
        self.assertEqual(len(hub.payloads(number)), 1)
        self.assertEqual(list(hub.broker.membership.peers("s")[0].exposed), ["svc"])

    def test_it_leaves_what_was_said_of_the_past(self) -> None:
        hub = Hub()
        number = hub.join("s", active=False)
        hub.say(number, Subscribe(1, "t", LAST_RECEIVED))
        hub.say(number, Setup(2, (), (("t", None),)))
        (peer,) = hub.broker.membership.peers("s")
        self.assertEqual(peer.subscriptions[Pattern("t")].since, LAST_RECEIVED)


class TenantTests(Case):
    def test_nothing_passes_the_wall(self) -> None:
        hub = Hub()
        names = ["s1.org", "s1.com", "plain"]
        sessions = {name: hub.join(name) for name in names} | {"": hub.connect()}
        for number in sessions.values():
            for topic in ("tt", "**"):
                hub.say(number, Subscribe(1, topic))
        sender = hub.join("p1.org")
        hub.say(sender, publish("tt"))
        counts = {name: len(hub.payloads(number)) for name, number in sessions.items()}
        self.assertEqual(counts, {"s1.org": 2, "s1.com": 0, "plain": 0, "": 0})
        hub.say(hub.connect(), publish("tt"))
        counts = {name: len(hub.payloads(number)) for name, number in sessions.items()}
        self.assertEqual(counts, {"s1.org": 0, "s1.com": 0, "plain": 2, "": 2})

    def test_what_was_not_declared_is_no_tenant(self) -> None:
        hub = Hub(tenants=())
        for name in ("s1.org", "plain"):
            hub.say(hub.join(name), Subscribe(1, "tt"))
        hub.say(hub.join("p1.com"), publish("tt"))
        self.assertEqual([len(hub.payloads(number)) for number in (1, 2)], [1, 1])

    def test_a_tenant_that_is_declared_takes_its_names_to_itself(self) -> None:
        hub = Hub(tenants=(), keys={"a.org", "away.org"})
        a, away, claimed, other = (hub.join(name) for name in ("a.org", "away.org", "c.org", "other"))
        for number in (a, away, claimed, other):
            hub.say(number, Subscribe(1, "tt", LAST_RECEIVED))
        hub.say(away, Lost())
        hub.carry_out(hub.broker.declare(["org"]))
        self.assertEqual(hub.closed, {a: CloseReason.EXPELLED, claimed: CloseReason.EXPELLED})
        self.assertEqual(hub.broker.membership.peers("c.org"), [])
        hub.say(other, publish("tt", "outside"))
        a, away, claimed = hub.join("a.org"), hub.join("away.org"), hub.join("c.org")
        self.assertEqual([hub.payloads(number) for number in (a, away, claimed)], [[], [], []])
        hub.say(hub.join("p.org"), publish("tt", "inside"))
        self.assertEqual([hub.payloads(n) for n in (a, away, claimed, other)], [["inside"], ["inside"], [], []])

    def test_a_tenant_that_is_no_longer_declared_lets_its_names_go(self) -> None:
        hub = Hub(keys={"a.org"})
        hub.say(hub.join("a.org"), Subscribe(1, "tt"))
        hub.carry_out(hub.broker.declare([]))
        self.assertEqual(hub.closed, {1: CloseReason.EXPELLED})
        hub.say(hub.join("plain"), publish("tt"))
        self.assertEqual([p.identity.tenant for p in hub.broker.membership.peers("a.org")], ["."])
        hub.say(hub.join("a.org"), React(2, True))
        hub.say(hub.join("other"), publish("tt", "now"))
        self.assertEqual(hub.payloads(3), ["now"])

    def test_an_empty_tenant_is_forgotten(self) -> None:
        hub = Hub(tenants=[f"tenant{number}" for number in range(50)])
        before = len(hub.broker.membership._tenants)
        for number in range(50):
            session = hub.join(f"a.tenant{number}")
            hub.say(session, Subscribe(1, "t"))
            hub.say(session, Unsubscribe(1, "t"))
            hub.say(session, Lost())
        self.assertLessEqual(len(hub.broker.membership._tenants), before + 1)


class MemoryTests(Case):
    def test_names_that_were_not_proven_and_left_are_remembered_up_to_a_number(self) -> None:
        hub = Hub(Policy(absent=2))
        for name in ("a", "b", "c"):
            session = hub.join(name)
            hub.say(session, Subscribe(1, "t", LAST_RECEIVED))
            hub.say(session, Lost())
        self.assertEqual([len(hub.broker.membership.peers(name)) for name in ("a", "b", "c")], [0, 1, 1])
        again = hub.join("b")
        hub.say(hub.join("p"), publish("t"))
        self.assertEqual(len(hub.payloads(again)), 1)

    def test_all_that_they_want_together_is_remembered_up_to_a_number_too(self) -> None:
        hub = Hub(Policy(absent_topics=4))
        for name in ("a", "b", "c"):
            session = hub.join(name)
            hub.say(session, Subscribe(1, f"{name}/1", LAST_RECEIVED))
            hub.say(session, Expose(2, f"{name}/2"))
            hub.say(session, Lost())
        self.assertEqual([len(hub.broker.membership.peers(name)) for name in ("a", "b", "c")], [0, 1, 1])
        hub.join("b")  # who is there does not count
        session = hub.join("d")
        hub.say(session, Subscribe(1, "d/1", LAST_RECEIVED))
        hub.say(session, Lost())
        self.assertEqual([len(hub.broker.membership.peers(name)) for name in ("b", "c", "d")], [1, 1, 1])

    def test_the_numbers_of_an_unproven_name_are_forgotten_when_it_leaves(self) -> None:
        hub = Hub()
        taker = hub.join("taker")
        hub.say(taker, Subscribe(1, "t"))
        for _ in range(2):
            session = hub.join("a")
            hub.say(session, Subscribe(1, "u"))
            hub.say(session, Publish(7, "t", "x", 1, QoS.AT_LEAST_ONCE))
            hub.say(session, Lost())
        self.assertEqual(len(hub.payloads(taker)), 2)

    def test_a_proven_component_does_not_inherit_from_one_that_claimed_its_name(self) -> None:
        hub = Hub()
        stranger = hub.join("alice")
        hub.say(stranger, Subscribe(1, "t"))
        hub.say(stranger, Disconnect(CloseReason.IDLE))
        hub.keys.add("alice")
        alice = hub.join("alice")
        hub.say(hub.join("p"), publish("t"))
        self.assertEqual(hub.payloads(alice), [])

    def test_what_a_proven_component_wants_is_given_to_the_store(self) -> None:
        hub = Hub(keys={"alice"})
        alice = hub.join("alice")
        pattern = Pattern("t")
        hub.say(alice, Subscribe(1, "t", 60.0))
        hub.say(alice, Subscribe(2, "t"))
        hub.say(alice, Subscribe(3, "t", 90.0))
        hub.say(hub.join("p"), publish("t"))
        hub.say(alice, Lost())
        hub.say(hub.join("alice"), Unsubscribe(4, "t"))
        self.assertEqual(
            hub.remembered,
            [
                Remember("alice", pattern, 60.0),
                Remember("alice", pattern, 90.0),
                Mark("alice", 1),
                Forget("alice", pattern),
            ],
        )
        stranger = hub.join("bob")
        hub.say(stranger, Subscribe(5, "t", 60.0))
        self.assertEqual(len(hub.remembered), 4)

    def test_what_the_store_remembers_holds_after_a_start(self) -> None:
        hub = Hub(keys={"alice"})
        hub.broker.membership.restore("alice", [(Pattern("t"), LAST_RECEIVED)], mark=0)
        hub.say(hub.join("p"), publish("t", "missed"))
        self.assertEqual(hub.payloads(hub.join("alice")), ["missed"])


class ReactTests(Case):
    def test_only_who_reacts_gets_messages(self) -> None:
        hub = Hub()
        subscriber, publisher = hub.join("s", active=False), hub.join("p")
        hub.say(subscriber, Subscribe(1, "t"))
        hub.say(publisher, publish("t", 1))
        self.assertEqual(hub.say(subscriber, React(2, True)), [Done(2)])
        hub.say(publisher, publish("t", 2))
        hub.say(subscriber, React(3, False))
        hub.say(publisher, publish("t", 3))
        hub.say(subscriber, React(4, True))
        self.assertEqual(hub.payloads(subscriber), [2])

    def test_an_acknowledgement_reaches_only_its_publisher(self) -> None:
        hub = Hub()
        a, b = hub.join("a"), hub.join("b")
        self.assertEqual(hub.say(a, Publish(7, "t", "x", 1)), [])
        self.assertNotIn(Acknowledged(7), hub.replies[b])
        self.assertEqual(Identity("a").tenant, Identity(None).tenant)
        self.assertEqual([e for e in hub.deliveries if isinstance(e, Deliver)], [])
