"""Orders, wallets and customers: what is recorded comes back as it was, and what is known is never lost."""

from __future__ import annotations

from dataclasses import replace
from decimal import Decimal
from enum import StrEnum

import pytest

from tests.unit.journal.orders import LEASE, NOW, advance, claimed, customer, later, new, record, recorded, wallet
from walletport.journal import EventRow, Journal, JournalError, NewProvision, ProvisionRow, Transaction, rows
from walletport.models import Balance, Drift, Wallet


def story(journal: Journal, provision_id: str) -> list[EventRow]:
    return journal.read(lambda c: rows.events_of(c, provision_id))


def saved(journal: Journal, *wallets):
    kept = [journal.write(lambda c, row=row: rows.save_wallet(c, row)).result(20) for row in wallets]
    return kept[-1]


# ------------------------------------------------------------------------------------------------------------- orders


def test_an_order_comes_back_as_it_was_recorded(journal: Journal) -> None:
    """Everything of it, to the microsecond, and where it starts from."""
    order = new(
        "identity-1",
        reference="their-7 ✓",
        sent_reference="wp-1",
        customer_id="c-1",
        decision={"reasons": ["a", 1, None]},
    )
    row, is_new = journal.write(lambda c: rows.record_intent(c, order, NOW)).result(20)
    assert is_new
    for name in NewProvision.__slots__:
        assert getattr(row, name) == getattr(order, name), name
    assert (row.state, row.generation, row.sends, row.look_ups, row.version) == ("planned", 1, 0, 0, 1)
    assert (row.doubtful, row.applied) == (False, False)
    assert (row.created_at, row.updated_at) == (NOW, NOW)
    assert (row.first_sent_at, row.last_ended_at, row.not_before, row.owner, row.lease_until) == (None,) * 5
    assert (row.wallet_id, row.approval_id, row.approval_url, row.error) == (None,) * 4
    assert journal.read(lambda c: rows.get_provision(c, order.id)) == row
    assert journal.read(lambda c: rows.find_by_identity(c, "identity-1")) == row


def test_an_order_for_a_customer_names_no_chain(journal: Journal) -> None:
    """It has a kind of its own."""
    row = recorded(journal, kind="customer", chain=None, asset=None)
    assert (row.kind, row.chain, row.asset) == ("customer", None, None)


def test_the_same_order_again_is_the_same_row(journal: Journal) -> None:
    """Whatever else is different the second time is ignored, and it leaves no event."""
    first = recorded(journal, "identity-1")
    row, is_new = journal.write(
        lambda c: rows.record_intent(c, new("identity-1", account="other", idempotency_key="key-2"), later(5))
    ).result(20)
    assert (row, is_new) == (first, False)
    assert [(event.what, event.detail, event.at) for event in story(journal, first.id)] == [
        ("intended", {"account": "bank-live"}, NOW)
    ]


def test_another_order_under_the_same_id_is_refused(journal: Journal) -> None:
    """An id is made for one order only."""
    first = recorded(journal, "identity-1")
    error = journal.write(record(new("identity-2", id=first.id))).exception(20)
    assert isinstance(error, JournalError)
    assert error.message == "the journal holds another order under this order's id"


def test_an_unknown_order_is_said(journal: Journal) -> None:
    """By id it must be there; by identity it may not be."""
    with pytest.raises(JournalError, match="the journal holds no provision 'no-such-id'") as caught:
        journal.read(lambda c: rows.get_provision(c, "no-such-id"))
    assert caught.value.outcome == "not_applied"
    assert journal.read(lambda c: rows.find_by_identity(c, "no-such-identity")) is None


def test_what_changes_is_recorded_with_what_happened(journal: Journal) -> None:
    """All that may change, in one go; the event stands beside it."""
    row = claimed(journal)
    changes: dict[str, object] = {
        "account": "other-live",
        "sent_reference": "wp-2",
        "customer_id": "c-9",
        "decision": {"reasons": ["failover"]},
        "state": "awaiting_approval",
        "generation": 2,
        "sends": 3,
        "first_sent_at": later(1),
        "last_ended_at": later(2),
        "doubtful": True,
        "applied": True,
        "look_ups": 4,
        "not_before": later(3),
        "idempotency_key": "key-2",
        "owner": None,
        "lease_until": None,
        "wallet_id": "w-1",
        "approval_id": "a-1",
        "approval_url": "https://approve.example/a-1",
        "error": {"type": "ApprovalPending", "status_code": 202, "missing": ["kyc"]},
    }
    assert changes.keys() == rows.CHANGEABLE
    after = advance(journal, row, now=later(7), what="approval asked", **changes)
    assert after == replace(row, **changes, updated_at=later(7), version=row.version + 1)
    assert journal.read(lambda c: rows.get_provision(c, row.id)) == after
    last = story(journal, row.id)[-1]
    assert (last.what, last.detail, last.at) == ("approval asked", {"why": "test"}, later(7))


