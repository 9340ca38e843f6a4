"""Changes of the rights by commands: committed, in effect at once, written down, and for admins alone."""

from __future__ import annotations

from twisted.internet.defer import Deferred, fail

from pkid.broker.commands import Subscribe
from pkid.broker.replies import Done, Failed
from pkid.broker.topic import Pattern
from pkid.errors import Reason, Unavailable
from tests.audited import audited
from tests.commands.broker.case import NOBODY, READER, BrokerCase
from tests.messaging.core import publish

PRIVATE = "the topic is private, and no rule grants it"


class ChangeTests(BrokerCase):
    def test_the_example_of_the_seeds_as_it_is_typed(self) -> None:
        for typed in ('private_topic("my_topic")', "private_topic my_topic", "broker private_topic my_topic"):
            self.assertEqual(self.run_line(typed), ["my_topic is private"])
            self.assertTrue(self.service.rights.is_private(("my_topic",)))
            self.assertEqual(self.run_line(typed.replace("private", "public")), ["my_topic is public"])
            self.assertFalse(self.service.rights.is_private(("my_topic",)))

    def test_a_component_is_authorized_and_unauthorized(self) -> None:
        self.run_line('authorize("alice", "my_topic")')
        alice, stranger = self.core.join("alice"), self.core.join("bob")
        self.assertIsInstance(alice.say(Subscribe("s", "my_topic"))[0], Done)
        self.assertIsInstance(stranger.say(Subscribe("s", "my_topic"))[0], Failed)
        self.run_line('unauthorize("alice", "my_topic")')
        self.assertEqual(alice.say(publish("my_topic", request="p")), [Failed("p", Reason.FORBIDDEN, PRIVATE)])

    def test_a_change_counts_for_those_who_are_there(self) -> None:
        listener, speaker = self.core.join("bob"), self.core.join("carol")
        listener.say(Subscribe(None, "news"))
        speaker.say(publish("news", "one"))
        self.run_line("broker deny subscribe news *")
        speaker.say(publish("news", "two"))
        self.run_line("broker deny subscribe news * --undo")
        speaker.say(publish("news", "three"))
        self.assertEqual(listener.deliveries, [b"news one", b"news three"])

    def test_rules_name_verbs_topics_and_subjects(self) -> None:
        self.assertEqual(
            self.run_line("broker grant publish,subscribe sensors/** web-*"),
            ["grant publish,subscribe sensors/** web-*"],
        )
        self.run_line("broker deny all sensors/secret role:guest")
        rules = [str(rule) for rule in self.service.rights.rules()]
        self.assertEqual(
            sorted(rules),
            ["deny publish,subscribe,expose,rpc sensors/secret role:guest", "grant publish,subscribe sensors/** web-*"],
        )
        undone = self.run_line("broker grant subscribe,publish sensors/** web-* --undo")
        self.assertEqual(undone, ["no longer: grant publish,subscribe sensors/** web-*"])
        self.assertEqual(len(list(self.service.rights.rules())), 1)

    def test_the_role_of_admins(self) -> None:
        self.run_line("broker role assign superuser admin")
        self.assertEqual(list(self.service.rights.members()), [("superuser", "admin")])
        self.run_line("broker role withdraw superuser admin")
        self.assertEqual(list(self.service.rights.members()), [])

    def test_it_is_confirmed_when_it_is_committed_and_not_before(self) -> None:
        committing: Deferred[None] = Deferred()
        self.core.store.persist = lambda change, by: committing  # type: ignore[method-assign]
        running = self.start("private_topic my_topic")
        self.assertNoResult(running)
        self.assertFalse(self.service.rights.is_private(("my_topic",)))
        committing.callback(None)
        self.assertEqual(self.successResultOf(running), ["my_topic is private"])

    def test_what_cannot_be_committed_has_not_happened(self) -> None:
        self.core.store.persist = lambda change, by: fail(Unavailable(Reason.STORE))  # type: ignore[method-assign]
        with audited() as trail:
            self.assertIn("cannot be written", self.refused("private_topic my_topic"))
        self.assertEqual(trail.lines, [])
        self.assertFalse(self.service.rights.is_private(Pattern("my_topic").segments))

    def test_each_is_written_down_with_whose_it_is(self) -> None:
        with audited() as trail:
            self.run_line("broker grant publish my_topic alice")
        (line,) = trail.lines
        for part in ("action=rights", "result=allowed", "credential=psk:default", "peer=192.0.2.9", "grant publish"):
            self.assertIn(part, line)

    def test_what_makes_no_sense_is_refused_before_anything_is_done(self) -> None:
        for typed, said in (
            ("private_topic a//b", "is no topic"),
            ('private_topic("a b")', "is no topic"),
            ("authorize alice! my_topic", "expected a component's name"),
            ("authorize al/ice my_topic", "expected a component's name"),
            (
                "broker grant read my_topic alice",
                "with commas between, or all",
            ),
            ("broker grant publish my_topic a/b", "is nobody"),
            ("broker deny publish my_topic role:*", "is nobody"),
            ("broker role assign alice admin!", "expected a component's name"),
        ):
            self.assertIn(said, self.refused(typed))
        self.assertEqual(list(self.service.rights.visibility()), [])

    def test_readers_and_others_change_nothing(self) -> None:
        for command in self.commands:
            if command.name in ("broker private_topic", "broker authorize", "broker grant", "broker role assign"):
                for member in (READER, NOBODY):
                    words = {"topic": "my_topic", "component": "bob", "verbs": "all", "who": "bob", "role": "admin"}
                    given = [words[each.name] for each in command.arguments if each.required]
                    self.assertEqual(
                        self.refused(" ".join([command.name, *given]), member), "missing permission: admin"
                    )
        self.assertEqual(list(self.service.rights.visibility()) + list(self.service.rights.rules()), [])
