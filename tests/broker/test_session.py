"""Logging in: what each state takes, who gets in under which name, and what ends a session."""

from __future__ import annotations

from datetime import timedelta
from pathlib import Path

from hypothesis import given, settings
from hypothesis import strategies as st

from pkid.broker.changes import AssignRole, Authorize
from pkid.broker.commands import Command, Identify, Prove, Publish, Register, Subscribe, Unregister
from pkid.broker.effects import Authenticate, Close, CloseReason, Effect, Enroll, Event, LookUp, Revoke, Send
from pkid.broker.identity import ANONYMOUS, Identity
from pkid.broker.inputs import Admitted, Challenged, Committed, Denied, Disconnect, Failure, Input, Known, Lost
from pkid.broker.message import Moment
from pkid.broker.policy import Duplicates, Policy
from pkid.broker.replies import Challenge, Done, Draining, Failed, Greet, Reply, Welcome
from pkid.broker.session import Session
from pkid.broker.states import TABLE, State
from pkid.broker.topic import Pattern
from pkid.errors import Reason, Refused
from tests.broker.hub import GOOD, Hub
from tests.support import Case

AUTHENTICATED = Policy(authenticated=True)
NOW = Moment(0.0, 0.0)
SUBSCRIBE = Subscribe(9, "t")


class Seats:
    """Lets everybody in but those whose name is *taken*."""

    def __init__(self, taken: str = "") -> None:
        self.taken = taken

    def take(self, session: Session, moment: Moment) -> list[Effect]:
        if session.identity.component == self.taken:
            raise Refused(Reason.NAME_IN_USE, self.taken)
        return []

    def is_worth_stealing(self, component: str) -> bool:
        return component == "admin"

    def identify(self, component: str, authenticated: bool) -> Identity:
        return Identity(component, authenticated)


def session(policy: Policy | None = None, offered: bool = False, taken: str = "") -> Session:
    return Session(1, b"c" * 32, policy or Policy(), Seats(taken), offered, True)


def replies(effects: list[Effect]) -> list[Reply]:
    return [effect.reply for effect in effects if isinstance(effect, Send)]


class TableTests(Case):
    """The table is all there is."""

    def inputs(self) -> list[Command | Input]:
        return [
            Identify(1, "alice"), Identify(2, "bob"), Prove(3, "alice", GOOD), Prove(4, "bob", GOOD), SUBSCRIBE,
            Register(5, "carol", "key"), Unregister(6), Known(()), Known(("key",)), Challenged("x"), Admitted("alice"),
            Admitted("bob"), Denied(), Committed(7),
        ]  # fmt: skip

    @settings(max_examples=400, deadline=None, database=None, derandomize=True)
    @given(st.lists(st.integers(0, 13), max_size=12), st.booleans(), st.booleans())
    def test_no_order_of_inputs_gives_a_second_identity_or_one_without_proof(
        self, order: list[int], authenticated: bool, offered: bool
    ) -> None:
        made = session(Policy(authenticated=authenticated), offered)
        asked: set[str] = set()
        admitted: set[str] = set()
        fixed: Identity | None = None
        for given_ in (self.inputs()[number] for number in order):
            before = made.state
            effects = made.receive(given_, NOW)
            self.check_transition(before, given_, made.state)
            if before is State.VERIFYING and isinstance(given_, Admitted):
                admitted.add(given_.name)
            asked |= {effect.name for effect in effects if isinstance(effect, Authenticate)}
            if fixed is not None:
                self.assertEqual(made.identity, fixed)
            if made.state is State.OPEN:
                fixed = made.identity
                if fixed.authenticated:
                    self.assertIn(fixed.component, asked & admitted)
                self.assertTrue(fixed.authenticated or not authenticated)

    def check_transition(self, before: State, given_: Command | Input, after: State) -> None:
        line = TABLE.get((before, type(given_)))
        if line is None and isinstance(given_, Command):
            line = TABLE.get((before, Command))
        allowed = {State.CLOSED} | (set(line.leads_to) if line else set())
        if line is None and not isinstance(given_, Command):
            allowed = {before}
        self.assertIn(after, allowed, (before, given_))

    def test_every_state_but_closed_can_be_left(self) -> None:
        self.assertEqual({state for state, _ in TABLE}, set(State) - {State.CLOSED})
        reached = {target for line in TABLE.values() for target in line.leads_to}
        self.assertEqual(reached, set(State) - {State.CLOSED})

    def test_it_is_the_one_in_the_docs(self) -> None:
        page = (Path(__file__).parent.parent.parent / "docs" / "broker.md").read_text()
        for (state, given_), line in TABLE.items():
            name = "any other command" if given_ is Command else given_.__name__
            targets = ", ".join(target.value for target in line.leads_to) or "closed"
            self.assertIn(f"\n| {state.value} | {name} | {targets} |\n", page)
        self.assertEqual(page.count("\n| ") - 2, len(TABLE))

    def test_nothing_comes_of_a_closed_session(self) -> None:
        made = session()
        self.assertEqual(made.close(CloseReason.IDLE), [Close(1, CloseReason.IDLE)])
        self.assertEqual(made.close(CloseReason.IDLE), [])
        for given_ in self.inputs():
            self.assertEqual([e for e in made.receive(given_, NOW) if not isinstance(e, Send)], [], given_)
        self.assertIs(made.state, State.CLOSED)


