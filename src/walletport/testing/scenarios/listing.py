"""Lists of wallets, over their pages."""

from __future__ import annotations

from walletport.testing.bench import Bench, expect, refusal
from walletport.testing.judging import expect_same
from walletport.testing.scenario import scenario

_WALLETS = 5


@scenario("list_wallets")
async def a_list_is_whole_over_its_pages(bench: Bench) -> None:
    """It holds every wallet of the customer once, the last page's too, and ends."""
    owner, bench.emulator.page_size = bench.emulator.add_customer(), 2
    made = [bench.emulator.add_wallet(owner) for _ in range(_WALLETS)]
    await bench.account.list_wallets(customer_id=bench.emulator.default_customer)
    before = bench.requests
    listed = [wallet.id for wallet in await bench.account.list_wallets(customer_id=owner)]
    expect(len(set(listed)) == len(listed), "the list holds a wallet twice")
    expect(set(listed) == set(made), f"the list lacks {sorted(set(made) - set(listed))}")
    pages = bench.requests - before
    expect(
        pages >= (_WALLETS // 2 if bench.emulator.lists_in_pages else 1),
        "the emulator gave five wallets in fewer than three pages of two: let it keep to page_size",
    )


@scenario("list_wallets")
async def a_list_holds_the_customers_own_wallets_only(bench: Bench) -> None:
    """Other customers' are not among them, and each is as the vendor has it."""
    owner, other = bench.emulator.add_customer(), bench.emulator.add_customer()
    for holder in (other, owner, other, owner, other):
        bench.emulator.add_wallet(holder)
    listed = await bench.account.list_wallets(customer_id=owner)
    told, true = {wallet.id for wallet in listed}, {wallet.wallet_id for wallet in bench.owned(owner)}
    expect(told == true, f"the customer's wallets are {sorted(true)}, and {sorted(told)} were listed")
    for wallet in listed:
        expect_same(wallet, bench.booked(wallet.id))


@scenario("list_wallets")
async def a_customer_without_wallets_has_an_empty_list(bench: Bench) -> None:
    """Whatever other customers have."""
    owner = bench.emulator.add_customer()
    bench.emulator.add_wallet(bench.emulator.default_customer)
    listed = await bench.account.list_wallets(customer_id=owner)
    expect(not listed, f"a customer without wallets has the list {[wallet.id for wallet in listed]}")


@scenario("list_wallets")
async def a_list_that_breaks_off_is_an_error(bench: Bench) -> None:
    """A failure on the last page never makes the list a shorter one."""
    owner, bench.emulator.page_size = bench.emulator.add_customer(), 2
    for _ in range(_WALLETS):
        bench.emulator.add_wallet(owner)
    await bench.account.list_wallets(customer_id=bench.emulator.default_customer)
    before = bench.requests
    await bench.account.list_wallets(customer_id=owner)
    pages = bench.requests - before
    for trouble in ("500", "drop-before", "truncated"):
        bench.vendor.plan(trouble, since=bench.requests + pages - 1)
        await refusal(bench.account.list_wallets(customer_id=owner), f"a list whose last page meets {trouble}")
        bench.vendor.calm()
