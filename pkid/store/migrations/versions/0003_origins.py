"""Tell by which credential each chain of renewals began: until now, there was one for components."""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

revision = "0003"
down_revision = "0002"


def upgrade() -> None:
    """Add the column, and fill it."""
    op.add_column("certificates", sa.Column("origin", sa.Text))
    op.execute("UPDATE certificates SET origin = CASE profile WHEN 'core' THEN 'core' ELSE 'psk:default' END")
