"""The tables of the message store, as the code of today reads and writes them.

Every change here needs a new migration and a new :data:`HEAD`; a test compares the two.
"""

from __future__ import annotations

from sqlalchemy import (
    BigInteger,
    Boolean,
    Column,
    Double,
    Index,
    Integer,
    LargeBinary,
    MetaData,
    SmallInteger,
    Table,
    Text,
)

from pkid.store.upgrade import Schema

__all__ = ["HEAD", "MESSAGES", "marks", "messages", "metadata", "progress", "subscriptions", "usage"]

HEAD = "0001"
"""The schema's version that this code needs: the newest migration's name."""

MESSAGES = Schema("message store", 0x706B696D, HEAD, "messages", "messages_version")
"""Kept messages, and who wants them. Its mark is ``pkim`` in ASCII."""

metadata = MetaData()

messages = Table(
    "messages",
    metadata,
    # In SQLite it is the row's own number, so that new messages are written behind the last.
    Column("number", BigInteger().with_variant(Integer, "sqlite"), primary_key=True, autoincrement=False),
    Column("tenant", Text, nullable=False),
    Column("topic", Text, nullable=False),
    Column("received_at", Double, nullable=False),
    Column("size", Integer, nullable=False),
    Column("qos", SmallInteger, nullable=False),
    Column("slot", BigInteger),
    Column("sender", Text),
    Column("proven", Boolean, nullable=False),
    Column("kind", Text, nullable=False),
    # The last, so that whoever looks for topics does not read it.
    Column("payload", LargeBinary, nullable=False),
    Index("messages_by_tenant", "tenant", "number"),
    Index("messages_by_topic", "tenant", "topic", "number"),
)

usage = Table(
    "usage",
    metadata,
    # What the messages of each tenant come to, so that nobody has to count.
    Column("tenant", Text, primary_key=True),
    Column("messages", BigInteger, nullable=False),
    Column("bytes", BigInteger, nullable=False),
)

progress = Table(
    "progress",
    metadata,
    # One row, which the first migration writes: no number up to this one is given to a new message.
    Column("id", Integer, primary_key=True, autoincrement=False),
    Column("last_number", BigInteger, nullable=False),
)

subscriptions = Table(
    "subscriptions",
    metadata,
    Column("component", Text, primary_key=True),
    Column("topic", Text, primary_key=True),
    Column("since", Double, nullable=False),
)

marks = Table(
    "marks",
    metadata,
    Column("component", Text, primary_key=True),
    Column("number", BigInteger, nullable=False),
)