class LoginTests(Case):
    def test_without_a_name_whatever_is_public(self) -> None:
        made = session()
        made.receive(SUBSCRIBE, NOW)
        self.assertEqual((made.state, made.identity), (State.OPEN, ANONYMOUS))

    def test_a_name_without_credential_gets_in_unproven(self) -> None:
        made = session()
        self.assertEqual(made.receive(Identify(1, "alice"), NOW), [LookUp(1, "alice")])
        self.assertIs(made.state, State.IDENTIFYING)
        told = replies(made.receive(Known(()), NOW))
        self.assertEqual(told, [Welcome(1, Identity("alice"))])
        self.assertIs(made.state, State.OPEN)

    def test_a_name_with_rights_but_no_credential_gets_in_with_a_warning_and_a_line_in_the_trail(self) -> None:
        hub = Hub()
        hub.change(AssignRole("boss", "admin"), Authorize(Pattern("t"), "alice"))
        for name in ("boss", "alice"):
            number = hub.join(name)
            (welcome,) = hub.replies[number]
            assert isinstance(welcome, Welcome)
            self.assertIn("has rights, but no key", welcome.warning)
            self.assertFalse(welcome.identity.authenticated)
            self.assertEqual(hub.audited[-1].detail, welcome.warning)
        self.assertEqual(hub.replies[hub.join("nobody")], [Welcome("login", Identity("nobody"))])

    def test_a_name_with_a_credential_must_be_proved(self) -> None:
        made = session()
        made.receive(Identify(1, "alice"), NOW)
        told = replies(made.receive(Known(("rsa", "scram")), NOW))
        self.assertEqual(told, [Challenge(1, ("rsa", "scram"), b"c" * 32)])
        effects = made.receive(Prove(2, "alice", "p"), NOW)
        self.assertEqual(effects, [Authenticate(1, "alice", "p", b"c" * 32)])
        self.assertEqual(
            replies(made.receive(Admitted("alice", "s"), NOW)), [Welcome(2, Identity("alice", True), "", "s")]
        )

    def test_a_failed_proof_ends_the_session_and_leaves_a_line_in_the_trail(self) -> None:
        hub = Hub(keys={"alice"})
        number = hub.connect()
        hub.say(number, Identify(1, "alice"))
        self.assertEqual(hub.say(number, Prove(2, "alice", "bad")), [Failed(2, Reason.PROOF_FAILED)])
        self.assertIs(hub.closed[number], CloseReason.LOGIN_FAILED)
        (line,) = hub.audited
        self.assertEqual((line.event, line.allowed, str(line.identity)), (Event.OPENED, False, "alice (not proven)"))
        self.assertEqual(hub.say(number, Prove(3, "alice", GOOD)), [])

    def test_a_proof_of_several_steps_is_answered_step_by_step(self) -> None:
        made = session()
        made.receive(Identify(1, "alice"), NOW)
        made.receive(Known(("scram",)), NOW)
        made.receive(Prove(2, "alice", "first"), NOW)
        self.assertEqual(replies(made.receive(Challenged("server-first"), NOW)), [Challenge(2, (), "server-first")])
        effects = made.receive(Prove(3, "alice", "final"), NOW)
        self.assertEqual(effects, [Authenticate(1, "alice", "final", b"c" * 32)])
        self.assertEqual(
            replies(made.receive(Admitted("alice", "v=x"), NOW))[0], Welcome(3, Identity("alice", True), "", "v=x")
        )

    def test_a_proof_of_another_name_than_was_said_is_not_even_looked_at(self) -> None:
        made = session()
        made.receive(Identify(1, "alice"), NOW)
        made.receive(Known(("key",)), NOW)
        effects = made.receive(Prove(2, "bob", GOOD), NOW)
        self.assertEqual(effects, [Send(1, Failed(2, Reason.OUT_OF_ORDER)), Close(1, CloseReason.OUT_OF_ORDER)])

    def test_a_verdict_on_another_name_admits_nobody(self) -> None:
        made = session(offered=True)
        made.receive(Prove(2, "alice", GOOD), NOW)
        self.assertEqual(replies(made.receive(Admitted("bob"), NOW)), [Failed(2, Reason.PROOF_FAILED)])
        self.assertIs(made.state, State.CLOSED)

    def test_an_unasked_proof_needs_an_offered_challenge(self) -> None:
        self.assertIs(session().receive(Prove(1, "alice", "p"), NOW)[-1].__class__, Close)
        made = session(offered=True)
        self.assertEqual(made.receive(Prove(1, "alice", "p"), NOW), [Authenticate(1, "alice", "p", b"c" * 32)])

    def test_names_that_are_none_are_refused(self) -> None:
        for name in ("", "a/b", "..", "a b", "a\n", "x" * 129):
            made = session(offered=True)
            (failed,) = replies(made.receive(Identify(1, name), NOW))
            assert isinstance(failed, Failed)
            self.assertIs(failed.reason, Reason.BAD_NAME)
            self.assertTrue(failed.subject.isprintable())
            self.assertIs(session(offered=True).receive(Prove(1, name, "p"), NOW)[-1].__class__, Close)

    def test_an_answer_that_comes_too_late_is_passed_over(self) -> None:
        made = session()
        made.receive(SUBSCRIBE, NOW)
        for answer in (Known(()), Admitted("admin"), Denied(), Challenged("x")):
            self.assertEqual(made.receive(answer, NOW), [])
        self.assertEqual((made.state, made.identity), (State.OPEN, ANONYMOUS))

    def test_no_secret_is_shown(self) -> None:
        for value in (Prove(1, "a", "hush"), Authenticate(1, "a", "hush", b""), Register(1, "a", "hush"),
                      Enroll(1, 1, "a", "hush", ANONYMOUS), Admitted("a", "hush")):  # fmt: skip
            self.assertNotIn("hush", repr(value))


