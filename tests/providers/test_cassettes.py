"""The same few scenarios at every provider, replayed from recordings against our own emulators.

What must be *sent* is asserted here, in the test's body; the cassette alone proves only what was answered.
"""

from __future__ import annotations

import asyncio
import importlib.metadata
from datetime import UTC, datetime
from typing import Any

import pytest
import yaml

from tests.support.cassettes import FOLDER, Played, cassette
from walletport import AsyncClient, Client, Wallet, errors
from walletport.capabilities import Need
from walletport.plugins import GROUP, load_provider

PROVIDERS = sorted(entry_point.name for entry_point in importlib.metadata.entry_points(group=GROUP))

CREATED = {
    "conduit": [("POST", "/conduit/v2/customers/{customer}/wallets")],
    "ledger-so": [
        ("POST", "/ledger-so/v1/crypto-wallets"),
        ("GET", "/ledger-so/v1/crypto-wallets/{wallet}/crypto-deposit-addresses"),
    ],
    "polygon-oms": [
        ("POST", "/polygon-oms/v0.9/auth/token"),
        ("POST", "/polygon-oms/v0.9/customers/{customer}/wallets"),
    ],
}


class Case:
    """One provider, with what its emulator accepts.

    Args:
        name: the provider's name.
    """

    def __init__(self, name: str) -> None:
        kind = load_provider(name)
        make = kind.emulator()
        assert make is not None
        emulator = make(lambda: datetime.now(UTC))
        self.name = name
        self.settings: dict[str, Any] = dict(emulator.settings)
        self.customer = emulator.default_customer
        taken = kind.capabilities.order
        offered = {"chain": "polygon", "asset": "usdc", "reference": "user-42:polygon"}
        self.order: dict[str, Any] = {
            "customer_id": self.customer,
            **{field: value for field, value in offered.items() if getattr(taken, field) is not Need.REFUSED},
        }

    def client(self, played: Played) -> Client:
        return Client(self.name, base_url=played.base_url, max_attempts=1, **self.settings)


@pytest.fixture(params=PROVIDERS)
def case(request: pytest.FixtureRequest) -> Case:
    """Each provider in turn."""
    return Case(request.param)


@pytest.fixture
def record(request: pytest.FixtureRequest) -> bool:
    """Whether to record anew."""
    return bool(request.config.getoption("--record"))


def said(case: Case, wallet: Wallet) -> list[tuple[str, str]]:
    """Return what a create must have sent."""
    return [(method, path.format(customer=case.customer, wallet=wallet.id)) for method, path in CREATED[case.name]]


def test_create_sends_what_the_vendor_documents(case: Case, record: bool) -> None:
    """A create is these requests and no others, and gives a wallet for this customer."""
    with cassette(case.name, "create", record=record) as played, case.client(played) as client:
        wallet = client.create_wallet(**case.order)
        assert played.said == said(case, wallet)
    assert wallet.provider == case.name
    assert wallet.customer_id == case.customer
    assert wallet.drift == ()


def test_create_is_the_same_when_awaited(case: Case, record: bool) -> None:
    """The async client, over aiohttp, sends the same requests."""

    async def run(played: Played) -> Wallet:
        async with AsyncClient(case.name, base_url=played.base_url, max_attempts=1, **case.settings) as client:
            return await client.create_wallet(**case.order)

    with cassette(case.name, "create_awaited", record=record) as played:
        wallet = asyncio.run(run(played))
        assert played.said == said(case, wallet)
    assert wallet.customer_id == case.customer


def test_a_wallet_is_found_in_the_list(case: Case, record: bool) -> None:
    """What was made is listed for its customer."""
    with cassette(case.name, "list", record=record) as played, case.client(played) as client:
        wallet = client.create_wallet(**case.order)
        assert wallet.id in [other.id for other in client.list_wallets(customer_id=case.customer)]


def test_an_unknown_customer_is_refused_and_nothing_was_applied(case: Case, record: bool) -> None:
    """A create for a customer nobody knows is refused, with the outcome that lets it be corrected."""
    with (
        cassette(case.name, "unknown_customer", record=record) as played,
        case.client(played) as client,
        pytest.raises(errors.ProviderError) as caught,
    ):
        client.create_wallet(**{**case.order, "customer_id": "cus_" + "9" * 22})
    assert caught.value.outcome == "not_applied"


def test_wrong_credentials_are_refused(case: Case, record: bool) -> None:
    """A wrong key is an authentication error at every vendor."""
    wrong = {name: value[:-1] + ("1" if value[-1] != "1" else "2") for name, value in case.settings.items()}
    with (
        cassette(case.name, "wrong_credentials", record=record) as played,
        Client(case.name, base_url=played.base_url, max_attempts=1, **wrong) as client,
        pytest.raises(errors.AuthenticationError),
    ):
        client.create_wallet(**case.order)


def test_every_cassette_belongs_to_a_test_and_says_where_it_comes_from() -> None:
    """No cassette is left over, and the head of each says that an emulator answered."""
    names = {"create", "create_awaited", "list", "unknown_customer", "wrong_credentials"}
    found = {(path.parent.name, path.stem) for path in FOLDER.rglob("*.yaml")}
    assert found == {(provider, name) for provider in PROVIDERS for name in names}
    for path in FOLDER.rglob("*.yaml"):
        assert path.read_text("utf-8").startswith("# Recorded by tests/providers/test_cassettes.py against"), path


def test_no_cassette_holds_a_secret() -> None:
    """Neither a key, a token nor an idempotency key stands in any cassette."""
    secrets = {value for provider in PROVIDERS for value in Case(provider).settings.values()}
    for path in FOLDER.rglob("*.yaml"):
        text = path.read_text("utf-8")
        assert not [secret for secret in secrets if secret in text], path
        for exchange in yaml.safe_load(text)["interactions"]:
            names = {name.lower() for name in exchange["request"]["headers"]}
            assert not names & {"authorization", "x-api-key", "api-key", "idempotency-key"}, path
