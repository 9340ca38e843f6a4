"""Runs migrations on the connection that it is given, in that connection's transaction."""

from __future__ import annotations

from alembic import context

from pkid.store.schema import metadata

context.configure(connection=context.config.attributes["connection"], target_metadata=metadata)
context.run_migrations()
