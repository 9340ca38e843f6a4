"""What a core knows, as resources of its inventory."""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Iterable

from cryptography.hazmat.primitives.serialization import Encoding

import pkid
from pkid.auth.psk import PreSharedKey
from pkid.ca.issuers import KnownIssuer
from pkid.ca.ledger import Entry
from pkid.ca.trust import fingerprint
from pkid.errors import Unavailable
from pkid.inventory.kinds import AUTHORITY, CORE, CREDENTIAL, Resource
from pkid.inventory.source import MemorySource, Source

__all__ = [
    "authority_resource",
    "certificate_resource",
    "core_resource",
    "credential_resource",
    "serial_digits",
    "sources",
]


def sources(
    certificates: Source,
    *,
    credentials: Callable[[], Iterable[Resource]],
    authorities: Callable[[], Iterable[Resource]],
    core: Callable[[], Awaitable[Resource]],
) -> list[Source]:
    """Return a core's sources, one for each kind; what is not in the ledger is asked for at each search."""

    async def read_credentials() -> Iterable[Resource]:
        return credentials()

    async def read_authorities() -> Iterable[Resource]:
        return authorities()

    async def read_core() -> Iterable[Resource]:
        return [await core()]

    return [
        certificates,
        MemorySource(CREDENTIAL, read_credentials),
        MemorySource(AUTHORITY, read_authorities),
        MemorySource(CORE, read_core),
    ]


def certificate_resource(entry: Entry) -> Resource:
    """Return an entry of the ledger."""
    return {
        "serial": serial_digits(entry.serial),
        "name": entry.name,
        "proven": entry.proven,
        "profile": entry.profile,
        "credential": entry.credential,
        "sha256": entry.sha256.hex(":").upper(),
        "issued_at": entry.issued_at,
        "not_before": entry.not_before,
        "not_after": entry.not_after,
        "renews": None if entry.renews is None else serial_digits(entry.renews),
        "origin": entry.origin,
    }


def authority_resource(issuer: KnownIssuer) -> Resource:
    """Return a CA, by the certificate with which it signs."""
    certificate = issuer.certificate
    return {
        "serial": serial_digits(certificate.serial_number),
        "name": certificate.subject.rfc4514_string(),
        "sha256": fingerprint(certificate.public_bytes(Encoding.DER)),
        "not_before": certificate.not_valid_before_utc,
        "not_after": certificate.not_valid_after_utc,
        "replaced_at": issuer.replaced_at,
        "distrusted_at": issuer.distrusted_at,
    }


def credential_resource(psk: PreSharedKey) -> Resource:
    """Return a pre-shared key: its name and its terms, never itself."""
    return {"name": psk.credential, "role": psk.terms.role.value, "expires": psk.terms.expires}


async def core_resource(trust_domain: str, size: Callable[[], Awaitable[tuple[int, int]]]) -> Resource:
    """Return this core.

    :param size: gives the ledger's entries and bytes; while it cannot, the core is without them.
    """
    rows: int | None
    taken: int | None
    try:
        rows, taken = await size()
    except Unavailable:
        rows = taken = None
    return {
        "name": "pkid",
        "version": pkid.__version__,
        "trust_domain": trust_domain,
        "ledger_rows": rows,
        "ledger_bytes": taken,
    }


def serial_digits(serial: int) -> str:
    """Write a serial number as 40 hexadecimal digits, as the inventory has it."""
    return f"{serial:040x}"
