"""Conduit: reading wallets, balances, addresses and customers, and rotating a wallet."""

from __future__ import annotations

from datetime import UTC, datetime
from decimal import Decimal

import pytest

from tests.support.conduit import (
    ADDRESS,
    CUSTOMER,
    LIST,
    NEW_ID,
    OTHER_ADDRESS,
    READ,
    READ_NEW,
    ROTATE,
    WALLET,
    WALLET_ID,
    Server,
    answer,
    balance,
    client,
    page,
    problem,
    without,
)
from walletport import errors
from walletport.models import CustomerProfile, CustomerStatus, Wallet

KNOWN = Wallet(provider="conduit", id=WALLET_ID, customer_id=CUSTOMER, chain="polygon")


# --- wallets ------------------------------------------------------------------------------------------------


def test_a_wallet_is_read_below_its_customer():
    server = Server(answer(200, WALLET))
    with client(server) as conduit:
        wallet = conduit.get_wallet(WALLET_ID, customer_id=CUSTOMER)
    assert (wallet.id, wallet.customer_id, wallet.address) == (WALLET_ID, CUSTOMER, ADDRESS)
    assert server.said == [READ]
    assert "idempotency-key" not in server.requests[0].headers


def test_a_wallet_without_its_customer_cannot_be_asked_for():
    server = Server()
    with client(server) as conduit:
        for ask in (
            lambda: conduit.get_wallet(WALLET_ID),
            lambda: list(conduit.list_wallets()),
            lambda: conduit.get_balances(KNOWN.model_copy(update={"customer_id": None})),
            lambda: conduit.rotate_wallet(KNOWN.model_copy(update={"customer_id": None})),
        ):
            with pytest.raises(errors.UnsupportedOperation, match="customer_id=") as caught:
                ask()
            assert caught.value.outcome == "not_applied"
    assert not server.requests


def test_a_rotated_wallet_names_its_successor():
    rotated = {**WALLET, "rotatedAt": "2026-06-02T00:00:00.000Z", "replacedByWalletId": NEW_ID}
    with client(Server(answer(200, rotated))) as conduit:
        wallet = conduit.get_wallet(WALLET_ID, customer_id=CUSTOMER)
    assert (wallet.replaced_by, wallet.drift) == (NEW_ID, ())


def test_the_list_is_walked_by_cursor_to_its_end():
    server = Server(page(WALLET, cursor="a=b&c"), page({**WALLET, "id": NEW_ID}))
    with client(server) as conduit:
        wallets = list(conduit.list_wallets(customer_id=CUSTOMER))
    assert [wallet.id for wallet in wallets] == [WALLET_ID, NEW_ID]
    assert {wallet.customer_id for wallet in wallets} == {CUSTOMER}
    assert server.said == [LIST, f"{LIST}&cursor=a%3Db%26c"]


# --- balances and addresses -----------------------------------------------------------------------------------


def test_balances_are_exact_and_told_by_asset():
    tiny = "0.000000000000000001"
    held = [balance("USDC", "100.10", tiny, "3"), balance("POL", "0")]
    server = Server(answer(200, {**WALLET, "balances": held}))
    with client(server) as conduit:
        usdc, pol = conduit.get_balances(KNOWN)
    assert (usdc.asset, usdc.available, usdc.pending, usdc.frozen) == ("usdc", Decimal("100.10"), Decimal(tiny), 3)
    assert (pol.asset, pol.available) == ("pol", Decimal(0))
    assert server.said == [READ]


def test_a_balance_names_its_chain_where_the_vendor_does():
    part = {"code": "USDC", "amount": "1", "chain": "base"}
    held = [dict.fromkeys(("available", "pending", "frozen"), part)]
    with client(Server(answer(200, {**WALLET, "balances": held}))) as conduit:
        (found,) = conduit.get_balances(KNOWN)
    assert found.chain == "base"


@pytest.mark.parametrize("amount", ["1,5", "", "NaN", "Infinity", None, True])
def test_an_amount_that_is_none_is_an_error_where_balances_are_asked_for(amount):
    held = [{**balance("USDC", "1"), "pending": {"code": "USDC", "amount": amount}}]
    server = Server(answer(200, {**WALLET, "balances": held}))
    with client(server) as conduit, pytest.raises(errors.MalformedResponse, match="balances"):
        conduit.get_balances(KNOWN)


def test_the_balances_of_another_wallet_are_refused():
    with client(Server(answer(200, {**WALLET, "id": NEW_ID}))) as conduit, pytest.raises(errors.MalformedResponse):
        conduit.get_balances(KNOWN)


def test_the_address_is_read_from_the_wallet_once_it_has_one():
    server = Server(answer(200, {**WALLET, "address": None, "status": "pending"}), answer(200, WALLET))
    with client(server) as conduit:
        assert conduit.get_addresses(KNOWN) == ()
        (address,) = conduit.get_addresses(KNOWN)
    assert (address.chain, address.value) == ("polygon", ADDRESS)


# --- rotation -----------------------------------------------------------------------------------------------

