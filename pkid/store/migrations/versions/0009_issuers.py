"""Make room for the CAs that issue here or did."""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

revision = "0009"
down_revision = "0008"


def upgrade() -> None:
    """Make the table."""
    op.create_table(
        "issuers",
        sa.Column("sha256", sa.LargeBinary(32), primary_key=True),
        sa.Column("chain", sa.LargeBinary, nullable=False),
        sa.Column("replaced_at", sa.BigInteger),
        sa.Column("distrusted_at", sa.BigInteger),
    )