class AuthenticatedModeTests(Case):
    def test_nobody_is_served_without_proof(self) -> None:
        hub = Hub(AUTHENTICATED, keys={"alice"})
        number = hub.connect(offered=True)
        self.assertEqual(hub.replies[number], [Greet(b"c" * 32)])
        self.assertEqual(hub.say(number, Publish(1, "t", "x", 1)), [Failed(1, Reason.PROOF_NEEDED)])
        self.assertIs(hub.closed[number], CloseReason.PROOF_NEEDED)

    def test_an_unknown_name_gets_a_challenge_all_the_same(self) -> None:
        made = session(AUTHENTICATED, offered=True)
        made.receive(Identify(1, "nobody"), NOW)
        self.assertEqual(replies(made.receive(Known(()), NOW)), [Challenge(1, (), b"c" * 32)])

    def test_a_client_that_says_its_name_first_gets_the_same_challenge_at_once(self) -> None:
        hub = Hub(AUTHENTICATED, keys={"alice"})
        number = hub.connect(offered=True)
        self.assertEqual(hub.say(number, Identify(1, "alice")), [Challenge(1, ("key",), b"c" * 32)])
        self.assertEqual(hub.say(number, Prove(2, "alice", GOOD)), [Welcome(2, Identity("alice", True))])

    def test_one_that_answers_both_challenges_is_let_in_by_the_first_alone(self) -> None:
        made = session(AUTHENTICATED, offered=True)
        made.receive(Prove("unasked", "alice", GOOD), NOW)
        self.assertEqual(made.receive(Identify(1, "alice"), NOW), [])
        self.assertEqual(made.receive(Prove(2, "alice", "not looked at"), NOW), [])
        welcome = Identity("alice", True)
        told = replies(made.receive(Admitted("alice"), NOW))
        self.assertEqual(told, [Welcome(request, welcome) for request in ("unasked", 1, 2)])
        self.assertEqual(replies(made.receive(Prove(3, "alice", "late"), NOW)), [Welcome(3, welcome)])
        self.assertIs(made.receive(Prove(4, "bob", GOOD), NOW)[-1].__class__, Close)

    def test_all_who_wait_hear_of_a_failed_proof(self) -> None:
        made = session(AUTHENTICATED, offered=True)
        made.receive(Prove(1, "alice", "bad"), NOW)
        made.receive(Identify(2, "alice"), NOW)
        self.assertEqual(replies(made.receive(Denied(), NOW)), [Failed(r, Reason.PROOF_FAILED) for r in (1, 2)])

    def test_a_second_proof_does_not_stand_in_for_the_first(self) -> None:
        hub = Hub(AUTHENTICATED, keys={"alice"})
        number = hub.connect(offered=True)
        hub.say(number, Prove(1, "alice", "bad"))
        self.assertIs(hub.closed[number], CloseReason.LOGIN_FAILED)

    def test_silence_ends_after_the_login_time(self) -> None:
        hub = Hub(AUTHENTICATED)
        number = hub.connect(offered=True)
        hub.wait(4.9)
        self.assertEqual(hub.closed, {})
        hub.wait(0.1)
        self.assertIs(hub.closed[number], CloseReason.LOGIN_TIME)


