"""Conduit: a wallet behind a refusal is adopted, a lost one is found, and a stranger's is left alone."""

from __future__ import annotations

import pytest

from tests.support.conduit import (
    BY_REFERENCE,
    CREATE,
    CUSTOMER,
    LIST,
    NEW_ID,
    ORDER,
    REFERENCE,
    WALLET,
    WALLET_ID,
    Server,
    answer,
    client,
    page,
    problem,
    without,
)
from walletport import errors
from walletport.models import WalletStatus

OWN = WALLET
BARE = without("clientReferenceId")
OTHERS = {**WALLET, "clientReferenceId": "tenant-7:user-42:older"}
ON_TRON = {**WALLET, "chain": "tron", "address": "TR7NHqjeKQxGTCi8q8ZY4pL8otSzgjLj6t"}
REPLACED = {**WALLET, "replacedByWalletId": NEW_ID, "status": "disabled"}
NEW = {**BARE, "id": NEW_ID}

HOLDS_ONE = problem(409, "WALLET_CLIENT_REFERENCE_IMMUTABLE")
IN_USE = problem(409, "DUPLICATE_CLIENT_REFERENCE_ID")
IN_PROGRESS = problem(409, "IDEMPOTENCY_KEY_REQUEST_IN_PROGRESS")
NOT_OPENED = problem(503, "CHAIN_ACTIVATION_UNAVAILABLE")


def created(*answers, order=None):
    """Return what a create ends in, wallet or error, and what was said."""
    server = Server(*answers)
    with client(server) as conduit:
        try:
            return conduit.create_wallet(**(order or ORDER)), server.said
        except errors.WalletportError as error:
            return error, server.said


def found(*answers, order=None):
    """Return what a look-up ends in, and what was said."""
    server = Server(*answers)
    with client(server) as conduit:
        try:
            return conduit.find_wallet(**(order or ORDER)), server.said
        except errors.WalletportError as error:
            return error, server.said


# --- adoption -----------------------------------------------------------------------------------------------


def test_a_wallet_the_customer_holds_already_is_found_by_its_reference_and_adopted():
    wallet, said = created(HOLDS_ONE, page(OWN))
    assert (wallet.id, wallet.reference, wallet.customer_id) == (WALLET_ID, REFERENCE, CUSTOMER)
    assert said == [CREATE, BY_REFERENCE]


@pytest.mark.parametrize("held", [BARE, OTHERS], ids=["without reference", "with another reference"])
def test_a_wallet_the_customer_holds_already_is_adopted_whatever_reference_it_carries(held):
    wallet, said = created(HOLDS_ONE, page(), page(ON_TRON, cursor="next"), page(held))
    assert wallet.id == WALLET_ID
    assert said == [CREATE, BY_REFERENCE, LIST, f"{LIST}&cursor=next"]


@pytest.mark.parametrize("held", [ON_TRON, REPLACED], ids=["on another chain", "replaced"])
def test_a_wallet_on_another_chain_or_replaced_by_a_rotation_is_not_adopted(held):
    error, _ = created(HOLDS_ONE, page(held), page(held))
    assert type(error) is errors.AlreadyExists
    assert (error.outcome, error.retryable) == ("applied", False)


def test_the_wallet_that_took_a_replaced_ones_place_is_adopted():
    wallet, _ = created(HOLDS_ONE, page(REPLACED), page(REPLACED, NEW))
    assert wallet.id == NEW_ID


def test_a_refusal_stays_what_it_is_when_the_look_up_fails():
    for trouble in (problem(500, "INTERNAL_ERROR"), answer(200, b"<html>")):
        error, said = created(problem(409, "WALLET_CLIENT_REFERENCE_IMMUTABLE"), trouble)
        assert type(error) is errors.AlreadyExists
        assert error.outcome == "applied"
        assert said == [CREATE, BY_REFERENCE]


def test_of_several_wallets_on_the_chain_none_is_adopted_by_guessing():
    error, _ = created(HOLDS_ONE, page(), page(BARE, NEW))
    assert type(error) is errors.AlreadyExists


def test_a_reference_in_use_is_adopted_only_where_it_stands_on_the_right_chain():
    wallet, said = created(IN_USE, page(OWN))
    assert (wallet.id, said) == (WALLET_ID, [CREATE, BY_REFERENCE])
    for held in ((ON_TRON,), (REPLACED,), (BARE,), ()):
        error, said = created(problem(409, "DUPLICATE_CLIENT_REFERENCE_ID"), page(*held))
        assert type(error) is errors.AlreadyExists
        assert error.outcome == "unknown"
        assert said == [CREATE, BY_REFERENCE]


def test_an_unfinished_request_is_adopted_only_by_its_own_reference():
    wallet, said = created(IN_PROGRESS, page(OWN))
    assert (wallet.id, said) == (WALLET_ID, [CREATE, BY_REFERENCE])
    error, said = created(problem(409, "IDEMPOTENCY_KEY_REQUEST_IN_PROGRESS"), page(BARE))
    assert type(error) is errors.RequestInProgress
    assert (error.outcome, said) == ("unknown", [CREATE, BY_REFERENCE])


