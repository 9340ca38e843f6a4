"""One index of names instead of two: each one more costs every new certificate a page that is written."""

from __future__ import annotations

from alembic import op

revision = "0008"
down_revision = "0007"


def upgrade() -> None:
    """Make the index by name hold what the other was for."""
    op.drop_index("certificates_by_last")
    op.drop_index("certificates_by_name")
    op.create_index("certificates_by_name", "certificates", ["name", "serial", "profile", "not_after"])
