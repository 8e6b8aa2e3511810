"""Conduit: whatever an answer or an event holds, it becomes a value or one of our errors, and never another wallet."""

from __future__ import annotations

import json
from datetime import UTC, datetime

import httpx
from hypothesis import given
from hypothesis import strategies as st

from tests.support.conduit import ADDRESS, CUSTOMER, ORDER, WALLET, WALLET_ID, client
from walletport import errors
from walletport.provider import Request, Response
from walletport_conduit import Conduit
from walletport_conduit.auth import ConduitSettings

NOW = datetime(2026, 6, 1, 12, tzinfo=UTC)

odd = st.recursive(
    st.none()
    | st.booleans()
    | st.integers()
    | st.floats(allow_nan=False, allow_infinity=False)
    | st.text(max_size=20)
    | st.sampled_from(
        [
            WALLET_ID,
            CUSTOMER,
            ADDRESS,
            "polygon",
            " ",
            "POLYGON",
            "active",
            "USDC",
            "-0.00",
            "2026-06-01T12:00:00.000Z",
        ]
    ),
    lambda inner: (
        st.lists(inner, max_size=3)
        | st.dictionaries(
            st.sampled_from(
                [
                    *WALLET,
                    "available",
                    "pending",
                    "frozen",
                    "code",
                    "amount",
                    "data",
                    "meta",
                    "nextCursor",
                    "wallet",
                    "customerId",
                    "walletId",
                    "features",
                    "feature",
                    "isActive",
                    "type",
                    "message",
                    "correlationId",
                    "retryAfterSeconds",
                    "ceremonyId",
                    "verificationUrl",
                    "created_at",
                    "customer",
                    "mode",
                    "total",
                ]
            ),
            inner,
            max_size=8,
        )
    ),
    max_leaves=12,
)


@given(
    status=st.sampled_from([400, 401, 403, 404, 408, 409, 418, 422, 429, 500, 503]),
    body=st.binary() | odd.map(lambda value: json.dumps(value).encode()),
)
def test_every_refusal_becomes_an_error(status, body):
    provider = Conduit(ConduitSettings(api_key="ck_sandbox_x"))
    error = provider.classify(Request("POST", ("customers",)), Response(status, {}, body))
    assert isinstance(error, errors.WalletportError)
    assert error.status_code == status
    if status >= 500:
        assert error.outcome != "not_applied"


@given(changes=st.dictionaries(st.sampled_from([*WALLET, "ceremonyId", "rotatedAt", "replacedByWalletId"]), odd))
def test_every_success_becomes_the_wallet_that_was_ordered_or_an_error(changes):
    body = json.dumps({**WALLET, **changes}).encode()
    with client(lambda _: httpx.Response(201, content=body)) as conduit:
        try:
            wallet = conduit.create_wallet(**ORDER)
        except errors.WalletportError as error:
            assert error.outcome != "not_applied"  # noqa: PT017 - either end is right, and each has its own promise
        else:
            assert wallet.id == json.loads(body)["id"]
            assert (wallet.chain, wallet.customer_id) == ("polygon", CUSTOMER)


@given(body=odd)
def test_every_list_becomes_an_answer_or_an_error(body):
    with client(lambda _: httpx.Response(200, content=json.dumps(body).encode())) as conduit:
        try:
            found = conduit.find_wallet(**ORDER)
        except errors.WalletportError:
            return
    assert found is None or (found.chain, found.customer_id) == ("polygon", CUSTOMER)


@given(data=odd, name=st.sampled_from(["wallet.created", "wallet.deleted", "customer.created", "x"]))
def test_every_event_with_a_type_is_read(data, name):
    event = Conduit.parse_webhook({}, json.dumps({"type": name, "data": data}).encode(), (), NOW, unverified=True)
    assert event.provider_type == name
    assert event.wallet is None or event.wallet.id == event.wallet_id
