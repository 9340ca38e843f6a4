"""The schema's history: an Alembic environment that needs no file outside of the package.

To change the schema: change `pkid.store.schema`, add ``versions/NNNN_what.py`` with the step from the
newest version to the new one, and set ``HEAD``. A migration never imports the schema, which moves on.
"""

from __future__ import annotations

from alembic import command
from alembic.config import Config
from alembic.script import ScriptDirectory
from sqlalchemy import Connection

__all__ = ["upgrade", "versions"]


def _config() -> Config:
    config = Config()
    config.set_main_option("script_location", f"{__name__}:")
    return config


def versions() -> list[str]:
    """List all versions of the schema, newest first."""
    return [script.revision for script in ScriptDirectory.from_config(_config()).walk_revisions()]


def upgrade(connection: Connection, version: str = "head") -> None:
    """Migrate to a version, by default the newest, inside the transaction that is open on *connection*."""
    config = _config()
    config.attributes["connection"] = connection
    command.upgrade(config, version)
