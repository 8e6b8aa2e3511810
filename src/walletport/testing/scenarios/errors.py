"""What an error says about the order, when something goes wrong."""

from __future__ import annotations

from typing import Final

from walletport.errors import RateLimited, WalletportError
from walletport.provider import Response
from walletport.testing.bench import Bench, expect, outcome_of, refusal
from walletport.testing.scenario import scenario
from walletport.testing.vendor import Exchange, Rewrite

_ASKED: Final = 7
_JSON: Final = {"content-type": "application/json"}
_ODD_BODIES: Final = (b"", b"{}", b'{"error":{"code":"kit_unheard_of"},"code":"kit_unheard_of"}', b"<html>no</html>")
_CONFLICT: Final = 409


async def _expect_doubt(bench: Bench, trouble: str) -> None:
    """Let the vendor make the wallet and the answer go wrong: nobody may say that it was not made."""
    order, once = bench.order(), bench.open(max_attempts=1)
    bench.vendor.plan(trouble, since=await bench.creating_step(order))
    ended = await outcome_of(bench.create(order, once))
    expect(
        len(bench.emulator.wallets()) == 1, f"under {trouble}, one order made {len(bench.emulator.wallets())} wallets"
    )
    if isinstance(ended, WalletportError):
        expect(ended.outcome != "not_applied", f"under {trouble} a wallet was made, and the error denies it: {ended!r}")
    else:
        bench.booked(ended.id)


@scenario("create_wallet")
async def a_lost_answer_leaves_doubt(bench: Bench) -> None:
    """A connection that breaks after the work never becomes "not applied"."""
    await _expect_doubt(bench, "drop-after")


@scenario("create_wallet")
async def a_late_answer_leaves_doubt(bench: Bench) -> None:
    """A timeout after the work never becomes "not applied"."""
    await _expect_doubt(bench, "late:seconds=60")


@scenario("create_wallet")
async def a_failure_of_the_vendor_leaves_doubt(bench: Bench) -> None:
    """A 500 in the vendor's own shape never becomes "not applied": it can come after the work."""
    await _expect_doubt(bench, "500:after")


@scenario("create_wallet")
async def a_failure_of_a_gateway_leaves_doubt(bench: Bench) -> None:
    """Nor does a 502 with a page of HTML."""
    await _expect_doubt(bench, "html-502:after")


@scenario("create_wallet")
async def an_answer_cut_short_leaves_doubt(bench: Bench) -> None:
    """Half an answer is no wallet, and no proof that there is none."""
    await _expect_doubt(bench, "truncated")


@scenario("create_wallet")
async def a_success_that_holds_no_wallet_leaves_doubt(bench: Bench) -> None:
    """A 2xx with an empty object, a list or nothing at all is an error, and none that denies the wallet."""
    for body in (b"{}", b"[]", b"null", b""):
        async with bench.fresh() as fresh:
            fresh.vendor.rewrite = _hollow(body)
            ended = await outcome_of(fresh.create(fresh.order(), fresh.open(max_attempts=1)))
        expect(isinstance(ended, WalletportError) and ended.outcome != "not_applied", f"{body!r} was read as {ended!r}")


def _hollow(body: bytes) -> Rewrite:
    """Return a change that leaves nothing but this of the answer that tells of the wallet."""

    def rewrite(exchange: Exchange, answer: Response) -> Response:
        return Response(answer.status, answer.headers, body) if exchange.made else answer

    return rewrite


@scenario("create_wallet")
async def a_refusal_nobody_documented_is_an_error(bench: Bench) -> None:
    """Whatever its status and body, a create that was refused returns no wallet."""
    order = bench.order()
    step = await bench.creating_step(order)
    for status in (400, 403, 404, _CONFLICT, 418, 422, 500):
        for body in _ODD_BODIES:
            async with bench.fresh() as fresh:
                fresh.vendor.plan(Response(status, _JSON, body), since=step)
                ended = await outcome_of(fresh.create(order, fresh.open(max_attempts=1)))
            expect(isinstance(ended, WalletportError), f"a {status} with {body!r} was read as {ended!r}")
            if isinstance(ended, WalletportError) and status != _CONFLICT:
                expect(ended.outcome != "applied", f"a {status} with {body!r} says that a wallet was made: {ended!r}")


@scenario("create_wallet")
async def too_many_requests_say_how_long_to_wait(bench: Bench) -> None:
    """It is `RateLimited`, not applied, with the seconds that the vendor asks for."""
    order, once = bench.order(), bench.open(max_attempts=1)
    bench.vendor.plan(f"429:seconds={_ASKED}", since=await bench.creating_step(order))
    error = await refusal(bench.create(order, once), "a create while the vendor asks to wait")
    expect(isinstance(error, RateLimited), f"a 429 must be RateLimited, and was {error!r}")
    expect(error.outcome == "not_applied", f"a request that was turned away says {error.outcome}")
    expect(error.retry_after == _ASKED, f"the vendor asks for {_ASKED} s, and the error says {error.retry_after}")


@scenario("create_wallet")
async def the_wait_a_vendor_asks_for_is_kept(bench: Bench) -> None:
    """After a 429, and a 503 that says so, the repeat comes no sooner, and makes the one wallet."""
    order = bench.order()
    step = await bench.creating_step(order)
    for status in ("429", "503") if bench.able.idempotency.place != "none" else ("429",):
        async with bench.fresh() as fresh:
            fresh.vendor.plan(f"{status}:seconds={_ASKED}:times=1", since=step)
            wallet = await fresh.create(order)
            waited = fresh.vendor.exchanges[step + 1].at - fresh.vendor.exchanges[step].at
            made = [one.wallet_id for one in fresh.emulator.wallets()]
        expect(waited >= _ASKED, f"a {status} asked for {_ASKED} s, and the repeat came after {waited:g}")
        expect(made == [wallet.id], f"the repeat made {made}, and returned {wallet.id!r}")
