"""Patterns of names: what each means, what it does not mean, and what is no pattern."""

from __future__ import annotations

import re
from ipaddress import ip_address, ip_network

from hypothesis import given
from hypothesis import strategies as st

from pkid.ca.patterns import ComponentPattern, HostPattern, NetworkPattern
from pkid.errors import Refused
from tests.support import Case


class HostPatternTests(Case):
    def covered(self, text: str, *names: str) -> list[bool]:
        return [HostPattern(text).covers(name) for name in names]

    def test_a_literal_is_itself(self) -> None:
        self.assertEqual(self.covered("a.b", "a.b", "x.a.b", "b", "xa.b", "a.b.c", "*.a.b"), [True] + [False] * 5)
        self.assertEqual(self.covered("localhost", "localhost", "a.localhost"), [True, False])

    def test_a_suffix_is_every_name_below_and_not_itself(self) -> None:
        self.assertEqual(self.covered("*.a.b", "x.a.b", "y.x.a.b"), [True, True])
        self.assertEqual(self.covered("*.a.b", "a.b", "xa.b", "b", "a.b.x"), [False] * 4)

    def test_a_star_is_everything(self) -> None:
        self.assertEqual(self.covered("*", "a", "a.b", "*.a.b"), [True] * 3)

    def test_a_wildcard_name_is_covered_only_if_all_that_it_stands_for_is(self) -> None:
        self.assertEqual(self.covered("*.a.b", "*.a.b", "*.x.a.b"), [True, True])
        self.assertEqual(self.covered("*.x.a.b", "*.a.b"), [False])
        self.assertEqual(self.covered("x.a.b", "*.a.b"), [False])

    def test_a_wildcard_name_is_met_if_anything_that_it_stands_for_is(self) -> None:
        for text, name, met in (
            ("x.a.b", "*.a.b", True), ("*.a.b", "*.a.b", True), ("*", "*.a.b", True), ("*.b", "*.a.b", True),
            ("y.x.a.b", "*.a.b", False), ("a.b", "*.a.b", False), ("*.x.a.b", "*.a.b", False), ("x.a.b", "x.a.b", True),
            ("x.a.b", "y.a.b", False),
        ):  # fmt: skip
            self.assertEqual(HostPattern(text).meets(name), met, (text, name))

    def test_no_patterns(self) -> None:
        for text in ("", "*.", "**", "*.*.a", "a*.b", "a.*", "a b", "10.0.0.1", ".a", "a.", "A.b", "\u00e4.b", "*a.b"):
            self.assertRaises(Refused, HostPattern, text)


class NetworkPatternTests(Case):
    def test_an_address_is_in_its_network_and_in_no_other_family(self) -> None:
        for network, address, within in (
            ("10.0.0.0/8", "10.255.0.1", True), ("10.0.0.0/8", "11.0.0.0", False), ("192.0.2.1/32", "192.0.2.1", True),
            ("::/0", "2001:db8::1", True), ("::/0", "10.0.0.1", False), ("0.0.0.0/0", "::a00:1", False),
        ):  # fmt: skip
            pattern = NetworkPattern(ip_network(network))
            self.assertEqual(
                (pattern.covers(ip_address(address)), pattern.meets(ip_address(address))), (within, within)
            )


class ComponentPatternTests(Case):
    def test_literals_and_stars(self) -> None:
        for text, yes, no in (
            ("web-1", ["web-1"], ["web-12", "aweb-1", "WEB-1", ""]),
            ("web-*", ["web-", "web-1", "web-a.b"], ["web", "xweb-1"]),
            ("*-db", ["-db", "a-db"], ["a-db1", "db"]),
            ("a*b", ["ab", "axb", "abab"], ["a", "b", "ba", "abx"]),
            ("a*b*a", ["aba", "abba", "axbya"], ["aa", "ab", "aab"]),
            ("a*a", ["aa", "aba"], ["a", ""]),
            ("ab*ba", ["abba", "abxba"], ["aba"]),
            ("*", ["", "a", "anything at all"], []),
            ("**", ["", "a"], []),
        ):
            pattern = ComponentPattern(text)
            self.assertEqual([name for name in [*yes, *no] if pattern.covers(name)], yes, text)

    def test_which_are_literal(self) -> None:
        self.assertEqual([ComponentPattern(text).is_literal for text in ("a", "a*", "*")], [True, False, False])

    def test_no_patterns(self) -> None:
        for text in ("", "a b", "a/b", "\u00e4", "a\n", "[ab]", "a?", "x" * 257):
            self.assertRaises(Refused, ComponentPattern, text)

    @given(st.text("ab*", min_size=1, max_size=12), st.text("ab", max_size=16))
    def test_it_means_what_a_shell_means(self, text: str, name: str) -> None:
        expected = re.fullmatch(text.replace("*", ".*"), name) is not None
        self.assertEqual(ComponentPattern(text).covers(name), expected)

    def test_many_stars_cost_little(self) -> None:
        self.assertFalse(ComponentPattern("a*" * 100 + "b").covers("a" * 128))
