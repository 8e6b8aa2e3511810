"""Whatever a vendor answers, only the taxonomy's errors come out, the outcome is never understated, and no wallet is
returned whose id, chain or customer is not what the vendor said.
"""

from __future__ import annotations

import json
from collections.abc import Callable
from datetime import timedelta
from typing import Any

import httpx
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from tests.support.emulated import ManualClock, emulated
from tests.support.mutations import changed_body
from walletport import Client, CustomerProfile, Wallet, WalletportError, errors
from walletport.capabilities import Need
from walletport.plugins import load_provider
from walletport.provider import WalletProvider
from walletport.provider.emulation import Emulator

PROVIDERS = ["conduit", "ledger-so", "polygon-oms"]
STATUSES = [200, 201, 202, 204, 301, 400, 401, 403, 404, 409, 418, 422, 429, 500, 502, 503]
LEAST_EXAMPLES = 400  # a run of the long profile takes 20,000
MAKES_WALLETS = {"create_wallet", "rotate_wallet"}


class Tampered:
    """The emulator's answers, one of them changed.

    Args:
        honest: lets the emulator answer.
        which: number of the answer to change, counted from 0.
        change: draws the changed status and body.
    """

    def __init__(self, honest: Callable[[httpx.Request], httpx.Response], which: int, change: Any) -> None:
        self._honest = honest
        self._which = which
        self._change = change
        self.answers: list[tuple[httpx.Request, int, bytes]] = []
        self.changed: httpx.Response | None = None

    def __call__(self, request: httpx.Request) -> httpx.Response:
        answer = self._honest(request)
        status, body = answer.status_code, answer.content
        if len(self.answers) == self._which:
            status, body = self._change(status, body)
            self.changed = answer
        self.answers.append((request, status, body))
        headers = {name: value for name, value in answer.headers.items() if name != "content-length"}
        return httpx.Response(status, headers=headers, content=body)


def order(provider: type[WalletProvider], emulator: Emulator) -> dict[str, Any]:
    """Return the order of the demo, with what this provider takes."""
    fields = provider.capabilities.order
    offered = {"chain": "polygon", "asset": "usdc", "reference": "user-1:polygon"}
    taken = {name: value for name, value in offered.items() if getattr(fields, name) is not Need.REFUSED}
    return {"customer_id": emulator.default_customer, **taken}


def call(client: Client, operation: str, given: dict[str, Any], made: Wallet) -> Any:
    """Call one operation with what it needs."""
    profile = CustomerProfile(email="a@example.test", first_name="A", last_name="B", reference="user-9")
    ways: dict[str, Callable[[], Any]] = {
        "create_wallet": lambda: client.create_wallet(**{**given, "chain": given.get("chain") and "base"}),
        "find_wallet": lambda: client.find_wallet(**given),
        "get_wallet": lambda: client.get_wallet(made.id, customer_id=made.customer_id),
        "list_wallets": lambda: list(client.list_wallets(customer_id=made.customer_id)),
        "get_balances": lambda: client.get_balances(made),
        "get_addresses": lambda: client.get_addresses(made),
        "rotate_wallet": lambda: client.rotate_wallet(made),
        "create_customer": lambda: client.create_customer(profile),
        "get_customer": lambda: client.get_customer(made.customer_id or ""),
    }
    return ways[operation]()


def everything(value: Any) -> list[Any]:
    """Return every object in a JSON value, itself included."""
    inner = value.values() if isinstance(value, dict) else value if isinstance(value, list) else ()
    return [value, *(part for item in inner for part in everything(item))]


def said_by_vendor(wallet: Wallet, answers: list[tuple[httpx.Request, int, bytes]]) -> bool:
    """Return whether the vendor's own words stand behind a wallet's id, chain and customer."""
    told: list[Any] = []
    for _, _, body in answers:
        try:
            told += everything(json.loads(body))
        except ValueError:
            continue
    raw = dict(wallet.raw)
    plain = json.loads(json.dumps(raw, default=float))
    if not any(isinstance(item, dict) and item == plain for item in told):
        return False
    names = {"customer_id": ("customerId",), "chain": ("chain", "network", "provider")}
    for field, keys in names.items():
        stated = [raw[key] for key in keys if isinstance(raw.get(key), str) and raw[key].strip()]
        value = getattr(wallet, field)
        if stated and value is not None and value.casefold() not in {text.strip().casefold() for text in stated}:
            return False
    return bool(raw.get("id") == wallet.id)


def setting(kind: type[WalletProvider]) -> tuple[dict[str, Any], Emulator, Wallet]:
    """Return an emulator that has made one wallet that is ready, and what its client needs."""
    clock = ManualClock()
    keywords, emulator = emulated(kind, clock=clock)
    with Client(kind, **keywords) as client:
        made = client.create_wallet(**order(kind, emulator))
        clock.advance(timedelta(minutes=1))
        return keywords, emulator, client.get_wallet(made.id, customer_id=made.customer_id)


def wallets_in(result: Any) -> list[Wallet]:
    """Return the wallets an operation gave."""
    return [item for item in (result if isinstance(result, list) else [result]) if isinstance(item, Wallet)]


@pytest.mark.parametrize("provider", PROVIDERS)
@pytest.mark.timeout(600)
def test_any_change_to_any_answer_gives_a_true_wallet_or_an_honest_error(provider: str) -> None:
    """One answer of one operation is changed at a time; what comes out is right or says what is not known."""
    kind = load_provider(provider)
    operations = [
        name
        for name, ability in kind.capabilities.abilities().items()
        if ability.usable and (name in MAKES_WALLETS or name.startswith(("get_", "list_", "find_", "create_")))
    ]

    @settings(max_examples=max(settings.default.max_examples, LEAST_EXAMPLES))
    @given(data=st.data())
    def holds(data: st.DataObject) -> None:
        keywords, emulator, made = setting(kind)
        before = len(emulator.wallets())

        def change(status: int, body: bytes) -> tuple[int, bytes]:
            status = data.draw(st.one_of(st.just(status), st.just(status), st.sampled_from(STATUSES)), "status")
            return status, data.draw(changed_body(body), "body")

        operation = data.draw(st.sampled_from(operations), "operation")
        tampered = Tampered(keywords["transport"].handler, data.draw(st.integers(0, 2), "which answer"), change)
        keywords["transport"] = httpx.MockTransport(tampered)
        with Client(kind, max_attempts=1, **keywords) as client:
            try:
                result = call(client, operation, order(kind, emulator), made)
            except WalletportError as error:
                check_error(error, operation, tampered, made_one=len(emulator.wallets()) > before)
                return
        for wallet in wallets_in(result):
            assert said_by_vendor(wallet, tampered.answers), wallet

    holds()


def check_error(error: WalletportError, operation: str, tampered: Tampered, *, made_one: bool) -> None:
    """An error of a read leaves no doubt; one of a create never says "not applied" of a wallet that was made."""
    assert error.operation == operation
    assert error.outcome in ("not_applied", "applied", "unknown")
    if operation not in (*MAKES_WALLETS, "create_customer"):
        assert error.outcome == "not_applied" or isinstance(error, errors.OutcomeUnknown), error
        return
    refused = any(400 <= status < 500 for _, status, _ in tampered.answers)
    if made_one and not refused:
        assert error.outcome != "not_applied", error
