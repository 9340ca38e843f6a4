"""The self-test is real, shared, and good for a second."""

from __future__ import annotations

from dataclasses import replace
from datetime import timedelta
from itertools import count

from twisted.internet.defer import CancelledError, Deferred
from twisted.internet.task import Clock

from pkid.ca.authority import Authority
from pkid.ca.keys import KeyType
from pkid.errors import Reason, Unavailable
from pkid.selftest import SelfTest
from pkid.store.memory import MemoryStore
from tests.certificates import NOON, private_key, profile, root
from tests.support import Case


class SelfTestTests(Case):
    def setUp(self) -> None:
        self.problem: str | None = None
        self.clock = Clock()
        self.clock.rightNow = 1e9
        self.store = MemoryStore()
        self.now = NOON
        serials = count(2**130)
        self.authority = Authority(root(), profile(), lambda: self.now, lambda: next(serials))
        self.tests = SelfTest(self.authority, self.store, self.place, self.clock)

    def place(self) -> None:
        if self.problem is not None:
            raise Unavailable(Reason.SELF_TEST, self.problem)

    def fails(self) -> Reason:
        reason = self.failureResultOf(self.tests.run(), Unavailable).value.reason
        assert isinstance(reason, Reason)
        return reason

    def test_it_writes_to_the_ledger_and_records_no_certificate(self) -> None:
        self.assertIsNone(self.successResultOf(self.tests.run()))
        self.assertEqual((self.store.touches, self.store.entries), (1, []))

    def test_a_result_is_good_for_a_second(self) -> None:
        self.successResultOf(self.tests.run())
        self.clock.advance(0.99)
        self.successResultOf(self.tests.run())
        self.assertEqual(self.store.touches, 1)
        self.clock.advance(0.02)
        self.successResultOf(self.tests.run())
        self.assertEqual(self.store.touches, 2)

    def test_a_ledger_out_of_its_place_fails_it(self) -> None:
        self.problem = "the disk is full"
        self.assertEqual(self.fails(), Reason.SELF_TEST)
        self.assertEqual(self.store.touches, 0)

    def test_a_failure_is_kept_no_longer(self) -> None:
        self.store.fail_next()
        self.assertEqual(self.fails(), Reason.STORE)
        self.assertEqual(self.fails(), Reason.STORE)
        self.assertEqual(self.store.touches, 0)
        self.clock.advance(1)
        self.successResultOf(self.tests.run())

    def test_a_clock_that_is_set_back_keeps_no_result_alive(self) -> None:
        self.store.fail_next()
        self.fails()
        self.clock.rightNow -= 86400
        self.successResultOf(self.tests.run())

    def test_those_who_come_meanwhile_share_it(self) -> None:
        self.store.hold()
        waiting = [self.tests.run() for _ in range(3)]
        self.assertEqual(self.store.waiting, 1)
        self.clock.advance(5)
        waiting.append(self.tests.run())
        self.store.release()
        for result in waiting:
            self.assertIsNone(self.successResultOf(result))
        self.assertEqual(self.store.touches, 1)

    def test_whether_it_passes(self) -> None:
        self.assertIs(self.successResultOf(self.tests.passes(2)), True)
        self.problem = "the disk is full"
        self.clock.advance(1)
        self.assertIs(self.successResultOf(self.tests.passes(2)), False)

    def test_it_does_not_pass_while_it_hangs(self) -> None:
        self.store.hold()
        passes = self.tests.passes(2)
        self.clock.advance(1.9)
        self.assertNoResult(passes)
        self.clock.advance(0.2)
        self.assertIs(self.successResultOf(passes), False)
        self.store.release()

    def test_what_is_no_verdict_is_passed_on(self) -> None:
        self.store.hold()
        passes = self.tests.passes(2)
        passes.cancel()
        self.failureResultOf(passes, CancelledError)

    def test_who_leaves_keeps_no_answer_from_the_others(self) -> None:
        self.store.hold()
        first, *pairs = (self.tests.run() for _ in range(7))
        first.cancel()
        self.failureResultOf(first, CancelledError)
        for one, other in zip(pairs[::2], pairs[1::2], strict=True):
            one.addCallback(self.leave, other)
            other.addCallback(self.leave, one)
        self.store.release()
        for one, other in zip(pairs[::2], pairs[1::2], strict=True):
            self.assertTrue(one.called and other.called)
            left = [isinstance(getattr(each.result, "value", None), CancelledError) for each in (one, other)]
            self.assertEqual(sorted(left), [False, True], "whoever was answered first made the other leave")
            for each in (one, other):
                each.addErrback(lambda failure: failure.trap(CancelledError))

    def leave(self, _: None, other: Deferred[None]) -> None:
        other.cancel()

    def test_an_authority_that_ended(self) -> None:
        self.now = NOON + timedelta(days=20 * 365)
        self.assertEqual(self.fails(), Reason.EXPIRED_ISSUER)

    def test_a_key_that_is_not_the_certificate_s(self) -> None:
        self.authority.succeed(replace(root(), key=private_key(KeyType.P256, "somebody else")))
        self.assertEqual(self.fails(), Reason.SELF_TEST)
        self.assertEqual(self.store.touches, 0)
