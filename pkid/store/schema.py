"""The tables of the ledger, as the code of today reads and writes them: certificates, CAs, and the broker's rights.

Every change here needs a new migration and a new :data:`HEAD`; a test compares the two.
"""

from __future__ import annotations

from datetime import UTC, datetime, timedelta

from sqlalchemy import BigInteger, Boolean, Column, Dialect, Index, Integer, LargeBinary, MetaData, String, Table, Text
from sqlalchemy.types import TypeDecorator

__all__ = [
    "HEAD",
    "Instant",
    "Serial",
    "certificates",
    "changes",
    "credentials",
    "heartbeat",
    "issuers",
    "members",
    "metadata",
    "pins",
    "rules",
    "tenants",
    "visibility",
]

HEAD = "0010"
"""The schema's version that this code needs: the newest migration's name."""

_EPOCH = datetime(1970, 1, 1, tzinfo=UTC)
_MICROSECOND = timedelta(microseconds=1)


class Serial(TypeDecorator[int]):
    """A serial number as 40 lower-case hexadecimal digits.

    Text, because no database has an integer of 160 bits and because people look serial numbers up by
    hand; of fixed length, so that text orders as the numbers do.
    """

    impl = String(40)
    cache_ok = True

    def process_bind_param(self, value: int | None, dialect: Dialect) -> str | None:
        """Write a serial number.

        :raises ValueError: for one that is not positive and below 2**159 (RFC 5280, 4.1.2.2).
        """
        if value is None:
            return None
        if not 0 < value < 1 << 159:
            raise ValueError("a serial number is positive and below 2**159")
        return f"{value:040x}"

    def process_result_value(self, value: str | None, dialect: Dialect) -> int | None:
        """Read a serial number."""
        return None if value is None else int(value, 16)


class Instant(TypeDecorator[datetime]):
    """An aware datetime as microseconds since 1970 in UTC: exact, and ordered alike in every database."""

    impl = BigInteger
    cache_ok = True

    def process_bind_param(self, value: datetime | None, dialect: Dialect) -> int | None:
        """Write an instant.

        :raises TypeError: for a datetime without a time zone.
        :raises OverflowError: for one that could not be read again, because in UTC it is not of the years 1 to 9999.
        """
        if value is None:
            return None
        since = value - _EPOCH
        return (_EPOCH + since - _EPOCH) // _MICROSECOND

    def process_result_value(self, value: int | None, dialect: Dialect) -> datetime | None:
        """Read an instant, in UTC."""
        return None if value is None else _EPOCH + value * _MICROSECOND


metadata = MetaData()

certificates = Table(
    "certificates",
    metadata,
    # One column for each field of an entry, by the same name and in the same order.
    Column("serial", Serial, primary_key=True),
    Column("name", Text, nullable=False),
    Column("proven", Boolean, nullable=False),
    Column("profile", Text, nullable=False),
    Column("credential", Text, nullable=False),
    Column("csr_sha256", LargeBinary(32)),
    Column("sha256", LargeBinary(32), nullable=False),
    Column("issued_at", Instant, nullable=False),
    Column("not_before", Instant, nullable=False),
    Column("not_after", Instant, nullable=False),
    Column("certificate", LargeBinary, nullable=False),
    Column("renews", Serial),
    Column("origin", Text),
    # The name backwards, for searches by how a name ends.
    Column("reversed_name", Text),
    Index("certificates_by_request", "csr_sha256", "credential", "issued_at"),
    Index("certificates_by_fingerprint", "sha256"),
    # The serial number stands behind the field of each, so that searches continue where a page ended.
    # With what tells when a component's name ends, so that all of them are counted in one pass.
    Index("certificates_by_name", "name", "serial", "profile", "not_after"),
    Index("certificates_by_ending", "reversed_name", "serial"),
    # With the name, so that a search in the order of time reads no row of another name.
    Index("certificates_by_not_after", "not_after", "serial", "name"),
    Index("certificates_by_issued_at", "issued_at", "serial", "name"),
    Index("certificates_by_credential", "credential", "serial"),
    Index("certificates_by_profile", "profile", "serial"),
    Index("certificates_by_renewed", "renews", "serial"),
)

heartbeat = Table(
    "heartbeat",
    metadata,
    # One row, which the first migration writes: beats counts the times that it was touched.
    Column("id", Integer, primary_key=True, autoincrement=False),
    Column("beats", BigInteger, nullable=False),
)

issuers = Table(
    "issuers",
    metadata,
    # Of the certificate by which it signs.
    Column("sha256", LargeBinary(32), primary_key=True),
    # That and all above it, in PEM, the root last.
    Column("chain", LargeBinary, nullable=False),
    # Nothing for the one that issues.
    Column("replaced_at", Instant),
    Column("distrusted_at", Instant),
)
"""The CAs that issue here or did."""

# Whatever ends with a name stands here, in one database, so that to revoke a name finds all of it.

visibility = Table(
    "visibility",
    metadata,
    Column("topic", Text, primary_key=True),
    Column("private", Boolean, nullable=False),
)
"""Topics and patterns of which somebody said that they are private, or public."""

rules = Table(
    "rules",
    metadata,
    Column("topic", Text, primary_key=True),
    Column("subject", Text, primary_key=True),
    Column("access", Text, primary_key=True),
    # Their names, in the order of pkid.broker.rules.Verb, with commas.
    Column("verbs", Text, primary_key=True),
    Index("rules_by_subject", "subject"),
)

members = Table(
    "members",
    metadata,
    Column("component", Text, primary_key=True),
    Column("role", Text, primary_key=True),
)

changes = Table(
    "changes",
    metadata,
    # Rows are added and never changed: what was changed of rights, credentials, tenants and CAs, by whom, and when.
    Column("number", BigInteger().with_variant(Integer, "sqlite"), primary_key=True),
    Column("made_at", Instant, nullable=False),
    Column("made_by", Text, nullable=False),
    Column("change", Text, nullable=False),
)

credentials = Table(
    "credentials",
    metadata,
    Column("identifier", Text, primary_key=True),
    Column("component", Text, nullable=False),
    # A word of pkid.store.material, which says how the material is to be read.
    Column("kind", Text, nullable=False),
    Column("material", LargeBinary, nullable=False),
    Column("expires", Instant),
    Column("last_used", Instant),
    Column("created", Instant, nullable=False),
    Column("created_by", Text, nullable=False),
    Index("credentials_by_component", "component"),
)

tenants = Table(
    "tenants",
    metadata,
    Column("name", Text, primary_key=True),
    # What the PIN is checked against, never the PIN.
    Column("pin", LargeBinary),
    Column("declared", Instant, nullable=False),
    Column("declared_by", Text, nullable=False),
)

pins = Table(
    "pins",
    metadata,
    # The name for which it is good.
    Column("component", Text, primary_key=True),
    # Of 80 random bits, so that nobody finds the PIN by it.
    Column("digest", LargeBinary(32), nullable=False),
    Column("ends_at", Instant, nullable=False),
)
