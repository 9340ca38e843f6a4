"""A component's certificate: got from the core, kept, and renewed in time for as long as the service runs.

Knows timers and storage; when to do what is decided in :mod:`pkid.ca.renewal`.
"""

from __future__ import annotations

from collections.abc import Callable
from datetime import datetime, timedelta

from twisted.application.service import Service
from twisted.internet.defer import CancelledError, Deferred
from twisted.internet.interfaces import IDelayedCall
from twisted.logger import Logger
from twisted.python.failure import Failure

from pkid.agent.core import Core
from pkid.agent.credential import Credential
from pkid.agent.shared import Shared
from pkid.agent.storage import Storage
from pkid.answers import Busy, CoreError, Rejected
from pkid.ca.enrollment import Subject
from pkid.ca.keys import KeyType
from pkid.ca.renewal import (
    LONGEST_RETRY,
    Step,
    longest_retry,
    next_step,
    renewal_due,
    retry_delay,
    time_to_sleep,
)
from pkid.ca.trust import TrustError
from pkid.errors import StateError
from pkid.exchange import Unreachable

__all__ = ["CertificateService"]

_SHORTEST_WAIT = timedelta(seconds=30)
"""Between a renewal and the next one, when the authority itself is about to end."""

_EXPECTED = (CoreError, TrustError, StateError)
"""What is told in a sentence; everything else is a fault, and told with its traceback."""


