"""Events and polls, in any order and any number, give one state."""

from __future__ import annotations

import functools
import itertools
import random
from collections.abc import Iterable
from datetime import UTC, datetime, timedelta, timezone
from decimal import Decimal

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tests.unit import strategies
from tests.unit.doubles import EVM, SECOND_EVM, wallet
from walletport import WalletHistory
from walletport.errors import ConfigurationError
from walletport.models import Address, Balance, CustodyModel, Event, EventType, Wallet, WalletStatus

EMPTY = WalletHistory(provider="puppet", wallet_id="w-1")
NOON = datetime(2026, 6, 1, 12, tzinfo=UTC)
SECOND = timedelta(seconds=1)
# Few instants, so that many things happen at the same one.
instants = st.integers(0, 3).map(lambda seconds: NOON + seconds * SECOND)
few = st.sampled_from(("a", "b"))
told_wallets = strategies.wallets(
    id=st.sampled_from(("w-1", "w-1", "w-1", "w-2")),
    customer_id=st.none() | few,
    asset=st.none() | few,
    provider_status=st.none() | few,
    addresses=st.just(()) | few.map(lambda value: (Address(chain=None, value=value),)),
    balances=st.just(()) | st.integers(1, 2).map(lambda held: (Balance(asset="usdc", available=held),)),
    reference=st.none() | few,
    replaced_by=st.none() | few,
    created_at=st.none() | instants,
    updated_at=st.none() | instants,
    raw=st.just({}),
    drift=st.just(()),
)


def event(told: Wallet | None, at: datetime | None) -> Event:
    """Return a webhook that carries a wallet."""
    return Event(
        provider="puppet", type=EventType.WALLET_UPDATED, provider_type="x", verified=True, wallet=told, occurred_at=at
    )


additions = st.lists(
    st.tuples(st.just("event"), st.none() | told_wallets, st.none() | instants)
    | st.tuples(st.just("poll"), told_wallets, instants),
    max_size=6,
)
Addition = tuple[str, Wallet | None, datetime | None]


def add(history: WalletHistory, addition: Addition) -> WalletHistory:
    """Add an event or a poll."""
    kind, told, at = addition
    if kind == "event":
        return history.with_event(event(told, at))
    return history.with_wallet(told, seen_at=at)


def all_of(added: Iterable[Addition], start: WalletHistory = EMPTY) -> WalletHistory:
    """Add everything, in this order."""
    return functools.reduce(add, added, start)


@given(additions, st.randoms(use_true_random=False), st.data())
def test_order_and_repetition_do_not_matter(added: list[Addition], shuffle: random.Random, data: st.DataObject) -> None:
    """Vendors deliver at least once and in any order."""
    again = added + data.draw(st.lists(st.sampled_from(added), max_size=4) if added else st.just([]))
    shuffle.shuffle(again)
    assert all_of(again) == all_of(added)
    assert all_of(again).wallet == all_of(added).wallet


@given(additions, additions, additions)
def test_histories_of_several_processes_merge(
    first: list[Addition], second: list[Addition], third: list[Addition]
) -> None:
    """In any grouping, and as if one process had seen everything."""
    one, two, three = all_of(first), all_of(second), all_of(third)
    assert one.merged(two) == two.merged(one) == all_of(first + second)
    assert one.merged(two).merged(three) == one.merged(two.merged(three))
    assert one.merged(one) == one


@given(additions, additions)
def test_a_history_can_be_stored_between_two_additions(before: list[Addition], after: list[Addition]) -> None:
    """As JSON, and nothing changes by it."""
    stored = WalletHistory.model_validate_json(all_of(before).model_dump_json())
    assert all_of(after, stored) == all_of(before + after)
    assert all_of(after, stored).wallet == all_of(before + after).wallet


@given(additions)
def test_a_replacement_is_never_taken_back(added: list[Addition]) -> None:
    """Once an answer named the wallet that took over, the history names one."""
    named = {
        told.replaced_by
        for _, told, _ in added
        if told is not None and told.id == "w-1" and told.replaced_by is not None
    }
    known = all_of(added).wallet.replaced_by
    assert known in (named or {None})


def test_the_newest_value_of_each_field_counts() -> None:
    """An early event that comes late changes only what nothing newer was said of."""
    early = wallet(updated_at=NOON, status="pending", provider_status="new", reference="r-1")
    late = wallet(
        updated_at=NOON + SECOND,
        status="active",
        provider_status="live",
        addresses=[{"chain": "polygon", "value": EVM}],
    )
    history = EMPTY.with_wallet(late, seen_at=NOON).with_event(event(early, NOON))
    assert history.wallet.status is WalletStatus.ACTIVE
    assert history.wallet.provider_status == "live"
    assert history.wallet.address == EVM
    assert history.wallet.reference == "r-1"
    assert history.wallet.updated_at == NOON + SECOND


def test_at_the_same_instant_the_graver_status_counts() -> None:
    """With vendors whose clock has whole seconds; status and the vendor's word stay together."""
    grave = ("unknown", "pending", "active", "suspended", "closed")
    for less, more in itertools.pairwise(grave):
        told = [wallet(updated_at=NOON, status=status, provider_status=f"own {status}") for status in (less, more)]
        for order in (told, told[::-1]):
            history = functools.reduce(lambda known, it: known.with_wallet(it, seen_at=NOON), order, EMPTY)
            assert (history.wallet.status, history.wallet.provider_status) == (more, f"own {more}")


