"""What an order can look like at a vendor: a chain fused with its asset, no chain, many addresses or none, approval."""

from __future__ import annotations

from pathlib import Path

import pytest

from tests.support.emulated import ManualClock
from tests.unit.shapes.tiny import ADDRESS, CUSTOMER, USER, Asked, Tiny, Vendor, able, client, made, opened
from walletport import Account, Config
from walletport.capabilities import Need, OrderFields
from walletport.errors import ApprovalPending, OutcomeUnknown, RequestTimedOut, UnsupportedOperation
from walletport.models import Chain
from walletport.provider import YES, Request, depends, no
from walletport.provisioning.machine import State
from walletport.provisioning.port import Port
from walletport.routing import Route

COINS = {
    "USDC_POLYGON": (Chain("polygon"), "usdc"),
    "USDT_POLYGON": (Chain("polygon"), "usdt"),
    "USDT_TRON": (Chain("tron"), "usdt"),
    "BTC": (Chain("bitcoin"), "btc"),
}


class Fused(Tiny):
    """Knows no chain and no asset, only coins such as USDC_POLYGON."""

    capabilities = able(
        order=OrderFields(chain=Need.OPTIONAL, asset=Need.REQUIRED, reference=Need.REFUSED, pairs=tuple(COINS.values()))
    )

    def create_wallet(self, order):
        fitting = [name for name, (on, code) in COINS.items() if code == order.asset and order.chain in (None, on)]
        if len(fitting) != 1:
            raise UnsupportedOperation("this asset is on several chains here: pass chain=")
        path = ("customers", order.customer_id, "wallets")
        response = yield Request("POST", path, json={"coin": fitting[0]}, idempotency_key=order.idempotency_key)
        answer = response.json_object()
        chain, asset = COINS[answer["coin"]]
        return made(answer["id"], customer_id=order.customer_id, chain=chain, asset=asset)


def coins(asked: Asked) -> tuple[int, object]:
    return 201, {"id": "w-1", "coin": asked.body["coin"]}


@pytest.mark.parametrize(
    ("chain", "asset", "coin"),
    [("polygon", "usdc", "USDC_POLYGON"), ("tron", "usdt", "USDT_TRON"), (None, "btc", "BTC"), (None, "usdc", None)],
)
def test_a_chain_that_is_fused_with_its_asset_is_one_word(chain: str | None, asset: str, coin: str | None) -> None:
    """The order says two things, the vendor hears one, and the wallet says two again."""
    vendor = Vendor(coins)
    with client(Fused, vendor) as it:
        wallet = it.create_wallet(customer_id=CUSTOMER, chain=chain, asset=asset)
    assert vendor.asked[0].body == {"coin": coin or "USDC_POLYGON"}
    assert (wallet.chain, wallet.asset) == COINS[coin or "USDC_POLYGON"]


@pytest.mark.parametrize(
    ("chain", "asset", "why"),
    [("tron", "usdc", "'usdc' on 'tron'"), ("base", "usdt", "'usdt' on 'base'"), (None, "usdt", "pass chain=")],
)
def test_a_pair_without_a_word_is_refused_before_anything_is_sent(chain: str | None, asset: str, why: str) -> None:
    """Each half is known, and the two together are not; or several words would do."""
    vendor = Vendor(coins)
    with client(Fused, vendor) as it, pytest.raises(UnsupportedOperation, match=why):
        it.create_wallet(customer_id=CUSTOMER, chain=chain, asset=asset)
    assert vendor.asked == []


def test_a_route_passes_over_an_account_that_has_no_word_for_the_pair(tmp_path: Path) -> None:
    """The router knows it beforehand, so the order is not lost at an account that can only refuse it."""
    accounts = {
        "fused": Account.of("fused", Fused, api_key="key-1"),
        "other": Account.of("other", Tiny, api_key="key-2"),
    }
    route = Route(split={"fused": 1}, failover=("other",))
    config = Config(accounts=accounts, routes=(route,), journal=f"sqlite:///{tmp_path / 'journal.db'}")
    with Port(config, recovers=False) as port:
        assert port.route(user=USER, chain="polygon", asset="usdc").account == "fused"
        moved = port.route(user=USER, chain="tron", asset="usdc")
    assert moved.account == "other"
    assert any("usdc on polygon" in reason for reason in moved.reasons)


def test_the_pairs_are_shown_where_providers_are_compared() -> None:
    """As what an order can name: the chains there are, and each asset with its chain."""
    facts = Fused.capabilities.in_words()
    assert facts["chains"] == "polygon, tron, bitcoin"
    assert facts["assets"] == "usdc on polygon, usdt on polygon, usdt on tron, btc on bitcoin; no other"


class Spanning(Tiny):
    """Takes no chain; one wallet has an address on each, with a memo where the chain wants one."""

    capabilities = able(
        order=OrderFields(
            chain=Need.OPTIONAL,
            asset=Need.OPTIONAL,
            reference=Need.REFUSED,
            chains=(Chain("polygon"), Chain("base"), Chain("stellar")),
            chains_fixed=True,
        )
    )

    def create_wallet(self, order):
        response = yield Request("POST", ("wallets",), json={"owner": order.customer_id})
        answer = response.json_object()
        return made(answer["id"], customer_id=order.customer_id, addresses=answer["addresses"])


