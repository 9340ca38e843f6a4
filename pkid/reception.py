"""Who is let in at the HTTPS door, and the pages that are behind it."""

from __future__ import annotations

import time
from datetime import UTC, datetime

from twisted.cred.portal import Portal

from pkid.audit import Strangers
from pkid.auth.certificates import CertificateChecker
from pkid.auth.checkers import BearerTokenChecker
from pkid.auth.credentials import Member
from pkid.auth.derivation import KeyDerivation
from pkid.auth.keyring import Keyring
from pkid.auth.realm import Realm
from pkid.auth.roles import ALL_RIGHTS
from pkid.ca.authority import Authority
from pkid.ca.policy import ANY_NAME
from pkid.commands.interpreter import Interpreter
from pkid.issuance import Issuance
from pkid.metrics.exposition import Exposition
from pkid.settings import Settings
from pkid.store.interfaces import Store
from pkid.web.ca import CertificatePage, RenewPage, SignPage
from pkid.web.cli import EvaluatePage, ExecutePage, InfoPage, ModelPage
from pkid.web.guard import Guard
from pkid.web.metrics import MetricsPage, UnprotectedMetricsPage
from pkid.web.rendering import Page
from pkid.web.system import NobodyPage, PingPage, ReadyPage

__all__ = ["NOBODY", "guard", "pages"]

NOBODY = Member("nobody", ALL_RIGHTS, ANY_NAME)
"""Everybody, where nobody proves anything."""


def guard(
    authority: Authority,
    keyring: Keyring,
    derivation: KeyDerivation,
    strangers: Strangers,
    store: Store,
    settings: Settings,
) -> Guard:
    """Return who lets callers in: by tokens and certificates; without authentication, everybody."""
    open_to_all = not settings.authentication
    tokens = BearerTokenChecker(keyring, derivation, time.time, strict=settings.strict_tokens)
    certificates = CertificateChecker(
        lambda sha256: store.transact(lambda ledger: ledger.find_fingerprint(sha256)),
        authority.recognises,
        (lambda _: ANY_NAME) if open_to_all else keyring.policy_of,
        lambda: datetime.now(UTC),
    )
    portal = Portal(Realm(), [tokens, certificates])
    return Guard(portal, strangers, keyring, NOBODY if open_to_all else None)


def pages(
    guard: Guard,
    certificate: CertificatePage,
    issuance: Issuance,
    interpreter: Interpreter,
    ready: ReadyPage,
    exposition: Exposition,
    settings: Settings,
) -> dict[str, Page]:
    """Return the pages by their paths."""
    found: dict[str, Page] = {
        "/ca/cert": certificate,
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