class CertificateService(Service):
    """Has a current certificate, as far as the core can be reached; no failure is its last attempt.

    It is renewed with itself. The pre-shared key is needed for the first one, and when the certificate has ended or
    the core does not accept it. Each certificate is for a new key.

    :param storage: keeps key and certificate for the next start.
    :param on_kept: called with each credential as soon as it is kept, the stored one included; it may do anything.
    """

    _log = Logger()
    _timer: IDelayedCall | None = None
    _held: Credential | None = None
    _told: Credential | None = None
    _saved = True
    _failures = 0
    _error: str | None = None
    _asked = 0.0  # seconds that the core asked to be left alone

    def __init__(
        self,
        core: Core,
        subject: Subject,
        storage: Storage,
        key_type: KeyType = KeyType.P256,
        on_kept: Callable[[Credential], object] | None = None,
    ) -> None:
        self.core = core
        self.subject = subject
        self.setName(f"certificate of {subject.common_name}")
        self._storage = storage
        self._key_type = key_type
        self._on_kept = on_kept
        self._runtime = core.runtime
        self._due = core.runtime.now()
        self._waiting: list[Deferred[Credential]] = []
        self._renewing = Shared(self._renew)

    @property
    def credential(self) -> Credential | None:
        """The key and certificate to use now; ``None`` before there are any.

        When the core was not reachable for too long, the certificate may have ended; that is for its readers to judge.
        """
        return self._held

    @property
    def kept(self) -> bool:
        """Whether the storage has the credential, if there is one."""
        return self._saved

    @property
    def due(self) -> datetime:
        """From when on the certificate is to be renewed, aware UTC."""
        return self._due

    @property
    def error(self) -> str | None:
        """Why the last attempt failed, if it did: a sentence for people."""
        return self._error

    def when_ready(self) -> Deferred[Credential]:
        """Fire with the credential as soon as there is one, and it is kept if that is possible.

        Fails with ``CancelledError`` when the service stops.
        """
        ready: Deferred[Credential] = Deferred(self._forget)
        if self._held is not None:
            ready.callback(self._held)
        else:
            self._waiting.append(ready)
        return ready

    def renew(self) -> Deferred[Credential]:
        """Renew the certificate now, whether it is due or not; one attempt serves all who ask meanwhile.

        Fails with a :class:`CoreError`, a :class:`TrustError` or a :class:`StateError`; the service goes on trying.
        """
        if not self.running:
            raise RuntimeError("the service does not run; start it first")
        if not self._renewing.under_way:
            self._stop_timer()
            if self._held is None:
                self._take_stored()
            self._due = self._runtime.now()
        return self._try()

    def check(self) -> None:
        """Look at the storage and the clock now, and try at once what is to be tried again.

        What is missing in the storage is saved anew.
        """
        if self.running and not self._renewing.under_way:
            self._stop_timer()
            self._begin()

    def startService(self) -> None:
        """Begin as soon as the reactor runs: take what is stored, then watch the clock."""
        super().startService()
        self._timer = self._runtime.clock.callLater(0, self._begin)

    def stopService(self) -> None:
        """Stop to watch, and give up what is under way."""
        super().stopService()
        self._stop_timer()
        self._renewing.cancel()
        waiting, self._waiting = self._waiting, []
        for ready in waiting:
            ready.errback(CancelledError())

    def _begin(self) -> None:
        """Take what is stored, then do what is to be done."""
        self._take_stored()
        self._wake()
        self._tell()

    def _take_stored(self) -> None:
        """Take the stored credential, if it is good; two small files are read before anything else happens."""
        if self._saved:
            try:
                self._load()
            except (StateError, TrustError) as error:
                self._saved = self._held is None
                self._log.warn("what is stored cannot be used: {error}", error=error)

    def _load(self) -> None:
        self.core.load()
        stored, authority = self._storage.load_credential(), self.core.known_authority
        if stored is not None and authority is not None:
            stored.check(self.subject.names, authority, self._runtime.now())
            self._adopt(stored, self._runtime.now())
            self._succeeded()
        else:
            self._saved = self._held is None

    def _wake(self) -> None:
        self._timer = None
        if self._now_to_do() is Step.WAIT and self._saved:
            self._succeeded()  # what failed, for a clock that was wrong, is not to be done any more
            self._sleep()
        else:
            self._try().addErrback(lambda _: None)  # _renew tells of its failures

    def _try(self) -> Deferred[Credential]:
        def told(result: Credential | Failure) -> Credential | Failure:
            self._tell()
            return result

        return self._renewing().addBoth(told)

    def _now_to_do(self) -> Step:
        now = self._runtime.now()
        return Step.ENROLL if self._held is None else next_step(self._held.not_after, self._due, now, self._failures)

    def _sleep(self) -> None:
        if self._failures:
            held = self._held
            longest = LONGEST_RETRY if held is None else longest_retry(held.not_before, held.not_after)
            delay = retry_delay(self._failures, self._runtime.random(), self._asked, longest)
        else:
            delay = time_to_sleep(self._due, self._runtime.now())
        self._timer = self._runtime.clock.callLater(delay.total_seconds(), self._wake)

    def _stop_timer(self) -> None:
        if self._timer is not None and self._timer.active():
            self._timer.cancel()
        self._timer = None

    async def _renew(self) -> Credential:
        """Make one attempt, tell of its failure, and set the timer for the next one."""
        try:
            credential = await self._attempt()
        except CancelledError:
            raise
        except Exception as error:
            self._failed(error)
            raise
        else:
            self._succeeded()
            return credential
        finally:
            if self.running:
                self._sleep()

    async def _attempt(self) -> Credential:
        """Get a certificate if one is due, and keep what is not kept yet."""
        step = self._now_to_do()
        if step is not Step.WAIT:
            credential = await self._obtain(step)
            self._saved = False
            self._adopt(credential, self._runtime.now() + _SHORTEST_WAIT)
            self._log.info(
                "{service}: a new one, valid until {until:%Y-%m-%dT%H:%M:%SZ}",
                service=self.name, until=credential.not_after,
            )  # fmt: skip
        held = self._held
        assert held is not None
        if not self._saved:
            await self._runtime.offload(lambda: self._storage.save_credential(held))
            self._saved = True
        return held

    async def _obtain(self, step: Step) -> Credential:
        enrollment = self.subject.enroll(await self._runtime.offload(self._key_type.generate))
        if step is Step.RENEW and self._held is not None:
            try:
                return await self.core.renew(enrollment, self._held)
            except (Rejected, Unreachable) as error:
                if isinstance(error, Unreachable) and error.transient:
                    raise
                self._log.info("{service}: not renewed with itself ({error})", service=self.name, error=error)
        return await self.core.enroll(enrollment)

    def _adopt(self, credential: Credential, earliest: datetime) -> None:
        """Use a credential from now on."""
        self._held = credential
        due = renewal_due(credential.not_before, credential.not_after, self._runtime.random())
        self._due = max(due, earliest)

    def _tell(self) -> None:
        """Tell those who wait for the first credential, if it is there, and who wants each; they may do anything."""
        held = self._held
        if held is None:
            return
        waiting, self._waiting = self._waiting, []
        kept = self._saved and held is not self._told
        self._told = held if kept else self._told
        for ready in waiting:
            ready.callback(held)
        if kept and self._on_kept is not None:
            self._on_kept(held)

    def _succeeded(self) -> None:
        self._failures, self._asked, self._error = 0, 0.0, None

    def _failed(self, error: Exception) -> None:
        self._failures += 1
        self._asked = float(error.retry_after or 0) if isinstance(error, Busy) else 0.0
        self._error = str(error) if isinstance(error, _EXPECTED) else "a fault, of which the log tells more"
        if isinstance(error, _EXPECTED):
            self._log.error(
                "{service}: none from {core}: {error}", service=self.name, core=self.core.origin, error=error
            )
        else:
            self._log.failure("{service}: a fault", Failure(error), service=self.name)

    def _forget(self, ready: Deferred[Credential]) -> None:
        """Let one who waited go."""
        self._waiting.remove(ready)
