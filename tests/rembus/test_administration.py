"""What admin packets ask for."""

from __future__ import annotations

from typing import Any

from pkid.broker.changes import AddRule, AssignRole, Authorize, Change, PrivateTopic, PublicTopic, Unauthorize
from pkid.broker.commands import (
    LAST_RECEIVED,
    NOW,
    Administer,
    Expose,
    Inspect,
    React,
    Setup,
    Subscribe,
    Unexpose,
    Unsubscribe,
    View,
)
from pkid.broker.identity import ANONYMOUS, Identity
from pkid.broker.overview import TopicFacts
from pkid.broker.rules import ALL_VERBS, Access, Rule, Subject
from pkid.broker.topic import Pattern
from pkid.errors import Malformed, Refused
from pkid.rembus.administration import (
    COMMANDS,
    UnknownCommand,
    broker_config,
    describe,
    private_topics_config,
    read_command,
)
from pkid.rembus.packets import Admin
from tests.support import Case

TOPIC = Pattern("t")
OPEN_TO_ALL = {"subscribe", "unsubscribe", "expose", "unexpose", "reactive", "setup"}
"""What needs no admin: the broker compares each part of these with the rights on its topic."""


def admin(cmd: str, **data: Any) -> Admin:
    return Admin(1, "t", {"cmd": cmd} | data)


class CommandTests(Case):
    def test_each_command_becomes_one_of_the_brokers(self) -> None:
        for packet, command in (
            (admin("subscribe"), Subscribe(1, "t", NOW)),
            (admin("subscribe", msg_from=0.0), Subscribe(1, "t", NOW)),
            (admin("subscribe", msg_from=float("inf")), Subscribe(1, "t", LAST_RECEIVED)),
            (admin("subscribe", msg_from=2_000_000_000), Subscribe(1, "t", 2.0)),
            (admin("subscribe", rmark=[1 << 127], touch=["a"]), Subscribe(1, "t", NOW)),
            (admin("unsubscribe"), Unsubscribe(1, "t")),
            (admin("expose"), Expose(1, "t")),
            (admin("unexpose"), Unexpose(1, "t")),
            (admin("reactive", status=True), React(1, True)),
            (admin("reactive", status=False, msg_from=3e9), React(1, False, 3.0)),
            (admin("setup", exposers=["a", "a"], subscribers=["b"]), Setup(1, ("a",), (("b", None),))),
            (admin("setup"), Setup(1, (), ())),
            (admin("private_topic"), Administer(1, PrivateTopic(TOPIC))),
            (admin("public_topic"), Administer(1, PublicTopic(TOPIC))),
            (admin("authorize", cid="ws://host/ann"), Administer(1, Authorize(TOPIC, "ann"))),
            (admin("unauthorize", cid="ann"), Administer(1, Unauthorize(TOPIC, "ann"))),
            (admin("private_topics_config"), Inspect(1, View.RIGHTS)),
            (admin("broker_config"), Inspect(1, View.TOPICS)),
            (admin("load_config"), Inspect(1, View.RIGHTS)),
            (admin("save_config"), Inspect(1, View.RIGHTS)),
        ):  # fmt: skip
            self.assertEqual(read_command(packet), command)

    def test_what_is_not_open_to_all_is_for_admins(self) -> None:
        """Of every command that there is, and the broker lets admins alone do these two."""
        for name in set(COMMANDS) - OPEN_TO_ALL:
            self.assertIsInstance(read_command(admin(name, cid="ann")), Administer | Inspect, name)

    def test_what_there_is_not_is_said(self) -> None:
        for name in ("shutdown", "enable_debug", "disable_debug", "reset_router", "Subscribe", ""):
            self.assertRaises(UnknownCommand, read_command, admin(name))

    def test_what_is_missing_or_wrong_is_refused(self) -> None:
        for packet in (
            Admin(1, "t", None), Admin(1, "t", []), Admin(1, "t", {}), Admin(1, "t", {"cmd": 1}), admin("reactive"),
            admin("reactive", status=1), admin("authorize"), admin("authorize", cid=""), admin("unauthorize", cid=None),
            admin("subscribe", msg_from="x"), admin("subscribe", msg_from=-1),
            admin("subscribe", msg_from=float("nan")), admin("subscribe", msg_from=True),
            admin("setup", exposers="a"), admin("setup", subscribers=[1]),
            Admin(1, "a b", {"cmd": "private_topic"}),
        ):  # fmt: skip
            self.assertRaises((Malformed, Refused), read_command, packet)

    def test_a_number_of_any_size_is_a_time_span(self) -> None:
        command = read_command(admin("subscribe", msg_from=1 << 5000))
        self.assertEqual(command, Subscribe(1, "t", LAST_RECEIVED))


class DescriptionTests(Case):
    def test_private_topics_and_who_may_use_them(self) -> None:
        def grant(topic: str, subject: str, access: Access = Access.GRANT) -> Change:
            return AddRule(Rule(access, ALL_VERBS, Pattern(topic), Subject(subject)))

        changes = (
            grant("t", "ann"), PrivateTopic(TOPIC), grant("t", "role:x"), grant("t", "bob", Access.DENY),
            grant("u", "ann"), PublicTopic(Pattern("u")), PrivateTopic(Pattern("v")), AssignRole("ann", "admin"),
        )  # fmt: skip
        self.assertEqual(private_topics_config(changes), {"t": ["ann"], "v": []})
        self.assertEqual(describe("private_topics_config", changes), {"t": ["ann"], "v": []})
        self.assertIsNone(describe("load_config", changes))

    def test_who_uses_which_topics(self) -> None:
        facts = (
            TopicFacts(".", "t", (Identity("ann"), ANONYMOUS), ()),
            TopicFacts("org", "t", (Identity("bob.org", True),), (Identity("ann.org"),)),
        )  # fmt: skip
        expected = {"exposers": {"t": ["ann.org"]}, "subscribers": {"t": ["ann", "anonymous", "bob.org"]}}
        self.assertEqual(broker_config(facts), expected)
        self.assertEqual(describe("broker_config", facts), expected)
