"""How a request is sent: signed anew for every attempt over its final bytes, with credentials from another host."""

from __future__ import annotations

import asyncio
import hashlib
import hmac
from collections.abc import Mapping
from datetime import timedelta
from pathlib import Path
from typing import ClassVar
from urllib.parse import urlsplit

import pytest
from pydantic import SecretStr

from tests.support.emulated import ManualClock
from tests.unit.shapes.tiny import CUSTOMER, KEY, USER, Asked, Tiny, Vendor, able, client, made, opened
from walletport import AsyncClient
from walletport.errors import AuthenticationError, ProviderUnavailable
from walletport.provider import Credential, Effect, Environment, OutgoingRequest, Request, no
from walletport.provisioning.machine import State


class Creating(Tiny):
    """Makes a wallet with one request."""

    capabilities = able(find_wallet=no("nothing finds a wallet again"))

    def create_wallet(self, order):
        response = yield Request("POST", ("wallets",), json={"n": "é"}, idempotency_key=order.idempotency_key)
        return made(response.json_object()["id"], customer_id=order.customer_id)


class Signing(Creating):
    """Signs method, path, body, time and nonce of each attempt."""

    def sign(self, request: OutgoingRequest, credential: Credential) -> OutgoingRequest:
        moment = str(int(request.attempted_at.timestamp()))
        parts = [request.method, urlsplit(request.url).path, moment, request.nonce]
        signed = "\n".join(parts).encode() + b"\n" + request.body
        digest = hmac.new(credential.token.get_secret_value().encode(), signed, hashlib.sha256).hexdigest()
        return request.with_headers({"x-time": moment, "x-nonce": request.nonce, "x-signature": digest})


class Strict:
    """The vendor's side: takes a nonce once, and fails as often as it is told to."""

    def __init__(self, failures: int) -> None:
        self.nonces: list[str] = []
        self._failures = failures

    def __call__(self, asked: Asked) -> tuple[int, object]:
        moment, nonce = asked.headers["x-time"], asked.headers["x-nonce"]
        signed = f"{asked.method}\n/v1/{'/'.join(asked.path)}\n{moment}\n{nonce}\n".encode() + asked.content
        right = hmac.new(KEY.encode(), signed, hashlib.sha256).hexdigest() == asked.headers["x-signature"]
        if nonce in self.nonces or not right:
            return 401, {}
        self.nonces.append(nonce)
        return (503, {}) if len(self.nonces) <= self._failures else (201, {"id": "w-1"})


@pytest.mark.parametrize("awaited", [False, True])
def test_every_attempt_is_signed_anew_over_what_really_travels(*, awaited: bool) -> None:
    """The bytes and the key are the same, nonce and signature are not; so no attempt is taken for a replay."""
    strict = Strict(failures=2)
    vendor = Vendor(strict)

    async def ask() -> str:
        async with AsyncClient(Signing, transport=vendor.transport, api_key=KEY) as it:
            return (await it.create_wallet(customer_id=CUSTOMER)).id

    if awaited:
        assert asyncio.run(ask()) == "w-1"
    else:
        with client(Signing, vendor) as it:
            assert it.create_wallet(customer_id=CUSTOMER).id == "w-1"
    assert len(set(strict.nonces)) == len(vendor.asked) == 3
    assert len({asked.content for asked in vendor.asked}) == 1
    assert len({asked.headers["idempotency-key"] for asked in vendor.asked}) == 1


class Guarded(Creating):
    """Takes tokens that another host gives out."""

    environments: ClassVar[Mapping[str, Environment]] = {
        "sandbox": Environment({"api": "https://api.tiny.example/v1", "login": "https://login.tiny.example/oauth"})
    }

    def authenticate(self):
        body = {"key": self.api_key.get_secret_value()}
        response = yield Request("POST", ("token",), json=body, host="login", effect=Effect.PREPARES, repeatable=True)
        return Credential(SecretStr(response.json_object()["token"]))


class Hosts:
    """The vendor's side: what each host answers.

    Attributes:
        login: the status of the host that gives out tokens.
    """

    def __init__(self) -> None:
        self.login = 200

    def __call__(self, asked: Asked) -> tuple[int, object]:
        if asked.host.startswith("login"):
            return self.login, {"token": "tok-1"}
        return (201, {"id": "w-1"}) if asked.headers["x-api-key"] == "tok-1" else (401, {})


def hosts(vendor: Vendor) -> list[str]:
    return [asked.host for asked in vendor.asked]


def test_credentials_may_come_from_another_host() -> None:
    """Once for many calls, and without a credential of their own; each host can be moved by itself."""
    vendor = Vendor(Hosts())
    with client(Guarded, vendor) as it:
        it.create_wallet(customer_id=CUSTOMER)
        it.create_wallet(customer_id=CUSTOMER)
    assert hosts(vendor) == ["login.tiny.example", "api.tiny.example", "api.tiny.example"]
    assert "x-api-key" not in vendor.asked[0].headers
    moved = Vendor(Hosts())
    with client(Guarded, moved, base_url={"login": "https://login.elsewhere.example/oauth"}) as it:
        it.create_wallet(customer_id=CUSTOMER)
    assert hosts(moved) == ["login.elsewhere.example", "api.tiny.example"]


@pytest.mark.parametrize(("status", "kind"), [(503, ProviderUnavailable), (401, AuthenticationError)])
def test_trouble_at_the_other_host_leaves_no_doubt_about_the_order(status: int, kind: type, tmp_path: Path) -> None:
    """Nothing was sent that can make a wallet; once the host is well again, the same order is carried out."""
    both = Hosts()
    both.login = status
    vendor, clock = Vendor(both), ManualClock()
    with opened(Guarded, vendor, tmp_path, clock, max_attempts=1) as port:
        with pytest.raises(kind):
            port.provision(user=USER, wait=0.0)
        (record,) = port.provisions()
        assert record.state in (State.PLANNED, State.REJECTED)
        assert record.error["outcome"] == "not_applied"
        both.login = 200
        clock.advance(timedelta(minutes=1))  # an account whose credentials are refused rests for a while
        assert port.provision(user=USER, wait=0.0).wallet.id == "w-1"
    assert hosts(vendor)[-2:] == ["login.tiny.example", "api.tiny.example"]
    assert hosts(vendor).count("api.tiny.example") == 1
