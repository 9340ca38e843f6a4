"""Topics and patterns: which texts are one, and which topics a pattern means."""

from __future__ import annotations

from hypothesis import given, settings
from hypothesis import strategies as st

from pkid.broker.index import PatternIndex
from pkid.broker.topic import MANY, ONE, Pattern, Segments, read_topic
from pkid.errors import Reason, Refused
from tests.support import Case

PROPERTY = settings(max_examples=300, deadline=None, database=None, derandomize=True)
SEGMENTS = st.sampled_from(["a", "b", "@x", "c@d"])
TOPICS = st.lists(SEGMENTS, min_size=1, max_size=6).map(tuple)
PATTERNS = st.lists(SEGMENTS | st.sampled_from([ONE, MANY]), min_size=1, max_size=6).map(lambda s: Pattern("/".join(s)))


def means(pattern: Segments, topic: Segments, verbatim: bool = True) -> bool:
    """Say the same as `Pattern.matches` in the plainest way."""
    if not pattern:
        return not topic
    first, rest = pattern[0], pattern[1:]
    if first == MANY:
        here = bool(topic) and not (verbatim and "@" in topic[0]) and means(pattern, topic[1:], verbatim)
        return means(rest, topic, verbatim) or here
    if not topic or (first != topic[0] and (first != ONE or (verbatim and "@" in topic[0]))):
        return False
    return means(rest, topic[1:], verbatim)


class TopicTests(Case):
    def test_a_topic_is_segments_parted_by_slashes(self) -> None:
        self.assertEqual(read_topic("house/room/temperature"), ("house", "room", "temperature"))
        for text in ("a", "a.b-c_d", "Grüße", "@x/y", "a" * 255, "/".join("a" * 16), "with:colon", "$SYS"):
            self.assertEqual("/".join(read_topic(text)), text)

    def test_nothing_else_is_one(self) -> None:
        for text in (
            "", "/", "/a", "a/", "a//b", "a b", "a\n", "a\0b", "a\u202eb", "\ud800", "a" * 256, "é" * 128,
            "/".join("a" * 17), "*", "a/*", "a/**", "a*",
        ):  # fmt: skip
            with self.assertRaises(Refused, msg=ascii(text)) as caught:
                read_topic(text)
            self.assertIs(caught.exception.reason, Reason.BAD_TOPIC)
            self.assertTrue(str(caught.exception).isprintable())

    def test_a_wildcard_is_a_whole_segment(self) -> None:
        for text in ("*", "**", "a/*", "**/a/**", "*/*"):
            self.assertFalse(Pattern(text).is_literal)
        for text in ("a*", "*a", "***", "a/b*c", "a/****"):
            self.assertRaises(Refused, Pattern, text)
        self.assertTrue(Pattern("a/b").is_literal)

    def test_refused_text_is_shown_shortened(self) -> None:
        with self.assertRaises(Refused) as caught:
            read_topic("a" * 100_000)
        self.assertLess(len(str(caught.exception)), 400)


class MatchTests(Case):
    def test_one_segment_and_any_number(self) -> None:
        for pattern, topic, expected in (
            ("*/*/temperature", "a/b/temperature", True),
            ("*/*/temperature", "a/b/c/temperature", False),
            ("house/**", "house/room/temperature", True),
            ("house/**", "house", True),
            ("house/*", "house", False),
            ("**", "flat", True),
            ("*", "flat", True),
            ("*", "a/b", False),
            ("a/**/z", "a/z", True),
            ("a/**/z", "a/b/c/z", True),
            ("a/**/z", "a/b/c", False),
            ("**/a/**", "b/a/a/c", True),
        ):
            self.assertIs(Pattern(pattern).matches(read_topic(topic)), expected, (pattern, topic))

    def test_a_segment_with_an_at_sign_is_meant_only_literally(self) -> None:
        for pattern in ("house/**", "**", "house/*/temperature", "house/**/temperature"):
            self.assertFalse(Pattern(pattern).matches(read_topic("house/@x/temperature")), pattern)
            self.assertFalse(Pattern(pattern).matches(read_topic("house/a@b/temperature")), pattern)
        self.assertTrue(Pattern("house/@x/*").matches(read_topic("house/@x/temperature")))

    @PROPERTY
    @given(PATTERNS, TOPICS)
    def test_matching_is_what_the_words_say(self, pattern: Pattern, topic: Segments) -> None:
        self.assertIs(pattern.matches(topic), means(pattern.segments, topic))

    def test_many_wildcards_cost_no_more_than_few(self) -> None:
        pattern = Pattern("/".join([MANY, "a"] * 8))
        self.assertFalse(pattern.matches(("a",) * 15 + ("b",)))


class IndexTests(Case):
    @PROPERTY
    @given(st.lists(PATTERNS, max_size=12), TOPICS, st.booleans())
    def test_finds_what_each_pattern_means_by_itself(
        self, patterns: list[Pattern], topic: Segments, verbatim: bool
    ) -> None:
        index: PatternIndex[int] = PatternIndex(verbatim)
        for number, pattern in enumerate(patterns):
            index.add(pattern, number)
        found = {number for _, numbers in index.find(topic) for number in numbers}
        self.assertEqual(found, {n for n, p in enumerate(patterns) if means(p.segments, topic, verbatim)})

    @PROPERTY
    @given(st.lists(st.tuples(st.booleans(), PATTERNS, st.integers(0, 1)), max_size=20))
    def test_holds_what_was_added_and_not_discarded(self, steps: list[tuple[bool, Pattern, int]]) -> None:
        index: PatternIndex[int] = PatternIndex()
        held: set[tuple[Pattern, int]] = set()
        for add, pattern, value in steps:
            if add:
                self.assertIs(index.add(pattern, value), (pattern, value) not in held)
                held.add((pattern, value))
            else:
                self.assertIs(index.discard(pattern, value), (pattern, value) in held)
                held.discard((pattern, value))
            self.assertEqual(set(index), held)
            self.assertEqual(value in index.at(pattern.segments), (pattern, value) in held)

    def test_what_comes_and_goes_leaves_nothing(self) -> None:
        index: PatternIndex[int] = PatternIndex()
        index.add(Pattern("a/b"), 1)
        for number in range(3):
            index.add(Pattern(f"a/b/{number}/**"), number)
        for number in range(3):
            index.discard(Pattern(f"a/b/{number}/**"), number)
        root = index._root
        self.assertEqual(list(root.children["a"].children["b"].children), [])
        index.discard(Pattern("a/b"), 1)
        self.assertEqual(root.children, {})