def test_an_error_can_be_taken_back(journal: Journal) -> None:
    """``None`` is stored as nothing, not as a document that says null."""
    row = advance(journal, claimed(journal), error={"type": "RateLimited"})
    assert advance(journal, row, error=None).error is None


@pytest.mark.parametrize(
    "name", ["id", "identity", "user_id", "chain", "asset", "reference", "kind", "version", "colour"]
)
def test_what_an_order_is_does_not_change(journal: Journal, name: str) -> None:
    """Another order is another row."""
    row = claimed(journal)
    with pytest.raises(ValueError, match=f"not to be changed: {name}"):
        advance(journal, row, **{name: "x"})


def test_the_story_of_an_order_only_grows(journal: Journal) -> None:
    """Whatever is done to it, what was told before stands as it was."""
    row = claimed(journal)
    other = claimed(journal)
    before = story(journal, row.id)
    for number in range(5):
        row = advance(journal, row, what=f"step {number}", sends=number)
        other = advance(journal, other, what="elsewhere", sends=number)
        told = story(journal, row.id)
        assert told[:-1] == before
        before = told
    assert [event.what for event in before] == ["intended", *(f"step {number}" for number in range(5))]


def test_a_users_orders_come_oldest_first(journal: Journal) -> None:
    """And nobody else's with them."""
    ids = [recorded(journal, now=later(seconds), user="user-1").id for seconds in (3, 1, 2)]
    recorded(journal, user="user-2")
    found = journal.read(lambda c: rows.provisions_of(c, "user-1"))
    assert [row.id for row in found] == [ids[1], ids[2], ids[0]]


