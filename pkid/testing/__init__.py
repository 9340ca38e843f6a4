"""A core in memory, for tests of programs that use :mod:`pkid.agent`: real rules, pages and TLS, nothing outside.

There are no sockets, threads or files, and time stands still until the test moves it::

    memory_core = MemoryCore()
    service = memory_core.certificate_service("web.example")
    service.startService()
    memory_core.clock.advance(0)
    credential = self.successResultOf(service.when_ready())
"""

from __future__ import annotations

from datetime import UTC, datetime, timedelta

from cryptography import x509
from twisted.cred.portal import Portal
from twisted.internet.defer import execute
from twisted.internet.interfaces import IStreamClientEndpoint
from twisted.internet.task import Clock
from twisted.protocols.tls import TLSMemoryBIOFactory

from pkid.agent import CertificateService, Core, MemoryStorage, Runtime, Storage, Subject
from pkid.audit import Strangers
from pkid.auth.certificates import CertificateChecker
from pkid.auth.checkers import BearerTokenChecker
from pkid.auth.derivation import KeyDerivation
from pkid.auth.endorsement import Endorsements
from pkid.auth.keyring import Keyring
from pkid.auth.psk import PreSharedKey
from pkid.auth.realm import Realm
from pkid.auth.tokens import TokenSigner, derive_key
from pkid.ca.authority import Authority
from pkid.ca.issuer import Issuer, make_root
from pkid.ca.keys import KeyType
from pkid.ca.names import DEFAULT_TRUST_DOMAIN, Names, TrustDomain
from pkid.ca.profile import Profile
from pkid.ca.renewal import renewal_due
from pkid.issuance import Issuance
from pkid.state import KeyPair
from pkid.store.memory import MemoryStore
from pkid.testing.wire import MemoryEndpoint
from pkid.tls import LiveContext, server_context
from pkid.web.ca import CertificatePage, RenewPage, SignPage
from pkid.web.guard import Guard
from pkid.web.rendering import NotFound, Routes
from pkid.web.site import Site
from pkid.web.system import PingPage

__all__ = ["START", "MemoryCore"]

START = datetime(2030, 1, 1, tzinfo=UTC)
"""The time at which a memory core begins, unless told otherwise."""

_HOST = "core.example"
_MOST_CONNECTIONS = 1_000_000  # all components of a test come from one address
_SALT = bytes(16)


