"""The components' credentials: which are recoverable, and which have expired; what they are is not looked at."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from contextlib import closing
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from pathlib import Path

from pkid.shell.doctor.finding import Finding, ok, warning
from pkid.shell.doctor.ledger import open_read_only

__all__ = ["Listed", "check_credentials", "read_credentials"]

_EPOCH = datetime(1970, 1, 1, tzinfo=UTC)
_MOST_NAMED = 5
_SOON = timedelta(days=14)
_READ = "SELECT component, kind, expires FROM credentials ORDER BY component, created"


@dataclass(frozen=True, slots=True)
class Listed:
    """One credential, as far as the doctor needs to know.

    :ivar is_recoverable: whether a copy of the ledger is enough to log in by it.
    """

    component: str
    is_recoverable: bool
    expires: datetime | None


def read_credentials(path: Path, recoverable: str) -> list[Listed]:
    """Read what a ledger says of credentials; nothing if it was written before there were any.

    :param recoverable: the kind that is.
    :raises sqlite3.Error: when it cannot be read.
    """
    with closing(open_read_only(path)) as connection:
        if not connection.execute("SELECT 1 FROM sqlite_master WHERE name = 'credentials'").fetchone():
            return []
        rows = connection.execute(_READ)
        return [Listed(name, kind == recoverable, _instant(expires)) for name, kind, expires in rows]


def check_credentials(found: Sequence[Listed], now: datetime) -> Iterator[Finding]:
    """Check what was read."""
    names = {each.component for each in found}
    yield ok(f"credentials of components: {len(found)}, of {len(names)} names")
    ends = [(each.component, each.expires) for each in found if each.expires is not None]
    recoverable = [each.component for each in found if each.is_recoverable]
    active = {each.component for each in found if each.expires is None or now < each.expires}
    shut_out = [name for name in names if name not in active]
    if recoverable:
        yield warning(
            f"a copy of the ledger is enough to log in as {_listed(recoverable)}: their secrets are recoverable",
            "give these components keys, or passwords if their clients know SCRAM, and revoke the secrets",
        )
    if shut_out:
        yield warning(f"all credentials of {_listed(shut_out)} have expired", "store new ones, or revoke the old ones")
    if ending := [name for name, end in ends if now < end < now + _SOON]:
        yield warning(f"credentials of {_listed(ending)} expire within {_SOON.days} days", "store new ones")
    if old := [name for name, end in ends if end <= now and name in active]:
        yield ok(f"old credentials of {_listed(old)} have expired", "revoke them")


def _listed(names: Sequence[str]) -> str:
    """Name some, and count the others."""
    different = sorted(set(names))
    others = len(different) - _MOST_NAMED
    shown = ", ".join(different[:_MOST_NAMED])
    return f"{shown} and {others} others" if others > 0 else shown


def _instant(microseconds: int | None) -> datetime | None:
    return None if microseconds is None else _EPOCH + timedelta(microseconds=microseconds)
