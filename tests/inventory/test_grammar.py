"""The grammar: what a search means, and where one that means nothing goes wrong."""

from __future__ import annotations

from hypothesis import example, given
from hypothesis import strategies as st

from pkid.errors import Malformed
from pkid.inventory.grammar import MOST_TERMS, Search, read_order, read_search
from pkid.inventory.literals import Literal
from pkid.inventory.order import SortKey
from pkid.inventory.predicate import ALL, And, Compare, In, IsKind, Not, Operator, Or
from pkid.inventory.tokens import LONGEST_TEXT
from tests.support import Case


def equal(field: str, text: str, quoted: bool = False, position: int = 1) -> Compare:
    return Compare(field, Operator.EQUAL, Literal(text, quoted, position))


class MeaningTests(Case):
    def means(self, text: str, search: Search) -> None:
        self.assertEqual(read_search(text), search, text)

    def test_kinds(self) -> None:
        self.means("is(resource)", Search(IsKind(("resource",))))
        self.means(" IS ( a , b )\n", Search(IsKind(("a", "b"))))

    def test_everything(self) -> None:
        for text in ("all", "sort a", "limit 1"):
            self.assertEqual(read_search(text).predicate, ALL)

    def test_each_sign(self) -> None:
        for sign in ("=", "==", "!=", "<", "<=", ">", ">="):
            for text in (f"a{sign}1", f"a {sign} 1"):
                found = read_search(text).predicate
                assert isinstance(found, Compare)
                self.assertEqual((found.operator.value, found.value.text), (sign.replace("==", "="), "1"))

    def test_patterns_and_lists(self) -> None:
        self.means("a like x*", Search(Compare("a", Operator.LIKE, Literal("x*", position=8))))
        self.means("a not like x", Search(Not(Compare("a", Operator.LIKE, Literal("x", position=12)))))
        values = (Literal("1", position=7), Literal("b c", True, 9))
        self.means("a in [1,'b c']", Search(In("a", values)))
        self.means("a not in [1]", Search(Not(In("a", (Literal("1", position=11),)))))

    def test_and_is_stronger_than_or_and_not_than_both(self) -> None:
        a, b, c = equal("a", "1", position=3), equal("b", "2", position=12), equal("c", "3", position=22)
        self.means("a=1 or   b=2 and   c=3", Search(Or((a, And((b, c))))))
        a, b = equal("a", "1", position=7), equal("b", "2", position=16)
        self.means("not a=1 and  b=2", Search(And((Not(a), b))))
        self.means("not(a=1 or   b=2)", Search(Not(Or((a, b)))))

    def test_quotes(self) -> None:
        for written, text in (("'a b'", "a b"), ('"a\\"b\\\\"', 'a"b\\'), ("''", ""), ("'\\'", "\\"), ('"\\x"', "\\x")):
            self.means(f"n={written}", Search(equal("n", text, True, 3)))

    def test_order_and_limit(self) -> None:
        order = (SortKey("a"), SortKey("b", True), SortKey("c"))
        self.means("all sort a, b desc, c asc limit 5", Search(ALL, order, 0, 5))
        self.means("all limit 10, 5", Search(ALL, (), 10, 5))
        self.assertEqual(read_order("a,b DESC , c"), order)

    def test_words_hold_what_values_need(self) -> None:
        for word in ("-12h", "2031-05-06T12:00:00+02:00", "AB:CD", "psk:default", "*.a-b_c", "spiffe://d/n", "é"):
            self.means(f"a={word}", Search(equal("a", word, position=3)))


class ErrorTests(Case):
    def fails(self, text: str, message: str) -> None:
        with self.assertRaises(Malformed) as raised:
            read_search(text)
        self.assertEqual(str(raised.exception), f"{message} of the search", text)

    def test_they_say_what_was_expected_and_where(self) -> None:
        self.fails("", "expected a field, not the end, at character 1")
        self.fails("a", "expected =, !=, <, <=, >, >=, in or like, not the end, at character 2")
        self.fails("a = ", "expected a value, not the end, at character 5")
        self.fails("a not = 1", "expected in or like, not '=', at character 7")
        self.fails("a = 1 b = 2", "expected the end, and or or, not 'b', at character 7")
        self.fails("(a = 1", "expected ), not the end, at character 7")
        self.fails("a in 1", "expected [, not '1', at character 6")
        self.fails("is(sort)", "expected the name of a kind, not 'sort', at character 4")
        self.fails("all limit x", "expected a number, not 'x', at character 11")
        self.fails("all sort", "expected a field to sort by, not the end, at character 9")
        self.fails("a = 'b", '"\'" has no place, or no end, at character 5')
        self.fails("a = b\\c", "'\\\\' has no place, or no end, at character 6")

    def test_limits(self) -> None:
        self.fails("a" * (LONGEST_TEXT + 1), f"there is one character too many at character {LONGEST_TEXT + 1}")
        read_search("(" * 32 + "a=1" + ")" * 32)
        self.fails("(" * 33 + "a=1" + ")" * 33, "terms stand more than 32 deep at character 34")
        self.fails("not " * 33 + "a=1", "terms stand more than 32 deep at character 133")
        most = " or ".join(["a=1"] * MOST_TERMS)
        read_search(most)
        self.fails(f"{most} or a=1", f"there are more than {MOST_TERMS} terms at character {len(most) + 5}")
        self.fails(
            f"a in [{','.join(['1'] * MOST_TERMS)}]", f"there are more than {MOST_TERMS} terms at character 1029"
        )

    @given(st.text(st.sampled_from(list("ab=<>!()[],'\"\\ *-1é\t")) | st.characters(), max_size=60))
    @example("a in [[")
    @example("not")
    def test_any_text_is_a_search_or_malformed(self, text: str) -> None:
        for read in (read_search, read_order):
            try:
                read(text)
            except Malformed as error:
                self.assertNotIn("\n", str(error))

    @given(
        st.lists(
            st.sampled_from("a = 1 and or not ( ) is in [ ] , like sort desc limit x* '' all".split()), max_size=40
        )
    )
    def test_any_words_are_a_search_or_malformed(self, words: list[str]) -> None:
        try:
            read_search(" ".join(words))
        except Malformed as error:
            self.assertRegex(str(error), r" at character \d+ of the search$")
