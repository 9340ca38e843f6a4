"""An inventory in memory."""

from __future__ import annotations

from collections.abc import Iterable

from pkid.ca.issuers import KnownIssuer
from pkid.ca.ledger import Entry
from pkid.ca.names import DEFAULT_TRUST_DOMAIN
from pkid.commands.ledger import Certificates
from pkid.inventory.inventory import Inventory
from pkid.inventory.kinds import CERTIFICATE, Resource
from pkid.inventory.source import MemorySource
from pkid.resources import authority_resource, certificate_resource, core_resource, credential_resource, sources
from pkid.store.memory import MemoryStore
from tests.certificates import NOON, PSK, root

__all__ = ["certificates"]


def certificates(store: MemoryStore) -> Certificates:
    """Return the certificates of this store, at noon."""

    async def find(serial: int) -> Entry | None:
        return store.transact_now(lambda ledger: ledger.find(serial))

    return Certificates(_inventory(store), find)


def _inventory(store: MemoryStore) -> Inventory:
    """Return what a core knows whose ledger is this store, at noon."""

    async def read() -> Iterable[Resource]:
        return [certificate_resource(entry) for entry in store.entries]

    async def size() -> tuple[int, int]:
        return len(store.entries), 0

    known = sources(
        MemorySource(CERTIFICATE, read),
        credentials=lambda: [credential_resource(PSK)],
        authorities=lambda: [authority_resource(KnownIssuer(root().chain))],
        core=lambda: core_resource(DEFAULT_TRUST_DOMAIN, size),
    )
    return Inventory(known, lambda: NOON)
