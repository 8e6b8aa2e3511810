"""Which wallet is a user's, the ones it took the place of, and customers who go from one account to another."""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

revision = "r0004"
down_revision = "r0003"
branch_labels = None
depends_on = None

# The first wallet that was made for a user, chain and asset is the user's; later ones displace it by a cut-over only.
_FILL = """
INSERT INTO current_wallets (user_id, chain, asset, account, wallet_id, provision_id, order_id, since)
SELECT user_id, chain, asset, account, wallet_id, id, id, updated_at
FROM (
    SELECT user_id, COALESCE(chain, '') AS chain, COALESCE(asset, '') AS asset, account, wallet_id, id, updated_at,
        ROW_NUMBER() OVER (
            PARTITION BY user_id, COALESCE(chain, ''), COALESCE(asset, '') ORDER BY updated_at, created_at, id
        ) AS place
    FROM provisions
    WHERE kind = 'wallet' AND state = 'done' AND wallet_id IS NOT NULL
) AS made
WHERE place = 1
"""


def upgrade() -> None:
    """Make the tables, and say of every user with a wallet which one is theirs."""
    op.create_table(
        "current_wallets",
        sa.Column("user_id", sa.Text(), nullable=False),
        sa.Column("chain", sa.Text(), nullable=False),
        sa.Column("asset", sa.Text(), nullable=False),
        sa.Column("account", sa.Text(), nullable=False),
        sa.Column("wallet_id", sa.Text()),
        sa.Column("address", sa.Text()),
        sa.Column("provision_id", sa.Text()),
        sa.Column("order_id", sa.Text()),
        sa.Column("since", sa.BigInteger(), nullable=False),
        sa.PrimaryKeyConstraint("user_id", "chain", "asset", name="pk_current_wallets"),
        sa.ForeignKeyConstraint(["provision_id"], ["provisions.id"], name="fk_current_wallets_provision_id"),
        sa.ForeignKeyConstraint(["order_id"], ["provisions.id"], name="fk_current_wallets_order_id"),
    )
    op.create_index(
        "ix_current_wallets_account_user_id_chain_asset", "current_wallets", ["account", "user_id", "chain", "asset"]
    )
    op.create_table(
        "watched_wallets",
        sa.Column("user_id", sa.Text(), nullable=False),
        sa.Column("chain", sa.Text(), nullable=False),
        sa.Column("asset", sa.Text(), nullable=False),
        sa.Column("account", sa.Text(), nullable=False),
        sa.Column("wallet_id", sa.Text(), nullable=False),
        sa.Column("address", sa.Text()),
        sa.Column("since", sa.BigInteger(), nullable=False),
        sa.PrimaryKeyConstraint("user_id", "chain", "asset", "account", "wallet_id", name="pk_watched_wallets"),
    )
    op.create_table(
        "moves",
        sa.Column("source", sa.Text(), nullable=False),
        sa.Column("target", sa.Text(), nullable=False),
        sa.Column("user_id", sa.Text(), nullable=False),
        sa.Column("chain", sa.Text(), nullable=False),
        sa.Column("asset", sa.Text(), nullable=False),
        sa.Column("state", sa.Text(), nullable=False),
        sa.Column("created_at", sa.BigInteger(), nullable=False),
        sa.Column("updated_at", sa.BigInteger(), nullable=False),
        sa.Column("reference", sa.Text()),
        sa.Column("old_wallet_id", sa.Text()),
        sa.Column("old_address", sa.Text()),
        sa.Column("old_provision_id", sa.Text()),
        sa.Column("order_id", sa.Text()),
        sa.Column("customer_id", sa.Text()),
        sa.Column("provision_id", sa.Text()),
        sa.Column("wallet_id", sa.Text()),
        sa.Column("address", sa.Text()),
        sa.Column("reason", sa.Text()),
        sa.Column("link", sa.Text()),
        sa.Column("version", sa.Integer(), nullable=False),
        sa.PrimaryKeyConstraint("source", "target", "user_id", "chain", "asset", name="pk_moves"),
    )
    op.execute(sa.text(_FILL))
