"""Many orders at once: alike work in one go, and the long way for whatever is special."""

from __future__ import annotations

import threading
from collections.abc import Sequence
from dataclasses import replace

import pytest

from tests.unit.journal.orders import LEASE, NOW, advance, busy, claimed, customer, later, new, recorded, wallet
from walletport.journal import (
    CurrentRow,
    Journal,
    JournalError,
    NotTogether,
    PinRow,
    ProvisionRow,
    Transaction,
    currents,
    rows,
    standing,
    together,
)
from walletport.journal.together import Finished


def sending(identity: str, user: str = "user-42") -> ProvisionRow:
    row = rows.planned(new(identity, user), NOW, owner="me", lease_until=NOW + LEASE)
    return replace(row, state="sending", sends=1, first_sent_at=NOW, version=2)


def begin(journal: Journal, *orders: ProvisionRow) -> None:
    journal.write(lambda connection: together.begin(connection, orders)).result(20)


def done(row: ProvisionRow, wallet_id: str, user: str | None = None) -> Finished:
    made = replace(wallet(wallet_id), provision_id=row.id, user_id=user or row.user_id)
    changes = {name: getattr(row, name) for name in together.FINISHED}
    changes |= {"state": "done", "wallet_id": wallet_id, "owner": None, "lease_until": None, "updated_at": later(1)}
    return Finished(row, changes, made, rows.current_of(row, wallet_id, later(1)))


def finish(journal: Journal, *orders: Finished, owner: str = "me") -> None:
    journal.write(lambda connection: together.finish(connection, orders, owner)).result(20)


def read(journal: Journal, row: ProvisionRow) -> ProvisionRow:
    return journal.read(lambda connection: rows.get_provision(connection, row.id))


class TestKnown:
    """What is asked before orders are begun."""

    def test_orders_and_users_and_customers_and_pins_are_found_in_one_go(self, journal: Journal) -> None:
        """Of others nothing is told."""
        recorded(journal, "known", user="ada")
        recorded(journal, "with-reference", user="bob", reference="their-own")
        recorded(journal, "a-customer", user="cid", kind="customer")
        journal.write(lambda c: rows.link_customer(c, customer("c-7", user="ada"))).result(20)
        journal.write(lambda c: rows.link_customer(c, customer("c-8", user="eve"))).result(20)
        journal.write(lambda c: standing.pin(c, PinRow("bob", "bank-live", NOW))).result(20)

        found = journal.read(
            lambda c: together.known(c, ["known", "with-reference", "new"], ["ada", "bob", "cid", "dan"])
        )

        assert found.identities == {"known", "with-reference"}
        assert found.accounts == {"ada": {"bank-live"}}  # whose wallet may satisfy another order
        assert found.customers == {("ada", "bank-live"): "c-7"}
        assert found.pins == {"bob": "bank-live"}

    def test_users_whose_wallet_came_otherwise_than_by_their_order_are_told_apart(self, journal: Journal) -> None:
        """It was made elsewhere, or a switch of custodians has put another in its place."""
        orders = [recorded(journal, f"order-{number}") for number in range(2)]
        there = ("bank-live", "w-1", None)
        current = [
            CurrentRow("as ordered", None, None, *there, orders[0].id, orders[0].id, NOW),
            CurrentRow("switched", None, None, *there, orders[1].id, orders[0].id, NOW),
            CurrentRow("elsewhere", None, None, *there, None, None, NOW),
        ]
        journal.write(lambda c: currents.first(c, current)).result(20)
        users = [row.user_id for row in current]
        assert journal.read(lambda c: together.known(c, [], users)).moved == {"switched", "elsewhere"}

    @pytest.mark.parametrize("name", ["o'hara", 'say "hi"', "back\\slash", "{curly}", "%s", "名前", "a,b", "null", ""])
    def test_names_are_found_whatever_is_in_them(self, journal: Journal, name: str) -> None:
        recorded(journal, f"order of {name}", user=name)
        found = journal.read(lambda c: together.known(c, [f"order of {name}"], [name, "nobody"]))
        assert (found.identities, found.accounts) == ({f"order of {name}"}, {name: {"bank-live"}})

    def test_of_two_processes_one_has_a_user_at_a_time(self, postgresql_journal: Journal, postgresql_url: str) -> None:
        """The other one is told for whom it did not work, and does not wait."""
        holds, release = threading.Event(), threading.Event()

        def hold(connection: Transaction) -> None:
            together.lock_users(connection, ["ada", "bob"])
            holds.set()
            assert release.wait(20)

        with Journal.open(postgresql_url) as other:
            future = other.write(hold)
            assert holds.wait(20)
            locked = postgresql_journal.write(lambda c: together.lock_users(c, ["bob", "cid"])).result(20)
            release.set()
            future.result(20)
            assert locked == {"cid"}
            assert postgresql_journal.write(lambda c: together.lock_users(c, ["bob"])).result(20) == {"bob"}


class TestBegin:
    """New orders, about to be sent."""

    def test_each_stands_as_it_was_handed_over(self, journal: Journal) -> None:
        orders = [sending(f"order-{number}", f"user-{number}") for number in range(3)]
        begin(journal, *orders)
        assert [read(journal, order) for order in orders] == orders

    def test_one_that_is_known_undoes_all_of_them(self, journal: Journal) -> None:
        recorded(journal, "known")
        new_one = sending("order")
        with pytest.raises(NotTogether):
            begin(journal, new_one, sending("known"))
        assert [row.identity for row in journal.read(rows.list_provisions)] == ["known"]


