"""What the core's queues tell of themselves: how many wait, how many were refused."""

from __future__ import annotations

import threading
from itertools import count
from pathlib import Path

from twisted.internet.defer import Deferred, gatherResults
from twisted.trial.unittest import TestCase

from pkid.ca.authority import Authority, Order
from pkid.ca.ledger import Entry
from pkid.ca.policy import ANY_NAME
from pkid.errors import Unavailable
from pkid.issuance import Issuance
from pkid.store.memory import MemoryStore
from pkid.store.service import StoreService
from pkid.store.sqlite import open_sqlite
from tests.auth.test_derivation import DerivationCase
from tests.certificates import NOON, csr_pem, profile, root
from tests.support import Case


class DerivationTests(DerivationCase):
    def counts(self) -> tuple[int, int, int]:
        return self.keys.derived, self.keys.waiting, self.keys.refused

    def test_one_runs_and_the_others_wait(self) -> None:
        for salt in (b"1", b"2", b"3", b"3"):
            self.derive(salt)
        self.assertEqual(self.counts(), (1, 2, 0))
        self.finish()
        self.assertEqual(self.counts(), (2, 1, 0))

    def test_one_too_many_is_refused(self) -> None:
        for number in range(6):
            waiter = self.derive(bytes([number]))
        self.busy(waiter)
        self.assertEqual(self.counts(), (1, 4, 1))

    def test_all_who_waited_for_what_had_to_leave_were_refused(self) -> None:
        waiters = [self.derive(bytes([number])) for number in range(5)]
        waiters.append(self.derive(bytes([4])))
        self.derive(b"b", "b")
        for waiter in waiters[-2:]:
            self.busy(waiter)
        self.assertEqual(self.counts(), (1, 4, 2))


class IssuanceTests(Case):
    def setUp(self) -> None:
        serials = count(2**130)
        authority = Authority(root(), profile(), lambda: NOON, lambda: next(serials))
        self.store = MemoryStore()
        self.sizes: list[int] = []
        self.issuance = Issuance(authority, self.store, group=3, waiting=5, observe_group=self.sizes.append)

    def order(self, names: str) -> list[Deferred[Entry]]:
        return [self.issuance.order(Order(csr_pem(), name, ANY_NAME)) for name in names]

    def test_groups_and_what_waits_for_them(self) -> None:
        self.store.hold()
        self.order("abcdef")
        self.assertEqual((self.issuance.waiting, self.sizes), (5, [1]))
        self.store.release()
        self.assertEqual((self.issuance.waiting, self.sizes, self.issuance.refused), (0, [1, 3, 2], 0))

    def test_one_too_many_is_refused(self) -> None:
        self.store.hold()
        *_, last = self.order("abcdefg")
        self.failureResultOf(last, Unavailable)
        self.assertEqual((self.issuance.waiting, self.issuance.refused), (5, 1))


class StoreTests(TestCase):
    timeout = 30

    async def test_transactions_wait_until_they_are_done(self) -> None:
        from twisted.internet import reactor

        store = StoreService(open_sqlite(Path(self.mktemp())), reactor)  # type: ignore[arg-type]
        store.startService()
        self.addCleanup(store.stopService)
        gate = threading.Event()
        self.addCleanup(gate.set)
        running = [store.transact(lambda ledger: gate.wait(10)) for _ in range(3)]
        running.append(store.transact(lambda ledger: True))
        self.assertEqual(store.waiting, 4)
        gate.set()
        await gatherResults(running)
        with self.assertRaises(ZeroDivisionError):
            await store.transact(lambda ledger: bool(1 // 0))
        self.assertEqual(store.waiting, 0)
