"""What the authority remembers of every certificate that it signs.

The rules know the ledger only as :class:`Ledger`, one open transaction; `pkid.store` provides it.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Protocol

__all__ = ["Entry", "Ledger", "RequestKey"]

RequestKey = tuple[bytes, str]
"""What makes two orders the same: the SHA-256 of the CSR's DER form, and the credential."""


@dataclass(frozen=True, slots=True)
class Entry:
    """One signed certificate: a row of the ledger."""

    serial: int
    """The serial number, positive and below 2**159 (RFC 5280, 4.1.2.2)."""
    name: str
    """The component's name: from its identity when ``proven``, else the common name or first host name."""
    proven: bool
    """Whether the certificate carries the name as its identity (the URI SAN)."""
    profile: str
    """What it was made as: ``component`` or ``core``."""
    credential: str
    """Who asked, as ``kind:name`` (``psk:default``); ``core`` for the core's own."""
    csr_sha256: bytes | None
    """SHA-256 of the request's DER form, 32 bytes; ``None`` when there was no request."""
    sha256: bytes
    """SHA-256 of ``certificate``, 32 bytes: the fingerprint."""
    issued_at: datetime
    """When it was signed, aware UTC."""
    not_before: datetime
    """Start of validity, aware UTC."""
    not_after: datetime
    """End of validity, aware UTC."""
    certificate: bytes
    """The certificate, DER."""
    renews: int | None = None
    """The serial number of the certificate that proved the right to this one; ``None`` when no certificate did."""
    origin: str | None = None
    """The credential that got the first certificate of this chain of renewals, and whose policy governs them all."""

    @property
    def request_key(self) -> RequestKey | None:
        """What a retry of the same order would have in common with this entry."""
        return None if self.csr_sha256 is None else (self.csr_sha256, self.credential)


class Ledger(Protocol):
    """The ledger within one transaction; what it did counts only once that is committed."""

    def recall(self, keys: Sequence[RequestKey], since: datetime) -> Mapping[RequestKey, Entry]:
        """Find the newest entry for each key that was signed at or after *since* (aware UTC)."""

    def record(self, entries: Sequence[Entry]) -> None:
        """Add entries."""

    def touch(self) -> None:
        """Write something harmless, so that a commit proves that the ledger can be written."""