class LoginTimeTests(Case):
    def test_without_need_of_proof_silence_may_last(self) -> None:
        hub = Hub()
        hub.connect()
        hub.wait(3600)
        self.assertEqual(hub.closed, {})

    def test_a_login_that_was_begun_must_end(self) -> None:
        hub = Hub(Policy(login_time=timedelta(seconds=2)), keys={"alice"})
        number = hub.connect()
        hub.say(number, Identify(1, "alice"))
        other = hub.join("bob")
        hub.wait(2)
        self.assertEqual(hub.closed, {number: CloseReason.LOGIN_TIME})
        self.assertNotIn(other, hub.closed)


class DuplicateTests(Case):
    def test_a_name_in_use_is_refused(self) -> None:
        hub = Hub(Policy(duplicates=Duplicates.REFUSE), keys={"alice"})
        first = hub.join("alice")
        second = hub.join("alice")
        self.assertEqual(hub.replies[second][-1], Failed("proof", Reason.NAME_IN_USE, "alice"))
        self.assertEqual(hub.closed, {second: CloseReason.LOGIN_FAILED})
        hub.say(first, Lost())
        third = hub.join("alice")
        self.assertNotIn(third, hub.closed)

    def test_a_proven_name_replaces_the_session_before(self) -> None:
        hub = Hub(keys={"alice"})
        first, second = hub.join("alice"), hub.join("alice")
        self.assertEqual(hub.closed, {first: CloseReason.REPLACED})
        self.assertEqual(hub.replies[second][-1], Welcome("proof", Identity("alice", True)))

    def test_a_claimed_name_replaces_nobody(self) -> None:
        hub = Hub(Policy(duplicates=Duplicates.REPLACE))
        first, second = hub.join("alice"), hub.join("alice")
        self.assertEqual(hub.closed, {second: CloseReason.LOGIN_FAILED})
        self.assertNotIn(first, hub.closed)

    def test_whoever_proves_a_name_comes_before_whoever_claimed_it(self) -> None:
        hub = Hub()
        stranger = hub.join("alice")
        hub.keys.add("alice")
        proven = hub.join("alice")
        self.assertEqual(hub.closed, {stranger: CloseReason.EXPELLED})
        self.assertNotIn(proven, hub.closed)

    def test_replacing_happens_only_after_the_proof(self) -> None:
        hub = Hub(Policy(duplicates=Duplicates.REPLACE), keys={"alice"})
        hub.join("alice")
        attacker = hub.connect()
        hub.say(attacker, Identify(1, "alice"))
        hub.say(attacker, Prove(2, "alice", "bad"))
        self.assertEqual(hub.closed, {attacker: CloseReason.LOGIN_FAILED})


