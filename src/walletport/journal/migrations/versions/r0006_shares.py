"""What processes that share a rate tell each other: how fast each may send and could, and how it was answered."""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

revision = "r0006"
down_revision = "r0005"
branch_labels = None
depends_on = None


def upgrade() -> None:
    """Add the columns."""
    op.add_column("rates", sa.Column("rough", sa.Boolean(), nullable=False, server_default=sa.false()))
    op.add_column("rate_shares", sa.Column("rate", sa.Float()))
    op.add_column("rate_shares", sa.Column("wanted", sa.Float()))
    op.add_column("rate_shares", sa.Column("served", sa.Float(), nullable=False, server_default="0"))
    op.add_column("rate_shares", sa.Column("answers", sa.Integer(), nullable=False, server_default="0"))
    op.add_column("rate_shares", sa.Column("refused", sa.Integer(), nullable=False, server_default="0"))
