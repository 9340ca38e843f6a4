"""The self-test behind the daemon's readiness: it signs, verifies and writes to the ledger, for real."""

from __future__ import annotations

from collections.abc import Callable

from twisted.internet.defer import Deferred, TimeoutError
from twisted.internet.interfaces import IReactorTime
from twisted.python.failure import Failure

from pkid.ca.authority import Authority
from pkid.ca.ledger import Ledger
from pkid.errors import Unavailable
from pkid.store.interfaces import Store

__all__ = ["SelfTest"]


class SelfTest:
    """Tests that the authority can issue; those who ask at the same time share one test, and its result for a while.

    :param check_place: raises :class:`~pkid.errors.Unavailable` when the ledger's place is not as it should be; it may
        block, and runs in the store's thread.
    :param keep: seconds for which a result is good, so that asking often costs nothing.
    """

    def __init__(
        self,
        authority: Authority,
        store: Store,
        check_place: Callable[[], None],
        clock: IReactorTime,
        keep: float = 1.0,
    ) -> None:
        self._authority = authority
        self._store = store
        self._check_place = check_place
        self._clock = clock
        self._keep = keep
        self._waiters: set[Deferred[None]] = set()
        self._running = False
        self._result: Failure | None = None
        self._tested_at = float("-inf")

    def run(self) -> Deferred[None]:
        """Fire when the test succeeded; fail with :class:`~pkid.errors.Unavailable` when it did not."""
        waiter: Deferred[None] = Deferred(self._waiters.discard)
        if not self._running and 0 <= self._clock.seconds() - self._tested_at < self._keep:
            waiter.callback(self._result)
            return waiter
        self._waiters.add(waiter)
        if not self._running:
            self._running = True
            self._store.transact(self._test).addBoth(self._finish)
        return waiter

    def passes(self, patience: float) -> Deferred[bool]:
        """Fire with whether the test succeeds within *patience* seconds."""
        result = self.run().addTimeout(patience, self._clock)
        return result.addCallbacks(lambda _: True, _does_not_pass)

    def _test(self, ledger: Ledger) -> None:
        self._check_place()
        self._authority.self_test(ledger)

    def _finish(self, result: Failure | None) -> None:
        self._running = False
        self._result, self._tested_at = result, self._clock.seconds()
        waiters, self._waiters = self._waiters, set()
        while waiters:  # one who is answered may make others leave
            waiters.pop().callback(result)


def _does_not_pass(failure: Failure) -> bool:
    failure.trap(Unavailable, TimeoutError)
    return False