class RegistrationTests(Case):
    def test_a_key_is_registered_before_logging_in_even_where_only_proven_names_are_served(self) -> None:
        for policy in (Policy(), AUTHENTICATED):
            hub = Hub(policy)
            number = hub.connect(offered=True)
            self.assertEqual(hub.say(number, Register(1, "alice", "key"))[-1:], [Done(1)])
            self.assertEqual(hub.say(number, Register(2, "alice", "key")), [Failed(2, Reason.NOT_ALLOWED, "alice")])
            hub.say(number, Identify(3, "alice"))
            self.assertEqual(hub.say(number, Prove(4, "alice", GOOD)), [Welcome(4, Identity("alice", True))])

    def test_guessing_ends_after_a_few_attempts(self) -> None:
        made = session()
        for attempt in range(3):
            self.assertEqual(made.receive(Register(attempt, "a", "k"), NOW), [Enroll(1, attempt, "a", "k", ANONYMOUS)])
        effects = made.receive(Register(3, "a", "k"), NOW)
        self.assertEqual(effects[-1], Close(1, CloseReason.LOGIN_FAILED))
        self.assertFalse(any(isinstance(effect, Enroll) for effect in effects))

    def test_only_what_failed_or_is_under_way_counts(self) -> None:
        made = session()
        for attempt in range(10):
            self.assertEqual(made.receive(Register(attempt, "a", "k"), NOW), [Enroll(1, attempt, "a", "k", ANONYMOUS)])
            self.assertEqual(made.receive(Committed(attempt), NOW), [Send(1, Done(attempt))])
        for attempt in range(3):
            made.receive(Register(attempt, "a", "k"), NOW)
            made.receive(Failure(attempt, Refused(Reason.WRONG_PIN)), NOW)
        self.assertEqual(made.receive(Register(3, "a", "k"), NOW)[-1], Close(1, CloseReason.LOGIN_FAILED))

    def test_a_proven_session_registers_as_often_as_it_likes_and_says_who_asks(self) -> None:
        made = session()
        for step in (Identify(1, "alice"), Known(("key",)), Prove(2, "alice", GOOD), Admitted("alice")):
            made.receive(step, NOW)
        for attempt in range(10):
            self.assertEqual(
                made.receive(Register(attempt, "alice", "k"), NOW),
                [Enroll(1, attempt, "alice", "k", Identity("alice", True))],
            )

    def test_a_session_with_a_name_that_is_not_proven_registers_nothing(self) -> None:
        hub = Hub()
        number = hub.join("alice")
        self.assertEqual(hub.say(number, Register(1, "bob", "k")), [Failed(1, Reason.OUT_OF_ORDER)])
        self.assertNotIn("bob", hub.keys)

    def test_names_are_checked_before_anything_is_asked(self) -> None:
        made = session()
        self.assertEqual([type(e) for e in made.receive(Register(1, "../a", "k"), NOW)], [Send])
        self.assertEqual([type(e) for e in made.receive(Register(1, "", "k"), NOW)], [Send])

    def test_only_its_proven_holder_unregisters_a_name(self) -> None:
        hub = Hub(keys={"alice"})
        stranger, alice = hub.join("bob"), hub.join("alice")
        self.assertEqual(hub.say(stranger, Unregister(1)), [Failed(1, Reason.PROOF_NEEDED)])
        self.assertEqual(hub.say(alice, Unregister(2)), [Done(2)])
        self.assertEqual(hub.keys, set())
        anonymous = session()
        anonymous.receive(SUBSCRIBE, NOW)
        self.assertFalse(any(isinstance(e, Revoke) for e in anonymous.receive(Unregister(1), NOW)))


