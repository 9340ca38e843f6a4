"""What can be seen of the broker: sessions, topics, keys, rights, and why."""

from __future__ import annotations

from datetime import timedelta

from pkid.auth.component_keyring import SharedSecret, StoredCredential
from pkid.broker.commands import Expose, Subscribe
from pkid.commands.writing import text_of
from tests.certificates import private_key
from tests.commands.broker.case import NOBODY, READER, BrokerCase
from tests.messaging.core import publish


class SessionTests(BrokerCase):
    def test_each_session_with_who_and_whence(self) -> None:
        self.core.join("alice", "192.0.2.7").say(Subscribe(None, "a"), Subscribe(None, "b/*"))
        self.core.join("bob", "192.0.2.8")
        self.core.connect("192.0.2.9")
        alice, bob, unknown = self.run_line("broker sessions | sort peer", READER)
        self.assertEqual((alice["name"], alice["proven"], alice["credential"]), ("alice", True, "key:alice"))
        self.assertEqual((alice["door"], alice["peer"], alice["subscriptions"]), ("test", "192.0.2.7", 2))
        self.assertEqual((bob["name"], bob["proven"], bob["credential"]), ("bob", False, None))
        self.assertEqual((unknown["name"], unknown["state"]), (None, "greeted"))
        self.assertIn("name=alice, proven=true, door=test, peer=192.0.2.7, state=open", text_of(alice))

    def test_one_that_is_slow_shows_it(self) -> None:
        slow, speaker = self.core.join("alice"), self.core.join("bob")
        slow.say(Subscribe(None, "news"))
        slow.session.pause()
        speaker.say(*(publish("news", "x" * 100) for _ in range(3)))
        (found,) = self.run_line("search is(session) and waiting > 0")
        self.assertEqual((found["name"], found["waiting"], found["held_up_by"]), ("alice", 3, "transport"))
        self.assertGreaterEqual(found["waiting_bytes"], 300)

    def test_those_who_are_gone_are_not_there(self) -> None:
        client = self.core.join("alice")
        client.session.lost()
        self.assertEqual(self.run_line("broker sessions"), [])


class TopicTests(BrokerCase):
    def test_those_that_are_used_and_those_with_a_say(self) -> None:
        self.core.join("alice").say(Subscribe(None, "a"), Expose(None, "sum"))
        self.core.join("bob").say(Subscribe(None, "a"))
        self.run_line('private_topic("quiet")')
        topics = {each["name"]: each for each in self.run_line("broker topics", READER)}
        self.assertEqual(set(topics), {"a", "sum", "quiet"})
        self.assertEqual((topics["a"]["subscribers"], topics["a"]["private"]), (2, False))
        self.assertEqual((topics["sum"]["exposers"], topics["quiet"]["private"]), (1, True))

    def test_the_same_name_in_two_tenants_is_two(self) -> None:
        self.service.declare(["acme"])
        self.core.keys.names.add("carol.acme")
        self.core.join("alice").say(Subscribe(None, "a"))
        self.core.join("carol.acme").say(Subscribe(None, "a"))
        found = self.run_line("search is(topic) | sort id")
        self.assertEqual([(each["id"], each["tenant"]) for each in found], [("a", None), ("a acme", "acme")])


class KeyTests(BrokerCase):
    def test_keys_are_found_and_never_shown(self) -> None:
        expires = self.now() + timedelta(days=1)
        for credential in (
            StoredCredential("k1", "alice", private_key().public_key(), expires),
            StoredCredential("k2", "bob", SharedSecret("the secret itself")),
        ):
            self.successResultOf(self.keyring.add(credential))
        first, second = self.run_line("search is(key) | sort key", READER)
        self.assertEqual((first["name"], first["recoverable"], first["expires"]), ("alice", False, expires))
        self.assertFalse(first["expired"])
        self.assertEqual((second["name"], second["recoverable"]), ("bob", True))
        self.assertNotIn("the secret itself", text_of(second) + str(second))


class ReasonTests(BrokerCase):
    def setUp(self) -> None:
        super().setUp()
        for line in ("private_topic", "grant publish", "deny rpc"):
            who = {"private_topic": "", "grant publish": "alice", "deny rpc": "role:guest"}[line]
            self.run_line(f"broker {line} my_topic {who}")

    def test_all_rights_in_one_list(self) -> None:
        self.run_line("broker role assign superuser admin")
        self.assertEqual(
            self.run_line("broker rights", READER),
            [
                {"topic": "my_topic", "is": "private"},
                {"topic": "my_topic", "access": "grant", "verbs": "publish", "who": "alice"},
                {"topic": "my_topic", "access": "deny", "verbs": "rpc", "who": "role:guest"},
                {"role": "admin", "who": "superuser"},
            ],
        )

    def test_who_can_do_what_on_a_topic_and_which_rule_says_so(self) -> None:
        visibility, *rules = self.run_line("broker who-can my_topic", READER)
        self.assertEqual(visibility, {"topic": "my_topic", "is": "private"})
        self.assertEqual([each["who"] for each in rules], ["alice", "role:guest"])
        (_, only) = self.run_line("broker who-can my_topic --verb rpc")
        self.assertEqual(only["by"], "deny rpc my_topic role:guest")
        self.assertEqual(self.run_line("broker who-can other"), [{"topic": "other", "is": "public"}])

    def test_why_somebody_may_or_may_not(self) -> None:
        for typed, allowed, because in (
            ("alice publish my_topic", True, "a rule grants it"),
            ("alice publish my_topic --unproven", False, "but the name was not proven"),
            ("alice rpc my_topic", False, "no rule grants it"),
            ("bob publish other", True, "the topic is public"),
        ):
            (found,) = self.run_line(f"broker explain {typed}", READER)
            self.assertIs(found["allowed"], allowed)
            self.assertIn(because, found["because"])
        (granted,) = self.run_line("broker explain alice publish my_topic")
        self.assertEqual(granted["rule"], "grant publish my_topic alice")
        self.assertIn("expected one of publish", self.refused("broker explain alice read my_topic"))

    def test_who_may_not_read_sees_nothing(self) -> None:
        for typed in ("broker sessions", "broker topics", "broker rights", "broker who-can a", "search is(session)"):
            self.assertEqual(self.refused(typed, NOBODY), "missing permission: read")
