"""What the core issues with and what its doors show: of its own making or the operator's, exchanged while it runs.

Decides which of them counts; the two services that keep them do not know of each other.
"""

from __future__ import annotations

import random
from collections.abc import Callable
from dataclasses import replace
from datetime import datetime
from pathlib import Path
from typing import TypeVar

from cryptography import x509
from twisted.application.service import MultiService
from twisted.internet.defer import Deferred
from twisted.internet.interfaces import IReactorTime
from twisted.logger import Logger

from pkid.auth.derivation import Offload
from pkid.ca.authority import Authority
from pkid.ca.chain import leads_to
from pkid.ca.issuer import Issuer
from pkid.ca.keys import KeyType
from pkid.ca.names import Names
from pkid.ca.profile import NO_NAMES
from pkid.ca.reserved import covers, is_name_of
from pkid.ca.trust import host_names_of
from pkid.discovery import discover
from pkid.errors import about
from pkid.host import HostCertificate
from pkid.lineage import Lineage
from pkid.own import load_host, load_issuer, load_keystore, load_trusted, others_can_read, stamp
from pkid.settings.certificates import PairFiles
from pkid.settings.resolution import Settings
from pkid.startup import open_issuer, publish_issuer
from pkid.state import KeyPair, StateDirectory
from pkid.store.interfaces import Store
from pkid.tls import LiveContext, server_context
from pkid.watch import Certified, FileWatch

__all__ = ["CoreCertificates"]

T = TypeVar("T", bound=Certified)


