"""The CAs that the ledger knows: the one that issues, those before it, and which of these are distrusted."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from contextlib import closing
from dataclasses import dataclass
from pathlib import Path

from cryptography import x509

from pkid.shell.doctor.finding import Finding, ok
from pkid.shell.doctor.ledger import open_read_only

__all__ = ["ListedIssuer", "check_former", "read_issuers"]

_READ = "SELECT chain, replaced_at IS NOT NULL, distrusted_at IS NOT NULL FROM issuers ORDER BY replaced_at, sha256"


@dataclass(frozen=True, slots=True)
class ListedIssuer:
    """One CA.

    :ivar chain: its certificate and all above it, the root last.
    :ivar is_former: whether another one took its place.
    """

    chain: tuple[x509.Certificate, ...]
    is_former: bool
    is_distrusted: bool

    @property
    def name(self) -> str:
        """Its certificate's subject."""
        return self.chain[0].subject.rfc4514_string()


def read_issuers(path: Path) -> list[ListedIssuer]:
    """Read what a ledger says of CAs, the one that issues first; nothing if it was written before they were noted.

    :raises sqlite3.Error: when it cannot be read.
    :raises ValueError: when one of them cannot.
    """
    with closing(open_read_only(path)) as connection:
        if not connection.execute("SELECT 1 FROM sqlite_master WHERE name = 'issuers'").fetchone():
            return []
        return [
            ListedIssuer(tuple(x509.load_pem_x509_certificates(chain)), bool(former), bool(distrusted))
            for chain, former, distrusted in connection.execute(_READ)
        ]


def check_former(found: Sequence[ListedIssuer]) -> Iterator[Finding]:
    """Say which former ones count, and which do not."""
    counted = [each.name for each in found if each.is_former and not each.is_distrusted]
    distrusted = [each.name for each in found if each.is_distrusted]
    if counted:
        what = f"certificates of former CAs count too: {'; '.join(counted)}"
        yield ok(what, "if one was replaced because its key got out, run pkid ca distrust")
    if distrusted:
        yield ok(f"distrusted: {'; '.join(distrusted)}")
