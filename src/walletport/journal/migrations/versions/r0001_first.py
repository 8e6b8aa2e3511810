"""The first tables: provisions, wallets, customers, events."""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

revision = "r0001"
down_revision = None
branch_labels = None
depends_on = None


def upgrade() -> None:
    """Make the tables."""
    op.create_table(
        "provisions",
        sa.Column("id", sa.Text(), nullable=False),
        sa.Column("kind", sa.Text(), nullable=False),
        sa.Column("identity", sa.Text(), nullable=False),
        sa.Column("user_id", sa.Text(), nullable=False),
        sa.Column("account", sa.Text(), nullable=False),
        sa.Column("chain", sa.Text()),
        sa.Column("asset", sa.Text()),
        sa.Column("reference", sa.Text()),
        sa.Column("sent_reference", sa.Text()),
        sa.Column("customer_id", sa.Text()),
        sa.Column("decision", sa.Text(), nullable=False),
        sa.Column("state", sa.Text(), nullable=False),
        sa.Column("generation", sa.Integer(), nullable=False),
        sa.Column("sends", sa.Integer(), nullable=False),
        sa.Column("first_sent_at", sa.BigInteger()),
        sa.Column("last_ended_at", sa.BigInteger()),
        sa.Column("doubtful", sa.Boolean(), nullable=False),
        sa.Column("applied", sa.Boolean(), nullable=False),
        sa.Column("look_ups", sa.Integer(), nullable=False),
        sa.Column("not_before", sa.BigInteger()),
        sa.Column("idempotency_key", sa.Text(), nullable=False),
        sa.Column("owner", sa.Text()),
        sa.Column("lease_until", sa.BigInteger()),
        sa.Column("wallet_id", sa.Text()),
        sa.Column("approval_id", sa.Text()),
        sa.Column("approval_url", sa.Text()),
        sa.Column("error", sa.Text()),
        sa.Column("created_at", sa.BigInteger(), nullable=False),
        sa.Column("updated_at", sa.BigInteger(), nullable=False),
        sa.Column("version", sa.Integer(), nullable=False),
        sa.PrimaryKeyConstraint("id", name="pk_provisions"),
        sa.UniqueConstraint("identity", name="uq_provisions_identity"),
    )
    op.create_index("ix_provisions_user_id", "provisions", ["user_id"])
    op.create_index("ix_provisions_state_created_at", "provisions", ["state", "created_at"])
    op.create_index("ix_provisions_created_at_id", "provisions", ["created_at", "id"])
    op.create_table(
        "wallets",
        sa.Column("account", sa.Text(), nullable=False),
        sa.Column("wallet_id", sa.Text(), nullable=False),
        sa.Column("provision_id", sa.Text()),
        sa.Column("user_id", sa.Text(), nullable=False),
        sa.Column("customer_id", sa.Text()),
        sa.Column("chain", sa.Text()),
        sa.Column("asset", sa.Text()),
        sa.Column("status", sa.Text(), nullable=False),
        sa.Column("document", sa.Text(), nullable=False),
        sa.Column("updated_at", sa.BigInteger(), nullable=False),
        sa.PrimaryKeyConstraint("account", "wallet_id", name="pk_wallets"),
        sa.ForeignKeyConstraint(["provision_id"], ["provisions.id"], name="fk_wallets_provision_id"),
    )
    op.create_index("ix_wallets_user_id", "wallets", ["user_id"])
    op.create_table(
        "customers",
        sa.Column("user_id", sa.Text(), nullable=False),
        sa.Column("account", sa.Text(), nullable=False),
        sa.Column("customer_id", sa.Text(), nullable=False),
        sa.Column("linked_at", sa.BigInteger(), nullable=False),
        sa.Column("how", sa.Text(), nullable=False),
        sa.PrimaryKeyConstraint("user_id", "account", name="pk_customers"),
    )
    op.create_table(
        "events",
        sa.Column("id", sa.BigInteger().with_variant(sa.Integer(), "sqlite"), autoincrement=True, nullable=False),
        sa.Column("provision_id", sa.Text(), nullable=False),
        sa.Column("at", sa.BigInteger(), nullable=False),
        sa.Column("what", sa.Text(), nullable=False),
        sa.Column("detail", sa.Text(), nullable=False),
        sa.PrimaryKeyConstraint("id", name="pk_events"),
        sa.ForeignKeyConstraint(["provision_id"], ["provisions.id"], name="fk_events_provision_id"),
        sqlite_autoincrement=True,
    )
    op.create_index("ix_events_provision_id", "events", ["provision_id"])
