"""What ends sessions: revocation, operators, limits, and the end of the core."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta

from pkid.broker.changes import AddRule, AssignRole, Authorize, Change, PrivateTopic
from pkid.broker.commands import (
    LAST_RECEIVED,
    Identify,
    Subscribe,
    View,
)
from pkid.broker.effects import CloseReason
from pkid.broker.overview import SessionFacts
from pkid.broker.policy import Policy
from pkid.broker.replies import Draining
from pkid.broker.rules import ALL_VERBS, Access, Rule, Subject
from pkid.broker.topic import Pattern
from pkid.errors import Reason, Unavailable
from pkid.messaging.memory import MemoryBrokerStore
from pkid.messaging.occupancy import Places
from pkid.messaging.terms import Terms
from tests.messaging.core import WALL, Core, publish
from tests.support import Case

RETAINED = Terms(Policy(retained=(Pattern("kept/**"),)))


class EndTests(Case):
    """What ends sessions."""

    def test_a_component_can_be_kicked_and_comes_back(self) -> None:
        core = Core(keys=["alice"])
        alice, other = core.join("alice"), core.join()
        self.assertEqual((core.service.kick("alice"), core.service.kick("nobody")), (1, 0))
        self.assertEqual((alice.closed, other.closed), (CloseReason.KICKED, None))
        self.assertEqual(core.service.kick(other.session.number), 1)
        self.assertIs(other.closed, CloseReason.KICKED)
        self.assertIsNone(core.join("alice").closed)

    def test_a_revoked_name_has_no_session_and_wants_nothing_any_more(self) -> None:
        store = MemoryBrokerStore()
        core = Core(RETAINED, keys=["alice"], store=store)
        alice = core.join("alice")
        alice.say(Subscribe(1, "kept/1", LAST_RECEIVED))
        core.service.expel("alice")
        self.assertIs(alice.closed, CloseReason.EXPELLED)
        core.join().say(publish("kept/1"))
        self.assertEqual(core.join("alice").deliveries, [])
        self.assertEqual(store.begin(lambda *_: None).absentees, ())

    def test_a_login_under_way_ends_when_its_name_is_revoked(self) -> None:
        core = Core(keys=["alice"])
        client = core.connect()
        client.say(Identify(1, "alice"))
        core.service.expel("alice")
        self.assertIs(client.closed, CloseReason.EXPELLED)

    def test_a_revoked_credential_ends_the_sessions_that_it_opened(self) -> None:
        core = Core(keys=["alice", "bob"])
        alice, bob = core.join("alice"), core.join("bob")
        self.assertEqual(core.service.revoke("key:alice"), 1)
        self.assertEqual((alice.closed, bob.closed), (CloseReason.EXPELLED, None))

    def test_a_revoked_credential_ends_the_sessions_of_what_was_got_by_it(self) -> None:
        core = Core(keys=["alice", "bob"])
        core.keys.origin = "psk:old"
        alice = core.join("alice")
        core.join()
        core.keys.origin = "psk:new"
        bob = core.join("bob")
        self.assertEqual(core.service.revoke("psk:old"), 1)
        self.assertEqual((alice.closed, bob.closed), (CloseReason.EXPELLED, None))
        self.assertEqual(core.service.revoke(""), 0)

    def test_a_credential_that_allows_fewer_names_ends_the_sessions_under_the_others(self) -> None:
        core = Core(keys=["alice", "bob", "carol"])
        core.keys.origin = "psk:fleet"
        alice, bob = core.join("alice"), core.join("bob")
        core.keys.origin = "psk:other"
        carol = core.join("carol")
        self.assertEqual(core.service.narrow("psk:fleet", lambda name: name == "bob"), 1)
        self.assertEqual((alice.closed, bob.closed, carol.closed), (CloseReason.EXPELLED, None, None))

    def test_sessions_of_certificates_that_are_recognised_no_more_end_and_others_stay(self) -> None:
        core = Core(keys=["alice", "bob", "carol"])
        clients = {name: core.join(name, certificate=name.encode()) for name in ("alice", "bob")}
        carol = core.join("carol")
        done = core.service.distrust(lambda certificate: certificate == b"bob")
        core.wait(1)
        self.assertEqual(self.successResultOf(done), 1)
        self.assertEqual((clients["alice"].closed, clients["bob"].closed), (CloseReason.EXPELLED, None))
        self.assertIsNone(carol.closed)

    def test_who_may_not_have_a_name_that_gets_rights_must_leave_and_who_is_meant_stays(self) -> None:
        gifts: list[Change] = [
            Authorize(Pattern("t"), "alice"),
            AssignRole("alice", "admin"),
            AddRule(Rule(Access.GRANT, ALL_VERBS, Pattern("t"), Subject("alice"))),
        ]
        for gift in gifts:
            for origin, ends in (("psk:fleet", True), ("psk:alice", False), ("", False)):
                core = Core(keys=["alice", "bob"])
                core.keys.origin = origin
                alice, bob = core.join("alice"), core.join("bob")
                self.successResultOf(core.service.change(gift, "somebody"))
                self.assertIs(alice.closed, CloseReason.EXPELLED if ends else None, (gift, origin))
                self.assertIsNone(bob.closed)

    def test_rights_that_somebody_else_keeps_reserve_a_name_likewise(self) -> None:
        core = Core(keys=["alice"])
        core.keys.origin = "psk:fleet"
        alice = core.join("alice")
        core.service.follow([Authorize(Pattern("t"), "bob"), PrivateTopic(Pattern("t"))])
        self.assertIsNone(alice.closed)
        core.service.follow([Authorize(Pattern("t"), "alice")])
        self.assertIs(alice.closed, CloseReason.EXPELLED)

    def test_a_name_that_gets_a_key_is_proven_anew(self) -> None:
        core = Core(keys=["alice"])
        core.keys.origin = "psk:fleet"
        alice = core.join("alice")
        core.service.reserve("alice")
        self.assertIs(alice.closed, CloseReason.EXPELLED)

    def test_credentials_that_are_out_of_service_are_found_within_a_minute_or_when_asked(self) -> None:
        core = Core(keys=["alice", "bob"])
        alice, bob = core.join("alice"), core.join("bob")
        core.out_of_service.add("key:alice")
        core.service.review()
        self.assertEqual((alice.closed, bob.closed), (CloseReason.EXPELLED, None))
        core.out_of_service.add("key:bob")
        core.wait(61)
        self.assertIs(bob.closed, CloseReason.EXPELLED)

    def test_a_session_ends_with_what_proved_its_name(self) -> None:
        core = Core(keys=["alice"])
        core.keys.expires = datetime.fromtimestamp(WALL, UTC) + timedelta(seconds=30)
        alice = core.join("alice")
        core.wait(29)
        self.assertIsNone(alice.closed)
        core.wait(2)
        self.assertIs(alice.closed, CloseReason.EXPELLED)

    def test_ends_of_sessions_that_are_over_are_not_kept_for_ever(self) -> None:
        core = Core(keys=["alice"])
        core.keys.expires = datetime.fromtimestamp(WALL, UTC) + timedelta(days=365)
        for _ in range(1100):
            core.join("alice").session.lost()
        stays = core.join("alice")
        self.assertLess(len(core.service._standing._ends), 1010)
        core.keys.expires = datetime.fromtimestamp(WALL, UTC) + timedelta(seconds=5)
        for _ in range(1100):
            core.keys.names.add("bob")
            core.join("bob").session.lost()
        self.assertIn(stays.session.number, {number for _, number in core.service._standing._ends})

    def test_too_many_connections_are_turned_away_until_one_leaves(self) -> None:
        core = Core(Terms(places=Places(total=2)))
        first, _second = core.connect(), core.connect("192.0.2.2")
        self.assertIs(self.assertRaises(Unavailable, core.connect, "192.0.2.3").reason, Reason.BUSY)
        first.session.lost()
        first.session.lost()
        core.connect()
        self.assertRaises(Unavailable, core.connect)

    def test_who_proved_a_name_leaves_its_place_among_the_strangers(self) -> None:
        core = Core(Terms(places=Places(unproven_per_address=1)), keys=["alice"])
        core.join("alice")
        core.connect()
        self.assertRaises(Unavailable, core.connect)

    def test_the_overview_shows_all_sessions(self) -> None:
        core = Core(keys=["alice"])
        core.join("alice"), core.connect()
        found = core.service.look(View.SESSIONS)
        self.assertEqual(
            [facts.identity.component for facts in found if isinstance(facts, SessionFacts)], ["alice", None]
        )


class StopTests(Case):
    """The core stops."""

    def test_nobody_is_waited_for_when_nobody_is_there(self) -> None:
        core = Core()
        self.successResultOf(core.service.stopService())
        self.assertEqual(core.clock.getDelayedCalls(), [])

    def test_clients_are_told_and_may_leave(self) -> None:
        core = Core()
        client = core.join()
        client.say(Subscribe(1, "news"))
        stopped = core.service.stopService()
        self.assertEqual(client.replies[-1], Draining())
        self.assertNoResult(stopped)
        self.assertIs(self.assertRaises(Unavailable, core.connect).reason, Reason.STOPPING)
        client.session.lost()
        self.successResultOf(stopped)
        self.assertEqual(core.clock.getDelayedCalls(), [])

    def test_who_stays_is_closed_and_not_waited_for_for_ever(self) -> None:
        core = Core()
        client = core.join()
        stopped = core.service.stopService()
        core.clock.advance(3)
        self.assertIs(client.closed, CloseReason.DRAINING)
        self.assertNoResult(stopped)
        core.clock.advance(1)
        self.successResultOf(stopped)
        self.assertEqual(core.clock.getDelayedCalls(), [])
        client.session.lost()

    def test_regular_work_goes_on_though_it_failed_once(self) -> None:
        core = Core()
        calls: list[int] = []

        def broken() -> None:
            calls.append(1)
            raise RuntimeError("broken")

        self.patch(core.service._engine, "tick", broken)
        core.wait(1)
        self.assertEqual(len(calls), 4)
        self.assertEqual(len(self.flushLoggedErrors(RuntimeError)), 4)
