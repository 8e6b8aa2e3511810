"""What polygon-oms.md shows and excludes, as exchanges and events."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING

from tests.contracts.planted import JSON, Answered, Bad, Delivered, Good, Sent

if TYPE_CHECKING:
    from tests.support.contract import Operation

DOCUMENTED: set[Operation] = {
    ("POST", "/auth/token"),
    ("POST", "/customers"),
    ("GET", "/customers"),
    ("GET", "/customers/{customerId}"),
    ("PATCH", "/customers/{customerId}"),
    ("DELETE", "/customers/{customerId}"),
    ("POST", "/customers/{id}/wallets"),
    ("GET", "/customers/{id}/wallets"),
    ("GET", "/wallets/{id}/balance"),
}

OMS_WALLETS = "/v0.9/customers/cst_1/wallets"
OMS_WALLET = {  # the own example of polygon-oms.md 2.3
    "id": "wlt_01J0EXAMPLE0000000000001",
    "object": "wallet",
    "customerId": "cst_01J0EXAMPLE0000000000002",
    "address": "0x1111111111111111111111111111111111111111",
    "asset": "usdc",
    "chain": "polygon",
    "status": "active",
    "type": "internal",
    "createdAt": "2026-06-01T12:00:00Z",
    "updatedAt": "2026-06-01T12:00:00Z",
}
exchange = Sent(method="POST", path="/v0.9/auth/token", body={"apiKey": "a key", "apiSecret": "a secret"})
token = Answered(
    method="POST",
    path="/v0.9/auth/token",
    status=200,
    body={
        "accessToken": "a.b.c",
        "tokenType": "bearer",
        "expiresIn": 3600,
        "expiresAt": "2026-06-01T13:00:00Z",
    },
)
oms_create = Sent(
    method="POST",
    path=OMS_WALLETS,
    headers={**JSON, "authorization": "Bearer a.b.c", "idempotency-key": "order-1"},
    body={"asset": "usdc", "chain": "polygon"},
)
oms_created = Answered(method="POST", path=OMS_WALLETS, status=201, body=OMS_WALLET)
oms_page = Answered(
    method="GET", path=OMS_WALLETS, status=200, body={"data": [OMS_WALLET], "hasMore": False, "cursor": None}
)
oms_balance = Sent(
    method="GET",
    path="/v0.9/wallets/wlt_1/balance",
    query={"estimatedBalanceCurrencyCode": "EUR"},
    headers={"authorization": "Bearer a.b.c"},
)
oms_sign_up = replace(oms_create, path="/v0.9/customers", body={"type": "individual", "externalId": "user-42"})
oms_customer = Answered(
    method="POST",
    path="/v0.9/customers",
    status=201,
    body={
        "id": "cst_1",
        "object": "customer",
        "type": "individual",
        "firstName": None,
        "status": "active",
        "wallets": [],
        "endorsements": ["basic", "cryptoCustody"],
        "createdAt": "2026-06-01T12:00:00Z",
    },
)
oms_event = Delivered(body={"event": "customer.endorsement.granted", "data": {}})

GOOD: Good = {
    "a token request": exchange,
    "a token request with the header of the reference": exchange.headed(authorization="Bearer x"),
    "a token": token,
    "a create": oms_create,
    "a wallet": oms_created,
    "a wallet as the guides show it": oms_created.lacking("type", "updatedAt"),
    "a wallet without any property": replace(oms_created, body={}),
    "a refusal with any body": replace(oms_created, status=409, body=b"no", headers={}),
    "a refusal without a body": replace(oms_created, status=400, body=b"", headers={}),
    "a failure with HTML": replace(oms_created, status=502, body=b"<html>", headers={"content-type": "text/html"}),
    "a list": oms_page,
    "an empty list": oms_page.but(data=[]).lacking("cursor"),
    "a list request with a parameter that was cut off": replace(oms_balance, path=OMS_WALLETS, query={"cursor": "c"}),
    "a balance request": oms_balance,
    "a new customer": oms_sign_up,
    "a new customer of the quickstart": replace(oms_sign_up, body={}),
    "a customer": oms_customer,
    "a customer with endorsements as objects": oms_customer.but(
        endorsements=[{"rejectionReasons": [], "requirements": {"complete": [], "missing": []}}]
    ),
    "a customer with both kinds of wallet": oms_customer.but(
        wallets=[OMS_WALLET, {"network": "polygon", "type": "custodial", "balance": "0"}]
    ),
    "an event": oms_event,
    "a signed event": oms_event.headed(webhook_signature="anything"),
}
BAD: Bad = {
    "no secret": (exchange.lacking("apiSecret"), "body: 'apiSecret' is a required property"),
    "a token of another type": (token.but(tokenType="Bearer"), "body.tokenType: 'Bearer' is not one of"),
    "a token that lasts a text": (token.but(expiresIn="3600"), "body.expiresIn: '3600' is not of type"),
    "a token without its end": (token.lacking("expiresAt"), "body: 'expiresAt' is a required property"),
    "no key": (oms_create.headed(idempotency_key=None), "header Idempotency-Key: Missing required"),
    "no token": (oms_create.headed(authorization=None), "credentials: "),
    "the key as its own header": (
        oms_create.headed(authorization=None, x_api_key="a key"),
        "credentials: ",
    ),
    "no asset": (oms_create.lacking("asset"), "body: 'asset' is a required property"),
    "a reference on a wallet": (oms_create.but(externalId="user-42"), "('externalId' was unexpected)"),
    "no version in the path": (replace(oms_create, path="/customers/cst_1/wallets"), "start with /v0.9"),
    "a wallet by its id": (replace(oms_balance, path="/v0.9/wallets/wlt_1"), "Path not found"),
    "a filter on a balance": (replace(oms_balance, query={"asset": "usdc"}), "query asset: is not"),
    "a business": (oms_sign_up.but(type="business"), "body.type: 'individual' was expected"),
    "a customer without a type": (oms_sign_up.lacking("type"), "body: 'type' is a required property"),
    "success as 200": (replace(oms_created, status=200), "status: 200 is not documented"),
    "success as 202": (replace(oms_created, status=202), "status: 202 is not documented"),
    "a pending wallet": (oms_created.but(status="pending"), "body.status: 'pending' is not one of"),
    "a custodial wallet": (oms_created.but(type="custodial"), "body.type: 'custodial' is not one of"),
    "another object": (oms_created.but(object="customer"), "body.object: 'wallet' was expected"),
    "a balance in the wallet": (oms_created.but(balance="0"), "('balance' was unexpected)"),
    "a time without a zone": (oms_created.but(createdAt="2026-06-01T12:00:00"), "body.createdAt: "),
    "an address that is null": (oms_created.but(address=None), "body.address: None is not of type"),
    "a list that is bare": (replace(oms_page, body=b"[]"), "body: [] is not of type 'object'"),
    "a list that does not say whether there is more": (oms_page.lacking("hasMore"), "body: 'hasMore'"),
    "a birth date in an answer": (oms_customer.but(birthDate="2000-01-01"), "('birthDate' was unexpected)"),
    "a customer with another prefix": (oms_customer.but(id="cus_1"), "body.id: 'cus_1' does not match"),
    "a pending customer": (oms_customer.but(status="pending"), "body.status: 'pending' is not one of"),
    "an endorsement nobody documents": (oms_customer.but(endorsements=["eur"]), "body.endorsements"),
    "an event by another name": (oms_event.lacking("event").but(type="x"), "body: 'event' is a required"),
    "an unsigned event": (replace(oms_event, headers={}), "header Webhook-Signature: Missing required"),
}
