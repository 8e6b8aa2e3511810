"""The tables of the journal.

Nothing secret has a column: no credential, no header, no vendor's error text, no profile of a customer.
"""

from __future__ import annotations

from typing import Final

from sqlalchemy import (
    BigInteger,
    Boolean,
    Column,
    Float,
    ForeignKey,
    Index,
    Integer,
    MetaData,
    Table,
    Text,
    false,
    text,
)

from walletport.journal.types import JsonText, TextOrNone, UtcTime

HEAD: Final = "r0007"
"""The newest revision in ``migrations/versions``: a journal that stands there needs no migration, and no Alembic."""

VERSION_TABLE: Final = "walletport_version"
"""Not Alembic's default: the application may keep its own tables in the same database."""

metadata: Final = MetaData(
    naming_convention={
        "pk": "pk_%(table_name)s",
        "fk": "fk_%(table_name)s_%(column_0_name)s",
        "uq": "uq_%(table_name)s_%(column_0_name)s",
        "ix": "ix_%(table_name)s_%(column_0_N_name)s",
    }
)

_NOT_DONE: Final = text("state <> 'done'")


provisions: Final = Table(
    "provisions",
    metadata,
    Column("id", Text, primary_key=True),
    Column("kind", Text, nullable=False),
    Column("identity", Text, nullable=False, unique=True),
    Column("user_id", Text, nullable=False, index=True),
    Column("account", Text, nullable=False),
    Column("chain", Text),
    Column("asset", Text),
    Column("reference", Text),
    Column("sent_reference", Text),
    Column("customer_id", Text),
    Column("decision", JsonText, nullable=False),
    Column("state", Text, nullable=False),
    Column("generation", Integer, nullable=False),
    Column("sends", Integer, nullable=False),
    Column("first_sent_at", UtcTime),
    Column("last_ended_at", UtcTime),
    Column("doubtful", Boolean, nullable=False),
    Column("applied", Boolean, nullable=False),
    Column("look_ups", Integer, nullable=False),
    Column("not_before", UtcTime),
    Column("idempotency_key", Text, nullable=False),
    Column("owner", Text),
    Column("lease_until", UtcTime),
    Column("wallet_id", Text),
    Column("approval_id", Text),
    Column("approval_url", Text),
    Column("error", JsonText),
    Column("created_at", UtcTime, nullable=False),
    Column("updated_at", UtcTime, nullable=False),
    Column("version", Integer, nullable=False),
    # In it is what has not ended well: a look for that costs nothing that grows with what has.
    Index(
        "ix_provisions_not_done",
        "state",
        "created_at",
        "id",
        sqlite_where=_NOT_DONE,
        postgresql_where=_NOT_DONE,
    ),
    Index(None, "created_at", "id"),
)

wallets: Final = Table(
    "wallets",
    metadata,
    Column("account", Text, primary_key=True),
    Column("wallet_id", Text, primary_key=True),
    Column("provision_id", Text, ForeignKey("provisions.id")),
    Column("user_id", Text, nullable=False, index=True),
    Column("customer_id", Text),
    Column("chain", Text),
    Column("asset", Text),
    Column("status", Text, nullable=False),
    Column("document", JsonText, nullable=False),
    Column("updated_at", UtcTime, nullable=False),
)

customers: Final = Table(
    "customers",
    metadata,
    Column("user_id", Text, primary_key=True),
    Column("account", Text, primary_key=True),
    Column("customer_id", Text, nullable=False),
    Column("linked_at", UtcTime, nullable=False),
    Column("how", Text, nullable=False),
)

events: Final = Table(
    "events",
    metadata,
    # SQLite counts up by itself in a column of exactly this type only.
    Column("id", BigInteger().with_variant(Integer, "sqlite"), primary_key=True, autoincrement=True),
    Column("provision_id", Text, ForeignKey("provisions.id"), nullable=False, index=True),
    Column("at", UtcTime, nullable=False),
    Column("what", Text, nullable=False),
    Column("detail", JsonText, nullable=False),
    sqlite_autoincrement=True,
)

account_states: Final = Table(
    "account_states",
    metadata,
    Column("account", Text, primary_key=True),
    Column("paused_at", UtcTime),
    Column("pause_reason", Text),
    Column("failures", Integer, nullable=False),
    Column("opens", Integer, nullable=False),
    Column("opened_at", UtcTime),
    Column("retry_at", UtcTime),
    Column("probe_until", UtcTime),
    Column("throttled_until", UtcTime),
    Column("why", Text),
    Column("version", Integer, nullable=False),
)