class CoreCertificates(MultiService):
    """Keeps the core's CA and the certificate of its doors, each from the state directory or from the operator's files.

    :param live: what the doors show; each new certificate is put there.
    :param offload: does what blocks.
    :param now: gives the wall-clock time, aware UTC.
    """

    _log = Logger()
    _authority: Authority
    _lineage: Lineage
    _host: HostCertificate | FileWatch[KeyPair]
    _own_issuer: FileWatch[Issuer] | None = None
    _keystore: FileWatch[KeyPair] | None = None
    _pair: KeyPair
    _names: Names | None = None
    _own_names: Names

    def __init__(
        self,
        settings: Settings,
        state: StateDirectory,
        live: LiveContext,
        *,
        offload: Offload,
        clock: IReactorTime,
        now: Callable[[], datetime],
    ) -> None:
        super().__init__()
        self._settings = settings
        self._state = state
        self._live = live
        self._offload = offload
        self._clock = clock
        self._now = now

    def open_issuer(self) -> Issuer:
        """Load the CA that issues; blocks, for use before the reactor runs.

        :raises StateError: when it cannot be used.
        """
        ca = self._settings.ca
        if ca.key is None:
            key_type = KeyType(self._settings.ca_key_type)
            issuer = open_issuer(self._state, key_type, self._now, x509.random_serial_number, ca.passphrase)
            self._trust()
        else:
            self._own_issuer = self._watch("the CA of --ca-cert", ca, load_issuer, self._succeed)
            issuer = self._own_issuer.prepare()
        return issuer

    def enter(self, issuer: Issuer, lineage: Lineage) -> None:
        """Take note of who issues, and tell the world; blocks, for use before the reactor runs.

        :raises StateError: when the CA is distrusted, or the stored one is damaged.
        """
        self._lineage = lineage
        stored = self._state.load_certificate("ca") if self._own_issuer is not None else None
        with about(self._issuer_file):
            lineage.begin(issuer.chain, None if stored is None else (stored,))
        publish_issuer(self._state, issuer)

    def open_host(self, authority: Authority, store: Store) -> None:
        """Load or make the certificate of the doors, and show it; blocks, for use before the reactor runs.

        :raises StateError: when it cannot be used.
        """
        self._authority = authority
        if self._settings.host.certificate is not None:
            self._names = self._discover()
            self._host = watch = self._watch(
                "the certificate of --cert", self._settings.host, load_host, self._show_own
            )
            self._show_own(watch.prepare())
            return
        self._host = made = HostCertificate(
            authority, store, self._state, self._discover, self._show,
            offload=self._offload, clock=self._clock, now=self._now, random=random.random,
        )  # fmt: skip
        self._show(made.prepare())
        made.setServiceParent(self)
        self._state.withdraw_certificate("host")

    def open_keystore(self, live: LiveContext) -> None:
        """Load the certificate that the Rembus doors show in place of the others', if the operator has one for them.

        :param live: what these doors show.
        :raises StateError: when it cannot be used.
        """
        files = self._settings.keystore
        if files.certificate is None:
            return

        def show(pair: KeyPair) -> None:
            live.swap(server_context(pair, ()))

        self._keystore = watch = self._watch("the certificate in REMBUS_KEYSTORE", files, load_keystore, show)
        show(watch.prepare())

    def reconfigure(self, settings: Settings) -> None:
        """Go by other names of the host from now on, and keep them from others or not; nothing else changes.

        Certificates follow with the next :meth:`check`.
        """
        self._settings = replace(
            self._settings,
            host_dns_names=settings.host_dns_names,
            host_ip_addresses=settings.host_ip_addresses,
            forbid_core_names=settings.forbid_core_names,
        )
        self._know_names()

    def check(self) -> Deferred[None]:
        """Look now at everything that may have changed: files, the host's names, the end of a certificate."""
        return Deferred.fromCoroutine(self._check())

    def distrust(self, sha256: bytes, by: str) -> Deferred[None]:
        """Accept no certificates of a former CA: at once, and for ever when it has fired.

        :param sha256: the fingerprint of its certificate, 32 bytes.
        :param by: who wants it, as the trail is to tell.
        :raises Refused: ``unknown-issuer`` or ``issuer-in-use``.
        """
        committed = self._lineage.distrust(sha256, by)
        self._authority.former = self._lineage.issuers.former
        self._show(self._pair)
        return committed

    def ends(self) -> dict[str, datetime]:
        """Return when the certificates end, that of the CA with the first of its chain."""
        chain = self._authority.issuer.chain
        return {"ca": min(each.not_valid_after_utc for each in chain), "host": self._host.not_after}

    def is_own_name(self, host: str) -> bool:
        """Tell whether the core goes by a host name, in lower case."""
        return is_name_of(host, self._own_names)

    @property
    def _issuer_file(self) -> Path:
        own = self._settings.ca.certificate if self._own_issuer is not None else None
        return own or self._state.path / "ca.pem"

    async def _check(self) -> None:
        if self._own_issuer is not None:
            await self._own_issuer.check()
        if self._keystore is not None:
            await self._keystore.check()
        if self._names is not None:
            self._names = await self._offload(self._discover)
            self._know_names()
        await self._host.check()

    def _watch(
        self, what: str, files: PairFiles, load: Callable[[PairFiles, datetime], T], use: Callable[[T], None]
    ) -> FileWatch[T]:
        if files.key is not None and others_can_read(files.key):
            self._log.warn("{path} may be read by everybody; run chmod o-r on it", path=str(files.key))
        watch = FileWatch(
            what, lambda: stamp(files), lambda: load(files, self._now()), use,
            offload=self._offload, clock=self._clock, now=self._now,
        )  # fmt: skip
        watch.setServiceParent(self)
        return watch

    def _trust(self) -> None:
        path = self._settings.ca.certificate
        if path is not None:
            said = "{path} is trusted by the core's own connections, of which it makes none yet; the stored CA issues"
            load_trusted(path, self._now())
            self._log.info(said, path=str(path))

    def _succeed(self, issuer: Issuer) -> None:
        """Issue with another CA; whatever is shown to clients follows."""
        with about(self._issuer_file):
            self._lineage.succeed(issuer.chain)
        self._authority.succeed(issuer)
        self._authority.former = self._lineage.issuers.former
        self._later(lambda: publish_issuer(self._state, issuer))
        if isinstance(self._host, FileWatch):
            self._show_own(self._pair)
            return
        self._show(self._pair)
        # A renewal that is under way may be by the CA before; if so, the second check is the one that renews.
        self._host.check().addCallback(lambda _: self._host.check())

    def _discover(self) -> Names:
        return discover(self._settings.host_dns_names, self._settings.host_ip_addresses)

    def _show(self, pair: KeyPair) -> None:
        """Show a pair from now on, and keep its names from others if that is asked for."""
        with about("the certificate of the doors"):
            self._live.swap(server_context(pair, self._authority.chains))
        self._pair = pair
        self._know_names()

    def _know_names(self) -> None:
        """Take note of the names of the core, of this certificate and of the host, and who else may have them."""
        shown = host_names_of(self._pair.certificate)
        here = self._names or shown
        self._own_names = Names.of((*shown.dns, *here.dns), (*shown.ip, *here.ip))
        forbidden = self._own_names if self._settings.forbid_core_names else NO_NAMES
        self._authority.profile = replace(self._authority.profile, forbidden=forbidden)

    def _show_own(self, pair: KeyPair) -> None:
        """Show a pair of the operator's own, and say what clients may not like about it."""
        self._show(pair)
        self._later(lambda: self._state.publish_certificate("host", pair.certificate))
        shown, here = host_names_of(pair.certificate), self._names or Names()
        missing = [name for name in here.dns if not any(covers(each, name) for each in shown.dns)]
        if missing:
            said = "the certificate of --cert is not for {names}; who calls the core so will not trust it"
            self._log.warn(said, names=", ".join(missing))
        if not leads_to([pair.certificate, *pair.issuers], self._authority.issuer.anchor):
            self._log.warn(
                "the certificate of --cert does not lead to the CA at /ca/cert: components that trust only that CA will"
                " refuse this door; tell them by --ca-cert whom to trust for it"
            )

    def _later(self, work: Callable[[], None]) -> None:
        """Write to the state directory off the reactor; if that fails, nothing but a copy is old."""
        self._offload(work).addErrback(lambda failure: self._log.failure("a copy was not written", failure))
