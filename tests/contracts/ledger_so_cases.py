"""What ledger-so.md shows and excludes, as exchanges and events."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING

from tests.contracts.planted import JSON, Answered, Bad, Delivered, Good, Sent

if TYPE_CHECKING:
    from tests.support.contract import Operation

DOCUMENTED: set[Operation] = {
    ("POST", "/v1/crypto-wallets"),
    ("GET", "/v1/crypto-wallets"),
    ("GET", "/v1/crypto-wallets/{id}"),
    ("GET", "/v1/crypto-wallets/{id}/balance"),
    ("GET", "/v1/crypto-wallets/{id}/crypto-deposit-addresses"),
    ("POST", "/v1/customers"),
    ("GET", "/v1/customers"),
    ("GET", "/v1/customers/{customerId}"),
}

LEDGER_WALLET = {  # the own example of ledger-so.md 3.1
    "id": "wal_ex4mple01",
    "customerId": "cus_ex4mple02",
    "status": "active",
    "createdAt": "2026-06-01T12:00:00Z",
    "updatedAt": "2026-06-01T12:00:00Z",
}
OLDER_WALLET = {
    "id": "wal_ex4mple01",
    "chain": "base",
    "address": "0x1111111111111111111111111111111111111111",
    "walletType": "custodial",
    "createdAt": "2026-06-01T12:00:00Z",
}
LEDGER_CUSTOMER = {
    "id": "cus_ex4mple02",
    "email": "user@example.invalid",
    "firstName": "Ada",
    "lastName": "Example",
    "type": "individual",
    "status": "active",
    "kycStatus": "not_started",
    "kycLink": "https://example.invalid/kyc",
    "tosLink": "https://example.invalid/tos",
    "capabilities": {"wallets": True},
    "createdAt": 1780315200000,
    "updatedAt": 1780315200000,
}


def ledger(path: str, status: int, **members: object) -> Answered:
    """Return an answer of Ledger.so to the usual method of a path."""
    method = "POST" if path == "/v1/crypto-wallets" else "GET"
    return Answered(method=method, path=path, status=status, body=members)


def ledger_wallet(**members: object) -> Answered:
    """Return the answer to a create, with some members of the wallet changed."""
    return ledger("/v1/crypto-wallets", 200, ok=True, data={**LEDGER_WALLET, **members})


def ledger_error(code: str, **members: object) -> Answered:
    """Return a conflict, with some code and some further members."""
    return ledger("/v1/crypto-wallets", 409, ok=False, error={"code": code, "message": "m", **members})


order = Sent(
    method="POST",
    path="/v1/crypto-wallets",
    headers={**JSON, "authorization": "Bearer a-key", "idempotency-key": "order-1"},
    body={"customerId": "cus_ex4mple02"},
)
sign_up = replace(order, path="/v1/customers").but(email="user@example.invalid", firstName="A", lastName="E")
sign_up = sign_up.lacking("customerId")
customers = Sent(method="GET", path="/v1/customers", headers={"x-api-key": "a key"})
balance = ledger(
    "/v1/crypto-wallets/wal_ex4mple01/balance",
    200,
    ok=True,
    data={"walletId": "wal_ex4mple01", "balance": "0.00"},
)
ledger_event = Delivered(
    body={"id": "evt_1", "type": "wallet.created", "createdAt": 1780315200000, "data": LEDGER_WALLET}
)
ledger_signed = ledger_event.headed(
    x_ledger_event_id="evt_1",
    x_ledger_event_type="wallet.created",
    x_ledger_signature=f"t=1780315200,v1={'0' * 64}",
)

GOOD: Good = {
    "a create": order,
    "a create without a key": order.headed(idempotency_key=None),
    "a create with the other header": order.headed(authorization=None, x_api_key="a key"),
    "a wallet": ledger_wallet(),
    "a wallet with the times of the guide": ledger_wallet(createdAt=1780315200000, updatedAt=1780315200000),
    "a wallet of any status": ledger_wallet(status="being made"),
    "a conflict": ledger_error("CONFLICT"),
    "an error of the first generation": replace(
        ledger_error("CONFLICT"),
        body={"error": {"type": "t", "code": "conflict", "message": "m"}, "request_id": "r"},
    ),
    "an error in one word": replace(ledger_error("CONFLICT"), body={"error": "text"}),
    "a rate limit of the first generation": replace(
        ledger_error("CONFLICT"), status=429, body={"error": "text", "retryAfter": 5000}
    ).headed(retry_after="5"),
    "a read": ledger("/v1/crypto-wallets/wal_1", 200, ok=True, data=LEDGER_WALLET),
    "a read of the second generation": ledger("/v1/crypto-wallets/wal_1", 200, ok=True, data=OLDER_WALLET),
    "a balance": balance,
    "a new customer": sign_up,
    "a list request": customers,
    "a customer of the older pages": ledger(
        "/v1/customers/cus_1",
        200,
        ok=True,
        data={**LEDGER_CUSTOMER, "status": "pending", "capabilities": ["cards"]},
    ),
    "a list in data": ledger("/v1/customers", 200, ok=True, data=[LEDGER_CUSTOMER]),
    "a list in items": ledger("/v1/customers", 200, ok=True, data={"items": [LEDGER_CUSTOMER], "nextCursor": None}),
    "deposit addresses of any shape": ledger(
        "/v1/crypto-wallets/wal_1/crypto-deposit-addresses", 200, ok=True, data=[{"anything": 1}]
    ),
    "an event": ledger_event,
    "a signed event": ledger_signed,
    "an event with the older headers": ledger_event.headed(
        svix_id="m", svix_timestamp="1780315200", svix_signature="v1,x"
    ),
}
BAD: Bad = {
    "a chain": (order.but(chain="polygon"), "body: Additional properties are not allowed ('chain'"),
    "no customer": (order.lacking("customerId"), "body: 'customerId' is a required property"),
    "a customer by number": (order.but(customerId=7), "body.customerId: 7 is not of type 'string'"),
    "the older path": (replace(order, path="/v1/wallets"), "Path not found"),
    "the oldest header": (order.headed(authorization=None, api_key="a key"), "credentials: "),
    "basic credentials": (order.headed(authorization="Basic a-key"), "credentials: "),
    "an empty key": (order.headed(idempotency_key=""), "header Idempotency-Key: "),
    "a filter by customer": (
        replace(customers, path="/v1/crypto-wallets", query={"customerId": "cus_1"}),
        "query customerId: is not documented",
    ),
    "a page of 201": (replace(customers, query={"limit": "201"}), "query limit: 201 is greater than"),
    "no last name": (sign_up.lacking("lastName"), "body: 'lastName' is a required property"),
    "a reference on a customer": (sign_up.but(externalId="u"), "('externalId' was unexpected)"),
    "success as 201": (replace(ledger_wallet(), status=201), "status: 201 is not documented"),
    "a refusal as 422": (replace(ledger_error("CONFLICT"), status=422), "status: 422 is not documented"),
    "no envelope": (replace(ledger_wallet(), body=LEDGER_WALLET), "body: 'ok' is a required property"),
    "a success that says no": (ledger_wallet().but(ok=False), "body.ok: True was expected"),
    "an address in the wallet": (ledger_wallet(address="0x1"), "body.data: Additional properties are not"),
    "a create that answers with an older wallet": (
        ledger("/v1/crypto-wallets", 200, ok=True, data=OLDER_WALLET),
        "body.data: 'customerId' is a required property",
    ),
    "a time in seconds": (ledger_wallet(createdAt=1780315200), "body.data.createdAt: 1780315200 is less"),
    "a time without a zone": (ledger_wallet(createdAt="2026-06-01T12:00:00"), "body.data.createdAt: "),
    "a null status": (ledger_wallet(status=None), "body.data.status: None is not of type 'string'"),
    "a code outside the enum": (ledger_error("DUPLICATE"), "body.error.code: 'DUPLICATE' is not one of"),
    "a code of another status": (ledger_error("NOT_FOUND"), "body.error.code: 'CONFLICT' was expected"),
    "details in an error": (ledger_error("CONFLICT", details={}), "('details' was unexpected)"),
    "a number for a balance": (
        balance.but(data={"walletId": "wal_1", "balance": 1}),
        "body.data.balance: 1 is not of type 'string'",
    ),
    "an asset with the balance": (
        balance.but(data={"walletId": "wal_1", "balance": "1", "asset": "usdc"}),
        "('asset' was unexpected)",
    ),
    "both envelopes at once": (
        ledger("/v1/customers", 200, ok=True, data={"items": [], "nextCursor": None}, nextCursor=None),
        "('nextCursor' was unexpected)",
    ),
    "a KYC status nobody documents": (
        ledger("/v1/customers/cus_1", 200, ok=True, data={**LEDGER_CUSTOMER, "kycStatus": "pending"}),
        "body.data.kycStatus: 'pending' is not one of",
    ),
    "an event with a date-time": (ledger_event.but(createdAt="2026-06-01T12:00:00Z"), "body.createdAt: "),
    "an event nobody documents": (ledger_event.but(type="wallet.closed"), "body.type: 'wallet.closed'"),
    "an event about half a wallet": (ledger_event.but(data={"id": "wal_1"}), "body.data: "),
    "an event with half its headers": (
        ledger_signed.headed(x_ledger_signature=None),
        "header X-Ledger-Signature: Missing required",
    ),
}
