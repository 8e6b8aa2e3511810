"""What the tests of the Conduit provider share: canned answers in the vendor's documented shapes."""

from __future__ import annotations

import json
from typing import Any

import httpx

from tests.support.emulated import ManualClock
from walletport import Client
from walletport_conduit import Conduit

BASE = "https://api.sandbox.conduit.financial/v2"
API_KEY = "ck_sandbox_" + "a" * 64
CUSTOMER = "cus_" + "C" * 22
WALLET_ID = "wlt_" + "W" * 22
NEW_ID = "wlt_" + "N" * 22
CEREMONY = "wcm_" + "M" * 22
ADDRESS = "0x1111111111111111111111111111111111111111"
OTHER_ADDRESS = "0x2222222222222222222222222222222222222222"
REFERENCE = "tenant-7:user-42:polygon"
ORDER = {"customer_id": CUSTOMER, "chain": "polygon", "reference": REFERENCE}

LIST = f"GET /customers/{CUSTOMER}/wallets?limit=100"
BY_REFERENCE = f"GET /customers/{CUSTOMER}/wallets?clientReferenceId=tenant-7%3Auser-42%3Apolygon"
CREATE = f"POST /customers/{CUSTOMER}/wallets"
READ = f"GET /customers/{CUSTOMER}/wallets/{WALLET_ID}"
READ_NEW = f"GET /customers/{CUSTOMER}/wallets/{NEW_ID}"
ROTATE = f"POST /customers/{CUSTOMER}/wallets/{WALLET_ID}/rotate"

WALLET: dict[str, object] = {
    "id": WALLET_ID,
    "chain": "polygon",
    "address": ADDRESS,
    "status": "active",
    "balances": [],
    "createdAt": "2026-06-01T12:00:00.000Z",
    "updatedAt": "2026-06-01T12:00:01.000Z",
    "custodyModel": "non_custodial",
    "clientReferenceId": REFERENCE,
}
APPROVAL = {"ceremonyId": CEREMONY, "verificationUrl": "https://approve.example/wcm"}


def amount(code: str, value: str) -> dict[str, object]:
    """Return an amount of one asset."""
    return {"code": code, "amount": value}


def balance(code: str, available: str, pending: str = "0", frozen: str = "0") -> dict[str, object]:
    """Return a balance of a wallet."""
    return {
        "available": amount(code, available),
        "pending": amount(code, pending),
        "frozen": amount(code, frozen),
    }


def without(*names: str) -> dict[str, object]:
    """Return the wallet without some of its fields."""
    return {name: value for name, value in WALLET.items() if name not in names}


def answer(status: int, body: object = None, **headers: str) -> httpx.Response:
    """Return an answer with a JSON body, raw bytes, or none."""
    named = {name.replace("_", "-"): value for name, value in headers.items()}
    if body is None or isinstance(body, bytes):
        return httpx.Response(status, content=body or b"", headers=named)
    return httpx.Response(status, content=json.dumps(body).encode(), headers=named)


def problem(status: int, code: str, headers: dict[str, str] | None = None, **members: object) -> httpx.Response:
    """Return an error of the newer pages."""
    body = {
        "type": code,
        "title": code.replace("_", " ").title(),
        "status": status,
        "detail": "example detail",
        "resolution": "example resolution",
        "docs": "https://example.invalid/errors",
        "instance": f"/v2/customers/{CUSTOMER}/wallets",
        "correlationId": "11111111-2222-3333-4444-555555555555",
        "timestamp": "2026-06-01T12:00:00.000Z",
        **members,
    }
    return answer(status, body, **(headers or {}))


def page(*wallets: object, cursor: str | None = None, **meta: object) -> httpx.Response:
    """Return one page of a list."""
    about = {"mode": "cursor", "nextCursor": cursor, "previousCursor": None, "total": len(wallets), **meta}
    return answer(200, {"data": list(wallets), "meta": about})


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
        return [f"{r.method} {r.url.raw_path.decode().removeprefix('/v2')}" for r in self.requests]


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
    return Client(Conduit, **given)