class EndTests(Case):
    def test_revoking_a_name_ends_all_its_sessions_and_forgets_what_it_wanted(self) -> None:
        hub = Hub(keys={"alice"})
        alice, bob = hub.join("alice"), hub.join("bob")
        hub.say(alice, SUBSCRIBE)
        hub.carry_out(hub.broker.expel("alice"))
        self.assertEqual(hub.closed, {alice: CloseReason.EXPELLED})
        hub.say(hub.join("alice"), Publish(None, "u", 1, 1))
        self.assertEqual([p.subscriptions for p in hub.broker.membership.peers("alice")], [{}])
        self.assertNotIn(bob, hub.closed)

    def test_a_first_key_ends_the_sessions_that_only_claimed_the_name(self) -> None:
        hub = Hub()
        stranger = hub.join("alice")
        hub.carry_out(hub.broker.expel("alice", proven_too=False))
        self.assertEqual(hub.closed, {stranger: CloseReason.EXPELLED})
        hub.keys.add("alice")
        alice = hub.join("alice")
        hub.carry_out(hub.broker.expel("alice", proven_too=False))
        self.assertNotIn(alice, hub.closed)

    def test_a_proof_that_is_being_checked_while_the_name_is_revoked_opens_nothing(self) -> None:
        hub = Hub(keys={"alice"})
        logins: list[list[Command | Input]] = [
            [Identify(1, "alice")],
            [Identify(1, "alice"), Known(("key",)), Prove(2, "alice", GOOD)],
        ]
        for said in logins:
            number, effects = hub.broker.connect(b"c" * 32, hub.now, offered=False)
            hub.replies[number] = []
            for given_ in said:
                effects += hub.broker.receive(number, given_, hub.now)
            hub.carry_out(hub.broker.expel("alice", proven_too=False))
            self.assertIs(hub.closed[number], CloseReason.EXPELLED)
            self.assertEqual(hub.broker.receive(number, Admitted("alice"), hub.now), [])
            self.assertEqual(hub.broker.receive(number, Known(()), hub.now), [])

    def test_the_core_closes_a_session_with_a_reason(self) -> None:
        hub = Hub()
        number = hub.join("alice")
        hub.say(number, Disconnect(CloseReason.IDLE))
        self.assertEqual(hub.closed, {number: CloseReason.IDLE})
        self.assertEqual(hub.say(number, SUBSCRIBE), [])

    def test_draining_tells_open_sessions_and_ends_logins(self) -> None:
        hub = Hub(keys={"alice"})
        silent, bob, proving = hub.connect(), hub.join("bob"), hub.connect()
        hub.say(proving, Identify(1, "alice"))
        hub.carry_out(hub.broker.drain())
        self.assertEqual(hub.replies[silent][-1], Draining())
        self.assertEqual(hub.replies[bob][-1], Draining())
        self.assertEqual(hub.closed, {proving: CloseReason.DRAINING})

    def test_a_lost_connection_is_not_closed_once_more(self) -> None:
        hub = Hub()
        number = hub.join("alice")
        hub.say(number, Lost())
        hub.say(number, Lost())
        self.assertEqual(hub.closed, {})

    def test_a_tenant_is_closed_to_names_that_were_not_proven(self) -> None:
        hub = Hub(Policy(), keys={"b.org"})
        stranger, known, plain = hub.join("a.org"), hub.join("b.org"), hub.join("a")
        self.assertEqual(hub.closed, {stranger: CloseReason.PROOF_NEEDED})
        self.assertEqual(hub.replies[stranger][-1], Failed("login", Reason.PROOF_NEEDED))
        self.assertNotIn(known, hub.closed)
        self.assertNotIn(plain, hub.closed)
        self.assertNotIn(hub.join("c.nowhere"), hub.closed)  # a dot alone makes no tenant
