"""Orders, wallets and customers for the tests, and a hold on the thread that writes."""

from __future__ import annotations

import threading
import uuid
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from datetime import UTC, datetime, timedelta

from alembic import command
from alembic.config import Config
from sqlalchemy import column, create_engine, insert
from sqlalchemy import table as table_of

from walletport.journal import CustomerRow, Journal, NewProvision, ProvisionRow, Transaction, WalletRow, rows
from walletport.journal.schema import VERSION_TABLE, metadata

NOW = datetime(2026, 3, 1, 12, 0, 0, 123456, tzinfo=UTC)
LEASE = timedelta(seconds=30)
OLDEST = ("provisions", "wallets", "customers", "events")
"""The tables of the first revision, those first that others refer to."""


def later(seconds: float) -> datetime:
    return NOW + timedelta(seconds=seconds)


def new(identity: str | None = None, user: str = "user-42", **changes: object) -> NewProvision:
    facts: dict[str, object] = {
        "kind": "wallet",
        "identity": identity or uuid.uuid4().hex,
        "user_id": user,
        "account": "bank-live",
        "idempotency_key": "key-1",
        "chain": "polygon",
        "asset": "usdc",
        "decision": {"account": "bank-live", "reasons": ["only one"]},
    }
    return NewProvision(**(facts | changes))


def record(order: NewProvision, now: datetime = NOW) -> Callable[[Transaction], ProvisionRow]:
    return lambda connection: rows.record_intent(connection, order, now)[0]


def recorded(journal: Journal, identity: str | None = None, now: datetime = NOW, **changes: object) -> ProvisionRow:
    return journal.write(record(new(identity, **changes), now)).result(20)


def claimed(journal: Journal, owner: str = "me", now: datetime = NOW, **changes: object) -> ProvisionRow:
    row = recorded(journal, now=now, **changes)
    taken = journal.write(lambda connection: rows.claim(connection, row.id, owner, now, now + LEASE)).result(20)
    assert taken is not None
    return taken


def advance(
    journal: Journal, row: ProvisionRow, by: str = "me", now: datetime = NOW, what: str = "moved", **changes: object
) -> ProvisionRow:
    return journal.write(
        lambda connection: rows.advance(connection, row, by, changes, what, {"why": "test"}, now)
    ).result(20)


def wallet(wallet_id: str = "w-1", updated_at: datetime = NOW, **changes: object) -> WalletRow:
    facts: dict[str, object] = {
        "account": "bank-live",
        "wallet_id": wallet_id,
        "provision_id": None,
        "user_id": "user-42",
        "customer_id": "c-1",
        "chain": "polygon",
        "asset": "usdc",
        "status": "pending",
        "document": {"id": wallet_id, "raw": {"status": "pending"}},
        "updated_at": updated_at,
    }
    return WalletRow(**(facts | changes))


def customer(customer_id: str = "c-1", user: str = "user-42", **changes: object) -> CustomerRow:
    facts = {"user_id": user, "account": "bank-live", "customer_id": customer_id, "linked_at": NOW, "how": "linked"}
    return CustomerRow(**(facts | changes))


@contextmanager
def busy(journal: Journal) -> Iterator[None]:
    """Hold the thread that writes, so that what is handed over meanwhile is written as one batch afterwards."""
    holds, release = threading.Event(), threading.Event()

    def hold(connection: Transaction) -> None:
        holds.set()
        assert release.wait(20)

    future = journal.write(hold)
    assert holds.wait(20)
    try:
        yield
    finally:
        release.set()
    future.result(20)


def rewind(url: str, revision: str) -> None:
    """Make a journal one of an older revision, with the orders, wallets and customers it holds."""
    config = Config()
    config.set_main_option("script_location", "walletport.journal:migrations")
    engine = create_engine(url)
    with engine.begin() as connection:
        config.attributes["connection"] = connection
        held = {name: connection.exec_driver_sql(f"SELECT * FROM {name}").mappings().all() for name in OLDEST}
        for table in reversed(metadata.sorted_tables):
            connection.exec_driver_sql(f"DROP TABLE {table.name}")
        connection.exec_driver_sql(f"DROP TABLE {VERSION_TABLE}")
        command.upgrade(config, revision)
        for name, found in held.items():
            for row in found:
                connection.execute(insert(table_of(name, *(column(one) for one in row))).values(**row))
    engine.dispose()
