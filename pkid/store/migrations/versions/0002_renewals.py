"""Link a renewal to the certificate that it renews, and find certificates by their fingerprint."""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

revision = "0002"
down_revision = "0001"


def upgrade() -> None:
    """Add the column and the index."""
    op.add_column("certificates", sa.Column("renews", sa.String(40)))
    op.create_index("certificates_by_fingerprint", "certificates", ["sha256"])
