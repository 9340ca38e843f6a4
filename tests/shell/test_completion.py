"""What can be typed next."""

from __future__ import annotations

import json

from hypothesis import given
from hypothesis import strategies as st

from pkid.commands.help import describe
from pkid.shell.completion import Vocabulary
from tests.commands.case import CommandCase
from tests.support import Case


class VocabularyTests(CommandCase):
    """By what a core says of its own commands."""

    def setUp(self) -> None:
        super().setUp()
        self.vocabulary = Vocabulary(json.dumps({"commands": describe(self.interpreter.catalogue)}).encode())

    def words(self, text: str) -> list[str]:
        return [each.word for each in self.vocabulary.suggest(text)]

    def test_commands_by_their_start(self) -> None:
        self.assertEqual(self.words("cert"), ["certificate"])
        self.assertIn("system", self.words(""))
        self.assertEqual(self.words("nothing"), [])

    def test_a_suggestion_says_how_much_of_it_is_typed(self) -> None:
        (suggestion,) = self.vocabulary.suggest("help; cert")
        self.assertEqual((suggestion.word, suggestion.typed), ("certificate", 4))
        self.assertTrue(suggestion.info)

    def test_behind_a_pipe_stand_filters_and_only_there(self) -> None:
        self.assertIn("count", self.words("help | "))
        self.assertNotIn("certificate", self.words("help | "))
        self.assertNotIn("count", self.words(""))
        self.assertIn("certificate", self.words("help | count; "))

    def test_the_second_word_of_a_group(self) -> None:
        self.assertIn("create", self.words("certificate cr"))

    def test_the_words_of_a_name_of_three(self) -> None:
        names = {"keys add": [{"name": "--a"}], "keys list": [{"name": "--l"}], "kick": []}
        description = json.dumps({"commands": [{"name": "broker", "args": names, "source": True}]}).encode()
        self.vocabulary = Vocabulary(description)
        self.assertEqual(self.words("broker k"), ["keys", "kick"])
        self.assertEqual(self.words("broker keys "), ["add", "list"])
        self.assertEqual(self.words("broker keys add "), ["--a"])
        self.assertEqual(self.words("broker keys none "), [])

    def test_options_that_are_not_there_yet(self) -> None:
        options = self.words("certificate create --common-name a --d")
        self.assertEqual(options, ["--dns-names", "--days-valid"])
        self.assertNotIn("--common-name", self.words("certificate create --common-name a "))

    def test_the_values_of_an_option(self) -> None:
        self.assertEqual(self.words("certificate create --key-type p"), ["p256", "p384"])
        self.assertEqual(self.words("certificate create --common-name "), [])

    def test_what_a_search_can_be_about(self) -> None:
        self.assertEqual(self.words("search is(cert"), ["is(certificate)"])
        self.assertIn("not_after", self.words("search is(certificate) and not_"))
        self.assertEqual(self.words("search all | sort not_a"), ["not_after"])

    def test_help_is_for_commands(self) -> None:
        self.assertIn("certificate", self.words("help "))
        self.assertIn("create", self.words("help certificate "))

    def test_separators_in_quotes_separate_nothing(self) -> None:
        self.assertEqual(self.words("certificate create --common-name 'a|b' --pe"), ["--pem"])
        self.assertEqual(self.words(r"certificate create --common-name a\;b --pe"), ["--pem"])
        self.assertEqual(self.words("help 'cert"), [])


class StrangerTests(Case):
    """By whatever a server sends."""

    @given(
        st.recursive(
            st.none() | st.booleans() | st.integers() | st.text(max_size=4) | st.just("a"),
            lambda inner: (
                st.lists(inner, max_size=3)
                | st.dictionaries(st.sampled_from(["name", "args", "info", "possible_values", "value_hint"]), inner)
            ),
            max_leaves=4,
        ),
        st.sampled_from(["", "a", "a ", "a b ", "a a a", "a | a "]),
    )
    def test_nothing_in_it_breaks_anything(self, command: object, text: str) -> None:
        Vocabulary(json.dumps({"commands": [command, {"name": "a", "args": command}]}).encode()).suggest(text)

    def test_what_is_no_description_gives_nothing(self) -> None:
        for content in (b"", b"[]", b"{", b'{"commands": 1}', b"[" * 100_000, b"\xff"):
            self.assertEqual(Vocabulary(content).suggest(""), [])

    def test_words_that_are_none_are_not_suggested(self) -> None:
        commands = [{"name": name, "source": True} for name in ("a\x1b[2J", "b c", "", "d")]
        self.assertEqual(
            [each.word for each in Vocabulary(json.dumps({"commands": commands}).encode()).suggest("")], ["d"]
        )