def test_an_unfinished_request_without_reference_is_not_looked_up():
    error, said = created(IN_PROGRESS, order={"customer_id": CUSTOMER, "chain": "polygon"})
    assert type(error) is errors.RequestInProgress
    assert said == [CREATE]


@pytest.mark.parametrize(
    "code", ["CEREMONY_IN_FLIGHT", "CONFLICT", "IDEMPOTENCY_KEY_CONFLICT", "WALLET_PROVIDER_CONFLICT"]
)
def test_no_other_conflict_is_looked_up(code):
    _, said = created(problem(409, code))
    assert said == [CREATE]


def test_a_wallet_recorded_but_not_opened_on_its_chain_is_not_adopted():
    error, said = created(NOT_OPENED)
    assert (type(error), error.outcome, error.retryable) == (errors.ProviderUnavailable, "applied", True)
    assert said == [CREATE]  # the vendor's remedy is the same request again, which a found wallet would end


def test_a_code_in_small_letters_is_adopted_too():
    wallet, _ = created(problem(409, "wallet_client_reference_immutable"), page(OWN))
    assert wallet.id == WALLET_ID


# --- finding ------------------------------------------------------------------------------------------------


def test_an_order_is_found_by_its_reference():
    wallet, said = found(page(OWN))
    assert (wallet.id, said) == (WALLET_ID, [BY_REFERENCE])


def test_an_order_is_found_by_its_chain_where_its_reference_is_gone():
    wallet, said = found(page(), page(ON_TRON, cursor="a/b"), page(BARE))
    assert wallet.id == WALLET_ID
    assert said == [BY_REFERENCE, LIST, f"{LIST}&cursor=a%2Fb"]


def test_an_order_without_reference_is_found_by_its_chain_alone():
    order = {"customer_id": CUSTOMER, "chain": "polygon"}
    assert found(page(ON_TRON, OTHERS), order=order)[0].id == WALLET_ID
    assert found(page(ON_TRON), order=order)[0] is None


def test_a_wallet_with_another_reference_is_another_orders():
    assert found(page(), page(OTHERS))[0] is None


def test_a_list_that_ignores_the_filter_does_not_mislead():
    wallet, said = found(page(ON_TRON, OTHERS, OWN))
    assert (wallet.id, said) == (WALLET_ID, [BY_REFERENCE])
    assert found(page(ON_TRON, OTHERS), page(ON_TRON, OTHERS))[0] is None


@pytest.mark.parametrize("other", [ON_TRON, REPLACED], ids=["on another chain", "replaced"])
def test_only_a_present_wallet_on_the_orders_chain_is_found(other):
    assert found(page(other), page(other))[0] is None


def test_absence_is_told_only_after_the_last_page():
    nothing, said = found(page(), page(ON_TRON, cursor="2"), page(ON_TRON, cursor="3"), page())
    assert nothing is None
    assert said == [BY_REFERENCE, LIST, f"{LIST}&cursor=2", f"{LIST}&cursor=3"]


def test_of_several_the_one_with_the_orders_reference_counts_and_then_the_one_that_is_not_disabled():
    disabled = {**NEW, "status": "disabled"}
    assert found(page(), page(BARE, disabled))[0].id == WALLET_ID
    assert found(page(), page(NEW, OWN))[0].id == WALLET_ID


def test_a_disabled_wallet_is_found_because_it_was_made():
    assert found(page(), page({**BARE, "status": "disabled"}))[0].status is WalletStatus.SUSPENDED


def test_a_wallet_that_stands_on_two_pages_is_one_wallet():
    assert found(page(), page(BARE, cursor="2"), page(BARE))[0].id == WALLET_ID


def test_several_wallets_that_could_be_the_one_are_not_guessed_between():
    error, _ = found(page(), page(BARE, NEW))
    assert type(error) is errors.OutcomeUnknown


def test_a_list_in_circles_proves_nothing():
    error, said = found(page(), page(cursor="2"), page(cursor="3"), page(cursor="2"))
    assert type(error) is errors.OutcomeUnknown
    assert len(said) == 4


def test_a_list_without_end_proves_nothing():
    error, said = found(page(), *(page(cursor=str(number)) for number in range(200)))
    assert type(error) is errors.OutcomeUnknown
    assert len(said) == 1 + 100


@pytest.mark.parametrize(
    "broken",
    [
        answer(200, {"data": []}),
        answer(200, {"meta": {}}),
        answer(200, {"data": {}, "meta": {}}),
        answer(200, {"data": [], "meta": {"nextCursor": 7}}),
        page({**OWN, "id": None}),
        answer(200, b"[]"),
    ],
    ids=["no meta", "no data", "data no list", "cursor no text", "wallet without id", "no page"],
)
def test_a_list_nobody_can_read_proves_nothing(broken):
    error, _ = found(page(), broken)
    assert type(error) is errors.MalformedResponse


def test_a_refused_look_up_proves_nothing():
    error, _ = found(problem(404, "CUSTOMER_NOT_FOUND"))
    assert type(error) is errors.NotFound
