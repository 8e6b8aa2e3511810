"""A create of several steps, with its key in the body, wherever it breaks off; and "exists already" with the record."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import timedelta
from pathlib import Path

import httpx
import pytest

from tests.support.emulated import ManualClock
from tests.unit.shapes.tiny import (
    CUSTOMER,
    USER,
    Asked,
    Killed,
    Tiny,
    Vendor,
    able,
    ask_until_it_ends,
    client,
    made,
    opened,
)
from walletport.errors import AlreadyExists, Conflict, InvalidRequest, ProviderError, WalletportError
from walletport.provider import Effect, Idempotency, Json, Request, error_for_status, no
from walletport.provisioning.machine import State

LEASE = timedelta(seconds=16)


class Vaulted(Tiny):
    """First a vault for the customer, unless there is one, then several accounts at once under a key in the body."""

    capabilities = able(
        find_wallet=no("an account carries nothing of its order"),
        idempotency=Idempotency(place="body", name="requestId", window=timedelta(hours=1)),
    )

    def create_wallet(self, order):
        response = yield Request("PUT", ("vaults", order.customer_id), json={}, effect=Effect.PREPARES, repeatable=True)
        vault = response.json_object()["id"]
        body: dict[str, Json] = {"requestId": order.idempotency_key, "accounts": [{"network": order.chain}]}
        response = yield Request(
            "POST",
            ("vaults", vault, "accounts"),
            json=body,
            idempotency_key=order.idempotency_key,
            effect=Effect.APPLIES,
        )
        (account,) = response.json_object()["accounts"]
        return made(f"{vault}:{account['index']}", customer_id=order.customer_id, chain=account["network"])


class Vaults:
    """The vendor's side: a vault for each customer, accounts in it, and a memory of keys."""

    def __init__(self) -> None:
        self.vaults: dict[str, str] = {}
        self.accounts: list[str] = []
        self.keys: dict[str, tuple[object, object]] = {}

    def __call__(self, asked: Asked) -> tuple[int, object]:
        if asked.method == "PUT":
            return 200, {"id": self.vaults.setdefault(asked.path[1], f"vlt-{len(self.vaults)}")}
        key = asked.body["requestId"]
        if key not in self.keys:
            self.accounts.append(asked.body["accounts"][0]["network"])
            account = {"index": len(self.accounts) - 1, "network": self.accounts[-1]}
            self.keys[key] = (asked.body, {"accounts": [account]})
        body, answer = self.keys[key]
        return (201, answer) if body == asked.body else (422, {})


@pytest.mark.parametrize("when", ["before", "after"])
@pytest.mark.parametrize("step", [0, 1])
@pytest.mark.parametrize("fault", [Killed("-9"), httpx.ReadError("gone")], ids=lambda fault: type(fault).__name__)
def test_a_create_of_two_steps_makes_one_wallet_wherever_it_breaks(
    step: int, when: str, fault: BaseException, tmp_path: Path
) -> None:
    """Before or after the vendor did a step: begun anew, the vault is the same one, and so are key and body."""
    vaults, clock = Vaults(), ManualClock()
    vendor = Vendor(vaults)
    (vendor.lose if when == "after" else vendor.lose_before)[step] = fault
    with opened(Vaulted, vendor, tmp_path, clock, max_attempts=1) as port:
        with pytest.raises(type(fault) if isinstance(fault, Killed) else WalletportError):
            port.provision(user=USER, chain="polygon", wait=0.0)
        (record,) = port.provisions()
        doubtful = isinstance(fault, Killed) or step == 1
        assert (record.state is State.PLANNED) is not doubtful
    clock.advance(LEASE)
    with opened(Vaulted, vendor, tmp_path, clock) as port:
        provision = ask_until_it_ends(port, clock, chain="polygon")
    assert provision.wallet.id == "vlt-0:0"
    assert (list(vaults.vaults), vaults.accounts) == ([CUSTOMER], ["polygon"])
    assert len({asked.content for asked in vendor.asked if asked.method == "POST"}) == 1
    assert "idempotency-key" not in {name for asked in vendor.asked for name in asked.headers}


