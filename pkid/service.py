"""Puts the daemon together; the only place that knows everything."""

from __future__ import annotations

import os
import signal
from collections.abc import Callable, Iterable
from datetime import UTC, datetime
from functools import partial
from types import FrameType
from typing import Any

from twisted.application.service import IService, MultiService
from twisted.internet.defer import Deferred, maybeDeferred, succeed
from twisted.logger import Logger, globalLogPublisher

from pkid.administration import Administration
from pkid.auth.keyring import Keyring
from pkid.auth.psk import PreSharedKey
from pkid.broking import Broking
from pkid.ca.authority import Authority
from pkid.ca.profile import Profile
from pkid.ca.serial import RANDOM_BYTES, serial_number
from pkid.certificates import CoreCertificates
from pkid.commands.authority import ca_distrust
from pkid.commands.core import core_commands
from pkid.commands.interpreter import Interpreter
from pkid.commands.ledger import Certificates
from pkid.door import Door
from pkid.exposure import Exposure, Reminder
from pkid.inventory.inventory import Inventory
from pkid.inventory.source import Source
from pkid.issuance import Issuance
from pkid.limits import raise_file_limit
from pkid.lineage import Lineage
from pkid.metrics.broker import watch_broker
from pkid.metrics.core import CoreMetrics
from pkid.metrics.decisions import Decisions
from pkid.metrics.ending import EndingNames
from pkid.pruning import Pruning
from pkid.readiness import Readiness
from pkid.reception import Reception
from pkid.reconfiguration import Reconfiguration
from pkid.resources import authority_resource, core_resource, credential_resource, sources
from pkid.rotation import Rotation
from pkid.selftest import SelfTest
from pkid.settings.endpoints import OFF
from pkid.settings.resolution import Settings
from pkid.start import one_clear_line
from pkid.startup import check_ledger, open_psks, open_trust_domain
from pkid.state import StateDirectory
from pkid.store.ending import count_ending_names
from pkid.store.issuers import StoredIssuers
from pkid.store.opening import OpenLedger, open_ledger
from pkid.store.search import CertificateSource
from pkid.store.service import StoreService
from pkid.threads import ParallelMap, Threads
from pkid.tls import LiveContext
from pkid.web.rendering import NotFound, Routes
from pkid.web.site import Site
from pkid.web.system import ReadyPage
from pkid.web.threshold import Threshold

__all__ = ["Core", "make_service"]

_MOST_PER_PEER = 1024  # connections, each of which may make the core hold a body before it proves anything
_PATIENCE = 25.0  # seconds that answers in flight have when the daemon stops
_IMPATIENCE = 2.0  # seconds after which a self-test that has no result counts as failed in the metrics


def make_service(settings: Settings, reactor: Any, resolve: Callable[[], Settings] | None = None) -> IService:
    """Return the daemon's service; nothing is opened before it starts.

    :param resolve: finds the settings anew, for a reload; by default they never change.
    """
    return Core(settings, reactor, resolve or (lambda: settings))


