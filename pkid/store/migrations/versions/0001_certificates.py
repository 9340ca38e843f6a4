"""Make the ledger: certificates, and the row that readiness touches."""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

revision = "0001"
down_revision = None


def upgrade() -> None:
    """Make the tables."""
    op.create_table(
        "certificates",
        sa.Column("serial", sa.String(40), primary_key=True),
        sa.Column("name", sa.Text, nullable=False),
        sa.Column("proven", sa.Boolean, nullable=False),
        sa.Column("profile", sa.Text, nullable=False),
        sa.Column("credential", sa.Text, nullable=False),
        sa.Column("csr_sha256", sa.LargeBinary(32)),
        sa.Column("sha256", sa.LargeBinary(32), nullable=False),
        sa.Column("issued_at", sa.BigInteger, nullable=False),
        sa.Column("not_before", sa.BigInteger, nullable=False),
        sa.Column("not_after", sa.BigInteger, nullable=False),
        sa.Column("certificate", sa.LargeBinary, nullable=False),
    )
    op.create_index("certificates_by_request", "certificates", ["csr_sha256", "credential", "issued_at"])
    op.create_index("certificates_by_name", "certificates", ["name"])
    op.create_index("certificates_by_not_after", "certificates", ["not_after"])
    heartbeat = op.create_table(
        "heartbeat",
        sa.Column("id", sa.Integer, primary_key=True, autoincrement=False),
        sa.Column("beats", sa.BigInteger, nullable=False),
    )
    op.bulk_insert(heartbeat, [{"id": 1, "beats": 0}])
