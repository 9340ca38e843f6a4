"""Find names by how they end, and let searches in the order of time see names without reading the rows."""

from __future__ import annotations

from typing import Any

import sqlalchemy as sa
from alembic import op

revision = "0007"
down_revision = "0006"


def upgrade() -> None:
    """Write each name backwards beside it, and make the indexes."""
    op.add_column("certificates", sa.Column("reversed_name", sa.Text))
    connection = op.get_bind()
    if connection.dialect.name == "sqlite":  # which has no such function of its own
        database: Any = connection.connection.dbapi_connection
        database.create_function("reverse", 1, lambda text: text[::-1], deterministic=True)
    op.execute("UPDATE certificates SET reversed_name = reverse(name)")
    op.create_index("certificates_by_ending", "certificates", ["reversed_name", "serial"])
    for name in ("not_after", "issued_at"):
        op.drop_index(f"certificates_by_{name}")
        op.create_index(f"certificates_by_{name}", "certificates", [name, "serial", "name"])
