"""Making wallets, while nothing goes wrong."""

from __future__ import annotations

from dataclasses import replace
from typing import Final

from walletport.errors import (
    AuthenticationError,
    ConfigurationError,
    CustomerNotEligible,
    InvalidRequest,
    NotFound,
    ProviderError,
    UnsupportedOperation,
    WalletportError,
)
from walletport.models import Wallet
from walletport.provider import Need
from walletport.testing.bench import Bench, expect, fail, outcome_of
from walletport.testing.judging import expect_same, expect_time
from walletport.testing.scenario import scenario

_ODD: Final = "kit/../a b?c=d&e#f%2F;g:h@i+j"
_NOWHERE: Final = "kit-no-such-chain"


@scenario("create_wallet")
async def an_order_makes_one_wallet_and_returns_it(bench: Bench) -> None:
    """One wallet is made, and what is returned is that wallet as the vendor has it."""
    wallet = await bench.create(bench.order())
    expect(len(bench.emulator.wallets()) == 1, f"one order made {len(bench.emulator.wallets())} wallets")
    expect_same(wallet, bench.booked(wallet.id))


@scenario("create_wallet")
async def an_order_arrives_as_it_was_given(bench: Bench) -> None:
    """Customer, chain, asset and reference of the order are in the vendor's books."""
    owner = bench.emulator.add_customer()
    order = bench.order(owner)
    booked = bench.booked((await bench.create(order)).id)
    expect(booked.customer_id == owner, f"the order was for {owner!r}; the vendor made it for {booked.customer_id!r}")
    expect(booked.reference == order.reference, f"the reference {order.reference!r} arrived as {booked.reference!r}")
    for what, arrived, ordered in (("chain", booked.chain, order.chain), ("asset", booked.asset, order.asset)):
        expect(arrived is None or ordered in (None, arrived), f"the {what} {ordered!r} arrived as {arrived!r}")


@scenario("create_wallet")
async def two_customers_get_a_wallet_each(bench: Bench) -> None:
    """Nobody gets a wallet that was made for another."""
    for owner in (bench.emulator.add_customer(), bench.emulator.add_customer()):
        wallet = await bench.create(bench.order(owner))
        expect(bench.booked(wallet.id).customer_id == owner, "a create returned another customer's wallet")
        expect(wallet.customer_id in (None, owner), "a create names another customer")
    expect(len(bench.emulator.wallets()) == 2, "two orders did not make two wallets")  # noqa: PLR2004 - two of two


@scenario("create_wallet")
async def what_may_be_left_out_can_be(bench: Bench) -> None:
    """An order without a field that is declared optional makes a wallet all the same."""
    fields = bench.able.order
    for name, need in (("chain", fields.chain), ("asset", fields.asset), ("reference", fields.reference)):
        if need is Need.OPTIONAL:
            owner = bench.emulator.add_customer()
            ended = await outcome_of(bench.create(bench.order(owner).but(name, None)))
            made = isinstance(ended, Wallet) and bench.booked(ended.id).customer_id == owner
            expect(made, f"{name} is declared optional, and an order without it ended in {ended!r}")


@scenario("create_wallet")
async def a_chain_the_vendor_does_not_serve_is_an_error(bench: Bench) -> None:
    """It ends in an error that says nothing was made, and nothing was."""
    chain = bench.emulator.uncreatable_chain or _NOWHERE
    ended = await outcome_of(bench.create(replace(bench.order(), chain=chain)))
    if not isinstance(ended, WalletportError):
        expect(bench.emulator.uncreatable_chain is None, f"a create on {chain!r} must be an error")
        bench.booked(ended.id)
        return
    expect(isinstance(ended, ProviderError | UnsupportedOperation), f"a chain that is refused raised {ended!r}")
    expect(ended.outcome == "not_applied", f"nothing was made, and the error says {ended.outcome}")
    expect(not bench.emulator.wallets(), "a create that was refused made a wallet")


@scenario("create_wallet")
async def a_customer_who_may_not_have_one_is_told(bench: Bench) -> None:
    """A customer that lacks something gets `CustomerNotEligible`, where the vendor asks for anything."""
    owner = bench.emulator.add_customer(eligible=False)
    ended = await outcome_of(bench.create(bench.order(owner)))
    if bench.owned(owner):
        expect(not isinstance(ended, WalletportError), f"the wallet was made, and the create raised {ended!r}")
        return
    expect(isinstance(ended, CustomerNotEligible), f"must be CustomerNotEligible, and was {ended!r}")
    expect(isinstance(ended, WalletportError) and ended.outcome == "not_applied", "nothing was made: say not_applied")


@scenario("create_wallet")
async def a_customer_nobody_knows_is_an_error(bench: Bench) -> None:
    """It is refused for good and nothing was made, unless the vendor takes any id."""
    stranger, _ = bench.stranger()
    ended = await outcome_of(bench.create(bench.order(stranger)))
    if not isinstance(ended, WalletportError):
        expect(bench.booked(ended.id).customer_id == stranger, "a customer nobody knows was given another's wallet")
        return
    expect(
        isinstance(ended, NotFound | InvalidRequest | CustomerNotEligible),
        f"a customer nobody knows must be NotFound or InvalidRequest, and was {ended!r}",
    )
    expect(ended.outcome == "not_applied", f"nothing was made, and the error says {ended.outcome}")
    expect(not bench.emulator.wallets(), "a create that was refused made a wallet")


@scenario("create_wallet")
async def a_customer_id_is_data(bench: Bench) -> None:
    """An id with slashes, spaces and percent signs arrives as it is, or is refused before anything is sent."""
    owner = bench.emulator.add_customer(_ODD)
    ended = await outcome_of(bench.create(bench.order(owner)))
    if isinstance(ended, WalletportError):
        unsent = isinstance(ended, ConfigurationError | InvalidRequest | UnsupportedOperation) and not bench.requests
        expect(unsent, f"the customer id {owner!r} is known to the vendor, and a create for it raised {ended!r}")
        return
    expect(bench.booked(ended.id).customer_id == owner, f"the customer id {owner!r} arrived as another one")


@scenario("create_wallet")
async def text_outside_ascii_arrives_unharmed(bench: Bench) -> None:
    """A reference with accents and other scripts arrives as it is, or is refused by the vendor's own rules."""
    order = bench.order()
    if order.reference is None:
        ended = await outcome_of(bench.create(replace(order, reference="Zoë")))
        expect(isinstance(ended, UnsupportedOperation), f"a reference where none is kept gave {ended!r}")
        return
    order = replace(order, reference="Zoë-Ω-渋谷-☃")
    ended = await outcome_of(bench.create(order))
    if isinstance(ended, AuthenticationError):
        fail(f"the vendor did not accept the signature or credentials of a body outside ASCII: {ended!r}")
    if isinstance(ended, WalletportError):
        expect(isinstance(ended, InvalidRequest), f"a reference outside ASCII raised {ended!r}")
        expect(not bench.emulator.wallets(), "a create that was refused made a wallet")
        return
    expect(bench.booked(ended.id).reference == order.reference, "a reference outside ASCII arrived as another one")


@scenario("create_wallet")
async def a_new_wallet_says_when_it_was_made(bench: Bench) -> None:
    """Its times are aware, in UTC, and true; one that the vendor does not tell is absent."""
    wallet = await bench.create(bench.order())
    expect_time(wallet.created_at, bench.clock.now(), "created_at")
    expect_time(wallet.updated_at, bench.clock.now(), "updated_at")
