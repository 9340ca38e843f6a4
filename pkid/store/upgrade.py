"""Brings a database's schema to the version that the code needs, of whatever kind the database is.

Alembic is slow to import, so the version is read without it, and it is imported only to migrate.
"""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

from sqlalchemy import Connection, inspect, text
from twisted.logger import Logger

from pkid.errors import StateError
from pkid.store.schema import HEAD

__all__ = ["LEDGER", "Schema", "bring_up_to_date", "schema_version"]

_log = Logger()


@dataclass(frozen=True, slots=True)
class Schema:
    """The tables of one database, as far as their history goes.

    :ivar what: what people call the database.
    :ivar application: marks a SQLite file as one of these: four bytes at offset 68.
    :ivar head: the version that this code needs: the newest migration's name.
    :ivar folder: where the migrations are, within `pkid.store.migrations`.
    :ivar version_table: the table that holds the version, so that several schemas can share a database.
    """

    what: str
    application: int
    head: str
    folder: str
    version_table: str


LEDGER = Schema("ledger", 0x706B6964, HEAD, "versions", "alembic_version")
"""Certificates, rights and credentials. Its mark is ``pkid`` in ASCII."""


def schema_version(connection: Connection, schema: Schema = LEDGER) -> str | None:
    """Read the version of the schema; ``None`` if there is none yet.

    :raises sqlalchemy.exc.SQLAlchemyError: if the version's row is missing, or the database refuses.
    """
    if not inspect(connection).has_table(schema.version_table):
        return None
    version: str = connection.execute(text(f"SELECT version_num FROM {schema.version_table}")).scalar_one()
    return version


def bring_up_to_date(connection: Connection, path: Path | str, schema: Schema = LEDGER) -> None:
    """Migrate to the newest version inside the transaction that is open on *connection*.

    :param path: what to call the database in an error.
    :raises StateError: if the schema is of a version that this code does not know: a newer pkid wrote it.
    :raises sqlalchemy.exc.SQLAlchemyError: if the database refuses.
    """
    version = schema_version(connection, schema)
    if version == schema.head:
        return
    from pkid.store import migrations

    if version is not None and version not in migrations.versions(schema):
        raise StateError(
            path,
            f"was written by a newer pkid (its schema is {version}, this one knows up to {schema.head})",
            "start that version, or restore a copy that this version wrote",
        )
    if version is not None:
        _log.info(
            "this start brings the {what} {path} from version {version} to {head}, which may take minutes",
            what=schema.what, path=str(path), version=version, head=schema.head,
        )  # fmt: skip
    migrations.upgrade(connection, schema=schema)
