"""Rights: who may do what, which rule says so, and what a change changes."""

from __future__ import annotations

import gc

from hypothesis import given, settings
from hypothesis import strategies as st

from pkid.broker import rights as rights_module
from pkid.broker.changes import (
    AddRule,
    AssignRole,
    Authorize,
    Change,
    PrivateTopic,
    PublicTopic,
    RemoveRule,
    Unauthorize,
    WithdrawRole,
    changes_to,
)
from pkid.broker.identity import ANONYMOUS, Identity, Tenants
from pkid.broker.rights import Rights
from pkid.broker.rules import ALL_VERBS, Access, Basis, Decision, Rule, Subject, Verb
from pkid.broker.topic import Pattern, read_topic
from pkid.errors import Reason, Refused
from tests.support import Case

PROPERTY = settings(max_examples=150, deadline=None, database=None, derandomize=True)
ALICE, BOB = Identity("alice", True), Identity("bob", True)
CLAIMED = Identity("alice")


def rule(access: Access, topic: str, subject: str, *verbs: Verb) -> Rule:
    return Rule(access, frozenset(verbs) or ALL_VERBS, Pattern(topic), Subject(subject))


def rights(*changes: Change, private_by_default: bool = False) -> Rights:
    made = Rights(private_by_default)
    for change in changes:
        change.apply(made)
    return made


GRANT, DENY = Access.GRANT, Access.DENY


