"""Looking up the wallet of an order whose answer was lost."""

from __future__ import annotations

from walletport.errors import OutcomeUnknown, WalletportError
from walletport.models import Wallet
from walletport.testing.bench import Bench, Order, expect, outcome_of, refusal
from walletport.testing.judging import UNREADABLE, expect_same
from walletport.testing.scenario import scenario


async def _find(bench: Bench, order: Order) -> Wallet | None:
    return await bench.account.find_wallet(**order.description())


async def _expect_found(bench: Bench, order: Order, wallet_id: str) -> None:
    found = await _find(bench, order)
    expect(found is not None, "an order that was carried out is said not to exist")
    if found is not None:
        expect(found.id == wallet_id, f"the order's wallet is {wallet_id!r}, and {found.id!r} was found")
        expect_same(found, bench.booked(wallet_id))


@scenario("find_wallet", "create_wallet")
async def an_order_that_was_carried_out_is_found(bench: Bench) -> None:
    """Among other wallets of the same customer and of others."""
    owner, other = bench.emulator.add_customer(), bench.emulator.add_customer()
    bench.emulator.add_wallet(other)
    theirs = bench.order(other)
    first = await bench.create(theirs)
    mine = bench.order(owner)
    second = await bench.create(mine)
    bench.emulator.add_wallet(owner)
    await _expect_found(bench, mine, second.id)
    await _expect_found(bench, theirs, first.id)


@scenario("find_wallet")
async def an_order_that_never_was_is_not_found(bench: Bench) -> None:
    """It is ``None``, or `OutcomeUnknown` where absence cannot be proved; never some other wallet."""
    for other in (bench.emulator.default_customer, bench.emulator.add_customer()):
        bench.emulator.add_wallet(other)
    ended = await outcome_of(_find(bench, bench.order(bench.emulator.add_customer())))
    expect(ended is None or isinstance(ended, OutcomeUnknown), f"an order that never was ended in {ended!r}")


@scenario("find_wallet", "create_wallet")
async def an_order_whose_answer_was_lost_is_found(bench: Bench) -> None:
    """Which is what looking up is for."""
    order, once = bench.order(), bench.open(max_attempts=1)
    bench.vendor.plan("drop-after", since=await bench.creating_step(order))
    await refusal(bench.create(order, once), "a create whose answer was lost")
    bench.vendor.calm()
    bench.clock.advance(bench.able.settle_time)
    await _expect_found(bench, order, bench.emulator.wallets()[0].wallet_id)


@scenario("find_wallet")
async def an_error_is_no_proof_of_absence(bench: Bench) -> None:
    """A look-up that fails, or is answered with nonsense, raises and never says that there is none."""
    order = bench.order()
    await outcome_of(_find(bench, order))
    for trouble in ("503", "429:seconds=1", *UNREADABLE):
        bench.vendor.plan(trouble)
        ended = await outcome_of(_find(bench, order))
        expect(isinstance(ended, WalletportError), f"a look-up that met {trouble} said {ended!r}")
