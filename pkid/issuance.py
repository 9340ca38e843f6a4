"""Orders for certificates, gathered into groups: one transaction signs and records a whole group.

A group takes what waits while the last one commits, so that a durable commit is shared by many under load, and waits
for nobody when there is none. Nothing is answered before the commit.

Who got an answer often asks again at once. So after a commit the next group waits for as many as the last one had, for
no longer than that one took: few large groups take less of the processor for each order than many small ones.

A group is done at once, but its answers go out a few in each turn of the reactor. So what they bring in comes a few
at a time, too, and who wants something else from the core waits for few of them, not for a whole group.
"""

from __future__ import annotations

from collections import deque
from collections.abc import Callable

from twisted.internet.defer import Deferred, fail
from twisted.internet.interfaces import IDelayedCall, IReactorTime
from twisted.python.failure import Failure

from pkid.ca.authority import Authority, Order
from pkid.ca.ledger import Entry
from pkid.errors import PkidError, Reason, Unavailable
from pkid.store.interfaces import Store

__all__ = ["Issuance"]

_LONGEST_WAIT = 0.02  # seconds
_ANSWERS_IN_A_TURN = 4
_Pending = tuple[Order, "Deferred[Entry]"]


class Issuance:
    """Gives orders to the authority, a group at a time.

    :param group: how many orders one transaction takes.
    :param waiting: how many orders may wait.
    :param observe_group: is told of each group how many orders it has.
    :param clock: for how long a group waits for others, and when the next answers go out; without one, no group waits,
        and no answer.
    """

    def __init__(
        self,
        authority: Authority,
        store: Store,
        group: int = 64,
        waiting: int = 1024,
        observe_group: Callable[[int], object] = lambda size: None,
        clock: IReactorTime | None = None,
    ) -> None:
        self._authority = authority
        self._store = store
        self._group = group
        self._capacity = waiting
        self._waiting: deque[_Pending] = deque()
        self._answers: deque[tuple[Deferred[Entry], Entry | PkidError | Failure]] = deque()
        self._committing = False
        self._observe_group = observe_group
        self._clock = clock
        self._last = 1  # how many orders the last group had
        self._began = self._patient_until = 0.0  # seconds of the clock
        self._call: IDelayedCall | None = None
        self._next_answers: IDelayedCall | None = None
        self.refused = 0
        """How many orders were refused because too many waited."""

    @property
    def waiting(self) -> int:
        """How many orders wait for the next group."""
        return len(self._waiting)

    def order(self, order: Order) -> Deferred[Entry]:
        """Fire with the entry once it is committed.

        Fails with the :class:`~pkid.errors.PkidError` that stands against the order; ``busy`` when too many wait.
        Cancelling takes an order back, if no group took it yet.
        """
        if len(self._waiting) >= self._capacity:
            self.refused += 1
            return fail(Unavailable(Reason.BUSY))
        answer: Deferred[Entry] = Deferred(self._take_back)
        self._waiting.append((order, answer))
        self._start_soon()
        return answer

    def pem_chain(self, entry: Entry) -> bytes:
        """Return the certificate of an entry, and what leads from it to the root but for the root, in PEM."""
        return self._authority.pem_chain(entry.certificate)

    def _take_back(self, answer: Deferred[Entry]) -> None:
        self._waiting = deque(pending for pending in self._waiting if pending[1] is not answer)
        if not self._waiting:
            self._wait_no_longer()

    def _start_soon(self) -> None:
        """Start a group now, or when enough wait, or when it has waited long enough."""
        if self._committing or not self._waiting:
            return
        patience = 0.0 if self._clock is None else min(self._patient_until - self._clock.seconds(), _LONGEST_WAIT)
        if self._clock is None or len(self._waiting) >= self._last or patience <= 0:
            self._start_group()
        elif self._call is None:
            self._call = self._clock.callLater(patience, self._start_group)

    def _wait_no_longer(self) -> None:
        call, self._call = self._call, None
        if call is not None and call.active():
            call.cancel()

    def _start_group(self) -> None:
        self._wait_no_longer()
        group = [self._waiting.popleft() for _ in range(min(self._group, len(self._waiting)))]
        orders = [order for order, _ in group]
        self._committing, self._began = True, self._seconds()
        self._observe_group(len(group))
        committed = self._store.transact(lambda ledger: self._authority.fulfil(orders, ledger))
        committed.addBoth(self._finish_group, group)

    def _finish_group(self, result: list[Entry | PkidError] | Failure, group: list[_Pending]) -> None:
        self._committing, now = False, self._seconds()
        self._last, self._patient_until = len(group), now + min(now - self._began, _LONGEST_WAIT)
        answers = [result] * len(group) if isinstance(result, Failure) else result
        self._answers += zip((waiter for _, waiter in group), answers, strict=True)
        if self._next_answers is None:
            self._answer_some()
        self._start_soon()

    def _answer_some(self) -> None:
        """Answer the first now, and the others in later turns."""
        most = len(self._answers) if self._clock is None else min(_ANSWERS_IN_A_TURN, len(self._answers))
        now = [self._answers.popleft() for _ in range(most)]
        self._next_answers = None
        if self._answers and self._clock is not None:
            self._next_answers = self._clock.callLater(0, self._answer_some)
        for waiter, answer in now:
            if not waiter.called:  # else who asked left: the Deferred was cancelled, and takes no answer
                waiter.callback(Failure(answer) if isinstance(answer, PkidError) else answer)

    def _seconds(self) -> float:
        return 0.0 if self._clock is None else self._clock.seconds()
