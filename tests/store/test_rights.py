"""Stored rights are those in memory, whatever is changed, and the trail tells of each change."""

from __future__ import annotations

from datetime import UTC, datetime
from pathlib import Path

from hypothesis import given, settings
from hypothesis import strategies as st
from sqlalchemy import Connection, create_engine, insert, select

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
from pkid.broker.rights import Rights
from pkid.broker.rules import Access, Rule, Subject, Verb
from pkid.broker.topic import Pattern
from pkid.store.rights import SQLRights, commit_change, load_rights
from pkid.store.schema import changes, metadata, rules
from tests.store.entries import NOON, sqlite_store
from tests.support import Case

PROPERTY = settings(max_examples=60, deadline=None, database=None, derandomize=True)

topics = st.sampled_from([Pattern(text) for text in ("a", "a/b", "a/*", "**", "ü/\N{SNOWMAN}")])
names = st.sampled_from(["alice", "bob", "Alice"])
subjects = st.sampled_from([Subject(text) for text in ("alice", "bob", "web-*", "role:staff", "*")])
a_rule = st.builds(
    Rule, st.sampled_from(Access), st.sets(st.sampled_from(Verb)).map(lambda verbs: frozenset(verbs)), topics, subjects
)
a_change: st.SearchStrategy[Change] = st.one_of(
    st.builds(PrivateTopic, topics),
    st.builds(PublicTopic, topics),
    st.builds(Authorize, topics, names),
    st.builds(Unauthorize, topics, names),
    st.builds(AddRule, a_rule),
    st.builds(RemoveRule, a_rule),
    st.builds(AssignRole, names, st.sampled_from(["admin", "staff"])),
    st.builds(WithdrawRole, names, st.sampled_from(["admin", "staff"])),
)


def trail(connection: Connection) -> list[tuple[datetime, str, str]]:
    found = select(changes.c.made_at, changes.c.made_by, changes.c.change).order_by(changes.c.number)
    return [(row.made_at, row.made_by, row.change) for row in connection.execute(found)]


class StoredRightsTests(Case):
    def setUp(self) -> None:
        self.engine = create_engine("sqlite://")
        self.addCleanup(self.engine.dispose)
        metadata.create_all(self.engine)

    @PROPERTY
    @given(st.lists(a_change, max_size=30))
    def test_the_same_changes_make_the_same_rights(self, made: list[Change]) -> None:
        wanted, loaded = Rights(), Rights()
        with self.engine.connect() as connection, connection.begin() as transaction:
            for change in made:
                change.apply(wanted)
                commit_change(connection, change, "admin", NOON)
            for change in load_rights(connection):
                change.apply(loaded)
            told = trail(connection)
            transaction.rollback()
        self.assertEqual(set(changes_to(loaded)), set(changes_to(wanted)))
        self.assertEqual(told, [(NOON, "admin", str(change)) for change in made])

    def test_every_change_is_told_in_one_line(self) -> None:
        rule = Rule(Access.DENY, frozenset({Verb.RPC, Verb.PUBLISH}), Pattern("a/*"), Subject("web-*"))
        told = {
            PrivateTopic(Pattern("t")): "private-topic t",
            PublicTopic(Pattern("t")): "public-topic t",
            Authorize(Pattern("t"), "alice"): "authorize t alice",
            Unauthorize(Pattern("t"), "alice"): "unauthorize t alice",
            AddRule(rule): "add-rule deny publish,rpc a/* web-*",
            RemoveRule(rule): "remove-rule deny publish,rpc a/* web-*",
            AssignRole("alice", "admin"): "assign-role alice admin",
            WithdrawRole("alice", "admin"): "withdraw-role alice admin",
        }
        self.assertEqual({change: str(change) for change in told}, told)


class LedgerTests(Case):
    def test_a_change_is_there_after_a_restart(self) -> None:
        path, change = Path(self.mktemp()), Authorize(Pattern("t"), "alice")
        store = sqlite_store(path)
        at = datetime(2031, 1, 1, tzinfo=UTC)
        self.successResultOf(store.write(lambda connection: commit_change(connection, change, "root", at)))
        self.successResultOf(store.close())
        again = sqlite_store(path)
        self.addCleanup(again.close)
        found, told = again.write_now(lambda connection: (load_rights(connection), trail(connection)))
        wanted = Rights()
        change.apply(wanted)
        self.assertEqual(set(found), set(changes_to(wanted)))
        self.assertEqual(told, [(at, "root", "authorize t alice")])

    def test_a_change_that_fails_is_not_there_in_part(self) -> None:
        store = sqlite_store(Path(self.mktemp()))
        self.addCleanup(store.close)

        def work(connection: Connection) -> None:
            commit_change(connection, Authorize(Pattern("t"), "alice"), "root", NOON)
            raise ZeroDivisionError

        self.failureResultOf(store.write(work), ZeroDivisionError)
        self.assertEqual(store.write_now(lambda connection: (load_rights(connection), trail(connection))), ((), []))

    def test_what_is_no_right_is_not_passed_over(self) -> None:
        store = sqlite_store(Path(self.mktemp()))
        self.addCleanup(store.close)
        row = {"topic": "t", "subject": "alice", "access": "deny", "verbs": "fly"}
        store.write_now(lambda connection: connection.execute(insert(rules).values(row)))
        with self.assertRaises(ValueError):
            store.write_now(lambda connection: list(SQLRights(connection).rules()))
