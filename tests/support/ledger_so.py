"""What the tests of the Ledger.so provider share: canned answers in the vendor's documented shapes."""

from __future__ import annotations

import json
from typing import Any

import httpx

from tests.support.emulated import ManualClock
from walletport import Client, errors
from walletport_ledger_so import LedgerSo

BASE = "https://api.ledger.so"
API_KEY = "ld_test_abc_made-up-secret"
CUSTOMER = "cus_ex4mple02"
WALLET_ID = "wal_ex4mple01"
ORDER = {"customer_id": CUSTOMER, "chain": "polygon", "asset": "usdc"}

CREATE = "POST /v1/crypto-wallets"
LIST = "GET /v1/crypto-wallets?limit=100"
READ = f"GET /v1/crypto-wallets/{WALLET_ID}"
BALANCE = f"{READ}/balance"
ADDRESSES = f"{READ}/crypto-deposit-addresses"
READ_CUSTOMER = f"GET /v1/customers/{CUSTOMER}"

WALLET: dict[str, object] = {
    "id": WALLET_ID,
    "customerId": CUSTOMER,
    "status": "active",
    "createdAt": "2026-06-01T12:00:00Z",
    "updatedAt": "2026-06-01T12:00:05Z",
}
OLDER_WALLET: dict[str, object] = {
    "id": WALLET_ID,
    "customerId": CUSTOMER,
    "chain": "base",
    "address": "0x4444444444444444444444444444444444444444",
    "walletType": "custodial",
    "status": "active",
    "createdAt": "2026-06-01T12:00:00Z",
}
CUSTOMER_OBJECT: dict[str, object] = {
    "id": CUSTOMER,
    "email": "ada@example.com",
    "firstName": "Ada",
    "lastName": "Example",
    "type": "individual",
    "status": "active",
    "kycStatus": "approved",
    "kycLink": "https://kyc.example/ada",
    "tosLink": "https://tos.example/ada",
    "capabilities": {"wallets": True, "virtualAccounts": False, "transfers": True},
    "createdAt": "2026-06-01T12:00:00Z",
    "updatedAt": "2026-06-01T12:00:00Z",
}

# One well-formed address for each chain, all different, so that a mix-up shows.
ON: dict[str, str] = {
    "solana": "EPjFWdd5AufqSSqeM2qN1xzybapC8G4wEGGkZwyTDt1v",
    "ethereum": "0x1111111111111111111111111111111111111111",
    "arbitrum": "0x2222222222222222222222222222222222222222",
    "base": "0x3333333333333333333333333333333333333333",
    "optimism": "0x5555555555555555555555555555555555555555",
    "polygon": "0x6666666666666666666666666666666666666666",
    "avalanche": "0x7777777777777777777777777777777777777777",
    "tron": "TR7NHqjeKQxGTCi8q8ZY4pL8otSzgjLj6t",
}
EVM_CHAINS = ("ethereum", "arbitrum", "base", "optimism", "polygon", "avalanche")
ENTRIES = [{"chain": chain, "address": value} for chain, value in ON.items()]


def without(*names: str) -> dict[str, object]:
    """Return the wallet without some of its fields."""
    return {name: value for name, value in WALLET.items() if name not in names}


def customer(**changes: object) -> dict[str, object]:
    """Return a customer."""
    return {**CUSTOMER_OBJECT, **changes}


def answer(status: int, body: object = None, **headers: str) -> httpx.Response:
    """Return an answer with a JSON body, raw bytes, or none."""
    named = {name.replace("_", "-"): value for name, value in headers.items()}
    if body is None or isinstance(body, bytes):
        return httpx.Response(status, content=body or b"", headers=named)
    return httpx.Response(status, content=json.dumps(body).encode(), headers=named)


def good(data: object, status: int = 200, **members: object) -> httpx.Response:
    """Return a success in its envelope."""
    return answer(status, {"ok": True, "data": data, **members})


def refused(status: int, code: str, **headers: str) -> httpx.Response:
    """Return an error of the OpenAPI document."""
    return answer(status, {"ok": False, "error": {"code": code, "message": "free text of the vendor"}}, **headers)


class Server:
    """Answers with what it was given, in order.

    Args:
        answers: an exception is raised as if the connection had broken.
    """

    def __init__(self, *answers: httpx.Response | Exception) -> None:
        self._answers = list(answers)
        self.requests: list[httpx.Request] = []

    def __call__(self, request: httpx.Request) -> httpx.Response:
        self.requests.append(request)
        assert self._answers, f"nobody expected {request.method} {request.url}"
        given = self._answers.pop(0)
        if isinstance(given, Exception):
            raise given
        return given

    @property
    def said(self) -> list[str]:
        """Method, path and query of each request."""
        return [f"{r.method} {r.url.raw_path.decode()}" for r in self.requests]


def client(server: Any, **changes: Any) -> Client:
    """Return a client that sends each request once, so that a test sees what one answer leads to."""
    given = {
        "environment": "sandbox",
        "transport": httpx.MockTransport(server),
        "clock": ManualClock(),
        "max_attempts": 1,
        "api_key": API_KEY,
        **changes,
    }
    return Client(LedgerSo, **given)


def created(*answers: httpx.Response | Exception, **order: Any) -> tuple[Any, list[str]]:
    """Return what a create ends in, wallet or error, and what was said."""
    server = Server(*answers)
    with client(server) as ledger:
        try:
            return ledger.create_wallet(**(order or ORDER)), server.said
        except errors.WalletportError as error:
            return error, server.said