class DecisionTests(Case):
    def decide(self, made: Rights, identity: Identity, topic: str, verb: Verb = Verb.SUBSCRIBE) -> Basis:
        decision = made.explain(identity, verb, read_topic(topic))
        self.assertIs(decision.allowed, decision.basis in {Basis.PUBLIC, Basis.GRANTED})
        self.assertIs(decision.allowed, made.allows(identity, verb, read_topic(topic)))
        return decision.basis

    def test_a_topic_is_public_until_it_is_made_private(self) -> None:
        made = rights()
        self.assertIs(self.decide(made, ANONYMOUS, "t"), Basis.PUBLIC)
        PrivateTopic(Pattern("t")).apply(made)
        for identity in (ANONYMOUS, ALICE, CLAIMED):
            self.assertIs(self.decide(made, identity, "t"), Basis.PRIVATE)
        self.assertIs(self.decide(made, ANONYMOUS, "other"), Basis.PUBLIC)

    def test_private_can_be_the_default(self) -> None:
        made = rights(PublicTopic(Pattern("news/**")), private_by_default=True)
        self.assertIs(self.decide(made, ANONYMOUS, "t"), Basis.PRIVATE)
        self.assertIs(self.decide(made, ANONYMOUS, "news/today"), Basis.PUBLIC)

    def test_what_is_said_of_a_topic_by_name_counts_before_patterns_and_private_before_public(self) -> None:
        made = rights(PrivateTopic(Pattern("house/**")), PublicTopic(Pattern("house/door")))
        self.assertFalse(made.is_private(("house", "door")))
        self.assertTrue(made.is_private(("house", "safe")))
        PublicTopic(Pattern("**")).apply(made)
        self.assertTrue(made.is_private(("house", "safe")))

    def test_an_at_sign_hides_a_topic_from_no_rule(self) -> None:
        made = rights(PrivateTopic(Pattern("house/**")))
        self.assertIs(self.decide(made, ANONYMOUS, "house/@x"), Basis.PRIVATE)
        made = rights(AddRule(rule(DENY, "house/*", "alice")))
        self.assertIs(self.decide(made, ALICE, "house/@x"), Basis.DENIED)

    def test_only_a_proven_name_has_rights(self) -> None:
        made = rights(Authorize(Pattern("t"), "alice"))
        self.assertIs(self.decide(made, ALICE, "t"), Basis.GRANTED)
        self.assertIs(self.decide(made, CLAIMED, "t"), Basis.UNPROVEN)
        self.assertIs(self.decide(made, BOB, "t"), Basis.PRIVATE)
        everybody = rights(PrivateTopic(Pattern("t")), AddRule(rule(GRANT, "t", "*")))
        self.assertIs(self.decide(everybody, BOB, "t"), Basis.GRANTED)
        self.assertIs(self.decide(everybody, ANONYMOUS, "t"), Basis.PRIVATE)

    def test_what_was_decided_for_a_proven_name_does_not_hold_for_a_claimed_one(self) -> None:
        made = Rights()
        Authorize(Pattern("t"), "alice").apply(made)
        asked = [Identity("alice", True), Identity("alice"), ANONYMOUS, Identity("alice", True), Identity("alice")]
        allowed = [made.allows(identity, Verb.PUBLISH, ("t",)) for identity in asked]
        self.assertEqual(allowed, [True, False, False, True, False])

    def test_verbs_are_granted_one_by_one(self) -> None:
        made = rights(PrivateTopic(Pattern("t")), AddRule(rule(GRANT, "t", "alice", Verb.PUBLISH, Verb.RPC)))
        allowed = {verb for verb in Verb if made.allows(ALICE, verb, ("t",))}
        self.assertEqual(allowed, {Verb.PUBLISH, Verb.RPC})

    def test_a_denial_wins_whatever_its_shape(self) -> None:
        for topic, subject in (("a/b", "alice"), ("a/*", "alice"), ("**", "al*"), ("a/**", "role:staff"), ("*/b", "*")):
            made = rights(
                Authorize(Pattern("a/b"), "alice"),
                AssignRole("alice", "staff"),
                AddRule(rule(GRANT, "a/b", "role:staff")),
                AddRule(rule(DENY, topic, subject)),
            )
            self.assertIs(self.decide(made, ALICE, "a/b"), Basis.DENIED, (topic, subject))

    def test_a_denial_holds_on_public_topics_and_for_claimed_names(self) -> None:
        made = rights(AddRule(rule(DENY, "t", "alice", Verb.PUBLISH)))
        self.assertIs(self.decide(made, CLAIMED, "t", Verb.PUBLISH), Basis.DENIED)
        self.assertIs(self.decide(made, CLAIMED, "t"), Basis.PUBLIC)
        made = rights(AddRule(rule(DENY, "t", "*")))
        self.assertIs(self.decide(made, ANONYMOUS, "t"), Basis.DENIED)

    def test_subjects_are_names_patterns_and_roles(self) -> None:
        self.assertTrue(Subject("web-*").covers("web-1", ()))
        self.assertFalse(Subject("web-*").covers("db-1", ()))
        self.assertTrue(Subject("role:ops").covers("x", {"ops"}))
        self.assertFalse(Subject("role:ops").covers("ops", ()))
        self.assertFalse(Subject("ops").covers(None, {"ops"}))
        for text in ("", "a b", "role:", "role:o*", "a/b", "x:y", "role:a:b"):
            with self.assertRaises(Refused, msg=text) as caught:
                Subject(text)
            self.assertIs(caught.exception.reason, Reason.BAD_SUBJECT)

    def test_explains_by_the_rule_that_decides_the_one_for_the_topic_itself_first(self) -> None:
        made = rights(AddRule(rule(GRANT, "a/**", "alice")), Authorize(Pattern("a/b"), "alice"))
        decision = made.explain(ALICE, Verb.PUBLISH, ("a", "b"))
        self.assertEqual(str(decision), "yes: a rule grants it (grant publish,subscribe,expose,rpc a/b alice)")
        self.assertEqual(
            str(made.explain(BOB, Verb.RPC, ("a", "b"))), "no: the topic is private, and no rule grants it"
        )

    def test_tells_every_rule_about_a_topic_the_one_for_the_topic_itself_first(self) -> None:
        wide, other, own = rule(GRANT, "a/**", "ann"), rule(DENY, "c", "*"), rule(DENY, "a/b", "web-*")
        made = rights(AddRule(wide), AddRule(other), AddRule(own))
        self.assertEqual(made.on(("a", "b")).rules, [own, wide])
        AddRule(rule(GRANT, "a/b", "zed")).apply(made)
        self.assertEqual(len(made.on(("a", "b")).rules), 3)

    def test_a_pattern_is_judged_as_if_it_were_a_topic(self) -> None:
        made = rights(PrivateTopic(Pattern("house/**")), PrivateTopic(Pattern("a/secret")))
        self.assertFalse(made.allows(ALICE, Verb.SUBSCRIBE, Pattern("house/*").segments))
        self.assertTrue(made.allows(ALICE, Verb.SUBSCRIBE, Pattern("a/*").segments))


