"""What a wallet holds."""

from __future__ import annotations

from decimal import Decimal
from typing import Final

from walletport.models import Balance, Wallet
from walletport.testing.bench import Bench, expect, refusal
from walletport.testing.judging import UNREADABLE
from walletport.testing.scenario import scenario

_AMOUNTS: Final = tuple(Decimal(text) for text in ("0", "0.1", "0.000001", "12.5", "9007199254740993.000001"))
"""No binary fraction is any of the last three, and no float holds as many digits as the last."""


def _asset(bench: Bench, wallet: Wallet) -> str:
    return wallet.asset or next(iter(bench.able.order.assets), "usdc")


def _of(balances: tuple[Balance, ...], asset: str) -> Decimal:
    found = [balance for balance in balances if balance.asset in (None, asset)]
    expect(len(found) == 1, f"the wallet holds one balance of {asset}, and {len(found)} were told")
    return found[0].available


@scenario("get_balances", "create_wallet")
async def a_balance_is_exact(bench: Bench) -> None:
    """To the last digit, as a decimal, in whole units of the asset."""
    _, wallet = await bench.made()
    wallet = await bench.ready(wallet)
    asset = _asset(bench, wallet)
    for amount in _AMOUNTS:
        bench.emulator.set_balance(wallet.id, asset, amount)
        told = _of(await bench.account.get_balances(wallet), asset)
        expect(isinstance(told, Decimal) and told == amount, f"the vendor has {amount}, and {told!r} was told")


@scenario("get_balances", "create_wallet")
async def a_balance_is_of_the_wallet_that_was_asked_for(bench: Bench) -> None:
    """Not of another one, of the same customer or not."""
    wallets = []
    for number in (1, 2):
        _, wallet = await bench.made(bench.emulator.add_customer())
        bench.emulator.set_balance(wallet.id, _asset(bench, wallet), Decimal(number))
        wallets.append(await bench.ready(wallet))
    for number, wallet in enumerate(wallets, start=1):
        told = _of(await bench.account.get_balances(wallet), _asset(bench, wallet))
        expect(told == number, f"the wallet holds {number}, and {told} was told")


@scenario("get_balances", "create_wallet")
async def a_balance_that_cannot_be_read_is_an_error(bench: Bench) -> None:
    """Never nothing, and never zero."""
    _, wallet = await bench.made()
    wallet = await bench.ready(wallet)
    for trouble in UNREADABLE:
        bench.vendor.plan(trouble)
        await refusal(bench.account.get_balances(wallet), f"a balance that met {trouble}")
