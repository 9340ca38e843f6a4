"""Who is let in at the HTTPS door, and the pages that are behind it."""

from __future__ import annotations

import os
import time
from datetime import UTC, datetime

from twisted.cred.portal import Portal

from pkid.audit import Strangers
from pkid.auth.certificates import CertificateChecker
from pkid.auth.checkers import BearerTokenChecker
from pkid.auth.credentials import Member
from pkid.auth.derivation import KeyDerivation, Offload
from pkid.auth.endorsement import Endorsements
from pkid.auth.keyring import Keyring
from pkid.auth.realm import Realm
from pkid.auth.roles import ALL_RIGHTS
from pkid.ca.authority import Authority
from pkid.ca.policy import ANY_NAME
from pkid.commands.interpreter import Interpreter
from pkid.issuance import Issuance
from pkid.metrics.exposition import Exposition
from pkid.settings.resolution import Settings
from pkid.store.interfaces import Store
from pkid.web.ca import CertificatePage, RenewPage, SignPage
from pkid.web.cli import EvaluatePage, ExecutePage, InfoPage, ModelPage
from pkid.web.guard import Guard
from pkid.web.metrics import MetricsPage, UnprotectedMetricsPage
from pkid.web.rendering import Page
from pkid.web.system import NobodyPage, PingPage, ReadyPage

__all__ = ["NOBODY", "Reception"]

NOBODY = Member("nobody", ALL_RIGHTS, ANY_NAME)
"""Everybody, where nobody proves anything."""


class Reception:
    """Knows the pre-shared keys in service, and lets callers in: by tokens and certificates, or everybody.

    :ivar keyring: the keys; none at first.
    :ivar endorsements: what they say of the CA certificate.
    :ivar derivation: makes signing keys of them.
    :ivar tokens: checks tokens by these keys.
    :ivar strangers: takes note of who is not let in.

    :param offload: where keys are derived, in as many threads as there are processors.
    """

    def __init__(self, authority: Authority, store: Store, offload: Offload, settings: Settings) -> None:
        self._settings = settings
        self.keyring = Keyring((), time.time)
        self.endorsements = Endorsements(self.keyring, time.time)
        self.derivation = KeyDerivation(offload, os.cpu_count() or 1, ahead=1)
        self.strangers = Strangers(time.monotonic)
        self.tokens = BearerTokenChecker(self.keyring, self.derivation, time.time, strict=settings.strict_tokens)
        checkers = [self.tokens, self._certificates(authority, store)]
        everybody = None if settings.authentication else NOBODY
        self.guard = Guard(Portal(Realm(), checkers), self.strangers, self.keyring, everybody)

    def pages(
        self,
        authority: Authority,
        issuance: Issuance,
        interpreter: Interpreter,
        ready: ReadyPage,
        exposition: Exposition,
    ) -> dict[str, Page]:
        """Return the pages by their paths."""
        guard, settings = self.guard, self._settings
        found: dict[str, Page] = {
            "/ca/cert": CertificatePage(authority, self.endorsements, self.keyring),
            "/ca/renew": RenewPage(guard, issuance),
            "/ca/sign": SignPage(guard, issuance),
            "/cli/evaluate": EvaluatePage(guard, interpreter),
            "/cli/execute": ExecutePage(guard, interpreter),
            "/cli/info": InfoPage(guard, interpreter),
            "/metrics": UnprotectedMetricsPage(exposition) if settings.open_metrics else MetricsPage(guard, exposition),
            "/graph/fix/model": ModelPage(guard),
            "/model": ModelPage(guard),
            "/system/ping": PingPage(),
            "/system/ready": ready,
        }
        return found if settings.authentication else found | {"/authorization/user": NobodyPage()}

    def _certificates(self, authority: Authority, store: Store) -> CertificateChecker:
        return CertificateChecker(
            lambda sha256: store.transact(lambda ledger: ledger.find_fingerprint(sha256)),
            authority.recognises,
            self.keyring.policy_of if self._settings.authentication else lambda _: ANY_NAME,
            lambda: datetime.now(UTC),
        )