def test_the_client_repeats_the_step_that_failed_and_no_other() -> None:
    """Within one call the vault is asked for once, and the same bytes go again under the key in them."""
    vaults = Vaults()
    vendor = Vendor(vaults)
    vendor.lose[1] = httpx.ReadError("gone")
    with client(Vaulted, vendor) as it:
        assert it.create_wallet(customer_id=CUSTOMER, chain="base", idempotency_key="k-1").id == "vlt-0:0"
    assert vendor.said == [f"PUT /vaults/{CUSTOMER}", *["POST /vaults/vlt-0/accounts"] * 2]
    assert [asked.body["requestId"] for asked in vendor.asked[1:]] == ["k-1", "k-1"]


def test_a_refusal_of_the_first_step_leaves_no_doubt(tmp_path: Path) -> None:
    """It can make no wallet, so the order is refused and can be asked for again."""
    vendor = Vendor(lambda _asked: (422, {}))
    with opened(Vaulted, vendor, tmp_path, ManualClock()) as port:
        with pytest.raises(InvalidRequest) as told:
            port.provision(user=USER, chain="base", wait=0.0)
        assert told.value.outcome == "not_applied"
        assert [record.state for record in port.provisions()] == [State.REJECTED]
    assert len(vendor.asked) == 1


class Adopting(Tiny):
    """Answers a create of what exists already with 409 and the record; other refusals share the status."""

    capabilities = able(find_wallet=no("nothing finds a wallet again"), idempotency=Idempotency(place="none"))
    accepts: tuple[int, ...] = (409,)

    def classify(self, request, response):
        if response.status == 409 and "wallet" in response.json_object():
            return None
        return None if response.ok else error_for_status(response)

    def create_wallet(self, order):
        response = yield Request("POST", ("wallets",), json={"chain": order.chain}, accepts=self.accepts)
        wallet = response.json_object()["wallet"]
        return made(wallet["id"], customer_id=wallet["owner"], chain=order.chain)


class Unaccepting(Adopting):
    """The same, but its flow does not say that a 409 may be an answer."""

    accepts = ()


def exists(owner: str = CUSTOMER) -> Vendor:
    record: Mapping[str, object] = {"wallet": {"id": "w-1", "owner": owner}}
    return Vendor(lambda _asked: (409, record))


def test_a_refusal_that_carries_the_wallet_is_an_answer() -> None:
    """The flow reads it like a success; nothing else has to be asked."""
    vendor = exists()
    with client(Adopting, vendor) as it:
        assert it.create_wallet(customer_id=CUSTOMER, chain="base").id == "w-1"
    assert len(vendor.asked) == 1


def test_another_customers_wallet_is_never_adopted() -> None:
    """Whatever status it comes with, it is held against the order, and nobody knows what became of that."""
    with client(Adopting, exists(owner="c-2")) as it, pytest.raises(ProviderError, match="another customer") as told:
        it.create_wallet(customer_id=CUSTOMER, chain="base")
    assert told.value.outcome == "unknown"


@pytest.mark.parametrize(
    ("kind", "answer"),
    [(Adopting, (409, {"code": "busy"})), (Unaccepting, (409, {"wallet": {"id": "w-1", "owner": CUSTOMER}}))],
)
def test_a_refusal_stays_one_unless_both_the_request_and_the_adapter_say_otherwise(
    kind: type[Tiny], answer: tuple[int, object]
) -> None:
    """An adapter that overlooks an error must not turn it into a wallet."""
    with client(kind, Vendor(lambda _asked: answer)) as it, pytest.raises(Conflict) as told:
        it.create_wallet(customer_id=CUSTOMER, chain="base")
    assert not isinstance(told.value, AlreadyExists)
    assert told.value.outcome == "unknown"


def test_an_order_ends_with_the_wallet_that_a_refusal_carries(tmp_path: Path) -> None:
    """The journal takes it for the order's own, and another order of the same user may share it."""
    vendor, clock = exists(), ManualClock()
    with opened(Adopting, vendor, tmp_path, clock) as port:
        assert port.provision(user=USER, chain="base", wait=0.0).wallet.id == "w-1"
        port.link_customer(user="user-2", account="tiny", customer_id=CUSTOMER)
        with pytest.raises(WalletportError):
            port.provision(user="user-2", chain="base", wait=0.0)
        (other,) = port.provisions(user="user-2")
        assert (other.state, other.wallet) == (State.NEEDS_REVIEW, None)
