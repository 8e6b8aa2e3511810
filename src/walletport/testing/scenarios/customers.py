"""Customers: making them, and whether they may have a wallet."""

from __future__ import annotations

from typing import Final

from walletport.errors import NotFound, WalletportError
from walletport.models import CustomerProfile
from walletport.testing.bench import Bench, expect, outcome_of, refusal
from walletport.testing.judging import UNREADABLE
from walletport.testing.scenario import scenario

_PROFILE: Final = CustomerProfile(
    email="kit@example.com", first_name="Ada", last_name="Example", phone="+15555550100", reference="kit-person-1"
)


@scenario("create_customer")
async def a_customer_is_made_and_returned(bench: Bench) -> None:
    """One customer more is in the vendor's books, and it is the one that was returned."""
    before = set(bench.emulator.customers())
    customer = await bench.account.create_customer(_PROFILE)
    new = set(bench.emulator.customers()) - before
    expect({customer.id} == new, f"the vendor made the customers {sorted(new)}, and {customer.id!r} was returned")


@scenario("create_customer")
async def a_lost_answer_makes_one_customer(bench: Bench) -> None:
    """The repeat makes no second one, or the error leaves doubt."""
    key = bench.key()
    async with bench.fresh() as rehearsal:
        await rehearsal.account.create_customer(_PROFILE, idempotency_key=key)
        step = next(number for number, one in enumerate(rehearsal.vendor.exchanges) if one.enrolled)
    before = len(bench.emulator.customers())
    bench.vendor.plan("drop-after:times=1", since=step)
    ended = await outcome_of(bench.account.create_customer(_PROFILE, idempotency_key=key))
    made = len(bench.emulator.customers()) - before
    expect(made == 1, f"a customer whose first answer was lost was made {made} times")
    if isinstance(ended, WalletportError):
        expect(ended.outcome != "not_applied", f"a customer was made, and the error denies it: {ended!r}")


@scenario("get_customer")
async def a_customer_reads_as_the_vendor_has_it(bench: Bench) -> None:
    """Its id is its own, and whether it may have a wallet is told truly or not at all."""
    may, may_not = bench.emulator.add_customer(), bench.emulator.add_customer(eligible=False)
    customer = await bench.account.get_customer(may)
    expect(customer.id == may, f"the customer {may!r} was read as {customer.id!r}")
    expect(customer.eligible is not False, "a customer who may have a wallet is said not to")
    lacking = await bench.account.get_customer(may_not)
    expect(lacking.id == may_not, f"the customer {may_not!r} was read as {lacking.id!r}")
    if bench.able.create_wallet.usable:
        refused = isinstance(await outcome_of(bench.create(bench.order(may_not))), WalletportError)
        expect(not (refused and lacking.eligible), "a customer who may not have a wallet is said to be eligible")


@scenario("get_customer")
async def a_customer_nobody_knows_is_not_found(bench: Bench) -> None:
    """It is `NotFound`, and no other customer is given in its place."""
    stranger, _ = bench.stranger()
    error = await refusal(bench.account.get_customer(stranger), "reading a customer that the vendor does not know")
    expect(isinstance(error, NotFound), f"a customer nobody knows must be NotFound, and was {error!r}")


@scenario("get_customer")
async def a_customer_that_cannot_be_read_is_an_error(bench: Bench) -> None:
    """A vendor that fails, or answers with what is no customer, leads to an error."""
    owner = bench.emulator.default_customer
    await bench.account.get_customer(owner)
    for trouble in UNREADABLE:
        bench.vendor.plan(trouble)
        await refusal(bench.account.get_customer(owner), f"reading a customer that met {trouble}")
