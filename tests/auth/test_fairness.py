"""The fair queue: peers in turn, never more than it may hold, and the longest line gives way."""

from __future__ import annotations

from collections import Counter, defaultdict, deque

from hypothesis import given, settings
from hypothesis import strategies as st

from pkid.auth.fairness import AcquaintedQueue, FairQueue, QueueFull, peer_key
from tests.support import Case

PROPERTY = settings(max_examples=300, deadline=None, database=None, derandomize=True)
CAPACITY = 6

steps = st.lists(st.none() | st.sampled_from("aaabcdefgh"), max_size=60)
"""Peers that push, and ``None`` where something is popped."""


class QueueTests(Case):
    def filled(self, peers: str, capacity: int = CAPACITY) -> FairQueue[str]:
        """Make a queue into which these peers pushed; each item says whose it is and its number."""
        queue: FairQueue[str] = FairQueue(capacity)
        numbers: Counter[str] = Counter()
        for peer in peers:
            numbers[peer] += 1
            self.assertIsNone(queue.push(peer, f"{peer}{numbers[peer]}"))
        return queue

    def drained(self, queue: FairQueue[str]) -> list[str]:
        return [queue.pop() for _ in range(len(queue))]

    def test_one_line_is_first_come_first_served(self) -> None:
        self.assertEqual(self.drained(self.filled("aaa")), ["a1", "a2", "a3"])

    def test_lines_take_turns(self) -> None:
        self.assertEqual(self.drained(self.filled("aaabbc")), ["a1", "b1", "c1", "a2", "b2", "a3"])

    def test_who_comes_again_stands_behind_the_others(self) -> None:
        queue = self.filled("aabb")
        self.assertEqual(queue.pop(), "a1")
        queue.push("c", "c1")
        self.assertEqual(self.drained(queue), ["b1", "a2", "c1", "b2"])

    def test_nothing_to_pop(self) -> None:
        self.assertRaises(IndexError, FairQueue[str](1).pop)

    def test_a_full_queue_takes_from_the_end_of_the_longest_line(self) -> None:
        queue = self.filled("abbbbc")
        self.assertEqual(queue.push("d", "d1"), "b4")
        self.assertEqual(queue.push("a", "a2"), "b3")
        self.assertEqual(self.drained(queue), ["a1", "b1", "c1", "d1", "a2", "b2"])

    def test_the_longest_line_gets_no_more(self) -> None:
        queue = self.filled("aaabbc")
        for peer in "ab":
            self.assertRaises(QueueFull, queue.push, peer, "more")
        self.assertEqual(queue.push("c", "c2"), "a3")
        self.assertEqual(len(queue), CAPACITY)

    def test_when_all_have_one_nobody_gives_way(self) -> None:
        queue = self.filled("abcdef")
        for peer in "ag":
            self.assertRaises(QueueFull, queue.push, peer, "more")
        self.assertEqual(len(self.drained(queue)), CAPACITY)

    @PROPERTY
    @given(steps)
    def test_a_lone_peer_is_let_in_and_served_before_anybody_twice(self, steps: list[str | None]) -> None:
        queue: FairQueue[str] = FairQueue(CAPACITY)
        for peer in steps:
            self.step(queue, peer)
        if len(set(self.waiting(queue))) == CAPACITY:
            return  # everybody has one: there is nothing to take
        queue.push("lonely", "lonely")
        served: list[str] = []
        while (item := queue.pop()) != "lonely":
            served.append(item)
            self.step(queue, item)  # all others come again at once
        self.assertEqual(len(served), len(set(served)))

    @PROPERTY
    @given(steps)
    def test_each_line_keeps_its_order_and_only_the_longest_loses(self, steps: list[str | None]) -> None:
        queue: FairQueue[tuple[str, int]] = FairQueue(CAPACITY)
        lines: defaultdict[str, deque[tuple[str, int]]] = defaultdict(deque)
        for number, peer in enumerate(steps):
            if peer is None:
                if len(queue):
                    popped = queue.pop()
                    self.assertEqual(lines[popped[0]].popleft(), popped)
            else:
                self.push(queue, lines, (peer, number))
            self.assertEqual(len(queue), sum(map(len, lines.values())))
            self.assertLessEqual(len(queue), CAPACITY)

    def push(
        self, queue: FairQueue[tuple[str, int]], lines: dict[str, deque[tuple[str, int]]], item: tuple[str, int]
    ) -> None:
        """Push an item, and check against what is known to wait who has to leave."""
        longest, full = max(map(len, lines.values()), default=0), len(queue) == CAPACITY
        own = len(lines[item[0]])
        try:
            evicted = queue.push(item[0], item)
        except QueueFull:
            self.assertTrue(full and longest <= own + 1)
            return
        self.assertEqual(evicted is not None, full)
        if evicted is not None:
            self.assertEqual(len(lines[evicted[0]]), longest)
            self.assertEqual(lines[evicted[0]].pop(), evicted)
        lines[item[0]].append(item)

    def step(self, queue: FairQueue[str], peer: str | None) -> None:
        try:
            if peer is not None:
                queue.push(peer, peer)
            elif len(queue):
                queue.pop()
        except QueueFull:
            self.assertEqual(len(queue), CAPACITY)

    def waiting(self, queue: FairQueue[str]) -> list[str]:
        """Return who waits, and leave everybody where they are in turn."""
        items = [queue.pop() for _ in range(len(queue))]
        for item in items:
            queue.push(item, item)
        return items


