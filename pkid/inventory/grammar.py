"""The grammar of searches: a text becomes a predicate, an order and a limit.

::

    search     = [ either ] [ "sort" key { "," key } ] [ "limit" [ skip "," ] number ]
    either     = both { "or" both }
    both       = term { "and" term }
    term       = "not" term | "(" either ")" | "all" | "is" "(" kind { "," kind } ")" | comparison
    comparison = field ( sign value | [ "not" ] "like" value | [ "not" ] "in" "[" value { "," value } "]" )
    key        = field [ "asc" | "desc" ]
    sign       = "=" | "==" | "!=" | "<" | "<=" | ">" | ">="

Reading takes a time that is linear in the text. Knows no kind and no field.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import TypeVar

from pkid.inventory.literals import Literal
from pkid.inventory.order import Order, SortKey
from pkid.inventory.predicate import ALL, And, Compare, In, IsKind, Not, Operator, Or, Predicate
from pkid.inventory.tokens import SearchSyntaxError, Token, tokens

__all__ = ["MOST_TERMS", "Search", "read_order", "read_search"]

MOST_TERMS = 512
"""Terms, and values in their lists, that one search may hold."""

_DEEPEST = 32  # parentheses and nots within one another
_MOST_SORTED = 8
_SIGNS = {"==": Operator.EQUAL} | {each.value: each for each in Operator}
_RESERVED = ("and", "or", "not", "is", "in", "like", "sort", "limit", "asc", "desc", "all")

T = TypeVar("T")


@dataclass(frozen=True, slots=True)
class Search:
    """What is asked: a predicate of literals, an order, how many to leave out, how many to give at most."""

    predicate: Predicate = ALL
    order: Order = ()
    skip: int = 0
    limit: int | None = None


def read_search(text: str) -> Search:
    """Read a search.

    :raises SearchSyntaxError: when it is none, with the position.
    """
    reader = _Reader(text)
    predicate = ALL if reader.next.is_keyword("sort", "limit") else reader.either(0)
    order = reader.order() if reader.take_keyword("sort") else ()
    skip, limit = reader.limit() if reader.take_keyword("limit") else (0, None)
    reader.expect_end()
    return Search(predicate, order, skip, limit)


def read_order(text: str) -> Order:
    """Read what stands behind ``sort``.

    :raises SearchSyntaxError: when it is no order.
    """
    reader = _Reader(text)
    order = reader.order()
    reader.expect_end()
    return order


class _Reader:
    """Reads a text from its first token to its last, one function for each rule."""

    def __init__(self, text: str) -> None:
        self._tokens = tokens(text)
        self._terms = 0
        self.next = next(self._tokens)

    def either(self, depth: int) -> Predicate:
        return self._joined("or", self._both, Or, depth)

    def order(self) -> Order:
        return tuple(self._listed(self._key, _MOST_SORTED))

    def limit(self) -> tuple[int, int]:
        first = self._number()
        return (first, self._number()) if self.take_sign(",") else (0, first)

    def take_keyword(self, *words: str) -> Token | None:
        return self._take() if self.next.is_keyword(*words) else None

    def take_sign(self, *signs: str) -> Token | None:
        return self._take() if self.next.is_sign(*signs) else None

    def expect_end(self) -> None:
        if not self.next.is_sign(""):
            raise self._unexpected("the end, and or or")

    def _both(self, depth: int) -> Predicate:
        return self._joined("and", self._term, And, depth)

    def _joined(
        self,
        word: str,
        rule: Callable[[int], Predicate],
        join: Callable[[tuple[Predicate, ...]], Predicate],
        depth: int,
    ) -> Predicate:
        terms = [rule(depth)]
        while self.take_keyword(word):
            terms.append(rule(depth))
        return terms[0] if len(terms) == 1 else join(tuple(terms))

    def _term(self, depth: int) -> Predicate:
        if depth > _DEEPEST:
            raise SearchSyntaxError(f"terms stand more than {_DEEPEST} deep", self.next.position)
        if self.take_keyword("not"):
            return Not(self._term(depth + 1))
        if self.take_sign("("):
            inner = self.either(depth + 1)
            self._expect_sign(")")
            return inner
        self._count_term()
        if self.take_keyword("all"):
            return ALL
        if found := self.take_keyword("is"):
            return self._kinds(found)
        return self._comparison()

    def _kinds(self, found: Token) -> Predicate:
        self._expect_sign("(")
        kinds = self._listed(lambda: self._word("the name of a kind").text, MOST_TERMS)
        self._expect_sign(")")
        return IsKind(tuple(kinds), found.position)

    def _comparison(self) -> Predicate:
        name = self._word("a field")
        denied = self.take_keyword("not") is not None
        found = self._in(name) if self.take_keyword("in") else self._compared(name, denied)
        return Not(found) if denied else found

    def _in(self, name: Token) -> Predicate:
        self._expect_sign("[")
        values = self._listed(self._counted_value, MOST_TERMS)
        self._expect_sign("]")
        return In(name.text, tuple(values), name.position)

    def _compared(self, name: Token, denied: bool) -> Predicate:
        operator = self.take_keyword("like") or (None if denied else self.take_sign(*_SIGNS))
        if operator is None:
            raise self._unexpected("in or like" if denied else "=, !=, <, <=, >, >=, in or like")
        return Compare(name.text, _SIGNS[operator.text.lower()], self._value(), name.position)

    def _counted_value(self) -> Literal:
        self._count_term()
        return self._value()

    def _value(self) -> Literal:
        if not self.next.is_word and not self.next.is_quoted:
            raise self._unexpected("a value")
        token = self._take()
        return Literal(token.text, token.is_quoted, token.position)

    def _key(self) -> SortKey:
        name = self._word("a field to sort by")
        found = self.take_keyword("asc", "desc")
        return SortKey(name.text, found is not None and found.text.lower() == "desc", name.position)

    def _number(self) -> int:
        token = self._take()
        if not (token.is_word and token.text.isascii() and token.text.isdigit() and len(token.text) <= 9):
            raise SearchSyntaxError(f"expected a number, not {token},", token.position)
        return int(token.text)

    def _word(self, what: str) -> Token:
        if not self.next.is_word or self.next.is_keyword(*_RESERVED):
            raise self._unexpected(what)
        return self._take()

    def _listed(self, rule: Callable[[], T], most: int) -> list[T]:
        """Read one or more, with commas between."""
        found = [rule()]
        while comma := self.take_sign(","):
            if len(found) == most:
                raise SearchSyntaxError(f"there is one more than {most}", comma.position)
            found.append(rule())
        return found

    def _count_term(self) -> None:
        self._terms += 1
        if self._terms > MOST_TERMS:
            raise SearchSyntaxError(f"there are more than {MOST_TERMS} terms", self.next.position)

    def _expect_sign(self, sign: str) -> None:
        if not self.take_sign(sign):
            raise self._unexpected(sign)

    def _take(self) -> Token:
        token, self.next = self.next, next(self._tokens, self.next)
        return token

    def _unexpected(self, expected: str) -> SearchSyntaxError:
        return SearchSyntaxError(f"expected {expected}, not {self.next},", self.next.position)
