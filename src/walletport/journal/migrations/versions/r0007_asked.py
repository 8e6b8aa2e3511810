"""What a job is to do besides its items, for processes that did not begin it."""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

revision = "r0007"
down_revision = "r0006"
branch_labels = None
depends_on = None


def upgrade() -> None:
    """Make the column."""
    op.add_column("jobs", sa.Column("asked", sa.Text()))