class AcquaintedQueueTests(Case):
    def setUp(self) -> None:
        self.queue: AcquaintedQueue[str] = AcquaintedQueue(CAPACITY, acquaintances=2)
        self.queue.welcome("a")

    def push(self, peers: str) -> None:
        for peer in peers:
            self.queue.push(peer, peer)

    def pop(self) -> str:
        return self.queue.pop()[0]

    def test_strangers_take_no_place_of_an_acquainted_peer(self) -> None:
        self.push("bcdefg")
        self.assertRaises(QueueFull, self.push, "h")
        self.push("a")
        self.assertEqual(len(self.queue), CAPACITY + 1)

    def test_nor_more_than_half_of_the_turns(self) -> None:
        self.push("bcdeaaa")
        self.assertEqual("".join(self.pop() for _ in range(len(self.queue))), "abacade")
        self.assertRaises(IndexError, self.queue.pop)

    def test_strangers_are_served_when_nobody_else_waits(self) -> None:
        self.push("bc")
        self.assertEqual([self.pop(), self.pop()], ["b", "c"])

    def test_an_acquainted_peer_waits_for_no_more_than_the_stranger_that_is_served(self) -> None:
        for turns in range(1, 4):
            self.push("bcde")
            for _ in range(turns):
                self.queue.pop()
            self.push("a")
            self.assertEqual(self.pop(), "a")
            while self.queue:
                self.queue.pop()

    def test_who_is_suspect_waits_with_strangers(self) -> None:
        for _ in range(CAPACITY):
            self.queue.push("a", "a", suspect=True)
        self.assertRaises(QueueFull, self.queue.push, "a", "a", suspect=True)
        self.queue.push("a", "trusted")
        self.assertEqual(self.queue.pop(), ("trusted", False))

    def test_whoever_was_not_seen_for_long_is_a_stranger_again(self) -> None:
        for peer in "bac":
            self.queue.welcome(peer)
        self.push("defghi")
        self.assertRaises(QueueFull, self.push, "b")
        self.push("ac")

    def test_strangers_may_be_left_out(self) -> None:
        self.push("bcaa")
        self.assertEqual([self.queue.pop(strangers=False) for _ in range(2)], [("a", False)] * 2)
        self.assertRaises(IndexError, self.queue.pop, strangers=False)
        self.assertEqual([self.queue.pop(), self.queue.pop()], [("b", True), ("c", True)])


class PeerKeyTests(Case):
    def test_an_ipv4_address_stands_for_itself(self) -> None:
        self.assertEqual(peer_key("192.0.2.1"), "192.0.2.1")
        self.assertEqual(peer_key("::ffff:192.0.2.1"), "192.0.2.1")

    def test_an_ipv6_address_stands_for_its_64(self) -> None:
        self.assertEqual(peer_key("2001:db8:0:1::5"), "2001:db8:0:1::/64")
        self.assertEqual(peer_key("2001:db8:0:1:ffff::9"), peer_key("2001:db8:0:1::5"))
        self.assertNotEqual(peer_key("2001:db8:0:2::5"), peer_key("2001:db8:0:1::5"))
        self.assertEqual(peer_key("fe80::1%eth0"), "fe80::/64")

    def test_anything_else_stands_for_itself(self) -> None:
        for host in ("", "unix", "localhost", "192.0.2.1:80", "%"):
            self.assertEqual(peer_key(host), host)