NEW = {**without("clientReferenceId"), "id": NEW_ID, "address": OTHER_ADDRESS}


def test_a_rotation_that_answers_the_new_wallet_returns_it():
    server = Server(answer(200, NEW))
    with client(server) as conduit:
        wallet = conduit.rotate_wallet(KNOWN, idempotency_key="rotation-1")
    assert (wallet.id, wallet.address, wallet.customer_id) == (NEW_ID, OTHER_ADDRESS, CUSTOMER)
    assert server.said == [ROTATE]
    assert server.requests[0].headers["idempotency-key"] == "rotation-1"
    assert server.requests[0].content == b""


def test_a_rotation_that_answers_the_old_wallet_returns_the_one_it_names():
    server = Server(answer(200, {**WALLET, "replacedByWalletId": NEW_ID}), answer(200, NEW))
    with client(server) as conduit:
        wallet = conduit.rotate_wallet(KNOWN)
    assert (wallet.id, wallet.address) == (NEW_ID, OTHER_ADDRESS)
    assert server.said == [ROTATE, READ_NEW]


def test_a_rotation_that_keeps_the_wallet_returns_it_with_its_new_address():
    server = Server(answer(200, {**WALLET, "address": OTHER_ADDRESS}))
    with client(server) as conduit:
        wallet = conduit.rotate_wallet(KNOWN)
    assert (wallet.id, wallet.address) == (WALLET_ID, OTHER_ADDRESS)
    assert server.said == [ROTATE]


def test_a_rotation_whose_new_wallet_cannot_be_read_was_carried_out_all_the_same():
    trouble = (problem(500, "INTERNAL_ERROR"), problem(404, "WALLET_NOT_FOUND"), answer(200, WALLET))
    for second in trouble:
        server = Server(answer(200, {**WALLET, "replacedByWalletId": NEW_ID}), second)
        with client(server) as conduit, pytest.raises(errors.ProviderError) as caught:
            conduit.rotate_wallet(KNOWN)
        assert caught.value.outcome == "applied"


def test_a_rotation_never_ends_on_another_chain():
    server = Server(answer(200, {**NEW, "chain": "base"}))
    with client(server) as conduit, pytest.raises(errors.MalformedResponse) as caught:
        conduit.rotate_wallet(KNOWN)
    assert caught.value.outcome == "unknown"


# --- customers ----------------------------------------------------------------------------------------------

PERSON: dict[str, object] = {
    "id": CUSTOMER,
    "applicationId": "app_1",
    "features": [
        {"feature": "virtual_account", "isActive": False},
        {"feature": "crypto_wallet", "isActive": True},
    ],
    "isHouseAccount": False,
    "type": "business",
    "clientReferenceId": "user-42",
    "createdAt": "2026-06-01T12:00:00.000Z",
    "updatedAt": "2026-06-01T12:00:00.000Z",
}


def test_a_customer_with_the_crypto_wallet_feature_is_eligible():
    server = Server(answer(200, PERSON))
    with client(server) as conduit:
        customer = conduit.get_customer(CUSTOMER)
    assert (customer.id, customer.eligible, customer.missing) == (CUSTOMER, True, ())
    assert customer.reference == "user-42"
    assert customer.status is CustomerStatus.UNKNOWN
    assert customer.created_at == datetime(2026, 6, 1, 12, tzinfo=UTC)
    assert (customer.raw, customer.drift) == (PERSON, ())
    assert server.said == [f"GET /customers/{CUSTOMER}"]


@pytest.mark.parametrize(
    "features",
    [[], [{"feature": "crypto_wallet", "isActive": False}], [{"feature": "virtual_account", "isActive": True}]],
    ids=["none", "not active", "another"],
)
def test_a_customer_without_the_feature_is_told_what_is_missing(features):
    with client(Server(answer(200, {**PERSON, "features": features}))) as conduit:
        customer = conduit.get_customer(CUSTOMER)
    assert (customer.eligible, customer.missing) == (False, ("crypto_wallet",))


def test_where_the_features_are_not_told_nothing_is_claimed_of_them():
    body = {name: value for name, value in PERSON.items() if name != "features"}
    with client(Server(answer(200, body))) as conduit:
        customer = conduit.get_customer(CUSTOMER)
    assert (customer.eligible, customer.missing) == (None, ())
    assert [item.where for item in customer.drift] == ["features"]


@pytest.mark.parametrize("broken", [{"id": None}, {"id": NEW_ID}, {"features": [{"feature": "crypto_wallet"}]}])
def test_a_customer_nobody_can_read_is_refused(broken):
    with client(Server(answer(200, {**PERSON, **broken}))) as conduit, pytest.raises(errors.MalformedResponse):
        conduit.get_customer(CUSTOMER)


def test_a_customer_cannot_be_made_and_the_refusal_says_what_to_do():
    server = Server()
    with client(server) as conduit, pytest.raises(errors.UnsupportedOperation, match="onboard"):
        conduit.create_customer(CustomerProfile(email="somebody@example.com"))
    assert not server.requests
