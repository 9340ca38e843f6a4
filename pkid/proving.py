"""By what components prove their names to the broker, and who registers keys: put together for one core.

Knows where keys are kept and who must hear of it when they change; whether a proof is good, `pkid.auth` decides.
"""

from __future__ import annotations

import os
import time
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass, field
from datetime import UTC, datetime
from functools import partial
from pathlib import Path
from typing import Protocol

from twisted.internet.defer import Deferred
from twisted.internet.interfaces import IReactorTime
from twisted.logger import Logger

from pkid.auth.authentication import Authentication
from pkid.auth.certificates import FindEntry
from pkid.auth.component_keyring import ComponentKeyring, StoredCredential
from pkid.auth.decoys import Decoys
from pkid.auth.derivation import KeyDerivation, Offload
from pkid.auth.keyring import Keyring
from pkid.auth.one_time_pins import OneTimePins, PinStore
from pkid.auth.registration import Entitlement, Registrar
from pkid.auth.tenants import DeclaredTenants
from pkid.auth.unbound import Surroundings
from pkid.broker.changes import Change
from pkid.broker.identity import Tenants
from pkid.broker.rights import Rights
from pkid.ca.names import TrustDomain
from pkid.checkers import find_checkers
from pkid.keydir.directory import KeyFiles, default_directory
from pkid.keydir.following import FollowedDirectory, News
from pkid.keydir.lists import Lists, changes_between
from pkid.settings.auth import Chosen
from pkid.tenancy import Tenancy, TenantStore

__all__ = ["Informed", "Known", "Proving"]


class Informed(Protocol):
    """The broker's service, as far as it must hear what changed."""

    @property
    def rights(self) -> Rights:
        """Who may do what."""

    def declare(self, tenants: Iterable[str], /) -> None:
        """Have these tenants from now on."""

    def follow(self, changes: Iterable[Change], /) -> None:
        """Make changes of the rights that somebody else keeps."""

    def kick(self, who: str, /) -> int:
        """End the sessions of a component."""

    def revoke(self, credential: str, /) -> int:
        """End the sessions that were opened by a credential."""


@dataclass(frozen=True, slots=True)
class Known:
    """What the core knows by which names are proven.

    :ivar store: the keyring of the core's own store.
    :ivar tenants: the tenants in the store; *pins*: the PINs for one name each.
    :ivar decoy_key: hides which names have a credential; for a core that serves proven names only.
    """

    psks: Keyring
    derivation: KeyDerivation
    trust_domain: TrustDomain
    find_entry: FindEntry
    is_ours: Callable[[bytes], bool]
    store: ComponentKeyring
    tenants: TenantStore
    pins: PinStore
    decoy_key: bytes | None = field(default=None, repr=False)


class Proving:
    """Checkers, keys, tenants and PINs; the broker hears of their changes once it is told of by :meth:`attach`.

    :ivar authentication: checks proofs; ``authentication.logins`` begins logins.
    :ivar registrar: registers keys in the core's own store.
    :ivar tenants: the tenants that were declared, wherever; ``tenancy`` has those of the store.
    :ivar pins: PINs for one name each.
    :ivar directories: services that follow directories of keys.

    :param chosen: the checkers that the operator chose.
    :param files: where files are read; *derivations*: where PINs are compared.
    :raises StateError: when a checker cannot be made, or a directory cannot be used.
    """

    _log = Logger()
    _broker: Informed | None = None

    def __init__(
        self, chosen: Sequence[Chosen], known: Known, *, files: Offload, derivations: Offload, clock: IReactorTime
    ) -> None:
        self._files = files
        self._clock = clock
        self._grouping = Tenants()
        self.tenants = DeclaredTenants(self._group)
        self.tenancy = Tenancy(known.tenants, self.tenants, derivations)
        self.tenancy.load()
        self.directories: list[FollowedDirectory] = []
        self.pins = OneTimePins(known.pins, lambda: datetime.now(UTC), os.urandom)
        surroundings = Surroundings(
            known.psks, known.derivation, known.store, self._open_directory, known.trust_domain, known.find_entry,
            known.is_ours, self._has_rights, time.time, clock.seconds,
        )  # fmt: skip
        key = known.decoy_key
        make_decoys = None if key is None else partial(_decoys, key)
        self.authentication = Authentication(find_checkers(chosen), surroundings, make_decoys)
        entitlement = Entitlement(
            self.authentication.is_reserved, known.psks.policy_of, self._grouping.of, self.tenants, self.pins,
            derivations, clock.seconds,
        )  # fmt: skip
        self.registrar = Registrar(known.store, entitlement, lambda: os.urandom(8).hex())

    def attach(self, broker: Informed) -> None:
        """Give the broker what the directories say of rights, and tell it of changes from now on."""
        self._broker = broker
        for directory in self.directories:
            broker.follow(changes_between(Lists(), directory.lists))
            directory.tell(partial(self._hear, str(directory.path)))

    def _open_directory(self, name: str) -> ComponentKeyring:
        path = Path(name) if name else default_directory(os.environ)
        directory = FollowedDirectory(KeyFiles(path), self._files, self._clock)
        directory.prepare()
        self.tenants.exchange(str(path), directory.lists.tenants)
        self.directories.append(directory)
        return directory.keyring

    def _hear(self, path: str, news: News) -> None:
        assert self._broker is not None
        changes = list(changes_between(news.before, news.now))
        for change in changes:
            self._log.info("{path} changes the rights: {change}", path=path, change=str(change))
        self._broker.follow(changes)
        self.tenants.exchange(path, news.now.tenants)
        for identifier in sorted(news.lost):
            self._broker.revoke(f"key:{identifier}")
        for component in sorted(news.gained):
            self._broker.kick(component)  # whoever uses the name must prove it by its key from now on

    def _group(self, tenants: Iterable[str]) -> None:
        self._grouping.declare(tenants)
        if self._broker is not None:
            self._broker.declare(tenants)

    def _has_rights(self, component: str) -> bool:
        assert self._broker is not None
        return self._broker.rights.names(component)


def _decoys(key: bytes, keyrings: Iterable[ComponentKeyring]) -> Decoys:
    """Return decoys that look like what the keyrings hold that know it at once."""
    found: list[StoredCredential] = []

    async def look() -> None:
        for keyring in keyrings:
            found.extend(await keyring.list())

    Deferred.fromCoroutine(look())
    return Decoys.like(key, found)
