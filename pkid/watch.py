"""Watches files that the operator replaces, and puts to use what is in them.

Knows when to look again and what to say; what the files hold is for others to read and to use.
"""

from __future__ import annotations

from collections.abc import Callable
from datetime import datetime, timedelta
from typing import Generic, Protocol, TypeVar

from cryptography import x509
from twisted.application.service import Service
from twisted.internet.defer import Deferred
from twisted.internet.interfaces import IDelayedCall, IReactorTime
from twisted.logger import Logger
from twisted.python.failure import Failure

from pkid.auth.derivation import Offload
from pkid.errors import StateError

__all__ = ["Certified", "FileWatch"]

_INTERVAL = 60.0  # seconds
_REMINDER = timedelta(days=14)  # before the end, or a third of the lifetime if that is shorter


class Certified(Protocol):
    """What files hold: a certificate and its issuers', with the key for it."""

    @property
    def certificate(self) -> x509.Certificate:
        """The certificate for the key."""
        ...

    @property
    def issuers(self) -> tuple[x509.Certificate, ...]:
        """Who signed it, who signed that one, and so on."""
        ...


T = TypeVar("T", bound=Certified)


class FileWatch(Service, Generic[T]):
    """Has what the files hold; looks once a minute whether they were replaced.

    What cannot be used is refused in one line of the log, what was there before stays in use, and the files are read
    again at each look until they can be used.

    :param what: what to call them in the log, ``the CA of --ca-cert``.
    :param stamp: tells whether they are still the same; it may block, so it runs through *offload*.
    :param load: reads them; raises :class:`~pkid.errors.StateError`, and may block, too.
    :param use: puts what they hold to use, on the reactor; raises :class:`~pkid.errors.StateError` if it cannot.
    :param now: gives the wall-clock time, aware UTC.
    """

    _log = Logger()
    _timer: IDelayedCall | None = None
    _running: Deferred[None] | None = None
    _refused: str | None = None
    _reminded: datetime | None = None
    _current: T

    def __init__(
        self,
        what: str,
        stamp: Callable[[], object],
        load: Callable[[], T],
        use: Callable[[T], None],
        *,
        offload: Offload,
        clock: IReactorTime,
        now: Callable[[], datetime],
    ) -> None:
        self._what = what
        self._stamp_now = stamp
        self._load = load
        self._use = use
        self._offload = offload
        self._clock = clock
        self._now = now
        self._stamp: object = None

    @property
    def not_after(self) -> datetime:
        """When the certificate that is in use ends, aware UTC."""
        return self._current.certificate.not_valid_after_utc

    def prepare(self) -> T:
        """Read the files for the first time; blocks, for use before the reactor runs.

        :raises StateError: when they cannot be used.
        """
        self._stamp = self._stamp_now()
        self._current = self._load()
        self._remind()
        return self._current

    def startService(self) -> None:
        """Look from time to time."""
        super().startService()
        self._sleep()

    def stopService(self) -> Deferred[None] | None:
        """Stop to look; wait for a look that is under way."""
        super().stopService()
        if self._timer is not None:
            self._timer.cancel()
            self._timer = None
        return self._running

    def check(self) -> Deferred[None]:
        """Read the files now, whether or not they seem to be the same; fire when that is done, well or not."""
        return Deferred.fromCoroutine(self._check())

    async def _check(self) -> None:
        while self._running is not None:  # which may have read them a moment too early
            await self._running
        self._stamp = None
        await self._look()

    def _look(self) -> Deferred[None]:
        self._running = looking = Deferred.fromCoroutine(self._read_if_replaced())
        looking.addBoth(self._looked)
        return looking

    async def _read_if_replaced(self) -> None:
        found = await self._offload(self._stamp_now)  # before they are read: what comes later is another stamp
        if found == self._stamp:
            self._refused = None
            return
        loaded = await self._offload(self._load)
        if (loaded.certificate, loaded.issuers) != (self._current.certificate, self._current.issuers):
            self._use(loaded)
            self._current = loaded
            until = f"{self.not_after:%Y-%m-%d %H:%M} UTC"
            self._log.info("{what} was replaced; the new one is valid until {until}", what=self._what, until=until)
        self._stamp, self._refused = found, None

    def _looked(self, result: Failure | None) -> None:
        self._running = None
        if isinstance(result, Failure):
            self._refuse(result)
        self._remind()
        if self.running:
            self._sleep()

    def _refuse(self, failure: Failure) -> None:
        """Say why the files cannot be used, once."""
        reason = failure.getErrorMessage()
        if reason == self._refused:
            return
        self._refused = reason
        if failure.check(StateError):
            said = "{what} was not replaced: {reason}; the one before stays in use"
            self._log.error(said, what=self._what, reason=reason)
        else:
            self._log.failure("{what} was not replaced", failure, what=self._what)

    def _remind(self) -> None:
        """Say once of each certificate that it ends soon, for nobody but the operator can renew it."""
        lifetime = self.not_after - self._current.certificate.not_valid_before_utc
        if self._now() < self.not_after - min(_REMINDER, lifetime / 3) or self._reminded == self.not_after:
            return
        self._reminded = self.not_after
        until = f"{self.not_after:%Y-%m-%d %H:%M} UTC"
        self._log.warn("{what} is valid only until {until}; put a new one in its place", what=self._what, until=until)

    def _sleep(self) -> None:
        if self._timer is not None:
            self._timer.cancel()
        self._timer = self._clock.callLater(_INTERVAL, self._wake)

    def _wake(self) -> None:
        self._timer = None
        if self._running is None:
            self._look()
