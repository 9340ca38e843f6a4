"""Key derivation: few at once, in fair turns, shared, and kept only when it proved right."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from typing import Any

from hypothesis import given, settings
from hypothesis import strategies as st
from twisted.internet.defer import CancelledError, Deferred, execute

from pkid.auth import derivation
from pkid.auth.derivation import KeyDerivation
from pkid.auth.psk import PreSharedKey
from pkid.errors import Reason, Unavailable
from tests.certificates import PSK
from tests.support import Case

PROPERTY = settings(max_examples=300, deadline=None, database=None, derandomize=True)
OTHER = PreSharedKey("other", "another pre-shared key, 2")
WORKERS, WAITING = 2, 4


def key_of(secret: str, salt: bytes) -> bytes:
    """Stand for a derivation that costs nothing."""
    return secret.encode() + salt


class DerivationCase(Case):
    def setUp(self) -> None:
        self.patch(derivation, "derive_key", key_of)
        self.use(1)

    def use(self, workers: int = WORKERS, waiting: int = WAITING, ahead: int = 0) -> None:
        self.running: list[tuple[Callable[[], Any], Deferred[Any]]] = []
        self.keys = KeyDerivation(self.offload, workers, waiting, ahead=ahead)

    def offload(self, work: Callable[[], Any], /) -> Deferred[Any]:
        self.running.append((work, Deferred()))
        return self.running[-1][1]

    def finish(self) -> bytes:
        """Let the first derivation that runs come to its end, and return its key."""
        work, done = self.running.pop(0)
        key: bytes = work()
        done.callback(key)
        return key

    def derive(self, salt: bytes, peer: str = "a", psk: PreSharedKey = PSK) -> Deferred[bytes]:
        return self.keys.derive(psk, salt, peer)

    def busy(self, waiter: Deferred[bytes]) -> None:
        error = self.failureResultOf(waiter, Unavailable).value
        self.assertIs(error.reason, Reason.BUSY)


class SharingTests(DerivationCase):
    def test_equal_ones_are_done_once(self) -> None:
        waiters = [self.derive(b"1", peer) for peer in "aab"]
        self.finish()
        self.assertEqual([self.successResultOf(waiter) for waiter in waiters], [PSK.secret.encode() + b"1"] * 3)
        self.assertEqual(self.running, [])

    def test_equal_ones_that_wait_are_done_once(self) -> None:
        self.derive(b"0")
        waiters = [self.derive(b"1", peer) for peer in "abba"]
        self.finish()
        self.finish()
        for waiter in waiters:
            self.assertTrue(self.successResultOf(waiter).endswith(b"1"))
        self.assertEqual(self.running, [])

    def test_another_key_or_salt_is_another_one(self) -> None:
        self.use(4)
        self.derive(b"1")
        self.derive(b"2")
        other = self.derive(b"1", psk=OTHER)
        self.assertEqual(len(self.running), 3)
        self.running[:2] = []
        self.finish()
        self.assertEqual(self.successResultOf(other), OTHER.secret.encode() + b"1")

    def test_what_is_done_is_not_shared_any_more(self) -> None:
        self.derive(b"1")
        self.finish()
        again = self.derive(b"1")
        self.assertEqual(len(self.running), 1)
        self.assertNoResult(again)

    def test_a_failure_is_everybodys_and_the_next_one_is_done(self) -> None:
        waiters = [self.derive(b"1", peer) for peer in "ab"]
        after = self.derive(b"2")
        self.running.pop(0)[1].errback(ZeroDivisionError())
        for waiter in waiters:
            self.failureResultOf(waiter, ZeroDivisionError)
        self.finish()
        self.successResultOf(after)

    def test_an_offload_that_raises_costs_no_worker(self) -> None:
        def closed(work: object) -> Deferred[Any]:
            raise RuntimeError("closed")

        self.patch(self.keys, "_offload", closed)
        self.failureResultOf(self.derive(b"1"), RuntimeError)
        self.patch(self.keys, "_offload", execute)
        self.successResultOf(self.derive(b"2"))


class SuspectTests(DerivationCase):
    """A peer whose credentials are accepted, but for those of one connection."""

    def setUp(self) -> None:
        super().setUp()
        self.keys.welcome("a")
        self.suspects = [self.suspect(bytes([salt])) for salt in range(WAITING + 1)]

    def suspect(self, salt: bytes) -> Deferred[bytes]:
        return self.keys.derive(PSK, salt, "a", suspect=True)

    def test_who_was_never_wrong_does_not_wait_for_those(self) -> None:
        good = self.derive(b"good")
        self.finish()
        self.finish()
        self.successResultOf(good)
        self.assertNoResult(self.suspects[1])

    def test_nor_for_the_same_key_that_one_of_them_asked_for_before(self) -> None:
        good = self.derive(bytes([WAITING]))
        self.finish()
        self.finish()
        self.assertEqual(self.successResultOf(good), self.successResultOf(self.suspects[-1]))
        self.assertNoResult(self.suspects[1])

    def test_they_take_no_place_of_others(self) -> None:
        self.busy(self.suspect(b"one more"))
        self.assertNoResult(self.derive(b"good"))


class MemoryTests(DerivationCase):
    def test_knows_only_what_it_was_told(self) -> None:
        self.derive(b"1")
        self.finish()
        self.assertIsNone(self.keys.recall(PSK, b"1"))
        self.keys.remember(PSK, b"1", b"key")
        self.assertEqual(self.keys.recall(PSK, b"1"), b"key")
        self.assertIsNone(self.keys.recall(OTHER, b"1"))
        self.assertIsNone(self.keys.recall(PSK, b"2"))

    def test_another_secret_of_the_same_name_is_another_key(self) -> None:
        self.keys.remember(PSK, b"1", b"key")
        self.assertIsNone(self.keys.recall(replace(PSK, secret="another pre-shared key"), b"1"))
        self.assertEqual(self.keys.recall(replace(PSK), b"1"), b"key")

    def test_the_least_used_one_leaves_first(self) -> None:
        keys = KeyDerivation(self.offload, 1, remembered=2)
        for salt in (b"1", b"2"):
            keys.remember(PSK, salt, salt)
        keys.recall(PSK, b"1")
        keys.remember(PSK, b"3", b"3")
        self.assertEqual([keys.recall(PSK, salt) for salt in (b"1", b"2", b"3")], [b"1", None, b"3"])
        keys.remember(PSK, b"1", b"1")
        keys.remember(PSK, b"4", b"4")
        self.assertIsNone(keys.recall(PSK, b"3"))

    def test_shows_no_secret(self) -> None:
        self.keys.remember(PSK, b"1", b"the derived key")
        self.derive(b"1")
        for shown in (repr(self.keys), repr(self.keys._pending)):
            self.assertNotIn(PSK.secret, shown)
            self.assertNotIn("derived key", shown)


class QueueTests(DerivationCase):
    def test_as_many_run_as_there_are_workers(self) -> None:
        self.use(2)
        self.keys.welcome("a")
        for salt in range(4):
            self.derive(bytes([salt]))
        self.assertEqual(len(self.running), 2)
        self.finish()
        self.assertEqual(len(self.running), 2)

    def test_one_more_is_given_ahead_for_the_worker_that_is_done_first(self) -> None:
        self.use(2, ahead=1)
        self.keys.welcome("a")
        for salt in range(WAITING):
            self.derive(bytes([salt]))
        self.assertEqual((len(self.running), self.keys.waiting), (3, 1))
        self.finish()
        self.assertEqual((len(self.running), self.keys.waiting), (3, 0))

    def test_none_of_strangers_is_given_ahead(self) -> None:
        self.use(2, ahead=1)
        for salt in range(WAITING):
            self.derive(bytes([salt]))
        self.assertEqual(len(self.running), 1)

    def test_strangers_leave_one_of_several_workers_to_others(self) -> None:
        self.use(3)
        self.keys.welcome("b")
        for salt in range(WAITING):
            self.derive(bytes([salt]), "a")
        self.assertEqual(len(self.running), 2)
        good = self.derive(b"good", "b")
        self.assertEqual(len(self.running), 3)
        self.running.append(self.running.pop(0))
        self.running.append(self.running.pop(0))
        self.finish()
        self.successResultOf(good)
        self.assertEqual(len(self.running), 2)
        while self.running:
            self.finish()
        self.assertEqual(self.keys.waiting, 0)

    def test_peers_take_turns(self) -> None:
        for salt in (b"a1", b"a2", b"a3"):
            self.derive(salt, "192.0.2.1")
        self.derive(b"b1", "192.0.2.2")
        order = [self.finish()[-2:] for _ in range(4)]
        self.assertEqual(order, [b"a1", b"a2", b"b1", b"a3"])

    def test_addresses_of_one_network_are_one_peer(self) -> None:
        for salt, peer in ((b"a1", "2001:db8::1"), (b"a2", "2001:db8::2"), (b"a3", "2001:db8::3"), (b"b1", "b")):
            self.derive(salt, peer)
        self.assertEqual([self.finish()[-2:] for _ in range(4)], [b"a1", b"a2", b"b1", b"a3"])

    def test_too_many_from_one_peer(self) -> None:
        waiters = [self.derive(bytes([salt])) for salt in range(WAITING + 2)]
        self.busy(waiters.pop())
        for waiter in waiters:
            self.finish()
            self.successResultOf(waiter)

    def test_sharing_takes_no_more_place(self) -> None:
        for salt in [0, *[1] * 2 * WAITING, 2, 3, 4]:
            self.assertNoResult(self.derive(bytes([salt])))
        for peer in "bcdefg":
            self.assertNoResult(self.derive(bytes([0]), peer))
        self.busy(self.derive(bytes([5])))

    def test_another_peer_takes_the_place_of_one_that_asks_for_much(self) -> None:
        waiters = [self.derive(bytes([salt])) for salt in range(WAITING + 1)]
        lonely = self.derive(b"lonely", "b")
        self.busy(waiters.pop())
        while self.running:
            self.finish()
        for waiter in (*waiters, lonely):
            self.successResultOf(waiter)

    def test_what_had_to_leave_can_be_asked_for_again(self) -> None:
        left = [self.derive(bytes([salt])) for salt in range(WAITING + 1)].pop()
        self.derive(b"lonely", "b")
        self.busy(left)
        self.finish()
        again = self.derive(bytes([WAITING]))
        while self.running:
            self.finish()
        self.successResultOf(again)

    def test_what_another_peer_waits_for_too_stays(self) -> None:
        greedy = [self.derive(bytes([salt])) for salt in range(WAITING)]
        shared = self.derive(bytes([WAITING - 1]), "b")
        third = self.derive(b"third", "c")
        self.assertNoResult(shared)
        while self.running:
            self.finish()
        for waiter in (*greedy, shared, third):
            self.successResultOf(waiter)

    def test_a_peer_that_shares_the_one_that_leaves_keeps_it(self) -> None:
        greedy = [self.derive(bytes([salt])) for salt in range(WAITING + 1)]
        shared = self.derive(bytes([WAITING]), "b")
        while self.running:
            self.finish()
        for waiter in (*greedy, shared):
            self.successResultOf(waiter)


class CancellationTests(DerivationCase):
    def test_who_leaves_spoils_nothing_for_others(self) -> None:
        leaving, staying = self.derive(b"1"), self.derive(b"1")
        leaving.cancel()
        self.failureResultOf(leaving, CancelledError)
        self.finish()
        self.successResultOf(staying)

    def test_what_nobody_waits_for_is_not_done(self) -> None:
        self.derive(b"0")
        waiters = [self.derive(b"1"), self.derive(b"1", "b")]
        after = self.derive(b"2")
        for waiter in waiters:
            waiter.cancel()
            self.failureResultOf(waiter, CancelledError)
        self.finish()
        self.finish()
        self.successResultOf(after)
        self.assertEqual(self.running, [])

    def test_what_nobody_waits_for_any_more_can_be_asked_for_again(self) -> None:
        self.derive(b"0")
        gone = self.derive(b"1")
        gone.cancel()
        self.failureResultOf(gone, CancelledError)
        back = self.derive(b"1")
        self.finish()
        self.finish()
        self.successResultOf(back)

    def test_one_that_runs_when_its_last_waiter_leaves_frees_its_worker(self) -> None:
        gone = self.derive(b"1")
        after = self.derive(b"2")
        gone.cancel()
        self.failureResultOf(gone, CancelledError)
        self.finish()
        self.finish()
        self.successResultOf(after)

    def test_who_gets_the_key_may_send_another_waiter_away(self) -> None:
        waiters = [self.derive(b"1") for _ in range(3)]
        outcomes: list[str] = []
        for waiter in waiters:
            waiter.addCallbacks(self.cancel_all, lambda _: outcomes.append("cancelled"), (waiters, outcomes))
        self.finish()
        self.assertEqual(sorted(outcomes), ["cancelled", "cancelled", "done"])

    def cancel_all(self, _: bytes, waiters: list[Deferred[bytes]], outcomes: list[str]) -> None:
        outcomes.append("done")
        for waiter in waiters:
            waiter.cancel()


events = st.lists(
    st.tuples(st.sampled_from("aaabc"), st.integers(0, 9), st.booleans()) | st.integers(0, 20) | st.none(),
    min_size=5,
    max_size=60,
)
"""A peer, suspect or not, that asks for a key, a waiter that leaves, or ``None`` for a derivation that ends."""


class AnyOrderTests(DerivationCase):
    @PROPERTY
    @given(events)
    def test_everybody_gets_an_answer_and_the_right_one(self, events: list[Any]) -> None:
        self.use()
        self.keys.welcome("a")
        asked: list[tuple[int, Deferred[bytes], list[Any]]] = []
        for event in events:
            if event is None:
                if self.running:
                    self.finish()
            elif isinstance(event, int):
                if event < len(asked):
                    asked[event][1].cancel()
            else:
                peer, salt, suspect = event
                asked.append((salt, self.keys.derive(PSK, bytes([salt]), peer, suspect=suspect), []))
                asked[-1][1].addBoth(asked[-1][2].append)
            self.assertLessEqual(len(self.running), WORKERS)
            works = [work() for work, _ in self.running]
            self.assertEqual(len(works), len(set(works)), "the same key is derived twice at once")
        while self.running:
            self.finish()
        for salt, _, (answer,) in asked:  # each got exactly one
            if isinstance(answer, bytes):
                self.assertEqual(answer, key_of(PSK.secret, bytes([salt])))
            else:
                self.assertTrue(answer.check(Unavailable, CancelledError))
        self.assertEqual((len(self.keys._queue), self.keys._pending), (0, {}))
