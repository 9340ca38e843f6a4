"""Brings a database's schema to the version that the code needs, of whatever kind the database is.

Alembic is slow to import, so the version is read without it, and it is imported only to migrate.
"""

from __future__ import annotations

from pathlib import Path

from sqlalchemy import Connection, inspect

from pkid.errors import StateError
from pkid.store.schema import HEAD

__all__ = ["bring_up_to_date", "schema_version"]


def schema_version(connection: Connection) -> str | None:
    """Read the version of the schema; ``None`` if there is none yet.

    :raises sqlalchemy.exc.SQLAlchemyError: if the version's row is missing, or the database refuses.
    """
    if not inspect(connection).has_table("alembic_version"):
        return None
    version: str = connection.exec_driver_sql("SELECT version_num FROM alembic_version").scalar_one()
    return version


def bring_up_to_date(connection: Connection, path: Path | str) -> None:
    """Migrate to :data:`pkid.store.schema.HEAD` inside the transaction that is open on *connection*.

    :param path: what to call the database in an error.
    :raises StateError: if the schema is of a version that this code does not know: a newer pkid wrote it.
    :raises sqlalchemy.exc.SQLAlchemyError: if the database refuses.
    """
    version = schema_version(connection)
    if version == HEAD:
        return
    from pkid.store import migrations

    if version is not None and version not in migrations.versions():
        raise StateError(
            path,
            f"was written by a newer pkid (its schema is {version}, this one knows up to {HEAD})",
            "start that version, or restore a copy that this version wrote",
        )
    migrations.upgrade(connection)
