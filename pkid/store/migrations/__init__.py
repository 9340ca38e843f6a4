"""The schemas' histories: an Alembic environment that needs no file outside of the package.

To change a schema: change its tables (`pkid.store.schema`, `pkid.store.messages.schema`), add ``FOLDER/NNNN_what.py``
with the step from the newest version to the new one, and set ``HEAD``. A migration never imports the tables, which move
on.
"""

from __future__ import annotations

from alembic import command
from alembic.config import Config
from alembic.script import ScriptDirectory
from sqlalchemy import Connection

from pkid.store.upgrade import LEDGER, Schema

__all__ = ["upgrade", "versions"]


def _config(schema: Schema) -> Config:
    config = Config()
    config.set_main_option("script_location", f"{__name__}:")
    config.set_main_option("version_locations", f"{__name__}:{schema.folder}")
    config.attributes["version_table"] = schema.version_table
    return config


def versions(schema: Schema = LEDGER) -> list[str]:
    """List all versions of the schema, newest first."""
    return [script.revision for script in ScriptDirectory.from_config(_config(schema)).walk_revisions()]


def upgrade(connection: Connection, version: str = "head", schema: Schema = LEDGER) -> None:
    """Migrate to a version, by default the newest, inside the transaction that is open on *connection*."""
    config = _config(schema)
    config.attributes["connection"] = connection
    command.upgrade(config, version)
