"""That what is denied is really refused: with the declared reason, before anything is sent."""

from __future__ import annotations

from datetime import UTC, datetime
from typing import TYPE_CHECKING, Final

from walletport.errors import UnsupportedOperation
from walletport.models import CustomerProfile, Wallet, WalletOrder
from walletport.testing.bench import Bench, expect, fail, outcome_of
from walletport.webhooks import parse_webhook

if TYPE_CHECKING:
    from collections.abc import Awaitable, Callable

    from walletport.provider import Flow, WalletProvider

_PROFILE: Final = CustomerProfile(email="kit@example.com", first_name="Ada", last_name="Example")


async def check(bench: Bench, ability: str) -> None:
    """Check that a denied ability refuses; one that is no call of its own has nothing to refuse."""
    declared = bench.able.ability(ability)
    expect(declared.reason, f"{ability} is denied without a reason: give one, it is the text of the refusal")
    if ability == "webhooks":
        _check_webhooks(bench)
    elif ability in _CALLS:
        called, flow = _CALLS[ability]
        ended = await outcome_of(called(bench, _wallet(bench)))
        expect(
            isinstance(ended, UnsupportedOperation) and declared.reason in str(ended),
            f"{ability} is denied: it must raise UnsupportedOperation with the declared reason, and gave {ended!r}",
        )
        _check_flow(bench, ability, flow)
    expect(bench.requests == 0, f"{ability} is denied, and yet a request was sent")


def _check_flow(bench: Bench, ability: str, start: Callable[[WalletProvider, Bench], Flow[object]]) -> None:
    """Ask the adapter itself, since a client does not even call what is denied."""
    try:
        request = next(start(bench.adapter, bench))
    except UnsupportedOperation:
        return
    except StopIteration:
        fail(f"{ability} is denied, and the adapter returns something all the same: leave the method out")
    fail(f"{ability} is denied, and the adapter wants to send {request.method}: leave the method out")


def _check_webhooks(bench: Bench) -> None:
    secret = bench.emulator.webhook_secrets[0]
    for unverified in (False, True):
        try:
            parse_webhook(bench.provider, {}, b"{}", secret, now=bench.clock.now(), unverified=unverified)
        except UnsupportedOperation:
            continue
        fail("webhooks are denied, and one was read")
    try:
        bench.provider.parse_webhook({}, b"{}", (secret,), datetime.now(UTC), unverified=True)
    except UnsupportedOperation:
        return
    fail("webhooks are denied, and the adapter reads one all the same: leave parse_webhook out")


def _wallet(bench: Bench) -> Wallet:
    return Wallet(provider=bench.provider.name, id="kit-wallet", customer_id=bench.emulator.default_customer)


def _order(bench: Bench) -> WalletOrder:
    return WalletOrder.model_validate({**bench.order().arguments(), "idempotency_key": bench.key()})


_Call = tuple["Callable[[Bench, Wallet], Awaitable[object]]", "Callable[[WalletProvider, Bench], Flow[object]]"]
_CALLS: Final[dict[str, _Call]] = {
    "create_wallet": (
        lambda bench, _: bench.account.create_wallet(**bench.order().arguments()),
        lambda adapter, bench: adapter.create_wallet(_order(bench)),
    ),
    "get_wallet": (
        lambda bench, wallet: bench.account.get_wallet(wallet.id, customer_id=wallet.customer_id),
        lambda adapter, bench: adapter.get_wallet("kit-wallet", bench.emulator.default_customer),
    ),
    "list_wallets": (
        lambda bench, wallet: bench.account.list_wallets(customer_id=wallet.customer_id),
        lambda adapter, bench: adapter.list_wallets(bench.emulator.default_customer, None),
    ),
    "find_wallet": (
        lambda bench, _: bench.account.find_wallet(**bench.order().description()),
        lambda adapter, bench: adapter.find_wallet(_order(bench)),
    ),
    "get_balances": (
        lambda bench, wallet: bench.account.get_balances(wallet),
        lambda adapter, bench: adapter.get_balances(_wallet(bench)),
    ),
    "get_addresses": (
        lambda bench, wallet: bench.account.get_addresses(wallet),
        lambda adapter, bench: adapter.get_addresses(_wallet(bench)),
    ),
    "rotate_wallet": (
        lambda bench, wallet: bench.account.rotate_wallet(wallet),
        lambda adapter, bench: adapter.rotate_wallet(_wallet(bench), bench.key()),
    ),
    "create_customer": (
        lambda bench, _: bench.account.create_customer(_PROFILE),
        lambda adapter, bench: adapter.create_customer(_PROFILE, bench.key()),
    ),
    "get_customer": (
        lambda bench, wallet: bench.account.get_customer(wallet.customer_id or ""),
        lambda adapter, bench: adapter.get_customer(bench.emulator.default_customer),
    ),
}
OPERATIONS: Final = tuple(_CALLS)
