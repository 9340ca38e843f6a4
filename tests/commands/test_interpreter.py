"""What may be connected, who may do what, and that nothing is done before all of it is known."""

from __future__ import annotations

from hypothesis import given, settings
from hypothesis import strategies as st

from pkid.auth.credentials import Member
from pkid.ca.policy import ANY_NAME
from pkid.commands.interpreter import MissingRight
from pkid.errors import Malformed, Unavailable
from tests.commands.case import ADMIN, READER, CommandCase

CREATE = "certificate create --common-name a.example"

FRAGMENTS = st.sampled_from(
    [
        *"help head tail count certificate create ca show system info welcome 1 9999999999".split(),
        *(";", "|", "'", '"', "\\", "=", "a.example", "\n", "\t", "\0", "\u202e", "\U0001f600", "{0}", "%s"),
        *"--common-name --dns-names --ip-addresses --days-valid --pem --key-type --help -- - --d --pem=x p256".split(),
        *(
            "192.0.2.1",
            "10.0.0.0/8",
            "a=b",
            "--common-name=a.example",
            "\n",
            "\t",
            "\0",
            "\u202e",
            "\U0001f600",
            "{0}",
            "%s",
        ),
    ]
) | st.text(st.characters(exclude_categories=["Cs"]), max_size=5)
TEXTS = st.lists(FRAGMENTS, max_size=12).flatmap(lambda words: st.sampled_from([" ".join(words), "".join(words)]))


class InterpreterTests(CommandCase):
    def test_each_line_gives_its_own(self) -> None:
        first, second = self.outputs("system info ; help | tail 1 | count")
        self.assertEqual((len(first.items), second.items[0]), (1, "total matched: 1"))

    def test_what_a_command_gives_goes_through_all_pipes(self) -> None:
        everything = self.items("help")
        self.assertEqual(self.items("help | head 3 | tail 2"), everything[1:3])
        self.assertEqual(self.items("help|head 3|count"), ["total matched: 3", "total unmatched: 0"])

    def test_unknown_commands(self) -> None:
        for name in ("find", "tls create", "''", "find --help x"):
            shown = {"tls create": "tls", "''": "", "find --help x": "find"}.get(name, name)
            self.is_refused(Malformed, [name, f"{name} | count"], f"Command >{shown}< is not known. Typo?")

    def test_an_unknown_command_may_be_like_one_that_there_is(self) -> None:
        for name, near in (("sytem", "system"), ("CA", "ca"), ("certificate lost", "certificate list")):
            message = f"Command >{name}< is not known. Typo? Did you mean {near}?"
            self.is_refused(Malformed, [name, f"{name} | count"], message)

    def test_a_name_cannot_make_more_lines_of_the_error(self) -> None:
        with self.assertRaises(Malformed) as raised:
            self.interpreter.prepare("'a\nMessage: b'" + "c" * 9000, READER, "192.0.2.1")
        self.assertNotIn("\n", str(raised.exception))
        self.assertLess(len(str(raised.exception)), 500)

    def test_places(self) -> None:
        message = "count takes what another command gives: put one and a | before it"
        self.is_refused(Malformed, ["count", "count | head"], message)
        message = "help takes nothing from the command before the |: use ; instead"
        self.is_refused(Malformed, ["help | help", "system info | help"], message)
        message = "certificate create gives files, and count cannot take them"
        self.is_refused(Malformed, [f"{CREATE} | count"], message)

    def test_rights(self) -> None:
        nobody = Member("user:nobody", frozenset(), ANY_NAME)
        self.is_refused(MissingRight, ["help", "ca show", "certificate"], "missing permission: read", nobody)
        self.is_refused(MissingRight, [CREATE, f"help; {CREATE}"], "missing permission: admin", READER)
        self.assertTrue(self.items("certificate create --help", READER))

    def test_nothing_is_done_unless_all_is_understood_and_allowed(self) -> None:
        for text in (f"{CREATE}; nonsense", f"{CREATE}; {CREATE} --days-valid x", f"{CREATE}; help 'x"):
            with self.assertRaises(Malformed):
                self.interpreter.prepare(text, ADMIN, "192.0.2.1")
        self.assertEqual(self.store.entries, [])

    def test_a_line_that_fails_ends_the_rest(self) -> None:
        self.store.fail_next()
        self.failureResultOf(self.start(f"{CREATE}; {CREATE}"), Unavailable)
        self.assertEqual(self.store.entries, [])

    def test_the_names_tell_nothing_of_the_arguments(self) -> None:
        program = self.interpreter.prepare("help | head 3 ; certificate", READER, "192.0.2.1")
        self.assertEqual(program.names, "help | head; help")


class AnyTextTests(CommandCase):
    @settings(max_examples=1000, deadline=None, database=None, derandomize=True)
    @given(TEXTS | TEXTS.map(f"{CREATE} ".__add__))
    def test_whatever_is_asked_is_understood_or_refused_in_one_line(self, text: str) -> None:
        for member in (ADMIN, READER):
            try:
                self.interpreter.prepare(text, member, "192.0.2.1")
            except (Malformed, MissingRight) as error:
                self.assertTrue(str(error).isprintable(), str(error))


class FilterTests(CommandCase):
    def test_the_usual_number(self) -> None:
        everything = self.items("help")
        self.assertLess(len(everything), 100)
        self.assertEqual(self.items("help | head"), everything)
        self.assertEqual(self.items("help | tail"), everything)

    def test_more_than_there_are(self) -> None:
        self.assertEqual(self.items("system info | head 1000000"), self.items("system info"))
        self.assertEqual(self.items("help | head 3 | tail 4"), self.items("help | head 3"))
        self.assertEqual(self.items("help | tail 1000000"), self.items("help"))

    def test_numbers(self) -> None:
        for word in ("0", "-1", "x", "1.5", "1_0", "\u0661", "1000001", "9" * 5000, "''"):
            with self.assertRaisesRegex(Malformed, "^head can not parse arg .*Reason: Could not parse arguments: "):
                self.interpreter.prepare(f"help | head {word}", READER, "192.0.2.1")
