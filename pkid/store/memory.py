"""A store that forgets: the in-memory twin of the real one, for tests of what stands on a store.

A test can hold commits back and make them fail, to see what the code does meanwhile. Never for service.
"""

from __future__ import annotations

from collections import ChainMap, deque
from collections.abc import Callable, Iterator, Mapping, MutableMapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from itertools import chain
from typing import Any, TypeVar

from twisted.internet.defer import Deferred

from pkid.ca.ledger import Entry, RequestKey
from pkid.errors import PkidError, Reason, Unavailable
from pkid.store.interfaces import SearchableLedger

__all__ = ["MemoryStore"]

T = TypeVar("T")


class _MemoryLedger:
    """One transaction: reads what is committed and its own additions, writes only the latter."""

    def __init__(self, committed: MutableMapping[int, Entry]) -> None:
        self.added: dict[int, Entry] = {}
        self.deleted: set[int] = set()
        self.touched = False
        self._committed = committed
        self._entries = ChainMap(self.added, committed)

    def _all(self) -> Iterator[Entry]:
        """Yield every entry; a chain of maps would look each one up."""
        return chain(self._committed.values(), self.added.values())

    def recall(self, keys: Sequence[RequestKey], since: datetime) -> Mapping[RequestKey, Entry]:
        wanted = set(keys)
        found: dict[RequestKey, Entry] = {}
        recent = [entry for entry in self._all() if entry.issued_at >= since]
        for entry in sorted(recent, key=lambda entry: (entry.issued_at, entry.serial)):
            key = entry.request_key
            if key is not None and key in wanted:
                found[key] = entry
        return found

    def record(self, entries: Sequence[Entry]) -> None:
        for entry in entries:
            if entry.serial in self._entries:
                raise Unavailable(Reason.STORE)
            self.added[entry.serial] = entry

    def touch(self) -> None:
        self.touched = True

    def find(self, serial: int) -> Entry | None:
        return self._entries.get(serial)

    def find_fingerprint(self, sha256: bytes) -> Entry | None:
        return next((entry for entry in self._all() if entry.sha256 == sha256), None)

    def count(self) -> int:
        return len(self._entries)

    def newest(self) -> datetime | None:
        return max((entry.issued_at for entry in self._entries.values()), default=None)

    def prune(self, ended: datetime, most: int) -> int:
        over = [entry for entry in self._entries.values() if entry.not_after < ended]
        first = {entry.serial for entry in sorted(over, key=lambda entry: entry.not_after)[:most]}
        self.deleted |= first
        return len(first)


@dataclass(frozen=True, slots=True)
class _Transaction:
    """Work that was done and waits for its commit."""

    ledger: _MemoryLedger
    result: Any
    done: Deferred[Any]


class MemoryStore:
    """A :class:`pkid.store.interfaces.Store` in a dictionary.

    Unless commits are held, ``transact`` returns a Deferred that has fired already.
    """

    def __init__(self) -> None:
        self.commits = 0
        """How many transactions were committed."""
        self.touches = 0
        """How many of them had touched the ledger."""
        self._entries: dict[int, Entry] = {}
        self._queue: deque[tuple[Callable[[SearchableLedger], Any], Deferred[Any]]] = deque()
        self._open: _Transaction | None = None
        self._held = False
        self._error: PkidError | None = None

    @property
    def entries(self) -> list[Entry]:
        """What is committed, oldest commit first."""
        return list(self._entries.values())

    @property
    def waiting(self) -> int:
        """How many transactions are not committed: one whose work is done, and those behind it."""
        return len(self._queue) + (self._open is not None)

    def hold(self) -> None:
        """Hold back every commit from now on: the first transaction's work is done, the rest queue behind it."""
        self._held = True

    def release(self) -> None:
        """Commit what was held back, in order, and hold nothing from now on."""
        self._held = False
        self._settle()
        self._advance()

    def release_one(self) -> None:
        """Commit only the transaction that stands first, and go on holding; the next one's work is then done."""
        self._settle()
        self._advance()

    def fail_next(self, error: PkidError | None = None) -> None:
        """Make the next commit fail with *error*, by default ``Unavailable(Reason.STORE)``; those after it succeed."""
        self._error = error or Unavailable(Reason.STORE)

    def transact(self, work: Callable[[SearchableLedger], T]) -> Deferred[T]:
        """Do *work*, and commit unless commits are held."""
        done: Deferred[T] = Deferred()
        self._queue.append((work, done))
        self._advance()
        return done

    def transact_now(self, work: Callable[[SearchableLedger], T]) -> T:
        """Do *work* and commit.

        :raises RuntimeError: while a commit is held back: the real store would wait for it forever.
        """
        if self._open is not None:
            raise RuntimeError("a commit is held back; release it first")
        ledger = _MemoryLedger(self._entries)
        result = work(ledger)
        self._commit(ledger)
        return result

    def _advance(self) -> None:
        """Do the work of queued transactions until a held commit stands in the way."""
        while self._queue and self._open is None:
            work, done = self._queue.popleft()
            ledger = _MemoryLedger(self._entries)
            try:
                result = work(ledger)
            except Exception:
                done.errback()
                continue
            self._open = _Transaction(ledger, result, done)
            if not self._held:
                self._settle()

    def _settle(self) -> None:
        """Commit the open transaction, if there is one, and tell its caller."""
        if self._open is None:
            return
        transaction, self._open = self._open, None
        try:
            self._commit(transaction.ledger)
        except PkidError:
            transaction.done.errback()
        else:
            transaction.done.callback(transaction.result)

    def _commit(self, ledger: _MemoryLedger) -> None:
        error, self._error = self._error, None
        if error is not None:
            raise error
        self._entries.update(ledger.added)
        for serial in ledger.deleted:
            del self._entries[serial]
        self.commits += 1
        self.touches += ledger.touched
