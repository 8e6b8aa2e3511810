"""Which wallet is a user's: the first, in journals that were there before as well, until it is moved."""

from __future__ import annotations

from dataclasses import replace

import pytest

from tests.unit.journal.orders import NOW, advance, claimed, later, rewind
from walletport.journal import CurrentRow, Journal, MoveRow, Transaction, currents, moves

KEY = ("user-42", "polygon", "usdc")
FIRST = CurrentRow(*KEY, "old", "w-1", None, None, None, NOW)
TABLES = ("current_wallets", "watched_wallets", "moves")


def test_the_first_wallet_stays_the_users(journal: Journal) -> None:
    """Nothing counts as a chain or an asset of its own."""
    nothing = replace(FIRST, chain=None, asset=None, wallet_id="w-0")
    for row in (FIRST, replace(FIRST, account="new", wallet_id="w-2"), nothing):
        journal.write(lambda connection, row=row: currents.first(connection, [row])).result(20)
    assert journal.read(lambda connection: currents.get(connection, *KEY)) == FIRST
    assert journal.read(lambda connection: currents.get(connection, "user-42", None, None)) == nothing
    assert journal.read(lambda connection: currents.get(connection, "user-42", "base", None)) is None
    assert journal.read(lambda connection: currents.among(connection, ["user-42", "user-1"])) == {
        FIRST.key: FIRST,
        nothing.key: nothing,
    }


@pytest.mark.parametrize("old", [FIRST, replace(FIRST, wallet_id=None, address="0x1")])
def test_a_move_is_a_compare_and_set_and_the_replaced_wallet_is_watched(journal: Journal, old: CurrentRow) -> None:
    """One that was replaced and becomes the user's again is watched no more."""
    new = replace(old, account="new", wallet_id="w-2", address=None)
    journal.write(lambda connection: currents.first(connection, [old])).result(20)
    for wrong in (replace(old, account="third"), replace(old, wallet_id="w-9")):
        assert not journal.write(lambda c, wrong=wrong: currents.move(c, wrong, new, later(1))).result(20)
    assert journal.write(lambda connection: currents.move(connection, old, new, later(1))).result(20)
    assert not journal.write(lambda connection: currents.move(connection, old, new, later(2))).result(20)
    assert journal.read(lambda connection: currents.get(connection, *KEY)) == replace(new, since=later(1))
    ((watched, _),) = journal.read(lambda connection: currents.watched(connection, None, None, None, 9))
    assert (watched.account, watched.wallet_id, watched.address) == (old.account, old.wallet_id, old.address)
    assert watched.since == later(1)
    assert journal.write(lambda connection: currents.move(connection, new, old, later(3))).result(20)
    ((watched, _),) = journal.read(lambda connection: currents.watched(connection, None, None, None, 9))
    assert (watched.account, watched.wallet_id) == ("new", "w-2")


def test_the_wallets_at_an_account_come_page_by_page(journal: Journal) -> None:
    """Each once, whatever users, chains and assets are called."""
    keys = [(user, chain, asset) for user in ("a", "b'", "ü") for chain in ("base", None) for asset in ("usdc", None)]
    rows = [CurrentRow(*key, "old", "w", None, None, None, NOW) for key in keys]
    journal.write(
        lambda c: currents.first(c, [*rows, CurrentRow("z", None, None, "new", "w", *[None] * 3, NOW)])
    ).result(20)
    found, after = [], None
    while some := journal.read(lambda connection, after=after: currents.page(connection, "old", after, 5)):
        found += some
        after = some[-1].key
    assert len(found) == len(rows)
    assert {row.key for row in found} == set(keys)


def test_moves_and_watched_wallets_come_page_by_page(journal: Journal) -> None:
    """One after the other, each once."""
    keys = [(user, chain, asset) for user in ("a", "b") for chain in ("base", None) for asset in ("usdc", None)]
    old = [CurrentRow(*key, "old", None, None, None, None, NOW) for key in keys]
    moved = [MoveRow("old", "new", *key, "planned", NOW, NOW) for key in keys]

    def work(connection: Transaction) -> None:
        currents.first(connection, old)
        moves.add(connection, [*moved, replace(moved[0], target="third")])
        assert all(currents.move(connection, row, replace(row, account="new"), NOW) for row in old)

    journal.write(work).result(20)
    found, after = [], None
    while some := journal.read(lambda connection, after=after: moves.page(connection, "old", "new", after, 3)):
        found += some
        after = some[-1].key
    assert len(found) == len(keys)
    assert {row.key: row for row in found} == {row.key: row for row in moved}
    watched, last = [], None
    while page := journal.read(lambda connection, last=last: currents.watched(connection, "old", None, last, 3)):
        watched += [(row.user_id, row.chain, row.asset) for row, _ in page]
        last = page[-1][0]
    assert len(watched) == len(keys)
    assert set(watched) == set(keys)


def test_a_journal_that_was_there_before_knows_the_first_wallet_of_each_user(url: str) -> None:
    """Only what is done counts, and only wallets; which one was first is told by when it was done."""
    with Journal.open(url) as journal:
        for number, (user, done_at, reference) in enumerate(
            [("user-1", 5, None), ("user-1", 3, "second"), ("user-2", 4, None), ("user-3", None, None)]
        ):
            row = claimed(journal, now=later(number), identity=str(number), user=user, reference=reference)
            if done_at is not None:
                advance(journal, row, now=later(done_at), what="made", state="done", wallet_id=f"w-{number}")
        customer = claimed(journal, identity="c", user="user-4", kind="customer", chain=None, asset=None)
        advance(journal, customer, what="made", state="done", customer_id="c-1")
    rewind(url, "r0003")
    with Journal.open(url) as journal:
        found = journal.read(lambda connection: currents.page(connection, "bank-live", None, 9))
    assert [(row.user_id, row.wallet_id, row.since) for row in found] == [
        ("user-1", "w-1", later(3)),
        ("user-2", "w-2", later(4)),
    ]
    assert all(row.provision_id == row.order_id and row.provision_id for row in found)