class TestFinish:
    """Orders that are done."""

    def test_each_is_done_and_has_its_wallet_which_is_its_users(self, journal: Journal) -> None:
        orders = [sending(f"order-{number}", f"user-{number}") for number in range(3)]
        begin(journal, *orders)
        ends = [done(order, f"w-{number}") for number, order in enumerate(orders)]
        finish(journal, *ends)
        for order, end in zip(orders, ends, strict=True):
            assert read(journal, order) == replace(order, **end.changes, version=3)
            assert journal.read(lambda c, end=end: rows.get_wallet(c, "bank-live", end.wallet.wallet_id)) == end.wallet
            assert journal.read(lambda c, end=end: currents.get(c, *end.current.key)) == end.current

    def test_a_wallet_that_is_known_already_undoes_all_of_them(self, journal: Journal) -> None:
        """Whose it is, the long way finds out."""
        journal.write(lambda c: rows.save_wallet(c, wallet("w-1", user_id="somebody else"))).result(20)
        orders = [sending("order-0", "ada"), sending("order-1", "bob")]
        begin(journal, *orders)
        with pytest.raises(NotTogether):
            finish(journal, done(orders[0], "w-0"), done(orders[1], "w-1"))
        assert [read(journal, order) for order in orders] == orders
        assert journal.read(lambda c: rows.get_wallet(c, "bank-live", "w-0")) is None

    def test_whatever_a_text_holds_is_written_as_it_is(self, journal: Journal) -> None:
        """Quotes, commas, what looks like another type, every alphabet; only what JSON cannot say goes elsewhere."""
        texts = [
            "o'hara",
            'say "hi"',
            "back\\slash",
            "[1,2]",
            "null",
            "1",
            "true",
            "",
            " ",
            "\n",
            "\x01",
            "名前",
            "\U0001f600",
        ]
        orders = [sending(f"order {text}", f"user {text}") for text in texts]
        begin(journal, *orders)
        ends = [done(order, f"wallet {text}") for order, text in zip(orders, texts, strict=True)]
        finish(journal, *ends)
        for order, end in zip(orders, ends, strict=True):
            assert read(journal, order) == replace(order, **end.changes, version=3)
            assert journal.read(lambda c, end=end: rows.get_wallet(c, "bank-live", end.wallet.wallet_id)) == end.wallet
        with pytest.raises(NotTogether):
            begin(journal, sending("order", "nul\0"))

    def test_texts_that_are_none_are_refused_as_ever(self, journal: Journal) -> None:
        with pytest.raises(JournalError, match="cannot store this value"):
            begin(journal, sending("order", "half \ud800"))

    @pytest.mark.parametrize("what", ["another owner", "an older version"])
    def test_an_order_that_somebody_else_has_taken_undoes_all_of_them(self, journal: Journal, what: str) -> None:
        mine, theirs = sending("mine", "ada"), sending("theirs", "bob")
        begin(journal, mine, theirs)
        seen, owner = (theirs, "he") if what == "another owner" else (replace(theirs, version=1), "me")
        with pytest.raises(NotTogether):
            finish(journal, done(seen, "w-1"), *([] if owner == "he" else [done(mine, "w-0")]), owner=owner)
        assert (read(journal, mine), read(journal, theirs)) == (mine, theirs)
        assert journal.read(lambda c: rows.wallets_of(c, "ada") + rows.wallets_of(c, "bob")) == []

    def test_the_first_wallet_stays_the_users(self, journal: Journal) -> None:
        first = claimed(journal, identity="first")
        advance(journal, first, state="done", wallet_id="w-0")
        second = sending("second")
        begin(journal, second)
        finish(journal, done(second, "w-1"))
        current = journal.read(lambda c: currents.get(c, "user-42", "polygon", "usdc"))
        assert current is not None
        assert current.wallet_id == "w-0"


class TestWriteTogether:
    """Work that takes many items."""

    def test_what_is_alike_is_done_at_once_and_each_gets_its_own_result(self, journal: Journal) -> None:
        calls: list[list[int]] = []

        def double(_: Transaction, numbers: Sequence[int]) -> list[int]:
            calls.append(list(numbers))
            return [2 * number for number in numbers]

        with busy(journal):
            futures = [journal.write_together(double, number) for number in range(5)]
        assert [future.result(20) for future in futures] == [0, 2, 4, 6, 8]
        assert calls == [[0, 1, 2, 3, 4]]

    def test_what_fails_for_several_is_done_for_each_alone(self, journal: Journal) -> None:
        """Only the one that cannot be done is told; what is committed with it stands."""

        def begin_all(connection: Transaction, orders: Sequence[ProvisionRow]) -> list[str]:
            together.begin(connection, orders)
            return [order.identity for order in orders]

        recorded(journal, "known")
        with busy(journal):
            futures = [
                journal.write_together(begin_all, sending(identity, identity)) for identity in ("one", "known", "two")
            ]
        assert [type(future.exception(20)) for future in futures] == [type(None), NotTogether, type(None)]
        assert {row.identity for row in journal.read(rows.list_provisions)} == {"one", "known", "two"}
