"""Make room for the broker's rights, the components' credentials, and the trail of their changes."""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

revision = "0006"
down_revision = "0005"


def upgrade() -> None:
    """Make the tables."""
    _make_rights()
    op.create_table(
        "changes",
        sa.Column("number", sa.BigInteger().with_variant(sa.Integer, "sqlite"), primary_key=True),
        sa.Column("made_at", sa.BigInteger, nullable=False),
        sa.Column("made_by", sa.Text, nullable=False),
        sa.Column("change", sa.Text, nullable=False),
    )
    op.create_table(
        "credentials",
        sa.Column("identifier", sa.Text, primary_key=True),
        sa.Column("component", sa.Text, nullable=False),
        sa.Column("kind", sa.Text, nullable=False),
        sa.Column("material", sa.LargeBinary, nullable=False),
        sa.Column("expires", sa.BigInteger),
        sa.Column("last_used", sa.BigInteger),
        sa.Column("created", sa.BigInteger, nullable=False),
        sa.Column("created_by", sa.Text, nullable=False),
    )
    op.create_index("credentials_by_component", "credentials", ["component"])
    op.create_table(
        "tenants",
        sa.Column("name", sa.Text, primary_key=True),
        sa.Column("pin", sa.LargeBinary),
        sa.Column("declared", sa.BigInteger, nullable=False),
        sa.Column("declared_by", sa.Text, nullable=False),
    )


def _make_rights() -> None:
    op.create_table(
        "visibility",
        sa.Column("topic", sa.Text, primary_key=True),
        sa.Column("private", sa.Boolean, nullable=False),
    )
    op.create_table(
        "rules",
        sa.Column("topic", sa.Text, primary_key=True),
        sa.Column("subject", sa.Text, primary_key=True),
        sa.Column("access", sa.Text, primary_key=True),
        sa.Column("verbs", sa.Text, primary_key=True),
    )
    op.create_index("rules_by_subject", "rules", ["subject"])
    op.create_table(
        "members",
        sa.Column("component", sa.Text, primary_key=True),
        sa.Column("role", sa.Text, primary_key=True),
    )
