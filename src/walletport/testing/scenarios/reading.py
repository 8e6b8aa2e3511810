"""Reading one wallet."""

from __future__ import annotations

from typing import Final

from walletport.errors import NotFound, WalletportError
from walletport.models import Wallet, WalletStatus
from walletport.testing.bench import Bench, expect, fail, outcome_of, refusal
from walletport.testing.judging import (
    UNHEARD_OF,
    expect_addresses,
    expect_same,
    expect_time,
    sent_objects,
    with_field,
    with_text,
)
from walletport.testing.scenario import scenario

_ODD: Final = "/x/a b?c=d#e%2F"


async def _read(bench: Bench, customer_id: str | None = None) -> tuple[Wallet, str]:
    owner = customer_id or bench.emulator.default_customer
    wallet_id = bench.emulator.add_wallet(owner)
    return await bench.account.get_wallet(wallet_id, customer_id=owner), wallet_id


@scenario("get_wallet")
async def a_wallet_reads_as_the_vendor_has_it(bench: Bench) -> None:
    """Id, customer, chain, asset and reference are those in the vendor's books."""
    bench.emulator.add_wallet(bench.emulator.default_customer)
    wallet, wallet_id = await _read(bench)
    expect_same(wallet, bench.booked(wallet_id))


@scenario("get_wallet")
async def a_wallet_nobody_knows_is_not_found(bench: Bench) -> None:
    """It is `NotFound`, and nothing else is given in its place."""
    bench.emulator.add_wallet(bench.emulator.default_customer)
    _, stranger = bench.stranger()
    read = bench.account.get_wallet(stranger, customer_id=bench.emulator.default_customer)
    error = await refusal(read, "reading a wallet that the vendor does not know")
    expect(isinstance(error, NotFound), f"a wallet nobody knows must be NotFound, and was {error!r}")


@scenario("get_wallet")
async def a_wallet_is_not_read_as_another_customers(bench: Bench) -> None:
    """Asked for under another customer, a wallet is an error or names its true holder."""
    holder, other = bench.emulator.add_customer(), bench.emulator.add_customer()
    wallet_id = bench.emulator.add_wallet(holder)
    ended = await outcome_of(bench.account.get_wallet(wallet_id, customer_id=other))
    said = None if isinstance(ended, WalletportError) else ended.customer_id
    expect(said in (None, holder), f"the wallet of {holder!r} was read as that of {said!r}")


@scenario("get_wallet")
async def a_wallet_id_is_data(bench: Bench) -> None:
    """An id with slashes and percent signs never leads to another path."""
    owner = bench.emulator.default_customer
    wallet_id = bench.emulator.add_wallet(owner)
    await bench.account.get_wallet(wallet_id, customer_id=owner)
    plain = {len(one.request.path) for one in bench.vendor.exchanges}
    before = bench.requests
    await refusal(bench.account.get_wallet(wallet_id + _ODD, customer_id=owner), "reading an id that is no id")
    for exchange in bench.vendor.exchanges[before:]:
        expect(len(exchange.request.path) in plain, f"a slash in a wallet's id led to the path {exchange.request.path}")
        pieces = (*exchange.request.path, *exchange.request.query.values())
        torn = [piece for piece in pieces if "a b?c=d" in piece or "a%20b" in piece]
        expect(all(piece.endswith(_ODD) for piece in torn), f"a wallet's id arrived as {torn}")


@scenario("get_wallet")
async def a_status_nobody_documented_is_unknown(bench: Bench) -> None:
    """A new word for a wallet's state is kept, and is not taken for one of the known ones."""
    wallet, wallet_id = await _read(bench)
    if wallet.provider_status is None:
        expect(
            wallet.status in (WalletStatus.UNKNOWN, WalletStatus.ACTIVE), "a status is told without the vendor's word"
        )
        return
    words = {
        value for found in sent_objects(bench.vendor.exchanges) for value in found.values() if isinstance(value, str)
    }
    expect(wallet.provider_status in words, f"{wallet.provider_status!r} is not the vendor's own word for the status")
    bench.vendor.rewrite = with_text(wallet.provider_status, UNHEARD_OF)
    again = await bench.account.get_wallet(wallet_id, customer_id=bench.emulator.default_customer)
    expect(again.status is WalletStatus.UNKNOWN, f"a status nobody documented was read as {again.status.value}")
    expect(again.provider_status == UNHEARD_OF, f"the vendor's word was lost: {again.provider_status!r}")


@scenario("get_wallet")
async def a_field_nobody_documented_is_kept(bench: Bench) -> None:
    """It changes nothing, and stands in ``raw``, which is the vendor's own object."""
    bench.vendor.rewrite = with_field(UNHEARD_OF, "kept")
    wallet, wallet_id = await _read(bench)
    expect(wallet.id == wallet_id, f"with an unknown field in it, the wallet {wallet_id!r} was read as {wallet.id!r}")
    expect(wallet.raw.get(UNHEARD_OF) == "kept", "a field nobody documented is not in raw")
    expect(
        any(dict(wallet.raw) == found for found in sent_objects(bench.vendor.exchanges)),
        "raw is not the vendor's own object, unmodified",
    )


@scenario("get_wallet")
async def a_read_wallet_says_when_it_was_made(bench: Bench) -> None:
    """Its times are aware, in UTC, and true."""
    made_at = bench.clock.now()
    wallet, _ = await _read(bench)
    expect_time(wallet.created_at, made_at, "created_at")


@scenario("create_wallet", "get_wallet")
async def a_wallet_becomes_ready(bench: Bench) -> None:
    """In the end it is active and has exactly the addresses that the vendor gave it, with their memos."""
    wallet = await bench.create(bench.order())
    ready = await bench.account.wait_until_ready(wallet)
    expect(ready.status is WalletStatus.ACTIVE, f"the wallet stays {ready.status.value}")
    expect_addresses(ready.addresses, ready, bench.booked(wallet.id))
    if not bench.able.several_addresses.usable and len(ready.addresses) > 1:
        fail("several_addresses is denied, and the wallet has more than one")


@scenario("get_wallet")
async def a_failure_to_read_is_an_error(bench: Bench) -> None:
    """A vendor that fails, or answers with what is no wallet, leads to an error and to no wallet."""
    owner = bench.emulator.default_customer
    wallet_id = bench.emulator.add_wallet(owner)
    await bench.account.get_wallet(wallet_id, customer_id=owner)
    for trouble in ("500", "html-502", "truncated", "drop-before"):
        bench.vendor.plan(trouble)
        await refusal(bench.account.get_wallet(wallet_id, customer_id=owner), f"reading while the fault is {trouble}")
