"""What was typed reaches the core as it was typed."""

from __future__ import annotations

from hypothesis import example, given
from hypothesis import strategies as st

from pkid.commands.language import parse
from pkid.shell.quoting import command_line
from tests.support import Case

LETTERS = st.characters(exclude_categories=("Cs", "Cc"), exclude_characters="\u2028\u2029", include_characters="\n\t")


class QuotingTests(Case):
    def test_plain_words_stay_as_they_are(self) -> None:
        self.assertEqual(command_line(["search", "is(certificate)", "and", "a==b"]), "search is(certificate) and a==b")

    def test_a_single_word_is_a_command_line(self) -> None:
        self.assertEqual(command_line(["help | count; 'a b'"]), "help | count; 'a b'")

    def test_what_separates_commands_is_data_within_a_word(self) -> None:
        self.assertEqual(command_line(["echo", ";", "a|b"]), "echo ';' 'a|b'")

    @given(st.lists(st.text(LETTERS, max_size=12), min_size=1, max_size=6))
    @example(["it's", 'a "b" \\', "", "x\ny"])
    def test_the_core_reads_the_words_that_were_typed(self, words: list[str]) -> None:
        (line,) = parse(command_line(["run", *words]))
        (invocation,) = line.commands
        self.assertEqual(invocation.words, ("run", *words))
