"""Replacing a wallet by one with another address."""

from __future__ import annotations

from walletport.errors import UnsupportedOperation, WalletportError
from walletport.models import Wallet
from walletport.testing.bench import Bench, expect, outcome_of
from walletport.testing.scenario import scenario


async def _ready(bench: Bench) -> Wallet:
    wallet = await bench.create(bench.order())
    return await bench.ready(wallet)


@scenario("rotate_wallet", "create_wallet")
async def a_rotated_wallet_has_another_address(bench: Bench) -> None:
    """What is returned is in the vendor's books, and deposits go to another address than before."""
    old = await _ready(bench)
    gone = {address.value for address in bench.booked(old.id).addresses}
    new = await bench.account.rotate_wallet(old)
    booked = bench.booked(new.id)
    expect(
        not gone & {address.value for address in booked.addresses}, "the wallet that was returned is not the new one"
    )
    ready = await bench.ready(new)
    expect(not gone & {address.value for address in ready.addresses}, "the new wallet still has the old address")


@scenario("rotate_wallet", "create_wallet")
async def a_lost_answer_rotates_once(bench: Bench) -> None:
    """The repeat makes no third wallet, or the error leaves doubt."""
    old = await _ready(bench)
    bench.vendor.plan("drop-after:times=1")
    ended = await outcome_of(bench.account.rotate_wallet(old))
    expect(not isinstance(ended, UnsupportedOperation), f"rotation is declared, and raised {ended!r}")
    count = len(bench.emulator.wallets())
    expect(count <= 2, f"one rotation whose answer was lost left {count} wallets")  # noqa: PLR2004 - old and new
    if isinstance(ended, WalletportError):
        expect(
            count == 1 or ended.outcome != "not_applied", f"the wallet was rotated, and the error denies it: {ended!r}"
        )
