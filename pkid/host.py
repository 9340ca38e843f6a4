"""The core's own certificate: kept in the state directory, renewed and put to use while the core runs."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from datetime import datetime, timedelta

from cryptography import x509
from twisted.application.service import Service
from twisted.internet.defer import Deferred
from twisted.internet.interfaces import IDelayedCall, IReactorTime
from twisted.logger import Logger
from twisted.python.failure import Failure

from pkid.auth.derivation import Offload
from pkid.ca.authority import Authority
from pkid.ca.keys import KeyType
from pkid.ca.ledger import Entry, Ledger
from pkid.ca.names import Names
from pkid.ca.renewal import renewal_due, retry_delay, time_to_sleep
from pkid.ca.trust import is_issued_by, names_of
from pkid.state import KeyPair, StateDirectory
from pkid.store.interfaces import Store

__all__ = ["HostCertificate"]

_SHORTEST_WAIT = timedelta(seconds=30)
"""Between a renewal and the next one, when the authority itself is about to end."""


class HostCertificate(Service):
    """Has a current certificate for this host, always.

    :param discover: finds the host's names; it may block, so it runs through *offload*.
    :param use: puts a new pair to use.
    :param now: gives the wall-clock time, aware UTC.
    :param random: gives a number of at least 0 and below 1.
    """

    _log = Logger()
    _timer: IDelayedCall | None = None
    _running: Deferred[None] | None = None
    _pair: KeyPair
    _saved = True

    def __init__(
        self,
        authority: Authority,
        store: Store,
        state: StateDirectory,
        discover: Callable[[], Names],
        use: Callable[[KeyPair], None],
        *,
        offload: Offload,
        clock: IReactorTime,
        now: Callable[[], datetime],
        random: Callable[[], float],
    ) -> None:
        self._authority = authority
        self._store = store
        self._state = state
        self._discover = discover
        self._use = use
        self._offload = offload
        self._clock = clock
        self._now = now
        self._random = random
        self._failures = 0
        self.due = now()

    @property
    def not_after(self) -> datetime:
        """When the certificate that is in use ends, aware UTC."""
        return self._pair.certificate.not_valid_after_utc

    def prepare(self) -> KeyPair:
        """Load the stored pair, or make one if it does not fit; blocks, for use before the reactor runs.

        :raises StateError: when the stored pair is damaged.
        """
        names = self._discover()
        stored = self._state.load_pair("host")
        pair = stored if stored is not None and self._fits(stored, names) else self._make(names)
        if pair is not stored:
            self._state.save_pair("host", pair)
        whole = self._complete(pair)
        self._adopt(whole)
        return whole

    def startService(self) -> None:
        """Watch the clock."""
        super().startService()
        self._sleep()

    def stopService(self) -> Deferred[None] | None:
        """Stop to watch; wait for a renewal that is under way."""
        super().stopService()
        if self._timer is not None:
            self._timer.cancel()
            self._timer = None
        return self._running

    def check(self) -> Deferred[None]:
        """Renew the certificate now if it is due, or if the host's names have changed."""
        done: Deferred[None] = Deferred()
        if self._running is None:
            self._running = running = Deferred.fromCoroutine(self._check())
            running.addBoth(self._checked)
        else:
            running = self._running
        running.addBoth(lambda _: done.callback(None))
        return done

    async def _check(self) -> None:
        names = await self._offload(self._discover)
        if self._fits(self._pair, names) and self._now() < self.due:
            await self._save()
            return
        key = KeyType.P256.generate()
        entry = await self._store.transact(lambda ledger: self._authority.certify_core(key.public_key(), names, ledger))
        pair = self._complete(KeyPair(key, x509.load_der_x509_certificate(entry.certificate)))
        self._use(pair)
        self._adopt(pair)
        self._saved = False
        await self._save()
        self._log.info("the core has a new certificate, valid until {until}", until=entry.not_after.isoformat())

    async def _save(self) -> None:
        if not self._saved:
            await self._offload(lambda: self._state.save_pair("host", self._pair))
            self._saved = True

    def _checked(self, result: Failure | None) -> None:
        self._running = None
        if isinstance(result, Failure):
            self._failures += 1
            self._log.failure("the core's own certificate could not be renewed", result)
        else:
            self._failures = 0
        if self.running:
            self._sleep()

    def _sleep(self) -> None:
        if self._timer is not None and self._timer.active():
            self._timer.cancel()
        if self._failures:
            delay = retry_delay(self._failures, self._random())
        else:
            delay = time_to_sleep(self.due, self._now())
        self._timer = self._clock.callLater(delay.total_seconds(), self._wake)

    def _wake(self) -> None:
        self._timer = None
        early = self._now() < self._pair.certificate.not_valid_before_utc
        if self._failures or early or self._now() >= self.due:
            self.check()
        else:
            self._sleep()

    def _make(self, names: Names) -> KeyPair:
        key = KeyType.P256.generate()

        def certify(ledger: Ledger) -> Entry:
            return self._authority.certify_core(key.public_key(), names, ledger)

        entry = self._store.transact_now(certify)
        return KeyPair(key, x509.load_der_x509_certificate(entry.certificate))

    def _fits(self, pair: KeyPair, names: Names) -> bool:
        """Tell whether a stored pair is ours, for these names, and not yet to be renewed."""
        certificate = pair.certificate
        due = renewal_due(certificate.not_valid_before_utc, certificate.not_valid_after_utc)
        return (
            certificate.not_valid_before_utc <= self._now() < due
            and is_issued_by(certificate, self._authority.issuer.certificate)
            and _same(names_of(certificate), names)
        )

    def _complete(self, pair: KeyPair) -> KeyPair:
        """Add what stands above the certificate; the authority may have been replaced since it signed that."""
        chains = self._authority.chains
        above = next((chain for chain in chains if is_issued_by(pair.certificate, chain[0])), ())
        return replace(pair, issuers=above)

    def _adopt(self, pair: KeyPair) -> None:
        self._pair, certificate = pair, pair.certificate
        due = renewal_due(certificate.not_valid_before_utc, certificate.not_valid_after_utc, self._random())
        self.due = max(due, self._now() + _SHORTEST_WAIT)


def _same(one: Names, other: Names) -> bool:
    """Tell whether these are the same names, in whatever order."""
    return set(one.dns) == set(other.dns) and set(one.ip) == set(other.ip)
