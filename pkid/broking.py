"""Puts the broker together: what it keeps, who proves names, the service, and the doors that lead to it."""

from __future__ import annotations

import os
from datetime import UTC, datetime
from functools import partial
from typing import Any

from twisted.application.service import IService

from pkid.auth.derivation import Offload
from pkid.auth.keyring import Keyring
from pkid.auth.known_certificates import KnownCertificates
from pkid.auth.psk import PreSharedKey
from pkid.auth.schemes import Scheme
from pkid.ca.authority import Authority
from pkid.door import Door, LateFactory
from pkid.line.approach import SCHEMES
from pkid.line.budget import Budget
from pkid.line.codec import Limits as LineLimits
from pkid.line.factory import LineFactory
from pkid.messaging.service import BrokerService
from pkid.proving import Known, Proving
from pkid.reception import Reception
from pkid.rembus_doors import RembusDoors
from pkid.settings.endpoints import OFF
from pkid.settings.resolution import Settings
from pkid.state import StateDirectory
from pkid.store.keyring import StoredKeyring
from pkid.store.messages.messages import Limits
from pkid.store.messages.opening import OpenBrokerStore, open_broker_store
from pkid.store.pins import StoredPins
from pkid.store.service import StoreService
from pkid.store.tenants import StoredTenants
from pkid.tls import LiveContext, NewestTLS

__all__ = ["Broking"]

_DECOY_KEY_SIZE = 32  # bytes


class Broking:
    """The daemon's broker.

    :ivar doors: those that are not off; each can be opened before the broker is assembled.
    :ivar rembus_tls: what the Rembus doors show: the same as the others, unless the operator has something for them.
    :ivar store: what the broker keeps; like all that follows, there once the broker is assembled.
    :ivar keyring: the core's own credentials of components.
    :ivar proving: by what names are proven.
    :ivar service: the broker at work.
    """

    store: OpenBrokerStore
    keyring: StoredKeyring
    proving: Proving
    service: BrokerService
    _psks: Keyring

    def __init__(self, settings: Settings, live: LiveContext, reactor: Any) -> None:
        self._settings = settings
        self._reactor = reactor
        self._line = LateFactory()
        self._seen: tuple[PreSharedKey, ...] = ()
        tls = NewestTLS(live) if settings.tls else None
        line = [Door("line", settings.line, self._line, tls, reactor, gathers=True)] if settings.line != OFF else []
        self.rembus_tls = LiveContext() if settings.keystore.certificate else live
        self._rembus = RembusDoors(settings, self.rembus_tls, reactor)
        self.doors = [*line, *self._rembus.doors]

    def assemble(
        self,
        state: StateDirectory,
        ledger: StoreService,
        reception: Reception,
        authority: Authority,
        *,
        files: Offload,
        derivations: Offload,
    ) -> list[IService]:
        """Open what is kept, and give the doors what is behind them; return the services in the order of their start.

        :param ledger: is started before these services, and stopped after them.
        :raises StateError: when what is kept is not fit for use.
        """
        reactor, terms, psks = self._reactor, self._settings.broker, reception.keyring
        limits = Limits(terms.keeping.most, terms.keeping.room, terms.keeping.age)
        self.store = store = open_broker_store(state.messages, ledger, reactor, _now, limits)
        self.keyring = keyring = StoredKeyring(ledger, reactor, _now)
        keyring.load()
        known = self._known(state, ledger, reception, authority)
        self.proving = proving = Proving(
            self._settings.auth, known, files=files, derivations=derivations, clock=reactor
        )
        logins = proving.authentication.logins
        self.service = service = BrokerService(
            terms, store.store, logins.begin, reactor, reception.strangers,
            server=authority.profile.trust_domain.name, registrar=proving.registrar, tenants=proving.tenants.names,
            holds=lambda credential: _holds(psks, credential),
            means=lambda credential, component: _means(psks, credential, component),
        )  # fmt: skip
        proving.attach(service)
        self._psks, self._seen = psks, psks.all()
        line = Budget(limits=LineLimits(payload=terms.message_size))
        self._line.behind = LineFactory(service, reactor, line, schemes=logins.accepted((*SCHEMES, Scheme.PASSWORD)))
        self._rembus.lead_to(service, logins.accepted)
        return [*store.services, keyring, *proving.directories, service, *self.doors]

    def review(self) -> None:
        """End the sessions of pre-shared keys that were exchanged, do not allow the name, or are not in service now."""
        former, self._seen = self._seen, self._psks.all()
        current = {psk.name: psk for psk in self._seen}
        for psk in former:
            now = current.get(psk.name)
            if now is None or now.secret != psk.secret:
                self.service.revoke(psk.credential)
            elif now.terms.policy != psk.terms.policy:
                self.service.narrow(psk.credential, partial(now.terms.policy.still_allows, psk.terms.policy))
        self.service.review()

    def _known(self, state: StateDirectory, ledger: StoreService, reception: Reception, authority: Authority) -> Known:
        return Known(
            psks=reception.keyring,
            derivation=reception.derivation,
            trust_domain=authority.profile.trust_domain,
            find_entry=KnownCertificates(
                lambda sha256: ledger.transact(lambda entries: entries.find_fingerprint(sha256))
            ),
            is_ours=authority.recognises,
            store=self.keyring,
            tenants=StoredTenants(ledger, _now),
            pins=StoredPins(ledger, _now),
            decoy_key=_decoy_key(state) if self._settings.broker.policy.authenticated else None,
        )


def _decoy_key(state: StateDirectory) -> bytes:
    key = state.load_decoy_key()
    if key is None:
        key = os.urandom(_DECOY_KEY_SIZE)
        state.save_decoy_key(key)
    return key


def _holds(psks: Keyring, credential: str) -> bool:
    """Tell whether a credential is in service, for names; only pre-shared keys leave it without being revoked."""
    kind, _, name = credential.partition(":")
    psk = psks.find(name)
    return kind != "psk" or (psk is not None and psk.gives_names)


def _means(psks: Keyring, credential: str, component: str) -> bool:
    """Tell whether a credential is a name's own, or a pre-shared key's whose policy lists the name."""
    policy = psks.policy_of(credential)
    return credential.startswith("key:") or (policy is not None and policy.lists(component))


def _now() -> datetime:
    return datetime.now(UTC)
