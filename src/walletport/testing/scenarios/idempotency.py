"""One order, at most one wallet, whatever is repeated."""

from __future__ import annotations

from dataclasses import replace
from datetime import timedelta
from typing import Final

from walletport.errors import WalletportError
from walletport.provider.emulation import IncomingRequest
from walletport.testing.bench import Bench, Order, expect, outcome_of
from walletport.testing.judging import expect_same, objects
from walletport.testing.scenario import scenario

_MOMENT: Final = timedelta(seconds=1)


def _carries(bench: Bench, request: IncomingRequest, key: str) -> bool:
    policy = bench.able.idempotency
    name = policy.name or ""
    if policy.place == "header":
        return request.headers.get(name.lower()) == key
    if policy.place == "body":
        return bool(request.body) and any(found.get(name) == key for found in objects(request.json()))
    return False


async def _repeat(bench: Bench, order: Order, *, after: timedelta) -> None:
    """Give an order twice under one key, and expect one wallet where the vendor takes keys."""
    first = await bench.create(order)
    bench.clock.advance(after)
    ended = await outcome_of(bench.create(order))
    count = len(bench.emulator.wallets())
    if bench.able.idempotency.place == "none":
        expect(count == 1 or not isinstance(ended, WalletportError), f"a wallet was made behind the error {ended!r}")
        return
    expect(count == 1, f"one order under one key made {count} wallets")
    expect(not isinstance(ended, WalletportError), f"the repeat under the same key raised {ended!r}")
    if not isinstance(ended, WalletportError):
        expect(ended.id == first.id, "the repeat under the same key returned another wallet")


@scenario("create_wallet")
async def the_key_travels_where_it_is_declared(bench: Bench) -> None:
    """The request that makes the wallet carries the order's key, or none where the vendor takes none."""
    order = bench.order()
    await bench.create(order)
    making = [one.request for one in bench.vendor.exchanges if one.made]
    if bench.able.idempotency.place == "none":
        key = (order.idempotency_key or "").encode()
        sent = [one for one in making if key in one.body or key.decode() in one.headers.values()]
        expect(not sent, "idempotency.place is none, and a key is sent all the same")
        return
    policy = bench.able.idempotency
    carried = any(_carries(bench, one, order.idempotency_key or "") for one in making)
    expect(carried, f"the request that makes the wallet lacks the key in the {policy.place}'s {policy.name!r}")


@scenario("create_wallet")
async def a_lost_answer_makes_one_wallet(bench: Bench) -> None:
    """The repeat after a lost answer finds the wallet that was made, and makes no second one."""
    order = bench.order()
    bench.vendor.plan("drop-after:times=1", since=await bench.creating_step(order))
    ended = await outcome_of(bench.create(order))
    count = len(bench.emulator.wallets())
    expect(count == 1, f"an order whose first answer was lost made {count} wallets")
    if isinstance(ended, WalletportError):
        expect(bench.able.idempotency.place == "none", f"the repeat under the same key raised {ended!r}")
        expect(ended.outcome != "not_applied", f"a wallet was made, and the error denies it: {ended!r}")
    else:
        expect_same(ended, bench.emulator.wallets()[0])


@scenario("create_wallet")
async def an_answer_lost_on_the_way_loses_no_order(bench: Bench) -> None:
    """Whichever request of the order meets trouble: no second wallet, no denial of the first, and another try works."""
    order = bench.order()
    said = await bench.rehearse(order)
    making = next(number for number, one in enumerate(said) if one.made)
    for step in range(len(said)):
        if step == making and bench.able.idempotency.place == "none":
            continue
        for trouble in ("drop-after:times=1", "500:times=4"):
            async with bench.fresh() as fresh:
                fresh.vendor.plan(trouble, since=step)
                ended = await outcome_of(fresh.create(order))
                count = len(fresh.emulator.wallets())
                expect(count <= 1, f"request {step + 1} of an order met {trouble}, and {count} wallets were made")
                denied = isinstance(ended, WalletportError) and ended.outcome == "not_applied"
                expect(not (count and denied), f"a wallet was made, and the error denies it: {ended!r}")
                fresh.vendor.calm()
                wallet = await fresh.create(order)
                booked = [one.wallet_id for one in fresh.emulator.wallets()]
                expect(booked == [wallet.id], f"the order was given again, and the vendor has {booked}")


@scenario("create_wallet")
async def every_repeat_is_the_same_request(bench: Bench) -> None:
    """Method, path, body and key of a repeat are those of the first attempt."""
    order = bench.order()
    step = await bench.creating_step(order)
    bench.vendor.plan("503:times=2", since=step)
    ended = await outcome_of(bench.create(order))
    said = [one.request for one in bench.vendor.exchanges[step:] if one.request.path != bench.login]
    first, repeats = said[0], said[1:3]
    if bench.able.idempotency.place == "none":
        expect(len(bench.emulator.wallets()) <= 1, "repeats without a key made more than one wallet")
        return
    expect(
        not isinstance(ended, WalletportError), f"the vendor failed twice and then worked; the create raised {ended!r}"
    )
    for repeat in repeats:
        expect(
            (repeat.method, repeat.path, repeat.query, repeat.body)
            == (first.method, first.path, first.query, first.body),
            "a repeat is another request than the first attempt",
        )
        expect(_carries(bench, repeat, order.idempotency_key or ""), "a repeat carries another key than the order's")


@scenario("create_wallet")
async def an_order_repeated_makes_no_second_wallet(bench: Bench) -> None:
    """The same order under the same key is the same wallet."""
    await _repeat(bench, bench.order(), after=_MOMENT)


@scenario("create_wallet")
async def a_key_is_good_to_the_end_of_its_window(bench: Bench) -> None:
    """The vendor still remembers the key when the declared window is almost over."""
    await _repeat(bench, bench.order(), after=max(_MOMENT, bench.able.idempotency.window - _MOMENT))


@scenario("create_wallet")
async def what_exists_already_is_adopted(bench: Bench) -> None:
    """The same order under a new key is a new wallet, or the one that exists; not an error, and not a third one."""
    owner = bench.emulator.add_customer()
    bench.emulator.add_wallet(owner)
    order = bench.order(owner)
    first = await bench.create(order)
    bench.emulator.add_wallet(owner)
    before = {one.wallet_id for one in bench.emulator.wallets()}
    again = await bench.create(replace(order, idempotency_key=bench.key()))
    new = {one.wallet_id for one in bench.emulator.wallets()} - before
    wanted = new or {first.id}
    expect({again.id} == wanted, f"the order's wallet is {wanted}, and {again.id!r} was returned")
    expect_same(again, bench.booked(again.id))