class MemoryCore:
    """A core that lives in the test.

    :param lifetime: how long certificates are valid.
    :param psk: the pre-shared key.
    :param start: the time at which it begins, aware UTC.
    :param clock: a clock of your own, for tests that need one.
    :ivar clock: moves everything, bytes included: ``clock.advance(0)`` lets all happen that needs no time.
    :ivar store: the ledger; commits can be held back and made to fail.
    :ivar lifetime: takes effect when the core starts anew.
    :ivar reachable: whether the core takes connections.
    :ivar attempts: how often somebody tried to connect.
    :ivar jitter: what the dice show, at least 0 and below 1.
    """

    url = f"https://{_HOST}:8900"

    def __init__(
        self,
        lifetime: timedelta = timedelta(days=365),
        psk: str = "a pre-shared key for tests",
        start: datetime = START,
        clock: Clock | None = None,
    ) -> None:
        self.clock = clock or Clock()
        self._start = start
        self.store = MemoryStore()
        self.psk = psk
        self.lifetime = lifetime
        self.reachable = True
        self.attempts = 0
        self.jitter = 0.0
        self._live = LiveContext()
        self._site = Site(self.clock, most_per_peer=_MOST_CONNECTIONS)
        self._server = TLSMemoryBIOFactory(self._live, False, self._site, self.clock)
        self.replace_authority()

    def replace_authority(self) -> None:
        """Give the core another CA, as the loss of its state directory would; it begins with one that is as good."""
        self._begin(make_root(KeyType.P256.generate(), self.now(), x509.random_serial_number()))

    def restart(self) -> None:
        """Begin anew with the same CA and ledger: what was only in memory is forgotten, the lifetime is read again."""
        self._begin(self.issuer)

    def _begin(self, issuer: Issuer) -> None:
        profile = Profile(TrustDomain(DEFAULT_TRUST_DOMAIN), self.lifetime, issuer.key.public_key())
        self._authority = Authority(issuer, profile, self.now, x509.random_serial_number)
        self._live_until = self.now()
        self._site.serve(self._routes())

    @property
    def issuer(self) -> Issuer:
        """The CA's key and certificate, to sign what the core would not."""
        return self._authority.issuer

    @property
    def authority(self) -> x509.Certificate:
        """The CA certificate."""
        return self.issuer.certificate

    @property
    def issued(self) -> list[x509.Certificate]:
        """Every certificate that was given out, the oldest first."""
        return [x509.load_der_x509_certificate(entry.certificate) for entry in self.store.entries]

    def now(self) -> datetime:
        """Return the time by the clock, aware UTC."""
        return self._start + timedelta(seconds=self.clock.seconds())

    @property
    def runtime(self) -> Runtime:
        """What an agent needs to live in the test, too."""
        return Runtime(self.clock, self.now, lambda: self.jitter, execute, self._reach)

    def core(self, storage: Storage | None = None, psk: str | None = None, ca_fingerprint: str | None = None) -> Core:
        """Return a component's view of this core; without a storage it keeps everything in memory."""
        return Core(self.url, psk or self.psk, storage or MemoryStorage(), self.runtime, ca_fingerprint)

    def certificate_service(self, subject: str, storage: Storage | None = None) -> CertificateService:
        """Return a service that gets a certificate for one host name from this core."""
        storage = storage or MemoryStorage()
        return CertificateService(self.core(storage), Subject.of(subject), storage)

    def _reach(self, host: str, port: int) -> IStreamClientEndpoint:
        self.attempts += 1
        self._refresh()
        return MemoryEndpoint(self._server, self.clock, lambda: self.reachable and host == _HOST)

    def _refresh(self) -> None:
        """Give the core a certificate of its own, if it has none or that is to be renewed, and the CA is valid."""
        if not self._live_until <= self.now() < self.authority.not_valid_after_utc:
            return
        key, issuer = KeyType.P256.generate(), self._authority.issuer
        approved = self._authority.profile.approve_core(key.public_key(), Names(dns=(_HOST,)))
        certificate = issuer.sign(approved, self.now(), x509.random_serial_number())
        self._live_until = renewal_due(certificate.not_valid_before_utc, certificate.not_valid_after_utc)
        self._live.swap(server_context(KeyPair(key, certificate), [issuer.chain]))

    def _routes(self) -> Routes:
        psk = PreSharedKey("default", self.psk)
        keyring = Keyring([psk], lambda: self.now().timestamp())
        tokens = BearerTokenChecker(keyring, KeyDerivation(execute, 1), lambda: self.now().timestamp(), strict=True)
        certificates = CertificateChecker(
            lambda sha256: self.store.transact(lambda ledger: ledger.find_fingerprint(sha256)),
            self._authority.recognises,
            keyring.policy_of,
            self.now,
        )
        guard = Guard(Portal(Realm(), [tokens, certificates]), Strangers(self.clock.seconds), keyring)
        issuance = Issuance(self._authority, self.store)
        endorsements = Endorsements(keyring, lambda: self.now().timestamp())
        endorsements.exchange({psk: TokenSigner(derive_key(self.psk, _SALT), _SALT, psk.name)})
        return Routes(
            {
                "/ca/cert": CertificatePage(self._authority, endorsements, keyring),
                "/ca/renew": RenewPage(guard, issuance),
                "/ca/sign": SignPage(guard, issuance),
                "/system/ping": PingPage(),
            },
            NotFound(guard),
            keyring,
        )