def test_a_later_poll_counts_although_the_vendor_says_nothing_changed() -> None:
    """Balances move without the wallet's own date moving."""
    rich, poor = (
        wallet(updated_at=NOON, balances=(Balance(asset="usdc", available=Decimal(amount)),)) for amount in ("9", "10")
    )
    for first, second in ((rich, poor), (poor, rich)):
        history = EMPTY.with_wallet(first, seen_at=NOON + SECOND).with_wallet(second, seen_at=NOON + 2 * SECOND)
        assert history.wallet.balances == second.balances


def test_a_word_nobody_knows_replaces_an_older_status() -> None:
    """Claiming "active" after the vendor said something else would be a lie; saying nothing changes nothing."""
    active = wallet(updated_at=NOON, status="active", provider_status="live")
    strange = wallet(updated_at=NOON + SECOND, status="unknown", provider_status="frozen_by_court")
    silent = wallet(updated_at=NOON + 2 * SECOND, status="unknown")
    history = EMPTY.with_wallet(active, seen_at=NOON).with_wallet(silent, seen_at=NOON)
    assert history.wallet.status is WalletStatus.ACTIVE
    history = history.with_wallet(strange, seen_at=NOON)
    assert (history.wallet.status, history.wallet.provider_status) == (WalletStatus.UNKNOWN, "frozen_by_court")


def test_an_answer_that_does_not_tell_a_field_takes_nothing_back() -> None:
    """Lists show less than single reads."""
    full = wallet(
        updated_at=NOON,
        addresses=(Address(chain="polygon", value=EVM),),
        balances=(Balance(asset="usdc", available=1),),
        custody=CustodyModel.CUSTODIAL,
        reference="unknown",
        replaced_by="w-9",
    )
    bare = Wallet(provider="puppet", id="w-1", updated_at=NOON + SECOND)
    known = EMPTY.with_wallet(full, seen_at=NOON).with_wallet(bare, seen_at=NOON).wallet
    assert known == full.model_copy(update={"updated_at": NOON + SECOND})


def test_another_wallet_changes_nothing() -> None:
    """Neither one with another id nor another provider's with the same id, nor its history."""
    for other in (wallet(id="w-2"), wallet(provider="other"), None):
        if other is not None:
            assert EMPTY.with_wallet(other, seen_at=NOON) == EMPTY
        assert EMPTY.with_event(event(other, NOON)) == EMPTY
    foreign = WalletHistory(provider="puppet", wallet_id="w-2").with_wallet(wallet(id="w-2"), seen_at=NOON)
    assert EMPTY.merged(foreign) == EMPTY


def test_an_empty_history_is_a_wallet_nobody_knows_anything_of() -> None:
    """Not an error."""
    assert EMPTY.wallet == Wallet(provider="puppet", id="w-1")


def test_times_without_a_vendors_date_are_not_shown_as_one() -> None:
    """When somebody looked is not when the wallet changed."""
    assert EMPTY.with_wallet(wallet(), seen_at=NOON).wallet.updated_at is None
    assert EMPTY.with_event(event(wallet(), None)).wallet.updated_at is None


def test_an_event_without_time_counts_least() -> None:
    """Whatever has a time is newer."""
    timeless = event(wallet(addresses=(Address(chain="polygon", value=EVM),)), None)
    dated = wallet(addresses=(Address(chain="polygon", value=SECOND_EVM),))
    assert EMPTY.with_event(timeless).wallet.address == EVM
    assert EMPTY.with_wallet(dated, seen_at=NOON).with_event(timeless).wallet.address == SECOND_EVM


def test_where_the_wallet_has_no_date_the_events_time_counts() -> None:
    """In whatever order the two arrive."""
    early = event(wallet(status="pending"), NOON)
    late = event(wallet(status="active"), NOON + SECOND)
    later_still = event(wallet(status="pending"), NOON + 2 * SECOND)
    assert EMPTY.with_event(early).with_event(late).wallet.status is WalletStatus.ACTIVE
    assert EMPTY.with_event(late).with_event(early).wallet.status is WalletStatus.ACTIVE
    assert EMPTY.with_event(later_still).with_event(late).wallet.status is WalletStatus.PENDING


def test_times_in_other_zones_are_the_same_instants() -> None:
    """An instant is an instant."""
    east = NOON.astimezone(timezone(timedelta(hours=9)))
    assert EMPTY.with_wallet(wallet(), seen_at=east) == EMPTY.with_wallet(wallet(), seen_at=NOON)


def test_a_naive_time_is_refused() -> None:
    """Local time would put a poll hours away from where it belongs."""
    with pytest.raises(ConfigurationError, match="aware"):
        EMPTY.with_wallet(wallet(), seen_at=NOON.replace(tzinfo=None))


def test_adding_leaves_the_old_history_as_it_was() -> None:
    """Histories are values."""
    before = EMPTY.model_copy()
    EMPTY.with_wallet(wallet(status="active"), seen_at=NOON)
    assert before == EMPTY
    assert EMPTY.fields == {}
