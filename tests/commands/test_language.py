"""How a text becomes commands and words, or an error that says where."""

from __future__ import annotations

import string
from time import process_time

from hypothesis import given, settings
from hypothesis import strategies as st

from pkid.commands.language import (
    LONGEST_TEXT,
    MOST_COMMANDS,
    MOST_WORDS,
    CommandSyntaxError,
    Invocation,
    parse,
)
from pkid.errors import Malformed
from tests.support import Case

ANYTHING = st.text(st.characters(exclude_categories=["Cs"]))
HARD = st.text(st.sampled_from(list(" \t\n;|'\"\\=ab")), max_size=30)
WORDS = st.lists(st.text(st.characters(exclude_categories=["Cc", "Cs", "Zl", "Zp"]), max_size=12), min_size=1)


def words(text: str) -> list[list[tuple[str, ...]]]:
    """Return the words of each command of each line."""
    return [[each.words for each in line.commands] for line in parse(text)]


class WordTests(Case):
    def is_words(self, text: str, *expected: str) -> None:
        self.assertEqual(words(text), [[expected]])

    def test_words_stand_between_spaces_tabs_and_line_ends(self) -> None:
        self.is_words("  certificate \t create\r\n--common-name\na  ", "certificate", "create", "--common-name", "a")

    def test_other_spaces_are_characters_like_any_other(self) -> None:
        self.is_words("a\u00a0b \u2003", "a\u00a0b", "\u2003")

    def test_single_quotes_keep_everything(self) -> None:
        self.is_words(r"""e 'a;b|c "d" \n '""", "e", r'a;b|c "d" \n ')

    def test_double_quotes_keep_everything_but_two_escapes(self) -> None:
        self.is_words(r'''e "a;b|'c' \" \\ \n"''', "e", r"""a;b|'c' " \ \n""")

    def test_a_backslash_keeps_one_character(self) -> None:
        self.is_words(r"""a\ b \' \" \\ \; \| \n""", "a b", "'", '"', "\\", ";", "|", "n")

    def test_pieces_without_a_space_between_are_one_word(self) -> None:
        self.is_words("""a'b c'"d e"\\ f --x='y z'""", "ab cd e f", "--x=y z")

    def test_quotes_can_hold_nothing(self) -> None:
        self.is_words("""e '' "" a''""", "e", "", "", "a")

    @given(WORDS)
    def test_every_word_can_be_quoted_in_each_way(self, expected: list[str]) -> None:
        expected = ["command", *expected]
        double = ('"' + word.replace("\\", "\\\\").replace('"', '\\"') + '"' for word in expected)
        self.is_words(" ".join(double), *expected)
        single = ("'" + word.replace("'", "'\\''") + "'" for word in expected)
        self.is_words(" ".join(single), *expected)
        bare = ("".join(f"\\{character}" for character in word) or "''" for word in expected)
        self.is_words(" ".join(bare), *expected)


class StructureTests(Case):
    def test_lines_and_pipes(self) -> None:
        self.assertEqual(words("a 1|b ; c|d 2 | e"), [[("a", "1"), ("b",)], [("c",), ("d", "2"), ("e",)]])

    def test_what_stands_behind_the_first_word_is_kept_as_written(self) -> None:
        (line,) = parse("""certificate  create  --common-name "a b"  | count """)
        self.assertEqual(
            line.commands,
            (
                Invocation(("certificate", "create", "--common-name", "a b"), 'create  --common-name "a b"'),
                Invocation(("count",), ""),
            ),
        )

    def test_pairs_in_front_of_each_line(self) -> None:
        first, second = parse("a=1 b='2 3' c x=y ; d=\"\" e | f=1")
        self.assertEqual((first.environment, first.commands[0].words), ({"a": "1", "b": "2 3"}, ("c", "x=y")))
        self.assertEqual((second.environment, second.commands[1].words), ({"d": ""}, ("f=1",)))

    def test_a_quoted_or_odd_name_is_no_pair(self) -> None:
        for text in ("'a'=1 b", '"a=1" b', "1a=1 b", "a-b=1 c", "=1 b"):
            self.assertEqual(parse(text)[0].environment, {}, text)

    def test_pairs_alone_are_no_command(self) -> None:
        with self.assertRaises(CommandSyntaxError) as raised:
            parse("a=1 b=2 ; c")
        self.assertEqual(raised.exception.position, 8)

    def test_an_empty_text(self) -> None:
        for text in ("", "  \n\t "):
            with self.assertRaisesRegex(Malformed, "No command could be parsed!"):
                parse(text)


