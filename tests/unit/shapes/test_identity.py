"""What a wallet is known by at a vendor: any text, several parts, or the caller's own reference; and whose balances."""

from __future__ import annotations

from decimal import Decimal
from pathlib import Path

import httpx
import pytest

from tests.support.emulated import ManualClock
from tests.unit.shapes.tiny import (
    CUSTOMER,
    NO_KEYS,
    USER,
    Asked,
    Tiny,
    Vendor,
    able,
    ask_until_it_ends,
    client,
    made,
    opened,
)
from walletport.capabilities import Need, OrderFields
from walletport.errors import ConfigurationError, NotFound, OutcomeUnknown, UnsupportedOperation
from walletport.models import Balance
from walletport.provider import Effect, Request, no
from walletport.provider.wire import from_base_units
from walletport.provisioning.machine import State

ODD = ["w-1", "a/b", "50%25 off", "..a", "äöü ☃", "x?y#z", "k=v&l=w", "3:0"]


class Opaque(Tiny):
    """A wallet's id is any text."""

    def create_wallet(self, order):
        response = yield Request("POST", ("wallets",), json={"chain": order.chain})
        return made(response.json_object()["id"], customer_id=order.customer_id, chain=order.chain)

    def get_wallet(self, wallet_id, customer_id):
        response = yield Request("GET", ("wallets", wallet_id))
        return made(response.json_object()["id"], customer_id=customer_id)


@pytest.mark.parametrize("wallet_id", ODD)
def test_an_id_is_any_text_and_arrives_as_it_is(wallet_id: str, tmp_path: Path) -> None:
    """In the path, and in the journal."""
    vendor = Vendor(lambda asked: (200, {"id": wallet_id if asked.method == "POST" else asked.path[-1]}))
    with client(Opaque, vendor) as it:
        assert it.get_wallet(it.create_wallet(customer_id=CUSTOMER, chain="base").id).id == wallet_id
    with opened(Opaque, vendor, tmp_path, ManualClock()) as port:
        port.provision(user=USER, chain="base", wait=0.0)
        assert [wallet.id for wallet in port.wallets(user=USER)] == [wallet_id]


class Composite(Tiny):
    """A wallet is an account in a vault: two parts, both needed to find it; none of them tells one by itself."""

    capabilities = able(find_wallet=no("an account carries nothing of its order"), idempotency=NO_KEYS)

    def create_wallet(self, order):
        response = yield Request("POST", ("vaults", order.customer_id, "accounts"), json={"network": order.chain})
        return self._wallet(response)

    def get_wallet(self, wallet_id, customer_id):
        vault, colon, index = wallet_id.rpartition(":")
        if not (colon and index.isdecimal()):
            raise NotFound("a wallet's id here is VAULT:INDEX")
        response = yield Request("GET", ("vaults", vault, "accounts", index))
        return self._wallet(response)

    def _wallet(self, response):
        answer = response.json_object()
        vault, index = answer["vault"], answer["index"]
        return made(f"{vault}:{index}", customer_id=vault, chain=answer["network"])


class Vaults:
    """The vendor's side: accounts counted from 0 in each vault."""

    def __init__(self) -> None:
        self.accounts: list[tuple[str, str]] = []

    def __call__(self, asked: Asked) -> tuple[int, object]:
        _, vault, _, *index = asked.path
        if asked.method == "POST":
            self.accounts.append((vault, asked.body["network"]))
        mine = [network for owner, network in self.accounts if owner == vault]
        number = int(index[0]) if index else len(mine) - 1
        return (200, {"vault": vault, "index": number, "network": mine[number]}) if number < len(mine) else (404, {})


def test_an_id_of_two_parts_finds_its_way_back() -> None:
    """Both parts go into the path; what cannot be such an id is not found, and nothing is sent."""
    vendor = Vendor(Vaults())
    with client(Composite, vendor) as it:
        first, second = (it.create_wallet(customer_id="v:1/x", chain=chain) for chain in ("base", "tron"))
        assert (first.id, second.id) == ("v:1/x:0", "v:1/x:1")
        assert it.get_wallet(second.id).chain == "tron"
        sent = len(vendor.asked)
        with pytest.raises(NotFound, match="VAULT:INDEX"):
            it.get_wallet("nothing-of-the-kind")
    assert vendor.asked[-1].path == ("vaults", "v:1/x", "accounts", "1")
    assert len(vendor.asked) == sent