account_events: Final = Table(
    "account_events",
    metadata,
    Column("id", BigInteger().with_variant(Integer, "sqlite"), primary_key=True, autoincrement=True),
    Column("account", Text, nullable=False, index=True),
    Column("at", UtcTime, nullable=False),
    Column("what", Text, nullable=False),
    Column("detail", JsonText, nullable=False),
    sqlite_autoincrement=True,
)

user_pins: Final = Table(
    "user_pins",
    metadata,
    Column("user_id", Text, primary_key=True),
    Column("account", Text, nullable=False),
    Column("pinned_at", UtcTime, nullable=False),
)

jobs: Final = Table(
    "jobs",
    metadata,
    Column("id", Text, primary_key=True),
    Column("kind", Text, nullable=False),
    Column("name", Text, nullable=False),
    Column("state", Text, nullable=False),
    Column("shared", Boolean, nullable=False),
    Column("total", Integer, nullable=False),
    Column("owner", Text),
    Column("lease_until", UtcTime),
    Column("created_at", UtcTime, nullable=False),
    Column("updated_at", UtcTime, nullable=False),
    Column("asked", JsonText),
)

job_chunks: Final = Table(
    "job_chunks",
    metadata,
    Column("job_id", Text, ForeignKey("jobs.id"), primary_key=True),
    Column("chunk", Integer, primary_key=True, autoincrement=False),
    Column("account", Text, nullable=False),
    Column("size", Integer, nullable=False),
    Column("first_line", Integer, nullable=False),
    Column("first_byte", BigInteger),
    Column("state", Text, nullable=False),
)

# A chunk's items lie side by side, and nothing else is looked up, so the key is all the index there is.
job_items: Final = Table(
    "job_items",
    metadata,
    Column("job_id", Text, ForeignKey("jobs.id"), primary_key=True),
    Column("chunk", Integer, primary_key=True, autoincrement=False),
    Column("line", Integer, primary_key=True, autoincrement=False),
    Column("user_id", Text, nullable=False),
    Column("chain", Text),
    Column("asset", Text),
    Column("reference", Text),
    Column("account", Text),
    Column("state", Text, nullable=False),
    Column("tries", Integer, nullable=False),
    Column("provision_id", Text),
    Column("error", JsonText),
)

rates: Final = Table(
    "rates",
    metadata,
    Column("account", Text, primary_key=True),
    Column("learned", Float),
    Column("closed_until", UtcTime),
    Column("updated_at", UtcTime, nullable=False),
    Column("rough", Boolean, nullable=False, server_default=false()),
)

rate_shares: Final = Table(
    "rate_shares",
    metadata,
    Column("account", Text, primary_key=True),
    Column("owner", Text, primary_key=True),
    Column("until", UtcTime, nullable=False),
    Column("rate", Float),
    Column("wanted", Float),
    Column("served", Float, nullable=False, server_default="0"),
    Column("answers", Integer, nullable=False, server_default="0"),
    Column("refused", Integer, nullable=False, server_default="0"),
)

current_wallets: Final = Table(
    "current_wallets",
    metadata,
    Column("user_id", Text, primary_key=True),
    Column("chain", TextOrNone, primary_key=True),
    Column("asset", TextOrNone, primary_key=True),
    Column("account", Text, nullable=False),
    Column("wallet_id", Text),
    Column("address", Text),
    Column("provision_id", Text, ForeignKey("provisions.id")),
    Column("order_id", Text, ForeignKey("provisions.id")),
    Column("since", UtcTime, nullable=False),
    Index(None, "account", "user_id", "chain", "asset"),
)

watched_wallets: Final = Table(
    "watched_wallets",
    metadata,
    Column("user_id", Text, primary_key=True),
    Column("chain", TextOrNone, primary_key=True),
    Column("asset", TextOrNone, primary_key=True),
    Column("account", Text, primary_key=True),
    Column("wallet_id", TextOrNone, primary_key=True),
    Column("address", Text),
    Column("since", UtcTime, nullable=False),
)

# One row for each customer that goes from one account to another, whatever jobs have worked on it.
moves: Final = Table(
    "moves",
    metadata,
    Column("source", Text, primary_key=True),
    Column("target", Text, primary_key=True),
    Column("user_id", Text, primary_key=True),
    Column("chain", TextOrNone, primary_key=True),
    Column("asset", TextOrNone, primary_key=True),
    Column("state", Text, nullable=False),
    Column("created_at", UtcTime, nullable=False),
    Column("updated_at", UtcTime, nullable=False),
    Column("reference", Text),
    Column("old_wallet_id", Text),
    Column("old_address", Text),
    Column("old_provision_id", Text),
    Column("order_id", Text),
    Column("customer_id", Text),
    Column("provision_id", Text),
    Column("wallet_id", Text),
    Column("address", Text),
    Column("reason", Text),
    Column("link", Text),
    Column("version", Integer, nullable=False),
)