class AdminTests(Case):
    def test_an_admin_is_who_has_the_role_and_proved_its_name(self) -> None:
        made = rights(AssignRole("alice", "admin"))
        self.assertTrue(made.is_admin(ALICE))
        self.assertFalse(made.is_admin(CLAIMED))
        self.assertFalse(made.is_admin(BOB))
        self.assertFalse(made.is_admin(ANONYMOUS))
        WithdrawRole("alice", "admin").apply(made)
        self.assertFalse(made.is_admin(ALICE))

    def test_an_admin_has_no_right_on_private_topics_by_that(self) -> None:
        made = rights(AssignRole("alice", "admin"), PrivateTopic(Pattern("t")))
        self.assertFalse(made.allows(ALICE, Verb.SUBSCRIBE, ("t",)))

    def test_names_with_rights_are_known(self) -> None:
        made = rights(AssignRole("alice", "admin"), Authorize(Pattern("t"), "bob"), AddRule(rule(DENY, "t", "carol")))
        self.assertEqual([made.names(n) for n in ("alice", "bob", "carol", "dave")], [True, True, False, False])

    def test_a_name_is_known_until_nothing_is_granted_to_it_any_more(self) -> None:
        bob = rule(GRANT, "t", "bob")
        made = rights(AddRule(bob), AddRule(bob), AddRule(rule(GRANT, "u", "bob")))
        for removed, known in ((bob, True), (bob, True), (rule(GRANT, "u", "bob"), False)):
            RemoveRule(removed).apply(made)
            self.assertEqual(made.names("bob"), known)


