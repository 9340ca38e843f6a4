"""The CAs that issued before: whose certificates count still, and which are distrusted."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from contextlib import closing
from dataclasses import dataclass
from pathlib import Path

from cryptography import x509

from pkid.shell.doctor.finding import Finding, ok
from pkid.shell.doctor.ledger import open_read_only

__all__ = ["Former", "check_former", "read_former"]

_READ = (
    "SELECT chain, distrusted_at IS NOT NULL FROM issuers WHERE replaced_at IS NOT NULL ORDER BY replaced_at, sha256"
)


@dataclass(frozen=True, slots=True)
class Former:
    """A CA that issued before.

    :ivar name: its certificate's subject.
    """

    name: str
    is_distrusted: bool


def read_former(path: Path) -> list[Former]:
    """Read what a ledger says of them; nothing if it was written before they were noted.

    :raises sqlite3.Error: when it cannot be read.
    :raises ValueError: when one of them cannot.
    """
    with closing(open_read_only(path)) as connection:
        if not connection.execute("SELECT 1 FROM sqlite_master WHERE name = 'issuers'").fetchone():
            return []
        return [Former(_name(chain), bool(distrusted)) for chain, distrusted in connection.execute(_READ)]


def check_former(found: Sequence[Former]) -> Iterator[Finding]:
    """Say what was read."""
    counted = [each.name for each in found if not each.is_distrusted]
    distrusted = [each.name for each in found if each.is_distrusted]
    if counted:
        what = f"certificates of former CAs count too: {'; '.join(counted)}"
        yield ok(what, "if one was replaced because its key got out, run pkid ca distrust")
    if distrusted:
        yield ok(f"distrusted: {'; '.join(distrusted)}")


def _name(chain: bytes) -> str:
    return x509.load_pem_x509_certificates(chain)[0].subject.rfc4514_string()
