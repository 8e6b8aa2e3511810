"""Deposit addresses, read by themselves."""

from __future__ import annotations

from walletport.testing.bench import Bench, expect, refusal
from walletport.testing.judging import expect_addresses
from walletport.testing.scenario import scenario


@scenario("get_addresses", "create_wallet")
async def every_address_is_told(bench: Bench) -> None:
    """Each as the vendor wrote it, with its chain and its memo; none of another wallet."""
    await bench.made(bench.emulator.add_customer())
    booked, wallet = await bench.made()
    wallet = await bench.ready(wallet)
    told = await bench.account.get_addresses(wallet)
    expect_addresses(told, wallet, booked)
    expect(
        len(told) <= 1 or bench.able.several_addresses.usable,
        "several_addresses is denied, and more than one was told",
    )


@scenario("get_addresses", "create_wallet")
async def addresses_that_cannot_be_read_are_an_error(bench: Bench) -> None:
    """A vendor that fails has not said that there are none."""
    _, wallet = await bench.made()
    wallet = await bench.ready(wallet)
    for trouble in ("500", "html-502", "truncated", "drop-before"):
        bench.vendor.plan(trouble)
        await refusal(bench.account.get_addresses(wallet), f"addresses that met {trouble}")
