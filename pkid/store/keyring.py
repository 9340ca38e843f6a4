"""The core's own keyring: credentials in the ledger, all of them in memory too, so that a login asks no database."""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Sequence
from dataclasses import replace
from datetime import datetime
from typing import TypeVar

from twisted.application.service import Service
from twisted.internet.defer import Deferred, DeferredLock
from twisted.internet.interfaces import IDelayedCall, IReactorTime
from twisted.logger import Logger

from pkid.auth.component_keyring import MemoryKeyring, StoredCredential
from pkid.errors import StateError, Unavailable, Unusable
from pkid.store.credentials import SQLCredentials
from pkid.store.database import Database

__all__ = ["StoredKeyring"]

T = TypeVar("T")

_NOTE_AFTER = 10.0  # seconds in which uses are gathered before they are written


class StoredKeyring(Service):
    """A :class:`pkid.auth.component_keyring.ComponentKeyring` in the ledger.

    :param ledger: is started before the keyring, and stopped after it.
    :param now: gives the wall-clock time, aware UTC.
    """

    name = "keyring"
    _log = Logger()

    def __init__(self, ledger: Database, clock: IReactorTime, now: Callable[[], datetime]) -> None:
        self._ledger = ledger
        self._clock = clock
        self._now = now
        self._known = MemoryKeyring()
        self._lock = DeferredLock()
        self._uses: dict[str, datetime] = {}
        self._timer: IDelayedCall | None = None

    def load(self) -> None:
        """Read all credentials; blocks, so it is called once, before the reactor runs.

        :raises StateError: when one of them cannot be read: without it, its name would be anybody's.
        :raises Unavailable: ``store`` when the ledger cannot be read.
        """
        try:
            stored = self._ledger.write_now(lambda connection: SQLCredentials(connection).all())
        except Unusable as error:
            raise StateError("the ledger", error.problem, "restore it from a copy") from None
        for credential in stored:
            self._known.put(credential)

    async def find(self, component: str) -> Sequence[StoredCredential]:
        """Return the credentials of a name, the newest first."""
        return await self._known.find(component)

    async def list(self) -> Sequence[StoredCredential]:
        """Return all credentials, by name."""
        return await self._known.list()

    async def add(self, credential: StoredCredential) -> None:
        """Store a credential; it proves its name once it is committed.

        :raises Refused: ``bad-name``, ``weak-key``, or ``limit`` when the name has too many.
        :raises ValueError: when there is one of the same identifier.
        :raises Unavailable: ``store`` when it cannot be committed.
        """
        await self._in_turn(lambda: self._add(credential, self._now()))

    async def revoke(self, identifier: str, by: str = "") -> bool:
        """Forget a credential once that is committed, and tell whether there was one.

        :param by: who wants it, as the trail is to tell.
        :raises Unavailable: ``store`` when that cannot be committed.
        """
        return await self._in_turn(lambda: self._revoke(identifier, by))

    async def note_use(self, identifier: str, at: datetime) -> None:
        """Note when a credential last proved its name; written a little later, with others."""
        await self._known.note_use(identifier, at)
        self._uses[identifier] = at
        if self._timer is None and self.running:
            self._timer = self._clock.callLater(_NOTE_AFTER, self._write_soon)

    def stopService(self) -> Deferred[None]:
        """Write what was noted."""
        super().stopService()
        if self._timer is not None:
            self._timer.cancel()
            self._timer = None
        return Deferred.fromCoroutine(self._write_uses())

    async def _add(self, credential: StoredCredential, created: datetime) -> None:
        self._known.check(credential)
        await self._ledger.write(lambda connection: SQLCredentials(connection).add(credential, created))
        self._known.put(replace(credential, created=created))

    async def _revoke(self, identifier: str, by: str) -> bool:
        credential = self._known.get(identifier)
        if credential is None:
            return False
        at = self._now()
        await self._ledger.write(lambda connection: SQLCredentials(connection).revoke(credential, by, at))
        return await self._known.revoke(identifier)

    async def _in_turn(self, change: Callable[[], Awaitable[T]]) -> T:
        """Make one change after the other, so that each sees what the last one left."""
        await self._lock.acquire()
        try:
            return await change()
        finally:
            self._lock.release()

    def _write_soon(self) -> None:
        self._timer = None
        Deferred.fromCoroutine(self._write_uses()).addErrback(lambda failure: self._log.failure("noting uses", failure))

    async def _write_uses(self) -> None:
        uses, self._uses = self._uses, {}
        if not uses:
            return
        try:
            await self._ledger.write(lambda connection: SQLCredentials(connection).note_uses(uses))
        except Unavailable:
            self._uses = uses | self._uses  # with the next ones; the store has logged it