def test_a_list_comes_newest_first_in_pages(journal: Journal) -> None:
    """Orders of the same moment are neither skipped nor repeated."""
    kept = [recorded(journal, now=later(number // 3)) for number in range(8)]
    expected = [row.id for row in sorted(kept, key=lambda row: (row.created_at, row.id), reverse=True)]
    pages: list[list[str]] = []
    for after in (None, expected[2], expected[5], expected[7]):
        page = journal.read(lambda c, after=after: rows.list_provisions(c, limit=3, after=after))
        pages.append([row.id for row in page])
    assert pages == [expected[:3], expected[3:6], expected[6:], []]


def test_a_list_can_be_narrowed(journal: Journal) -> None:
    """By where orders stand, and by account."""
    done = advance(journal, claimed(journal, account="one"), state="done")
    planned = recorded(journal, account="one")
    elsewhere = recorded(journal, account="two")

    def ids(**narrow: str) -> set[str]:
        return {row.id for row in journal.read(lambda c: rows.list_provisions(c, **narrow))}

    assert ids(state="done") == {done.id}
    assert ids(account="one") == {done.id, planned.id}
    assert ids(state="planned", account="two") == {elsewhere.id}
    assert ids(state="rejected") == set()


class Words(StrEnum):
    """As a state machine may hold them."""

    IN_DOUBT = "in_doubt"
    FOR_A_CUSTOMER = "customer"


def test_a_word_of_an_enumeration_is_stored_as_its_value(journal: Journal) -> None:
    """By both drivers, on the way in and when it is asked for."""
    row = advance(journal, claimed(journal, kind=Words.FOR_A_CUSTOMER), state=Words.IN_DOUBT)
    assert (row.kind, row.state) == ("customer", "in_doubt")
    assert type(row.state) is str
    assert journal.read(lambda c: rows.list_provisions(c, state=Words.IN_DOUBT)) == [row]


def test_the_list_of_all_orders_is_empty_at_first(journal: Journal) -> None:
    """No error."""
    assert journal.read(rows.list_provisions) == []


@pytest.mark.parametrize(
    ("state", "listed"),
    [
        ("planned", True),
        ("sending", True),
        ("in_doubt", True),
        ("done", False),
        ("rejected", False),
        ("awaiting_approval", False),
        ("needs_review", False),
    ],
)
def test_due_are_those_from_which_something_must_come(journal: Journal, state: str, listed: bool) -> None:
    """What has ended, or waits for a person, is not."""
    row = advance(journal, claimed(journal), state=state, owner=None, lease_until=None)
    found = journal.read(lambda c: rows.due(c, NOW, ["bank-live"], 10))
    assert [each.id for each in found] == ([row.id] if listed else [])


def test_due_are_those_that_nobody_holds_and_that_need_not_wait(journal: Journal) -> None:
    """On the microsecond, oldest first, and no more than asked for."""
    free = recorded(journal, now=later(2))
    held = claimed(journal, now=later(1))
    waits = advance(journal, claimed(journal), not_before=later(20), owner=None, lease_until=None)

    def ids(seconds: float, limit: int = 10) -> list[str]:
        return [row.id for row in journal.read(lambda c: rows.due(c, later(seconds), ["bank-live"], limit))]

    assert ids(19.999999) == [free.id]
    assert ids(20) == [waits.id, free.id]
    assert ids(1 + LEASE.total_seconds()) == [waits.id, held.id, free.id]
    assert ids(60, limit=2) == [waits.id, held.id]


def test_due_is_what_the_dead_held_and_nothing_for_other_accounts_or_for_customers(journal: Journal) -> None:
    """Page by page, each order once."""
    held = [claimed(journal, owner=owner, now=later(n)) for n, owner in enumerate(("dead", "alive", "dead", "dead"))]
    recorded(journal, account="elsewhere")
    recorded(journal, kind="customer")

    def page(after: ProvisionRow | None) -> list[ProvisionRow]:
        return journal.read(lambda c: rows.due(c, NOW, ["bank-live"], 2, dead=["dead"], after=after))

    first = page(None)
    assert [row.id for row in first] == [held[0].id, held[2].id]
    (last,) = page(first[-1])
    assert last.id == held[3].id
    assert page(last) == []
    assert sorted(journal.read(rows.owners)) == ["alive", "dead"]


def test_the_next_order_that_has_to_wait_is_told(journal: Journal) -> None:
    """Of those that nobody holds; not before the time that is asked for."""
    for seconds in (30, 10, 20):
        advance(journal, claimed(journal), not_before=later(seconds), owner=None, lease_until=None)
    advance(journal, claimed(journal), not_before=later(1))
    advance(journal, claimed(journal, account="elsewhere"), not_before=later(2), owner=None, lease_until=None)
    told = [journal.read(lambda c, at=at: rows.next_due_at(c, later(at), ["bank-live"])) for at in (0, 10, 30)]
    assert told == [later(10), later(20), None]


# ------------------------------------------------------------------------------------------------------------ wallets


def test_a_wallet_comes_back_as_it_was_saved(journal: Journal) -> None:
    """With the order it came from."""
    order = recorded(journal)
    row = wallet(provision_id=order.id)
    assert saved(journal, row) == row
    assert journal.read(lambda c: rows.get_wallet(c, "bank-live", "w-1")) == row
    assert journal.read(lambda c: rows.get_wallet(c, "other-live", "w-1")) is None


def test_the_document_of_a_wallet_is_the_wallet(journal: Journal) -> None:
    """Amounts keep every digit, and what the provider sent is in it."""
    whole = Wallet(
        provider="puppet",
        id="w-1",
        balances=(Balance(asset="usdc", available=Decimal("12345678901234567890.000000000000000001")),),
        raw={"name": "Ünïcode \ud83d \x00", "huge": 2**70, "rate": Decimal("0.10"), "list": [None, True]},
        drift=(Drift(where="name", what="field", seen="name"),),
        updated_at=NOW,
    )
    kept = saved(journal, wallet(document=whole.model_dump(mode="json")))
    again = Wallet.model_validate(kept.document)
    assert again.balances == whole.balances
    assert again.raw == {**whole.raw, "rate": "0.10"}
    assert again.model_copy(update={"raw": whole.raw}) == whole


def test_a_decimal_is_never_stored_as_a_float(journal: Journal) -> None:
    """Anywhere in a document."""
    amount = Decimal("0.1000000000000000055511151231257827")
    row = advance(journal, claimed(journal), error={"amounts": [amount]})
    assert row.error == {"amounts": [str(amount)]}


def test_something_older_never_replaces_something_newer(journal: Journal) -> None:
    """Webhooks and answers overtake each other."""
    newer = wallet(updated_at=later(10), status="active", document={"n": 2})
    saved(journal, wallet(document={"n": 1}), newer)
    assert saved(journal, wallet(updated_at=later(9.999999), status="pending", document={"n": 3})) == newer
    assert journal.read(lambda c: rows.get_wallet(c, "bank-live", "w-1")) == newer
    same_time = wallet(updated_at=later(10), status="suspended", document={"n": 4})
    assert saved(journal, same_time) == same_time


def test_the_order_a_wallet_came_from_is_kept_and_may_be_added(journal: Journal) -> None:
    """Even by something older: the webhook came before the answer."""
    order, other = recorded(journal), recorded(journal)
    saved(journal, wallet(updated_at=later(10), status="active"))
    kept = saved(journal, wallet(provision_id=order.id, status="pending"))
    assert (kept.provision_id, kept.status) == (order.id, "active")
    kept = saved(journal, wallet(provision_id=other.id, updated_at=later(20)), wallet(updated_at=later(30)))
    assert (kept.provision_id, kept.updated_at) == (order.id, later(30))


def test_a_wallet_never_passes_to_another_user(journal: Journal) -> None:
    """Two users with one deposit address is somebody's money: it is said, and nothing is changed."""
    mine = saved(journal, wallet())
    error = journal.write(lambda c: rows.save_wallet(c, wallet(user_id="user-43", updated_at=later(5)))).exception(20)
    assert isinstance(error, JournalError)
    assert error.message == "wallet 'w-1' at 'bank-live' is recorded for another user"
    assert journal.read(lambda c: rows.get_wallet(c, "bank-live", "w-1")) == mine
    assert journal.read(lambda c: rows.wallets_of(c, "user-43")) == []


def test_a_wallet_of_an_order_that_does_not_exist_is_refused(journal: Journal) -> None:
    """The foreign keys hold, in SQLite too."""
    error = journal.write(lambda c: rows.save_wallet(c, wallet(provision_id="no-such-id"))).exception(20)
    assert isinstance(error, JournalError)
    assert error.message == "the journal refuses a row that breaks its rules"


def test_a_users_wallets_come_together(journal: Journal) -> None:
    """Of all accounts."""
    kept = [wallet("w-2"), wallet("w-1", account="other-live"), wallet("w-1")]
    saved(journal, *kept, wallet("w-3", user_id="user-43"))
    assert journal.read(lambda c: rows.wallets_of(c, "user-42")) == [kept[2], kept[0], kept[1]]


# ---------------------------------------------------------------------------------------------------------- customers


def test_linking_a_user_again_to_the_same_customer_changes_nothing(journal: Journal) -> None:
    """The first record stays."""
    first = journal.write(lambda c: rows.link_customer(c, customer())).result(20)
    again = journal.write(lambda c: rows.link_customer(c, customer(linked_at=later(5), how="made"))).result(20)
    assert first == again == customer()
    assert journal.read(lambda c: rows.customer_of(c, "user-42", "bank-live")) == customer()
    assert journal.read(lambda c: rows.customer_of(c, "user-42", "other-live")) is None


def test_linking_a_user_to_another_customer_says_what_is_linked(journal: Journal) -> None:
    """At another account a user is somebody else, and two users may be one customer."""
    journal.write(lambda c: rows.link_customer(c, customer())).result(20)
    error = journal.write(lambda c: rows.link_customer(c, customer("c-2"))).exception(20)
    assert isinstance(error, JournalError)
    assert error.message == "user 'user-42' is linked to customer 'c-1' at 'bank-live' already"
    assert error.outcome == "not_applied"
    for other in (customer("c-2", account="other-live"), customer(user="user-43")):
        assert journal.write(lambda c, other=other: rows.link_customer(c, other)).result(20) == other
    assert journal.read(lambda c: rows.customer_of(c, "user-42", "bank-live")) == customer()


def test_work_that_raises_after_writing_leaves_nothing(journal: Journal) -> None:
    """An order and its wallet are recorded together or not at all."""

    def work(connection: Transaction) -> None:
        order, _ = rows.record_intent(connection, new("order"), NOW)
        rows.save_wallet(connection, wallet(provision_id=order.id))
        rows.link_customer(connection, customer())
        msg = "a bug"
        raise LookupError(msg)

    assert isinstance(journal.write(work).exception(20), LookupError)
    assert journal.read(rows.list_provisions) == []
    assert journal.read(lambda c: rows.wallets_of(c, "user-42")) == []
    assert journal.read(lambda c: rows.customer_of(c, "user-42", "bank-live")) is None
