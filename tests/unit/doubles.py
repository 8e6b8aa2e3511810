"""A provider that does what a test tells it, a clock that nobody waits for, and a pump that never sleeps."""

from __future__ import annotations

import json
from collections.abc import Callable, Mapping
from datetime import UTC, datetime, timedelta
from typing import Any, ClassVar, TypeVar

import httpx
from pydantic import Field, SecretStr

from walletport.errors import WalletportError
from walletport.models import Balance, Customer, Page, Wallet, WalletStatus
from walletport.provider import (
    YES,
    Capabilities,
    Credential,
    Effect,
    Environment,
    Idempotency,
    Need,
    OrderFields,
    OutgoingRequest,
    ProviderSettings,
    Request,
    Response,
    WalletProvider,
    error_for_status,
    not_documented,
)
from walletport.transport.effects import Program, Send, Sleep

T = TypeVar("T")
KEY = "puppet-key-5f0c"
EVM = "0x52908400098527886e0f7030069857d2e4169ee7"
SECOND_EVM = "0x8617e340b3d01fa5f11f306f4090fd50e238070d"
TRON = "TR7NHqjeKQxGTCi8q8ZY4pL8otSzgjLj6t"
OPERATIONS = (
    "create_wallet",
    "get_wallet",
    "list_wallets",
    "find_wallet",
    "get_balances",
    "get_addresses",
    "rotate_wallet",
    "create_customer",
    "get_customer",
)


def wallet(**changes: object) -> Wallet:
    """Return a wallet of Puppet's, pending and without address unless told otherwise."""
    facts: dict[str, object] = {
        "provider": "puppet",
        "id": "w-1",
        "customer_id": "c-1",
        "chain": "polygon",
        "status": WalletStatus.PENDING,
    }
    return Wallet.model_validate(facts | changes)


class PuppetSettings(ProviderSettings):
    """What a client of Puppet needs."""

    api_key: SecretStr = Field(description="the dashboard, under Keys")
    region: str = "eu"


class Puppet(WalletProvider):
    """A vendor whose every operation is one request named like it, and answers what ``answers`` says."""

    name: ClassVar[str] = "puppet"
    title: ClassVar[str] = "Puppet"
    environments: ClassVar[Mapping[str, Environment]] = {
        "sandbox": Environment({"api": "https://sandbox.puppet.example"}),
        "production": Environment({"api": "https://api.puppet.example"}, production=True),
    }
    settings_type: ClassVar[type[ProviderSettings]] = PuppetSettings
    capabilities: ClassVar[Capabilities]
    answers: ClassVar[Mapping[str, Callable[..., Any]]] = {}

    def __init__(self, settings: ProviderSettings) -> None:
        assert isinstance(settings, PuppetSettings)
        self.api_key = settings.api_key

    def authenticate(self):
        return Credential(self.api_key)
        yield

    def sign(self, request: OutgoingRequest, credential: Credential) -> OutgoingRequest:
        return request.with_headers({"x-api-key": credential.token.get_secret_value()})

    def classify(self, request: Request, response: Response):
        return None if response.ok else error_for_status(response)

    def _say(self, operation: str, default: object, *args: object, key: str | None = None):
        effect = Effect.READS if key is None else Effect.APPLIES
        method = "GET" if key is None else "POST"
        yield Request(method, (operation,), idempotency_key=key, effect=effect)
        answer = self.answers.get(operation)
        return default if answer is None else answer(*args)

    def create_wallet(self, order):
        made = wallet(customer_id=order.customer_id, chain=order.chain, asset=order.asset)
        return self._say("create_wallet", made, order, key=order.idempotency_key)

    def get_wallet(self, wallet_id, customer_id):
        return self._say("get_wallet", wallet(id=wallet_id), wallet_id, customer_id)

    def list_wallets(self, customer_id, cursor):
        return self._say("list_wallets", Page[Wallet](items=()), customer_id, cursor)

    def find_wallet(self, order):
        return self._say("find_wallet", None, order)

    def get_balances(self, wallet):
        return self._say("get_balances", (Balance(asset="usdc", available="1.50"),), wallet)

    def get_addresses(self, wallet):
        return self._say("get_addresses", (), wallet)

    def rotate_wallet(self, wallet, idempotency_key):
        return self._say("rotate_wallet", wallet, wallet, idempotency_key, key=idempotency_key)

    def create_customer(self, profile, idempotency_key):
        made = Customer(provider="puppet", id="c-1")
        return self._say("create_customer", made, profile, idempotency_key, key=idempotency_key)

    def get_customer(self, customer_id):
        return self._say("get_customer", Customer(provider="puppet", id=customer_id), customer_id)


