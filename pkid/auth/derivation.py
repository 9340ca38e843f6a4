"""Signing keys, derived off the reactor: few at a time, in fair turns, once per salt.

A caller chooses the salt, and so makes the core work before anything is proved. So derivations wait in a bounded
queue that serves peers in turn, equal ones are shared, and a key is kept only when the caller proved that it is the
right one.
"""

from __future__ import annotations

from collections import OrderedDict
from collections.abc import Callable
from typing import Any, Protocol, TypeVar

from twisted.internet.defer import Deferred, fail, maybeDeferred

from pkid.auth.fairness import AcquaintedQueue, QueueFull, peer_key
from pkid.auth.psk import PreSharedKey
from pkid.auth.tokens import derive_key
from pkid.errors import Reason, Unavailable

__all__ = ["KeyDerivation", "Offload"]

T = TypeVar("T")
_KeyName = tuple[PreSharedKey, bytes]
_Caller = tuple[str, bool]  # a peer, and whether it is suspect


class Offload(Protocol):
    """Runs work away from the reactor, and fires with its result on the reactor."""

    def __call__(self, work: Callable[[], T], /) -> Deferred[T]:
        """Run *work* soon."""


class _Derivation:
    """One derivation that waits or runs, and those who wait for it."""

    def __init__(self, psk: PreSharedKey, salt: bytes) -> None:
        self.psk = psk
        self.salt = salt
        self.waiters: set[Deferred[bytes]] = set()
        self.waits_for: set[_Caller] = set()
        self.lines = 0
        self.running = False

    def wait(self) -> Deferred[bytes]:
        """Return a new Deferred for the result; who cancels it waits no longer."""
        waiter: Deferred[bytes] = Deferred(self.waiters.discard)
        self.waiters.add(waiter)
        return waiter

    def finish(self, result: Any) -> None:
        """Give everybody the result: the key, or a failure."""
        while self.waiters:  # one who gets it may cancel another
            self.waiters.pop().callback(result)

    def give_up(self) -> None:
        """Tell everybody that there is no time for them."""
        while self.waiters:
            self.waiters.pop().errback(Unavailable(Reason.BUSY))


class KeyDerivation:
    """Derives keys from pre-shared keys, and remembers the ones that proved right.

    :param offload: runs a derivation in a thread.
    :param workers: how many may run at once: as many as there are processors; strangers leave one of them, if there are
        more, to the acquainted peers and to the work of the reactor.
    :param waiting: how many may wait, of strangers and of acquainted peers each.
    :param remembered: how many keys are kept, the least used leaving first.
    :param ahead: how many more are given to *offload* than run, for the workers to begin without waiting for the
        reactor; strangers have no part in that.
    """

    def __init__(
        self, offload: Offload, workers: int, waiting: int = 256, remembered: int = 4096, ahead: int = 0
    ) -> None:
        self._offload = offload
        self._idle = workers + ahead
        self._idle_for_strangers = max(1, workers - 1)
        self._queue: AcquaintedQueue[_Derivation] = AcquaintedQueue(waiting)
        self._pending: dict[_KeyName, _Derivation] = {}
        self._remembered: OrderedDict[tuple[str, bytes], tuple[PreSharedKey, bytes]] = OrderedDict()
        self._capacity = remembered
        self.refused = 0
        """How many callers were told that too many wait."""
        self.derived = 0
        """How many derivations were started."""

    @property
    def waiting(self) -> int:
        """How many derivations wait for a thread, once for each peer that waits for one."""
        return len(self._queue)

    def recall(self, psk: PreSharedKey, salt: bytes) -> bytes | None:
        """Return a key that proved right before."""
        known = self._remembered.get((psk.name, salt))
        if known is None or (known[0] is not psk and known[0] != psk):  # another key of this name was in service before
            return None
        self._remembered.move_to_end((psk.name, salt))
        return known[1]

    def remember(self, psk: PreSharedKey, salt: bytes, key: bytes) -> None:
        """Keep a key, because a signature that was made with it verified."""
        self._remembered[psk.name, salt] = psk, key
        self._remembered.move_to_end((psk.name, salt))
        if len(self._remembered) > self._capacity:
            self._remembered.popitem(last=False)

    def welcome(self, peer: str) -> None:
        """Let a peer wait apart from strangers from now on, because its credential was accepted."""
        self._queue.welcome(peer_key(peer))

    def derive(self, psk: PreSharedKey, salt: bytes, peer: str, *, suspect: bool = False) -> Deferred[bytes]:
        """Derive a key, or share in a derivation of the same key.

        Fails with :class:`~pkid.errors.Unavailable` (``busy``) when too many wait.

        :param peer: the address of who asks.
        :param suspect: whether to let it wait with strangers, because it was wrong before.
        """
        derivation = self._pending.get((psk, salt)) or _Derivation(psk, salt)
        caller = (peer_key(peer), suspect)
        if not derivation.running and caller not in derivation.waits_for:
            try:
                self._enqueue(caller, derivation)
            except QueueFull:
                self.refused += 1
                return fail(Unavailable(Reason.BUSY))
        waiter = derivation.wait()
        self._start_next()
        return waiter

    def _enqueue(self, caller: _Caller, derivation: _Derivation) -> None:
        """Let a derivation wait in this caller's line too: the first line to come to its turn starts it."""
        peer, suspect = caller
        evicted = self._queue.push(peer, derivation, suspect=suspect)
        derivation.waits_for.add(caller)
        derivation.lines += 1
        self._pending[derivation.psk, derivation.salt] = derivation
        if evicted is not None:
            self._drop(evicted)

    def _drop(self, evicted: _Derivation) -> None:
        """Give a derivation up, unless it runs or still waits in another peer's line."""
        evicted.lines -= 1
        if not evicted.running and not evicted.lines:
            self._forget(evicted)
            self.refused += len(evicted.waiters)
            evicted.give_up()

    def _start_next(self) -> None:
        while self._idle:
            try:
                derivation, of_strangers = self._queue.pop(strangers=self._idle_for_strangers > 0)
            except IndexError:
                return
            if derivation.running:
                continue
            if not derivation.waiters:
                self._forget(derivation)
                continue
            self._start(derivation, of_strangers)

    def _start(self, derivation: _Derivation, of_strangers: bool) -> None:
        derivation.running = True
        self.derived += 1
        self._idle -= 1
        self._idle_for_strangers -= of_strangers
        done = maybeDeferred(self._offload, lambda: derive_key(derivation.psk.secret, derivation.salt))
        done.addBoth(self._finished, derivation, of_strangers)

    def _finished(self, result: Any, derivation: _Derivation, of_strangers: bool) -> None:
        self._idle += 1
        self._idle_for_strangers += of_strangers
        self._forget(derivation)
        derivation.finish(result)
        self._start_next()

    def _forget(self, derivation: _Derivation) -> None:
        if self._pending.get((derivation.psk, derivation.salt)) is derivation:
            del self._pending[derivation.psk, derivation.salt]
