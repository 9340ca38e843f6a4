"""Give searches their indexes: for each order that people ask for, with the serial number behind it."""

from __future__ import annotations

from alembic import op

revision = "0004"
down_revision = "0003"


def upgrade() -> None:
    """Make the indexes."""
    op.drop_index("certificates_by_name")
    op.drop_index("certificates_by_not_after")
    for name, column in (
        ("name", "name"),
        ("not_after", "not_after"),
        ("issued_at", "issued_at"),
        ("credential", "credential"),
        ("profile", "profile"),
        ("renewed", "renews"),
    ):
        op.create_index(f"certificates_by_{name}", "certificates", [column, "serial"])
