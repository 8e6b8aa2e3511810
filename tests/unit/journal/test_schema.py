"""What the tables hold and what they never hold, and what the code never does to them."""

from __future__ import annotations

import ast
import dataclasses
import re
from importlib import resources
from pathlib import Path

import pytest

from walletport.journal import (
    ChunkRow,
    CurrentRow,
    CustomerRow,
    EventRow,
    ItemRow,
    JobRow,
    MoveRow,
    ProvisionRow,
    RateRow,
    ShareRow,
    WalletRow,
    WatchedRow,
)
from walletport.journal.schema import (
    HEAD,
    current_wallets,
    customers,
    events,
    job_chunks,
    job_items,
    jobs,
    metadata,
    moves,
    provisions,
    rate_shares,
    rates,
    wallets,
    watched_wallets,
)

ROOM = Path(str(resources.files("walletport.journal")))
SECRETS = re.compile(
    r"secret|password|token|credential|api_?key|private|signature|header|body|response|request_body|profile"
    r"|e?mail|first_name|last_name|phone|birth|address",
    re.IGNORECASE,
)


CHANGED = {
    "provisions",
    "account_states",
    "jobs",
    "job_chunks",
    "job_items",
    "rates",
    "rate_shares",
    "current_wallets",
    "moves",
}
DEPOSITS = ("current_wallets.address", "watched_wallets.address", "moves.old_address", "moves.address")
"""Where one deposits to; not where somebody lives."""


@pytest.mark.parametrize(
    ("table", "kind"),
    [
        (provisions, ProvisionRow),
        (wallets, WalletRow),
        (customers, CustomerRow),
        (events, EventRow),
        (jobs, JobRow),
        (job_chunks, ChunkRow),
        (job_items, ItemRow),
        (rates, RateRow),
        (rate_shares, ShareRow),
        (current_wallets, CurrentRow),
        (watched_wallets, WatchedRow),
        (moves, MoveRow),
    ],
    ids=lambda value: getattr(value, "name", None),
)
def test_a_row_has_the_columns_of_its_table_in_their_order(table, kind) -> None:
    """Rows are made by position."""
    assert [field.name for field in dataclasses.fields(kind)] == table.c.keys()


def test_no_column_holds_a_secret() -> None:
    """Neither a credential nor what a customer told of himself, nor what a vendor wrote."""
    names = [f"{table.name}.{column.name}" for table in metadata.tables.values() for column in table.columns]
    assert [name for name in names if SECRETS.search(name)] == [*DEPOSITS]
    assert SECRETS.search("accounts.api_key")


def test_no_code_changes_or_removes_an_event() -> None:
    """A story only grows; removed are pins, plans never begun, shares of a rate, and what is watched no more."""
    for path in ROOM.rglob("*.py"):
        source = path.read_text("utf-8")
        calls = [node for node in ast.walk(ast.parse(source)) if isinstance(node, ast.Call)]
        names = [
            call.func.attr if isinstance(call.func, ast.Attribute) else getattr(call.func, "id", "") for call in calls
        ]
        assert not {"drop_table", "truncate"} & set(names), path
        touched = {
            verb: {
                ast.unparse(call.args[0]) for call, name in zip(calls, names, strict=True) if name == verb and call.args
            }
            for verb in ("update", "delete")
        }
        assert touched["update"] <= CHANGED, path
        assert touched["delete"] <= {"user_pins", "job_chunks", "job_items", "rate_shares", "watched_wallets"}, path
        assert not re.search(r"\b(DELETE FROM|UPDATE|TRUNCATE)\b", source), path


def test_every_file_of_the_migrations_is_a_module() -> None:
    """The wheel holds every module of the source; a file of another kind could be left behind without notice."""
    kept = [path for path in (ROOM / "migrations").rglob("*") if path.is_file() and "__pycache__" not in path.parts]
    assert {path.suffix for path in kept} == {".py"}
    assert [path for path in kept if path.name.startswith(HEAD)]