def test_a_person_settles_an_order_by_an_id_of_two_parts(tmp_path: Path) -> None:
    """The journal holds it whole, tells accounts of one vault apart, and refuses one that cannot be."""
    vendor, clock = Vendor(Vaults()), ManualClock()
    vendor.lose[1] = httpx.ReadError("gone")
    with opened(Composite, vendor, tmp_path, clock) as port:
        port.provision(user=USER, chain="base", wait=0.0)
        with pytest.raises(OutcomeUnknown):
            ask_until_it_ends(port, clock, chain="tron")
        (lost,) = port.provisions(state=State.NEEDS_REVIEW)
        for wrong in (f"{CUSTOMER}:7", f"{CUSTOMER}:0", "1"):
            with pytest.raises(ConfigurationError):
                port.resolve(lost.id, wallet_id=wrong)
        settled = port.resolve(lost.id, wallet_id=f"{CUSTOMER}:1")
        assert (settled.state, settled.wallet.chain) == (State.DONE, "tron")
        assert [wallet.id for wallet in port.wallets(user=USER)] == [f"{CUSTOMER}:0", f"{CUSTOMER}:1"]


class Named(Tiny):
    """Gives no id at all: a wallet is called what its caller called it, and the create is answered without a body."""

    capabilities = able(
        order=OrderFields(chain=Need.OPTIONAL, asset=Need.OPTIONAL, reference=Need.REQUIRED), idempotency=NO_KEYS
    )

    def create_wallet(self, order):
        yield Request("PUT", ("wallets", order.reference), json={}, expects_json=False, repeatable=True)
        return self._wallet(order.reference)

    def get_wallet(self, wallet_id, customer_id):
        yield Request("GET", ("wallets", wallet_id))
        return self._wallet(wallet_id)

    def find_wallet(self, order):
        try:
            yield Request("GET", ("wallets", order.reference))
        except NotFound:
            return None
        return self._wallet(order.reference)

    def _wallet(self, reference):
        return made(reference, reference=reference)


def named(asked: Asked) -> tuple[int, object]:
    return (204, None) if asked.method == "PUT" else (200, {})


def test_a_reference_can_be_all_there_is(tmp_path: Path) -> None:
    """The caller's own, or the one that the journal derives from the order; a lost answer is found by it."""
    vendor, clock = Vendor(named), ManualClock()
    with client(Named, vendor) as it:
        wallet = it.create_wallet(customer_id=CUSTOMER, reference="user-42/main")
        assert (wallet.id, it.get_wallet(wallet.id).id) == ("user-42/main", "user-42/main")
        with pytest.raises(UnsupportedOperation, match="pass reference="):
            it.create_wallet(customer_id=CUSTOMER)
    vendor.lose[len(vendor.asked)] = httpx.ReadError("gone")
    with opened(Named, vendor, tmp_path, clock) as port:
        provision = ask_until_it_ends(port, clock, chain="base")
        assert provision.wallet.id.startswith("wp-")
        assert port.provision(user=USER, chain="base", reference="mine", wait=0.0).wallet.id == "mine"
    assert vendor.said[2:4] == [f"PUT /wallets/{provision.wallet.id}", f"GET /wallets/{provision.wallet.id}"]


class Pooled(Tiny):
    """Keeps balances on the owner, not on a wallet, in base units."""

    capabilities = able(get_wallet=no("wallets are listed only"))

    def get_balances(self, wallet):
        if wallet.customer_id is None:
            raise UnsupportedOperation("balances are the owner's: the wallet must name its customer")
        response = yield Request("GET", ("owners", wallet.customer_id, "balances"), effect=Effect.READS)
        return tuple(
            Balance(asset=one["asset"], available=from_base_units(one["units"], one["decimals"]), chain=one["chain"])
            for one in response.json_object()["balances"]
        )


def test_balances_may_be_the_owners() -> None:
    """Asked for by whose wallet it is, and exact to the last of thirty-one digits."""
    units = 1234567890123456789012345678901
    held = {"asset": "ETH", "units": units, "decimals": 18, "chain": "ethereum"}
    vendor = Vendor(lambda _asked: (200, {"balances": [held]}))
    with client(Pooled, vendor) as it:
        (balance,) = it.get_balances(made("w-1", customer_id="o/1"))
        with pytest.raises(UnsupportedOperation, match="the owner's"):
            it.get_balances(made("w-1"))
    assert (balance.asset, balance.chain) == ("eth", "ethereum")
    assert str(balance.available) == "1234567890123.456789012345678901"
    assert balance.available * Decimal(1) != balance.available  # what the default context would have made of it
    assert vendor.said == ["GET /owners/o/1/balances"]