class Core(MultiService):
    """The daemon: state directory, authority, ledger and doors, started and stopped in order."""

    _log = Logger()
    _state: StateDirectory
    _authority: Authority
    _certificates: CoreCertificates
    _ledger: OpenLedger
    _lineage: Lineage
    _readiness: Readiness

    def __init__(self, settings: Settings, reactor: Any, resolve: Callable[[], Settings]) -> None:
        super().__init__()
        self._settings = self._found = settings  # as they were at the start, and as they were read last
        self._resolve = resolve
        self._reactor = reactor
        self._live = LiveContext()
        self._metrics = CoreMetrics()
        most_per_peer = min(raise_file_limit() // 2, _MOST_PER_PEER)
        self._site = Site(reactor, most_per_peer, self._metrics.traffic)
        tls = self._live if settings.tls else None
        self._door = (
            None if settings.https == OFF else Door("https", settings.https, self._site, tls, reactor, gathers=True)
        )
        self._broking = Broking(settings, self._live, reactor)
        self._doors = [*([self._door] if self._door is not None else []), *self._broking.doors]

    def privilegedStartService(self) -> None:
        """Bind the ports; twistd sheds privileges after this."""
        with one_clear_line("pkid"):
            self._open_doors()
        super().privilegedStartService()

    def startService(self) -> None:
        """Open the state, and serve.

        :raises StartFailed: with one line for people, when something stands in the way.
        """
        with one_clear_line("pkid"):
            self._open_doors()
            self._assemble()
            self._state.save_addresses([f"{door.name} {door.address}" for door in self._doors])
        super().startService()
        self._former_handler = signal.signal(signal.SIGHUP, self._hang_up)
        self._reactor.callWhenRunning(self._announce)

    def stopService(self) -> Deferred[None]:
        """Finish what is in flight, then close everything, the last opened first."""
        return Deferred.fromCoroutine(self._stop())

    def reload(self) -> Deferred[None]:
        """Look again at what may have changed while the core runs: settings, keys, the host's names, certificates."""
        if not self.running:
            return succeed(None)
        self._log.info("reloading")
        self._readiness.reloading()
        reloaded = Deferred.fromCoroutine(self._reload())
        reloaded.addErrback(lambda failure: self._log.failure("not all was read again", failure))
        return reloaded.addCallback(lambda _: self._readiness.reloaded())

    async def _reload(self) -> None:
        await self._rotation.reload()
        self._broking.review()  # first, so that nothing can keep the sessions of a key that was taken out
        self._reconfiguration.adopt(self._found)
        await self._certificates.check()

    def _announce(self) -> None:
        """Say that the daemon is ready, but not before the reactor can take a signal to stop."""
        if self.running:
            self._log.info("ready; all state is in {path}", path=str(self._state.path))
            self._readiness.setServiceParent(self)

    def _open_doors(self) -> None:
        for door in self._doors:
            door.open()

    def _hang_up(self, number: int, frame: FrameType | None) -> None:
        self._reactor.callFromThread(self.reload)

    def _assemble(self) -> None:
        settings, reactor, metrics = self._settings, self._reactor, self._metrics
        self._state = state = StateDirectory(settings.state)
        trust_domain = open_trust_domain(state, settings.trust_domain)
        keys = Threads("keys", max(1, (os.cpu_count() or 1) // 2), reactor)
        files = Threads("files", 1, reactor)  # apart from keys, so that no caller holds up the end of a pre-shared key
        derivations = Threads("derivation", os.cpu_count() or 1, reactor)
        signatures = ParallelMap("signatures", os.cpu_count() or 1)
        self._certificates = own = CoreCertificates(settings, state, self._live, offload=files, clock=reactor, now=_now)
        issuer = own.open_issuer()
        psks = open_psks(state, settings)
        check_ledger(state)
        self._ledger = ledger = open_ledger(state.ledger, reactor, metrics.meter)
        profile = Profile(trust_domain, settings.leaf_lifetime, issuer.key.public_key())
        self._lineage = lineage = Lineage(StoredIssuers(ledger.store), _now)
        own.enter(issuer, lineage)
        authority = Authority(issuer, profile, _now, _serial, lineage.issuers.former, signatures)
        pruning = self._pruning(ledger.store)
        self._authority = authority
        own.open_host(authority, ledger.store)
        own.open_keystore(self._broking.rembus_tls)
        reception = Reception(authority, ledger.store, derivations, settings)
        self._rotation = Rotation(reception.keyring, reception.endorsements, self._read_psks, files)
        self._rotation.begin(psks)
        self._reconfiguration = Reconfiguration(settings, authority, own, reception.tokens)
        issuance = Issuance(authority, ledger.store, observe_group=metrics.group.observe, clock=reactor)
        decisions = Decisions(reception.strangers, globalLogPublisher)
        names = EndingNames(lambda spans: ledger.reader.read(partial(count_ending_names, spans=spans)), reactor, _now)
        metrics.watch(
            {"https": self._site}, reception.derivation, issuance, ledger.store,
            ledger_bytes=ledger.file.size, decisions=decisions.read, names=names, now=_now, ends=own.ends,
        )  # fmt: skip
        exposure = Exposure.of(settings)
        broking = self._broking.assemble(
            state, ledger.store, reception, authority, files=files, derivations=derivations
        )
        self._serve(reception, authority, issuance, keys, exposure)
        self._readiness = Readiness.from_environment(os.environ, reactor)
        reminder = Reminder(lambda: exposure.sentences(*(door.address for door in self._doors)), reactor)
        watch_broker(metrics.readings, self._broking.service, self._broking.store.store, self._broking.store.file)
        https = [self._door] if self._door is not None else []
        threads = (derivations, keys, files, signatures)
        for child in (decisions, *threads, ledger.store, ledger.reader, *pruning, own, *broking, *https, reminder):
            child.setServiceParent(self)

    def _serve(
        self, reception: Reception, authority: Authority, issuance: Issuance, keys: Threads, exposure: Exposure
    ) -> None:
        """Give the HTTPS door its pages."""
        metrics, ledger = self._metrics, self._ledger
        broking = self._broking
        administration = Administration(broking.service, broking.keyring, broking.proving, keys, _now)
        certificates = _certificates(ledger, reception.keyring, authority, self._lineage, administration.sources)
        more = [ca_distrust(self._distrust), *administration.commands(certificates.inventory)]
        interpreter = Interpreter(core_commands(lambda: authority.issuer.anchor, certificates, issuance, keys, more))
        self_test = SelfTest(authority, ledger.store, ledger.file.check, self._reactor)
        exposition = metrics.exposition(lambda: self_test.passes(_IMPATIENCE))
        ready = ReadyPage(self_test, exposure.notices)
        pages = reception.pages(authority, issuance, interpreter, ready, exposition)
        is_own_name = None if exposure.authentication else self._certificates.is_own_name
        threshold = Threshold(exposure.notices, is_own_name, reception.strangers)
        routes = Routes(pages, NotFound(reception.guard), reception.keyring, threshold)
        metrics.traffic.expect(routes.names)
        self._site.serve(routes)

    def _pruning(self, store: StoreService) -> list[Pruning]:
        """Return what lets the ledger forget, if it is to; before this start records anything by a clock that errs."""
        keep = self._settings.keep_expired
        known = store.transact_now(lambda ledger: ledger.newest()) or _now()
        return [] if keep is None else [Pruning(store, keep, known, self._reactor, _now)]

    def _stop_again(self, number: int, frame: FrameType | None) -> None:
        said = "stopping already: answers in flight have {seconds:g} seconds at most"
        self._reactor.callFromThread(self._log.info, said, seconds=_PATIENCE)

    async def _stop(self) -> None:
        self.running = 0
        former = {each: signal.signal(each, self._stop_again) for each in (signal.SIGINT, signal.SIGTERM)}
        for child in reversed(list(self)):
            await maybeDeferred(child.stopService)
            if child is self._door:
                await self._site.finish(_PATIENCE)
        self._state.close()
        for each, handler in (former | {signal.SIGHUP: self._former_handler}).items():
            signal.signal(each, handler)

    async def _distrust(self, sha256: bytes, by: str) -> int:
        """Accept nothing of a former CA any more, and return how many sessions ended for that."""
        committed = self._certificates.distrust(sha256, by)
        ended = await self._broking.service.distrust(self._authority.recognises)
        await committed
        return ended

    def _read_psks(self) -> tuple[PreSharedKey, ...]:
        self._found = settings = self._resolve()
        return open_psks(self._state, settings, make=False)


def _certificates(
    ledger: OpenLedger, keyring: Keyring, authority: Authority, lineage: Lineage, more: Iterable[Source]
) -> Certificates:
    """Return the certificates of the ledger, in an inventory of all that the core knows."""
    known = sources(
        CertificateSource(ledger.reader.read),
        credentials=lambda: map(credential_resource, keyring.all()),
        authorities=lambda: map(authority_resource, lineage.issuers.known),
        core=lambda: core_resource(authority.profile.trust_domain.name, ledger.size.read),
    )
    return Certificates(
        Inventory([*known, *more], _now), lambda serial: ledger.reader.consult(lambda rows: rows.find(serial))
    )


def _now() -> datetime:
    return datetime.now(UTC)


def _serial() -> int:
    return serial_number(_now(), os.urandom(RANDOM_BYTES))
