"""The broker's lines in the audit trail."""

from __future__ import annotations

from pkid.broker.changes import AssignRole, PrivateTopic
from pkid.broker.commands import Administer, Command, Identify, Prove, Register, Subscribe, Unregister
from pkid.broker.topic import Pattern
from tests.audited import audited
from tests.messaging.core import BAD, Core, FakeClient, publish
from tests.support import Case


class TrailTests(Case):
    """One line for each decision."""

    def setUp(self) -> None:
        self.core = Core(keys=["alice", "root"])
        AssignRole("root", "admin").apply(self.core.service.rights)

    def lines(self, client: FakeClient, *commands: Command) -> list[str]:
        """Return the lines that a client's commands make, without what they all begin with."""
        with audited() as trail:
            client.say(*commands)
        return [line.removeprefix("audit ").replace(" peer=192.0.2.1", "") for line in trail.lines]

    def test_a_proven_name(self) -> None:
        with audited() as trail:
            alice = self.core.join("alice")
        line = "audit action=connect result=allowed credential=key:alice peer=192.0.2.1 name=alice door=test"
        self.assertEqual(trail.lines, [f"{line} session={alice.session.number}"])

    def test_a_proof_that_was_not_accepted(self) -> None:
        lines = self.lines(self.core.connect(), Identify(1, "alice"), Prove(2, "alice", BAD))
        self.assertEqual(lines, ["action=connect result=denied credential=- reason=proof-failed name=alice"])

    def test_a_claimed_name_that_is_worth_something(self) -> None:
        self.core.keys.names.clear()
        lines = self.lines(self.core.connect(), Identify(1, "root"))
        self.assertEqual(lines, ["action=connect result=denied credential=- reason=unproven name=root"])

    def test_those_who_want_no_name_that_counts_are_not_worth_a_line(self) -> None:
        self.assertEqual(self.lines(self.core.connect(), Identify(1, "nobody")), [])
        self.assertEqual(self.lines(self.core.connect(), Subscribe(1, "news"), publish("news")), [])

    def test_a_change_of_the_rights(self) -> None:
        (line,) = self.lines(self.core.join("root"), Administer(1, PrivateTopic(Pattern("news"))))
        self.assertTrue(line.startswith("action=rights result=allowed credential=key:root name=root change="), line)
        self.assertIn('change="private-topic news"', line)
        self.assertIn("news", line)

    def test_what_was_forbidden(self) -> None:
        PrivateTopic(Pattern("news")).apply(self.core.service.rights)
        alice = self.core.join("alice")
        lines = self.lines(alice, Subscribe(1, "news"), Administer(2, PrivateTopic(Pattern("other"))))
        head = "action=broker result=denied credential=key:alice reason=forbidden name=alice asked="
        self.assertEqual(lines[0], f'{head}"subscribe news"')
        self.assertTrue(lines[1].startswith(f'{head}"administer '), lines[1])

    def test_a_flood_of_what_is_forbidden_fills_no_log(self) -> None:
        PrivateTopic(Pattern("news")).apply(self.core.service.rights)
        alice = self.core.join("alice")
        self.assertLessEqual(len(self.lines(alice, *(Subscribe(n, "news") for n in range(1000)))), 5)

    def test_keys_that_come_and_go(self) -> None:
        lines = self.lines(self.core.connect(), Register(1, "bob", "key"), Register(2, "alice", "key"))
        self.assertEqual(lines[0], "action=register result=allowed credential=- name=bob")
        self.assertEqual(lines[1], "action=register result=denied credential=- reason=not-allowed name=alice")
        lines = self.lines(self.core.join("alice"), Unregister(3))
        self.assertEqual(lines, ["action=unregister result=allowed credential=key:alice name=alice"])
