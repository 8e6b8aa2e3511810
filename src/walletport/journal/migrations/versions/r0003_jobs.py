"""Jobs over many orders, and the rates that several processes share."""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

revision = "r0003"
down_revision = "r0002"
branch_labels = None
depends_on = None


def upgrade() -> None:
    """Make the tables."""
    op.create_table(
        "jobs",
        sa.Column("id", sa.Text(), nullable=False),
        sa.Column("kind", sa.Text(), nullable=False),
        sa.Column("name", sa.Text(), nullable=False),
        sa.Column("state", sa.Text(), nullable=False),
        sa.Column("shared", sa.Boolean(), nullable=False),
        sa.Column("total", sa.Integer(), nullable=False),
        sa.Column("owner", sa.Text()),
        sa.Column("lease_until", sa.BigInteger()),
        sa.Column("created_at", sa.BigInteger(), nullable=False),
        sa.Column("updated_at", sa.BigInteger(), nullable=False),
        sa.PrimaryKeyConstraint("id", name="pk_jobs"),
    )
    op.create_table(
        "job_chunks",
        sa.Column("job_id", sa.Text(), nullable=False),
        sa.Column("chunk", sa.Integer(), autoincrement=False, nullable=False),
        sa.Column("account", sa.Text(), nullable=False),
        sa.Column("size", sa.Integer(), nullable=False),
        sa.Column("first_line", sa.Integer(), nullable=False),
        sa.Column("first_byte", sa.BigInteger()),
        sa.Column("state", sa.Text(), nullable=False),
        sa.PrimaryKeyConstraint("job_id", "chunk", name="pk_job_chunks"),
        sa.ForeignKeyConstraint(["job_id"], ["jobs.id"], name="fk_job_chunks_job_id"),
    )
    op.create_table(
        "job_items",
        sa.Column("job_id", sa.Text(), nullable=False),
        sa.Column("chunk", sa.Integer(), autoincrement=False, nullable=False),
        sa.Column("line", sa.Integer(), autoincrement=False, nullable=False),
        sa.Column("user_id", sa.Text(), nullable=False),
        sa.Column("chain", sa.Text()),
        sa.Column("asset", sa.Text()),
        sa.Column("reference", sa.Text()),
        sa.Column("account", sa.Text()),
        sa.Column("state", sa.Text(), nullable=False),
        sa.Column("tries", sa.Integer(), nullable=False),
        sa.Column("provision_id", sa.Text()),
        sa.Column("error", sa.Text()),
        sa.PrimaryKeyConstraint("job_id", "chunk", "line", name="pk_job_items"),
        sa.ForeignKeyConstraint(["job_id"], ["jobs.id"], name="fk_job_items_job_id"),
    )
    op.create_table(
        "rates",
        sa.Column("account", sa.Text(), nullable=False),
        sa.Column("learned", sa.Float()),
        sa.Column("closed_until", sa.BigInteger()),
        sa.Column("updated_at", sa.BigInteger(), nullable=False),
        sa.PrimaryKeyConstraint("account", name="pk_rates"),
    )
    op.create_table(
        "rate_shares",
        sa.Column("account", sa.Text(), nullable=False),
        sa.Column("owner", sa.Text(), nullable=False),
        sa.Column("until", sa.BigInteger(), nullable=False),
        sa.PrimaryKeyConstraint("account", "owner", name="pk_rate_shares"),
    )
