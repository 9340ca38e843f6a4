"""Every command of a core asks for a right, and those of the broker for the one that goes with what they do."""

from __future__ import annotations

from pkid.auth.component_keyring import SharedSecret, StoredCredential
from pkid.auth.credentials import Right
from pkid.commands.command import Command
from tests.audited import audited
from tests.commands.broker.case import ADMIN, NOBODY, READER
from tests.commands.broker.test_keys import KeyCase

LOOKING = {"sessions", "topics", "rights", "who-can", "explain", "keys list", "tenant list"}
"""What a reader may do; everything else of the broker is for admins."""

WORDS = {
    "topic": "my_topic", "component": "alice", "verbs": "all", "verb": "publish", "who": "alice", "role": "admin",
    "key": "mine", "tenant": "acme",
}  # fmt: skip
"""What is typed for each argument that a command needs."""


class CheckTests(KeyCase):
    def typed(self, command: Command) -> str:
        given = [WORDS[argument.name] for argument in command.arguments if argument.required]
        return " ".join([command.name, *given, *(["--secret"] if command.name == "broker keys add" else [])])

    def test_what_only_looks_is_for_readers_and_the_rest_for_admins(self) -> None:
        for command in self.commands:
            name = command.name.removeprefix("broker ")
            self.assertNotEqual(name, command.name, "it is in the broker's group")
            self.assertIs(command.right, Right.READ if name in LOOKING else Right.ADMIN, name)

    def test_nothing_is_done_for_who_has_not_the_right(self) -> None:
        self.core.join("alice")
        for command in self.commands:
            for member in (NOBODY, READER):
                if command.right not in member.rights:
                    for name in filter(None, (command.name, command.also)):
                        typed = self.typed(command).replace(command.name, name, 1)
                        self.assertEqual(self.refused(typed, member), f"missing permission: {command.right.value}")
        self.assertEqual(self.run_line("broker rights"), [])
        self.assertEqual(len(self.run_line("broker sessions")), 1)

    def test_every_command_of_the_catalogue_needs_a_right(self) -> None:
        for command in self.interpreter.catalogue:
            self.assertIn(command.right, (Right.READ, Right.ADMIN), command.name)

    def test_every_change_is_written_down(self) -> None:
        for command in self.commands:
            if command.right is Right.ADMIN:
                self.core.join("alice")
                credential = StoredCredential("mine", "bob", SharedSecret("secret"))
                self.successResultOf(self.keyring.revoke("mine"))
                self.successResultOf(self.keyring.add(credential))
                self.stored_tenants["acme"] = None, ""
                with audited() as trail:
                    self.assertTrue(self.run_line(self.typed(command)), command.name)
                mine = [line for line in trail.lines if "result=allowed credential=psk:default" in line]
                self.assertEqual(len(mine), 1, command.name)

    def test_each_has_an_example_that_can_be_typed(self) -> None:
        for command in self.commands:
            self.assertTrue(command.examples, command.name)
            for example in command.examples:
                self.interpreter.prepare(example.removeprefix("> "), ADMIN, "192.0.2.9")
