"""What the tests of the Polygon OMS provider share: canned answers in the vendor's documented shapes."""

from __future__ import annotations

import json
from typing import Any

import httpx

from tests.support.emulated import ManualClock
from walletport import Client
from walletport_polygon_oms import PolygonOms

BASE = "https://sandbox-api.polygon.technology/v0.9"
API_KEY = "sk_sdbx_test"
API_SECRET = "made-up-secret"
TOKEN = "eyJhbGciOi.made-up.token"
CUSTOMER = "cst_01J0EXAMPLE0000000000002"
ADDRESS = "0x1111111111111111111111111111111111111111"
ORDER = {"customer_id": CUSTOMER, "chain": "polygon", "asset": "usdc"}

WALLET: dict[str, object] = {
    "id": "wlt_01J0EXAMPLE0000000000001",
    "object": "wallet",
    "customerId": CUSTOMER,
    "address": ADDRESS,
    "asset": "usdc",
    "chain": "polygon",
    "status": "active",
    "type": "internal",
    "createdAt": "2026-06-01T12:00:00Z",
    "updatedAt": "2026-06-01T12:00:00Z",
}


def answer(status: int, body: object = None, **headers: str) -> httpx.Response:
    """Return an answer with a JSON body, raw bytes, or none."""
    if body is None or isinstance(body, bytes):
        return httpx.Response(status, content=body or b"", headers=headers)
    return httpx.Response(status, content=json.dumps(body).encode(), headers=headers)


def page(*wallets: object, has_more: bool = False, cursor: str | None = None) -> httpx.Response:
    """Return one page of a list."""
    return answer(200, {"data": list(wallets), "hasMore": has_more, "cursor": cursor})


def customer(**fields: object) -> dict[str, object]:
    """Return a customer."""
    return {"id": CUSTOMER, "object": "customer", "type": "individual", "status": "active", **fields}


def token(life: object = 3600) -> httpx.Response:
    """Return the answer to the token call."""
    said = {"accessToken": TOKEN, "tokenType": "bearer", "expiresIn": life, "expiresAt": "2026-06-01T13:00:00Z"}
    return answer(200, said)


class Server:
    """Answers the token call, and anything else with what it was given, in order.

    Args:
        answers: an exception is raised as if the connection had broken.
    """

    def __init__(self, *answers: httpx.Response | Exception) -> None:
        self._answers = list(answers)
        self.requests: list[httpx.Request] = []
        self.token_calls: list[httpx.Request] = []

    def __call__(self, request: httpx.Request) -> httpx.Response:
        if request.url.path.endswith("/auth/token"):
            self.token_calls.append(request)
            return token()
        self.requests.append(request)
        assert self._answers, f"nobody expected {request.method} {request.url}"
        given = self._answers.pop(0)
        if isinstance(given, Exception):
            raise given
        return given

    @property
    def said(self) -> list[str]:
        """Method, path and query of each request but the token calls."""
        return [f"{r.method} {r.url.raw_path.decode().removeprefix('/v0.9')}" for r in self.requests]


def client(server: Any, **changes: Any) -> Client:
    """Return a client that sends each request once, so that a test sees what one answer leads to."""
    given = {
        "environment": "sandbox",
        "transport": httpx.MockTransport(server),
        "clock": ManualClock(),
        "max_attempts": 1,
        "api_key": API_KEY,
        "api_secret": API_SECRET,
        **changes,
    }
    return Client(PolygonOms, **given)
