"""What conduit.md shows and excludes, as exchanges and events."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING

from tests.contracts.planted import JSON, Answered, Bad, Delivered, Good, Sent

if TYPE_CHECKING:
    from tests.support.contract import Operation

DOCUMENTED: set[Operation] = {
    ("POST", "/customers/{customerId}/wallets"),
    ("GET", "/customers/{customerId}/wallets"),
    ("GET", "/customers/{customerId}/wallets/{walletId}"),
    ("POST", "/customers/{customerId}/wallets/{walletId}/rotate"),
    ("POST", "/customers/{customerId}/wallets/claim-non-custodial"),
    ("GET", "/customers/{customerId}/wallets/claims"),
    ("GET", "/customers/{customerId}/wallets/claims/{claimId}"),
    ("POST", "/onboarding"),
    ("GET", "/onboarding/requirements"),
    ("GET", "/customers"),
    ("GET", "/customers/{customerId}"),
    ("POST", "/customers/{customerId}/features"),
}

CUSTOMER, WALLET, TIME = "cus_" + "A" * 22, "wlt_" + "B" * 22, "2026-06-01T12:00:00.000Z"
WALLETS = f"/v2/customers/{CUSTOMER}/wallets"
AMOUNT = {"code": "USDC", "amount": "12.50", "chain": "polygon"}
BALANCE = {"available": AMOUNT, "pending": AMOUNT, "frozen": AMOUNT}

create = Sent(
    method="POST",
    path=WALLETS,
    headers={**JSON, "x-api-key": "a key", "idempotency-key": "order-1"},
    # the own example of conduit.md 2.1
    body={"chain": "polygon", "clientReferenceId": "tenant-7:user-42:polygon"},
)
created = Answered(
    method="POST",
    path=WALLETS,
    status=201,
    body={
        "id": WALLET,
        "chain": "polygon",
        "address": "0x1111111111111111111111111111111111111111",
        "status": "active",
        "balances": [BALANCE],
        "createdAt": TIME,
        "updatedAt": TIME,
        "clientReferenceId": "tenant-7:user-42:polygon",
    },
)
awaiting = Answered(
    method="POST",
    path=WALLETS,
    status=202,
    body={"ceremonyId": "wcm_" + "C" * 22, "verificationUrl": "https://example.invalid/c"},
)
refused = Answered(
    method="POST",
    path=WALLETS,
    status=409,
    body={  # the own example of conduit.md 3.1
        "type": "WALLET_ACCOUNT_NOT_READY",
        "title": "Wallet Account Not Ready",
        "status": 409,
        "detail": "example detail",
        "resolution": "example resolution",
        "docs": "https://example.invalid/errors#wallet-account-not-ready",
        "instance": "/v2/customers/cus_AAAAAAAAAAAAAAAAAAAAAA/wallets",
        "correlationId": "11111111-2222-3333-4444-555555555555",
        "timestamp": "2026-06-01T12:00:00.000Z",
    },
)
invalid = replace(refused, status=400).but(
    type="VALIDATION_ERROR", status=400, errors=[{"pointer": "/chain", "detail": "d"}]
)
limited = replace(refused, status=429).but(type="RATE_LIMITED", status=429, retryAfterSeconds=2).headed(retry_after="2")
older = replace(invalid, body={"statusCode": 400, "message": "m", "errors": [{"path": ["chain"], "message": "m"}]})
pages = Sent(method="GET", path=WALLETS, query={"limit": "100"}, headers={"x-api-key": "a key"})
page = Answered(
    method="GET",
    path=WALLETS,
    status=200,
    body={
        "data": [created.body],
        "meta": {"mode": "cursor", "nextCursor": None, "previousCursor": None, "total": 1},
    },
)
rotate = replace(create, path=f"{WALLETS}/{WALLET}/rotate", body=None)
claim = replace(
    create,
    path=f"{WALLETS}/claim-non-custodial",
    body={"roster": [{}, {}], "signingThreshold": 2, "chains": ["base"]},
)
claimed = Answered(
    method="POST",
    path=f"{WALLETS}/claim-non-custodial",
    status=202,
    body={
        "claimId": "wcc_" + "D" * 22,
        "customerId": CUSTOMER,
        "status": "provisioning",
        "rosterSize": 2,
        "signingThreshold": 2,
        "estimatedActivationCompletionMinutes": 5,
    },
)
customer = Answered(
    method="GET",
    path=f"/v2/customers/{CUSTOMER}",
    status=200,
    body={
        "id": CUSTOMER,
        "applicationId": "app_1",
        "features": [{"feature": "crypto_wallet", "isActive": True}],
        "isHouseAccount": False,
        "type": "business",
        "createdAt": TIME,
        "updatedAt": TIME,
    },
)
hook = replace(
    create,
    path="/v2/webhooks/endpoints",
    body={
        "url": "https://example.invalid/hook",
        "subscription": {"mode": "selected", "eventTypes": ["wallet.created", "claim.completed"]},
    },
)
event = Delivered(
    body={
        "id": "evt_1",
        "type": "wallet.created",
        "createdAt": TIME,
        "apiVersion": "2",
        "mode": "sandbox",
        "data": {},
    }
)
signed = event.headed(x_conduit_signature=f"t=1780315200,v1={'0' * 64},v1={'f' * 64}")

GOOD: Good = {
    "a create": create,
    "a create without a reference": create.lacking("clientReferenceId"),
    "a wallet": created,
    "a wallet without an address yet": created.but(address=None),
    "a wallet in upper case": created.but(status="ACTIVE"),
    "a wallet in dollars": created.but(
        balances=[{**BALANCE, "pending": {"code": "USD", "amount": "0"}}], custodyModel="non_custodial"
    ),
    "a wallet that was rotated": created.but(rotatedAt=TIME, replacedByWalletId=WALLET),
    "a wallet with nulls": created.but(rotatedAt=None, replacedByWalletId=None, custodyModel=None),
    "a create that awaits approval": awaiting,
    "a problem": refused,
    "a validation problem": invalid,
    "an error of the older form": older,
    "a rate limit": limited,
    "a key refused by either name": replace(refused, status=401).but(type="AUTH_INVALID_API_KEY", status=401),
    "a feature that is off, on a create": replace(refused, status=403).but(type="FEATURE_NOT_ENABLED", status=403),
    "an unclaimed customer as a conflict": refused.but(type="WALLET_CUSTODY_NOT_CLAIMED"),
    "an unclaimed customer as unprocessable": replace(refused, status=422).but(
        type="WALLET_NO_PROVIDER_ACCOUNT", status=422
    ),
    "a record without an account on its chain": replace(refused, status=503).but(
        type="CHAIN_ACTIVATION_UNAVAILABLE", status=503
    ),
    "a list request": pages,
    "a list": page,
    "a read": replace(created, method="GET", path=f"{WALLETS}/{WALLET}", status=200),
    "a rotation": rotate,
    "a claim": claim,
    "a claim without chains": claim.lacking("chains"),
    "a claim accepted": claimed,
    "a claim that is done": replace(claimed, method="GET", path=f"{WALLETS}/claims/wcc_{'D' * 22}", status=200).but(
        status="completed", walletIds=[WALLET]
    ),
    "a customer": customer,
    "an application": replace(
        customer, method="POST", path="/v2/onboarding", status=201, body={"id": "app_1", "status": "pending"}
    ),
    "a feature request": replace(create, path=f"/v2/customers/{CUSTOMER}/features", body={"type": "CRYPTO_WALLET"}),
    "a webhook for some events": hook,
    "a webhook of the older form": hook.lacking("subscription").but(eventTypes=["wallet.created"]),
    "a customer filter on a list whose filters were not read": replace(
        pages, path="/v2/customers", query={"clientReferenceId": "user-42"}
    ),
    "an event": event,
    "an event signed with two secrets": signed,
    "an event with the older name of its time": event.lacking("createdAt").but(created_at=TIME),
}
BAD: Bad = {
    "no key": (create.headed(idempotency_key=None), "header Idempotency-Key: Missing required"),
    "a blank in the key": (create.headed(idempotency_key="order 1"), "header Idempotency-Key: 'order 1'"),
    "a key of 129 characters": (create.headed(idempotency_key="k" * 129), "header Idempotency-Key: 'kkk"),
    "no credentials": (create.headed(x_api_key=None), "credentials: "),
    "an asset": (create.but(asset="usdc"), "('asset' was unexpected)"),
    "no chain": (create.lacking("chain"), "body: 'chain' is a required property"),
    "an unknown chain": (create.but(chain="Polygon"), "body.chain: 'Polygon' is not one of"),
    "a slash in the reference": (create.but(clientReferenceId="a/b"), "body.clientReferenceId: 'a/b'"),
    "a newline after the reference": (create.but(clientReferenceId="a\n"), "body.clientReferenceId: 'a"),
    "a request of another type": (create.headed(content_type="text/plain"), "body: Content for"),
    "no request body": (replace(create, body=None), "body: Missing required request body"),
    "a short customer id": (
        replace(create, path="/v2/customers/cus_A/wallets"),
        "path customerId: 'cus_A' does not match",
    ),
    "no version in the path": (replace(create, path=WALLETS[3:]), "paths start with /v2"),
    "a wallet read without its customer": (replace(pages, path=f"/v2/wallets/{WALLET}"), "Path not found"),
    "a delete": (replace(pages, method="DELETE"), "Operation delete not found"),
    "a page of 101": (replace(pages, query={"limit": "101"}), "query limit: 101 is greater than"),
    "a filter by chain": (replace(pages, query={"chain": "base"}), "query chain: is not documented"),
    "a rotation with a body": (replace(rotate, body={}), "body: none is documented"),
    "success as 200": (replace(created, status=200), "status: 200 is not documented, only 201, 202"),
    "no updatedAt": (created.lacking("updatedAt"), "body: 'updatedAt' is a required property"),
    "an address omitted, not null": (created.lacking("address"), "body: 'address' is a required property"),
    "the customer in the wallet": (created.but(customerId=CUSTOMER), "('customerId' was unexpected)"),
    "a wallet id of 25 characters": (created.but(id=WALLET[:-1]), "body.id: "),
    "a newline after the wallet id": (created.but(id=WALLET + "\n"), "body.id: "),
    "a status in mixed case": (created.but(status="Active"), "body.status: 'Active' is not one of"),
    "a number for an amount": (
        created.but(balances=[{**BALANCE, "available": {**AMOUNT, "amount": 1.5}}]),
        "body.balances[0].available.amount: 1.5 is not of type 'string'",
    ),
    "a thirteenth month": (
        created.but(createdAt="2026-13-01T12:00:00.000Z"),
        "body.createdAt: '2026-13-01T12:00:00.000Z' is not a 'date-time'",
    ),
    "a time without milliseconds": (created.but(createdAt="2026-06-01T12:00:00Z"), "body.createdAt: "),
    "a wallet where approval is awaited": (replace(created, status=202), "body: 'ceremonyId' is a required"),
    "a code of another status": (
        replace(refused, status=422).but(status=422),
        "body.type: 'WALLET_ACCOUNT_NOT_READY' is not one of",
    ),
    "a code nobody documents": (refused.but(type="WALLET_EXISTS"), "body.type: 'WALLET_EXISTS'"),
    "another status in the body": (refused.but(status=400), "body.status: 409 was expected"),
    "no resolution": (refused.lacking("resolution"), "body: 'resolution' is a required property"),
    "a problem typed as one": (
        refused.headed(content_type="application/problem+json"),
        "body: Content for the following mimetype not found: application/problem+json",
    ),
    "a validation problem without errors": (invalid.lacking("errors"), "body: 'errors' is a required"),
    "a rate limit without the header": (limited.headed(retry_after=None), "header Retry-After: Missing"),
    "a rate limit until soon": (limited.headed(retry_after="soon"), "header Retry-After: "),
    "a rate limit without seconds": (limited.lacking("retryAfterSeconds"), "body: 'retryAfterSeconds'"),
    "no total": (
        page.but(meta={"mode": "cursor", "nextCursor": None, "previousCursor": None}),
        "body.meta: 'total' is a required property",
    ),
    "a roster of one": (claim.but(roster=[{}]), "body.roster: [{}] is too short"),
    "a threshold of none": (claim.but(signingThreshold=0), "body.signingThreshold: 0 is less than"),
    "a claim that starts as done": (claimed.but(status="completed"), "body.status: 'provisioning' was"),
    "a finished claim without wallets": (
        replace(claimed, method="GET", path=f"{WALLETS}/claims/wcc_{'D' * 22}", status=200).but(status="completed"),
        "body: 'walletIds' is a required property",
    ),
    "a customer made directly": (replace(create, path="/v2/customers"), "Operation post not found"),
    "a feature nobody documents": (
        customer.but(features=[{"feature": "cards", "isActive": True}]),
        "body.features[0].feature: 'cards' is not one of",
    ),
    "a selection of no events": (hook.but(subscription={"mode": "selected"}), "body.subscription: 'event"),
    "a webhook without encryption": (hook.but(url="http://example.invalid"), "body.url: "),
    "an answer cut off": (replace(created, body=b'{"id": "wlt_'), "body: is not valid application/json"),
    "an answer with NaN": (replace(created, body=b'{"id": NaN}'), "NaN is not JSON"),
    "an answer with a name twice": (replace(created, body=b'{"id": 1, "id": 2}'), "a name occurs twice"),
    "an answer in latin-1": (replace(created, body=b"\xff"), "body: is not valid application/json"),
    "no answer body": (replace(created, body=b""), "body: Missing response data"),
    "an event of a known family": (event.but(type="wallet.activated"), "body.type: 'wallet.activated'"),
    "an event without a time": (event.lacking("createdAt"), "body: 'createdAt' is a required property"),
    "an unsigned event": (replace(event, headers={}), "header X-Conduit-Signature: Missing required"),
    "a signature of another form": (event.headed(x_conduit_signature="v1=0"), "header X-Conduit-Signature"),
}