def test_a_wallet_may_span_chains_and_have_many_addresses() -> None:
    """The order's chain is a requirement on the result, so nothing of it is sent."""
    addresses = [
        {"chain": "polygon", "value": ADDRESS},
        {"chain": "base", "value": ADDRESS},
        {"chain": "stellar", "value": "G" + "A" * 55, "memo": "4711"},
    ]
    vendor = Vendor(lambda _asked: (201, {"id": "w-1", "addresses": addresses}))
    with client(Spanning, vendor) as it:
        wallet = it.create_wallet(customer_id=CUSTOMER, chain="base")
        assert it.wait_until_ready(wallet) == wallet
        with pytest.raises(UnsupportedOperation, match="polygon, base, stellar"):
            it.create_wallet(customer_id=CUSTOMER, chain="tron")
    assert vendor.asked[0].body == {"owner": CUSTOMER}
    assert (wallet.chain, wallet.address, wallet.address_on("base")) == (None, None, ADDRESS)
    assert [address.memo for address in wallet.addresses] == [None, None, "4711"]


class Addressless(Tiny):
    """Its wallets are accounts in a ledger: deposits are told apart by what comes with them."""

    capabilities = able(
        get_addresses=no("there is no address"),
        deposit_addresses=no("a deposit goes to the vendor's bank and names the wallet"),
    )

    def create_wallet(self, order):
        response = yield Request("POST", ("wallets",), json={}, idempotency_key=order.idempotency_key)
        return self._wallet(response)

    def get_wallet(self, wallet_id, customer_id):
        response = yield Request("GET", ("wallets", wallet_id))
        return self._wallet(response)

    def _wallet(self, response):
        answer = response.json_object()
        return made(answer["id"], customer_id=CUSTOMER, status=answer["status"])


def test_a_wallet_without_an_address_is_ready_once_it_is_active(tmp_path: Path) -> None:
    """Nobody waits for an address that never comes."""
    vendor = Vendor(lambda asked: (200, {"id": "w-1", "status": "pending" if asked.method == "POST" else "active"}))
    with client(Addressless, vendor) as it:
        wallet = it.wait_until_ready(it.create_wallet(customer_id=CUSTOMER), timeout=30)
    assert (wallet.status, wallet.addresses) == ("active", ())
    with opened(Addressless, vendor, tmp_path, ManualClock()) as port:
        assert port.provision(user=USER, wait=0.0).wallet.addresses == ()


def test_a_wallet_without_an_address_that_stays_pending_is_not_ready() -> None:
    """And what is said of it is not that its address is missing."""
    vendor = Vendor(lambda _asked: (200, {"id": "w-1", "status": "pending"}))
    with client(Addressless, vendor) as it:
        wallet = it.create_wallet(customer_id=CUSTOMER)
        with pytest.raises(RequestTimedOut, match="is still pending"):
            it.wait_until_ready(wallet, timeout=0)


class Approved(Tiny):
    """A person approves each wallet, and what was ordered is known by its approval alone until then."""

    capabilities = able(
        find_wallet=depends("an order is found by its approval only"),
        approval=YES,
        order=OrderFields(chain=Need.OPTIONAL, asset=Need.OPTIONAL, reference=Need.REFUSED),
    )

    def create_wallet(self, order):
        response = yield Request("POST", ("wallets",), json={}, idempotency_key=order.idempotency_key)
        raise ApprovalPending("somebody must approve the wallet", approval_id=response.json_object()["approval"])

    def find_wallet(self, order):
        if order.approval_id is None:
            raise OutcomeUnknown("an order is found by its approval only")
        response = yield Request("GET", ("approvals", order.approval_id))
        wallet_id = response.json_object()["wallet"]
        return None if wallet_id is None else made(wallet_id, customer_id=order.customer_id)


class Office:
    """The vendor's side of it.

    Attributes:
        wallet: the id of the wallet, once somebody has approved it.
    """

    def __init__(self) -> None:
        self.wallet: str | None = None

    def __call__(self, asked: Asked) -> tuple[int, object]:
        if asked.method == "POST":
            return 202, {"approval": "ap/1"}
        return 200, {"wallet": self.wallet if asked.path == ("approvals", "ap/1") else None}


def test_an_approval_without_a_wallet_is_looked_up_by_its_own_id() -> None:
    """What the error names is what finds the wallet later; without it nobody can say."""
    office = Office()
    with client(Approved, Vendor(office)) as it:
        with pytest.raises(ApprovalPending) as told:
            it.create_wallet(customer_id=CUSTOMER)
        order = {"customer_id": CUSTOMER, "approval_id": told.value.approval_id}
        assert it.find_wallet(**order) is None
        office.wallet = "w-9"
        assert it.find_wallet(**order).id == "w-9"
        with pytest.raises(OutcomeUnknown):
            it.find_wallet(customer_id=CUSTOMER)


def test_an_order_that_was_approved_ends_with_its_wallet(tmp_path: Path) -> None:
    """It is never sent again, whoever asks for it, and a later process finishes it too."""
    office = Office()
    vendor, clock = Vendor(office), ManualClock()
    with opened(Approved, vendor, tmp_path, clock) as port:
        for _ in range(2):
            with pytest.raises(ApprovalPending):
                port.provision(user=USER, wait=0.0)
        assert port.recover(wait=0.0) == 0
        (waiting,) = port.provisions(state=State.AWAITING_APPROVAL)
        assert (waiting.approval_id, waiting.wallet) == ("ap/1", None)
    office.wallet = "w-9"
    with opened(Approved, vendor, tmp_path, clock) as port:
        assert port.provision(user=USER, wait=0.0).wallet.id == "w-9"
    assert vendor.said.count("POST /wallets") == 1