ABLE = Capabilities(
    **dict.fromkeys(OPERATIONS, YES),
    several_addresses=YES,
    webhooks=YES,
    approval=not_documented("nobody says"),
    order=OrderFields(chain=Need.OPTIONAL, asset=Need.OPTIONAL, reference=Need.OPTIONAL),
    idempotency=Idempotency(place="header", name="Idempotency-Key", window=timedelta(minutes=5)),
)
Puppet.capabilities = ABLE


def puppet(declared: Mapping[str, object] | None = None, **answers: Callable[..., Any]) -> type[Puppet]:
    """Return a Puppet that declares and answers otherwise.

    Args:
        declared: what its capabilities say differently, by name.
        answers: by operation, what makes its answer from the operation's arguments.
    """
    changed = ABLE.model_copy(update=dict(declared or {}))
    return type("Puppet", (Puppet,), {"capabilities": changed, "answers": answers})


class Wire:
    """Takes every request down and answers each with an empty success.

    Attributes:
        seen: the requests, oldest first.
        answer: makes the answer; replace it to fail.
    """

    def __init__(self) -> None:
        self.seen: list[httpx.Request] = []
        self.answer: Callable[[httpx.Request], httpx.Response] = lambda _request: httpx.Response(200, json={})

    @property
    def paths(self) -> list[str]:
        """What was asked for, oldest first."""
        return [request.url.path.removeprefix("/") for request in self.seen]

    @property
    def transport(self) -> httpx.MockTransport:
        """The transport, for a client of either kind."""

        def handle(request: httpx.Request) -> httpx.Response:
            self.seen.append(request)
            return self.answer(request)

        return httpx.MockTransport(handle)


class FakeClock:
    """A clock that moves only when somebody sleeps.

    Attributes:
        slept: how long, each time.
    """

    def __init__(self) -> None:
        self.passed = 0.0
        self.slept: list[float] = []

    def now(self) -> datetime:
        """Return a time in 2026."""
        return datetime(2026, 6, 1, tzinfo=UTC) + timedelta(seconds=self.passed)

    def monotonic(self) -> float:
        """Return the seconds passed."""
        return self.passed

    def sleep(self, seconds: float) -> None:
        """Let time pass."""
        self.slept.append(seconds)
        self.passed += seconds


def pump(program: Program[T], clock: FakeClock, answer: Callable[[OutgoingRequest], Response] | None = None) -> T:
    """Carry out a program without network or waiting.

    Args:
        program: what an operation returned.
        clock: moved by the program's sleeps.
        answer: makes the answer to a request, or raises; an empty success by default.
    """
    reply = answer or (lambda _request: Response(200, body=json.dumps({}).encode()))
    try:
        step = next(program)
        while True:
            try:
                result = None
                if isinstance(step, Send):
                    result = reply(step.request)
                elif isinstance(step, Sleep):
                    clock.sleep(step.seconds)
                else:
                    result = _release
            except WalletportError as error:
                step = program.throw(error)
            else:
                step = program.send(result)
    except StopIteration as stop:
        return stop.value


def _release() -> None:
    """Give back a lock nobody else wants."""
