"""What became of many orders, read in one pass: in SQLite and in PostgreSQL."""

from __future__ import annotations

from datetime import timedelta

import pytest

from tests.unit.journal.orders import NOW, advance, claimed, later, recorded, wallet
from walletport.journal import Journal, lives, lives_of, rows

END = later(3600)


def test_a_life_tells_the_first_of_each_thing_that_happened_and_how_often(journal: Journal) -> None:
    """Sent three times, handed on once, made and seen to be ready; what is recorded twice counts once."""
    decision = {"account": "bank-live", "drawn": "bank-live"}
    row = claimed(journal, decision=decision)
    steps = [("sending", 1), ("refused", 2), ("sending", 3), ("failed over", 4), ("sending", 5), ("made", 6)]
    for what, at in steps:
        row = advance(journal, row, now=later(at), what=what, state="done" if what == "made" else "sending")
    for at in (9, 10):
        journal.write(lambda c, at=at: rows.note_once(c, row.id, "ready", {}, later(at))).result(20)
    (life,) = lives(journal, until=END)
    assert (life.id, life.account, life.state, life.decision) == (row.id, "bank-live", "done", decision)
    assert (life.created_at, life.sent_at, life.made_at, life.ready_at) == (NOW, later(1), later(6), later(9))
    assert (life.sends, life.failovers) == (3, 1)
    assert journal.read(lambda connection: lives_of(connection, [row.id, "nobody"])) == {row.id: life}


def test_an_order_that_was_never_sent_has_a_life_too(journal: Journal) -> None:
    row = recorded(journal)
    (life,) = lives(journal, until=END)
    assert (life.id, life.sent_at, life.made_at, life.ready_at, life.sends) == (row.id, None, None, None, 0)


@pytest.mark.parametrize("window", [1, 2, 3, 7, 100])
def test_every_order_is_told_once_whatever_fits_into_memory(journal: Journal, window: int) -> None:
    """Oldest first; several were committed at the same moment."""
    made = [recorded(journal, now=NOW + timedelta(seconds=number // 3)).id for number in range(7)]
    found = [life.id for life in lives(journal, until=END, window=window)]
    assert sorted(found) == sorted(made)
    assert found == [life.id for life in lives(journal, until=END)]
    assert found[-1] == made[-1]


def test_what_is_asked_for_is_what_is_told(journal: Journal) -> None:
    """Chain, asset and time narrow it; orders for customers and shadows are never among them."""
    wanted = recorded(journal, now=later(10), chain="base", asset="usdt").id
    recorded(journal, now=later(10), chain="polygon")
    recorded(journal, now=later(5), chain="base", asset="usdt")
    recorded(journal, now=later(20), chain="base", asset="usdt")
    recorded(journal, now=later(10), kind="customer", chain="base", asset="usdt")
    recorded(journal, now=later(10), kind="shadow", chain="base", asset="usdt")
    found = lives(journal, since=later(10), until=later(20), chain="base", asset="usdt")
    assert [life.id for life in found] == [wanted]


def test_a_note_is_made_once_whoever_holds_the_order(journal: Journal) -> None:
    """It changes nothing of the order itself, so whoever is at work on it goes on."""
    row = claimed(journal, owner="somebody")
    noted = [journal.write(lambda c: rows.note_once(c, row.id, "ready", {"n": 1}, NOW)) for _ in range(5)]
    assert sorted(future.result(20) for future in noted) == [False] * 4 + [True]
    assert [event.what for event in journal.read(lambda c: rows.events_of(c, row.id))] == ["intended", "ready"]
    assert advance(journal, row, by="somebody").version == row.version + 1


def test_a_wallet_that_only_a_shadow_made_is_nobodys(journal: Journal) -> None:
    """Until a real order of the same user has the same wallet; shadows are listed newest first."""
    order = recorded(journal)
    first = claimed(journal, kind="shadow", decision={"shadow_of": order.id})
    second = recorded(journal, now=later(1), kind="shadow", decision={"shadow_of": order.id})
    advance(journal, first, wallet_id="w-1", state="done")
    journal.write(lambda c: rows.save_wallet(c, wallet("w-1", provision_id=first.id))).result(20)
    journal.write(lambda c: rows.save_wallet(c, wallet("w-2"))).result(20)

    def known() -> list[str]:
        return [row.wallet_id for row in journal.read(lambda c: rows.wallets_of(c, "user-42"))]

    assert known() == ["w-2"]
    assert [row.id for row in journal.read(lambda c: rows.shadows(c, 10))] == [second.id, first.id]
    assert [row.id for row in journal.read(lambda c: rows.shadows(c, 1))] == [second.id]
    assert journal.read(lambda c: rows.some_provisions(c, [order.id, "nobody"])) == {order.id: order}
    real = claimed(journal, owner="somebody", now=later(2))
    advance(journal, real, by="somebody", wallet_id="w-1", state="done")
    assert known() == ["w-1", "w-2"]
