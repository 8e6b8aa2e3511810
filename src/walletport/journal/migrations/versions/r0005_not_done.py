"""Of orders that are done, which are nearly all, nobody asks by state: they need not be in that index."""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

revision = "r0005"
down_revision = "r0004"
branch_labels = None
depends_on = None


def upgrade() -> None:
    """Keep an index of the others only."""
    others = sa.text("state <> 'done'")
    op.drop_index("ix_provisions_state_created_at", "provisions")
    op.create_index(
        "ix_provisions_not_done",
        "provisions",
        ["state", "created_at", "id"],
        sqlite_where=others,
        postgresql_where=others,
    )