class ChangeTests(Case):
    def test_public_topic_forgets_what_was_granted_and_not_what_is_denied(self) -> None:
        made = rights(Authorize(Pattern("t"), "alice"), AddRule(rule(DENY, "t", "bob")), PublicTopic(Pattern("t")))
        self.assertTrue(made.allows(ANONYMOUS, Verb.SUBSCRIBE, ("t",)))
        self.assertFalse(made.allows(BOB, Verb.SUBSCRIBE, ("t",)))
        PrivateTopic(Pattern("t")).apply(made)
        self.assertFalse(made.allows(ALICE, Verb.SUBSCRIBE, ("t",)))

    def test_unauthorize_takes_back_what_was_granted_by_name(self) -> None:
        made = rights(
            Authorize(Pattern("t"), "alice"), Authorize(Pattern("t"), "bob"), Unauthorize(Pattern("t"), "bob")
        )
        self.assertTrue(made.allows(ALICE, Verb.SUBSCRIBE, ("t",)))
        self.assertFalse(made.allows(BOB, Verb.SUBSCRIBE, ("t",)))
        self.assertTrue(made.is_private(("t",)))

    def test_a_rule_holds_until_it_is_removed(self) -> None:
        denial = rule(DENY, "t", "alice")
        made = rights(AddRule(denial))
        self.assertFalse(made.allows(ALICE, Verb.RPC, ("t",)))
        RemoveRule(denial).apply(made)
        self.assertTrue(made.allows(ALICE, Verb.RPC, ("t",)))

    def test_names_are_checked_before_they_are_kept(self) -> None:
        for make in (
            lambda: Authorize(Pattern("t"), ""),
            lambda: Authorize(Pattern("t"), "*"),
            lambda: Unauthorize(Pattern("t"), "a b"),
            lambda: AssignRole("a/b", "admin"),
            lambda: AssignRole("a", "role:x"),
        ):
            with self.assertRaises(Refused) as caught:
                make()
            self.assertIs(caught.exception.reason, Reason.BAD_NAME)

    def test_every_change_is_a_new_version(self) -> None:
        made = Rights()
        for change in (
            PrivateTopic(Pattern("t")), Authorize(Pattern("t"), "a"), Unauthorize(Pattern("t"), "a"),
            PublicTopic(Pattern("t")), AddRule(rule(DENY, "t", "a")), RemoveRule(rule(DENY, "t", "a")),
            AssignRole("a", "r"), WithdrawRole("a", "r"),
        ):  # fmt: skip
            before = made.version
            change.apply(made)
            self.assertGreater(made.version, before, change)

    @PROPERTY
    @given(
        st.lists(
            st.one_of(
                st.builds(PrivateTopic, st.sampled_from([Pattern("a"), Pattern("a/*"), Pattern("**")])),
                st.builds(PublicTopic, st.sampled_from([Pattern("a"), Pattern("a/*")])),
                st.builds(Authorize, st.sampled_from([Pattern("a"), Pattern("a/b")]), st.sampled_from(["x", "y"])),
                st.builds(Unauthorize, st.just(Pattern("a")), st.sampled_from(["x", "y"])),
                st.builds(AssignRole, st.sampled_from(["x", "y"]), st.sampled_from(["admin", "ops"])),
                st.builds(WithdrawRole, st.sampled_from(["x", "y"]), st.just("ops")),
                st.builds(
                    AddRule,
                    st.builds(rule, st.sampled_from(Access), st.just("a/**"), st.sampled_from(["x", "role:ops"])),
                ),
            ),
            max_size=12,
        ),
        st.booleans(),
    )
    def test_what_a_store_keeps_of_rights_decides_the_same(self, changes: list[Change], private: bool) -> None:
        made = rights(*changes, private_by_default=private)
        again = rights(*changes_to(made), private_by_default=private)
        for component in ("x", "y", "z"):
            identity = Identity(component, True)
            self.assertIs(made.is_admin(identity), again.is_admin(identity))
            for topic in (("a",), ("a", "b"), ("c",)):
                for verb in Verb:
                    self.assertIs(made.allows(identity, verb, topic), again.allows(identity, verb, topic))


class IdentityTests(Case):
    def test_a_tenant_is_what_stands_behind_the_first_dot_if_it_was_declared(self) -> None:
        tenants = Tenants(["org", "b.c"])
        for name, tenant in (
            ("a", "."), ("a.org", "org"), ("a.b.c", "b.c"), ("a.", "."), (None, "."), ("a.com", "."), ("a.b.org", "."),
            ("org", "."), ("a.c", "."), (".org", "org"), ("a.ORG", "."),
        ):  # fmt: skip
            self.assertEqual(tenants.of(name), tenant)
            self.assertEqual(tenants.identify(name, True).tenant, tenant)
        tenants.declare(["com"])
        self.assertEqual((tenants.of("a.org"), tenants.of("a.com")), (".", "com"))

    def test_reads_as_what_it_is(self) -> None:
        self.assertEqual([str(i) for i in (ANONYMOUS, ALICE, CLAIMED)], ["anonymous", "alice", "alice (not proven)"])


class MemoryTests(Case):
    def test_what_is_remembered_has_one_bound_however_many_topics_and_names_there_are(self) -> None:
        self.patch(rights_module, "_MOST_DECISIONS", 100)
        made = rights(AddRule(rule(Access.DENY, "**", "*")))
        for topic in range(50):
            for name in range(50):
                self.assertFalse(made.allows(Identity(f"n{name}"), Verb.RPC, (f"t{topic}",)))
        self.assertLess(sum(type(each) is Decision for each in gc.get_objects()), 200)