class CallTests(Case):
    """A command as a program would write it."""

    def is_words(self, text: str, *expected: str) -> None:
        self.assertEqual(words(text), [[expected]], text)

    def test_its_arguments_are_words(self) -> None:
        self.is_words('private_topic("my_topic")', "private_topic", "my_topic")
        self.is_words("private_topic( 'my topic' )", "private_topic", "my topic")
        self.is_words('authorize("alice", my_topic)', "authorize", "alice", "my_topic")
        self.is_words("help()", "help")
        self.is_words(r'a("x\"y;|", "(,)")', "a", 'x"y;|', "(,)")

    def test_it_stands_in_lines_like_others(self) -> None:
        self.assertEqual(words("a(b); c(d) | e f"), [[("a", "b")], [("c", "d"), ("e", "f")]])

    def test_anything_else_with_a_parenthesis_is_words(self) -> None:
        for text in ("search is(b)", "a(b", "a(b,)", "a(,b)", "a(b) c", "a (b)", "a(b c)", "2a(b)", "a(b(c))", "-a(b)"):
            self.is_words(text, *text.split())

    def test_the_time_grows_with_the_length_only(self) -> None:
        for text in ("a(" + "b," * 8000, "a(" + "'b'," * 8000 + ")", "a(" + "b " * 400, "a(" + '"b" ,' * 300 + ")x"):
            words(text)


class ErrorTests(Case):
    def is_error(self, text: str, position: int, problem: str) -> None:
        with self.assertRaises(CommandSyntaxError) as raised:
            parse(text)
        self.assertEqual((raised.exception.position, str(raised.exception)), (position, f"{problem} {position}"), text)

    def test_a_command_that_is_missing(self) -> None:
        for text, position in ((";", 1), ("a;", 3), ("a; ;b", 4), ("a|", 3), ("| a", 1), ("a || b", 4), ("a |; b", 4)):
            self.is_error(text, position, "a command is missing at character")

    def test_what_is_not_completed(self) -> None:
        for text, position in (("a 'b", 3), ("a 'b' 'c ; d", 7), ('a"', 2), (r'a "b\"', 3)):
            self.is_error(text, position, "nothing completes the quote at character")
        self.is_error("a b\\", 4, "nothing completes the backslash at character")

    def test_control_characters_wherever_they_stand(self) -> None:
        for character in "\0\x07\x0b\x1b\x7f\x85\u2028":
            self.is_error(f"a '{character}'", 4, "there is a control character at character")

    def test_limits(self) -> None:
        self.assertEqual(len(parse(";".join("a" * MOST_COMMANDS))), MOST_COMMANDS)
        self.is_error(";".join("a" * (MOST_COMMANDS + 1)), 65, "there is one command more than 32 at character")
        self.is_error("|".join("a" * (MOST_COMMANDS + 1)), 65, "there is one command more than 32 at character")
        self.assertEqual(len(parse(" ".join("a" * MOST_WORDS))[0].commands[0].words), MOST_WORDS)
        self.is_error(" ".join("a" * (MOST_WORDS + 1)), 2049, "there is one word more than 1024 at character")
        parse("a" * LONGEST_TEXT)
        for text in ("a" * (LONGEST_TEXT + 1), "\u20ac" * (LONGEST_TEXT // 3 + 1)):
            with self.assertRaisesRegex(Malformed, "longer than 32768 bytes"):
                parse(text)


class HostileTests(Case):
    @given(ANYTHING | HARD)
    @settings(max_examples=300, deadline=None, database=None, derandomize=True)
    def test_every_text_is_commands_or_an_error_within_it(self, text: str) -> None:
        try:
            lines = parse(text)
        except CommandSyntaxError as error:
            self.assertTrue(1 <= error.position <= len(text) + 1)
        except Malformed:
            self.assertEqual(text.strip(), "")
        else:
            self.assertTrue(lines and all(each.words for line in lines for each in line.commands))

    @given(st.text(string.ascii_letters + " ", min_size=1))
    def test_without_special_characters_it_splits_at_spaces(self, text: str) -> None:
        if text.strip():
            self.assertEqual(words(text), [[tuple(text.split())]])

    def test_the_time_grows_with_the_length_only(self) -> None:
        for start in ("'", '"', "'a'", '"a\\"', "\\", "a=", "a'b'\"c\"\\d", "x ", "x\\ "):
            text = (start * LONGEST_TEXT)[:LONGEST_TEXT]
            before = process_time()
            try:
                parse(text)
            except Malformed:
                pass
            self.assertLess(process_time() - before, 1, start)
