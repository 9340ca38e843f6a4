"""Give names an index by which the end of the last certificate of each is found."""

from __future__ import annotations

from alembic import op

revision = "0005"
down_revision = "0004"


def upgrade() -> None:
    """Make the index."""
    op.create_index("certificates_by_last", "certificates", ["profile", "name", "not_after"])
