"""Proving who is calling."""

from __future__ import annotations

from datetime import timedelta
from typing import TYPE_CHECKING, Final

from walletport.errors import AuthenticationError, ConfigurationError, WalletportError
from walletport.provider import Response
from walletport.settings import is_secret
from walletport.testing.bench import Bench, expect, outcome_of, refusal
from walletport.testing.scenario import scenario

if TYPE_CHECKING:
    from collections.abc import Iterator

    from walletport.testing.accounts import Account

_LONG: Final = timedelta(days=2)
_FEW: Final = 6
_REFUSED: Final = 401


def _wrong(value: str) -> str:
    """Return a secret of the same form that is not the right one."""
    middle = next(place for place in range(len(value) // 2, len(value)) if value[place].isalnum())
    return value[:middle] + ("1" if value[middle] != "1" else "2") + value[middle + 1 :]


def _strangers(bench: Bench) -> Iterator[tuple[str, Account | WalletportError]]:
    """Make a client for each secret setting that is wrong; one may be refused at once."""
    fields = bench.provider.settings_type.model_fields
    for name, value in bench.emulator.settings.items():
        if is_secret(fields, name):
            try:
                yield name, bench.open({name: _wrong(value)})
            except ConfigurationError as error:
                yield name, error


@scenario("create_wallet")
async def wrong_credentials_are_told(bench: Bench) -> None:
    """They are an `AuthenticationError`, soon, and nothing was made."""
    for name, account in _strangers(bench):
        if isinstance(account, WalletportError):
            continue
        before = bench.requests
        error = await refusal(bench.create(bench.order(), account), f"a create with a wrong {name}")
        expect(isinstance(error, AuthenticationError), f"a wrong {name} must be AuthenticationError, and was {error!r}")
        expect(error.outcome == "not_applied", f"a request that was not let in says {error.outcome}")
        expect(bench.requests - before <= _FEW, f"a wrong {name} led to {bench.requests - before} requests")
    expect(not bench.emulator.wallets(), "wrong credentials made a wallet")


@scenario("create_wallet")
async def a_token_that_ended_is_renewed(bench: Bench) -> None:
    """A token that ends ahead of its time costs one more token, and no order."""
    for _ in range(2):
        wallet = await bench.create(bench.order(bench.emulator.add_customer()))
        bench.booked(wallet.id)
        bench.emulator.end_tokens()


@scenario("create_wallet")
async def a_token_is_renewed_before_it_ends(bench: Bench) -> None:
    """Days later no request is refused, because the token's life was told truly."""
    for _ in range(2):
        await bench.create(bench.order(bench.emulator.add_customer()))
        bench.clock.advance(_LONG)
    refused = [one for one in bench.vendor.exchanges if one.response is not None and one.response.status == _REFUSED]
    expect(not refused, "a token was used after its end: say how long it is good for in Credential.expires_in")


@scenario("create_wallet")
async def one_token_serves_many_calls(bench: Bench) -> None:
    """Three orders take no more requests for a token than one does."""
    counts = []
    for _ in range(3):
        before = bench.requests
        await bench.create(bench.order(bench.emulator.add_customer()))
        counts.append(bench.requests - before)
    asked = bool(bench.login)
    expect(
        counts[1] == counts[2] == counts[0] - asked,
        f"three orders took {counts} requests: a token is good for more than one call",
    )


@scenario("create_wallet")
async def a_refusal_for_good_ends(bench: Bench) -> None:
    """A vendor that goes on answering 401 is asked a few times, not for ever."""
    await bench.create(bench.order())
    bench.vendor.plan(await _refusal_of(bench))
    before, made = bench.requests, len(bench.emulator.wallets())
    error = await refusal(bench.create(bench.order(bench.emulator.add_customer())), "a create that is not let in")
    expect(isinstance(error, AuthenticationError), f"a 401 must be AuthenticationError, and was {error!r}")
    expect(bench.requests - before <= _FEW, f"a 401 led to {bench.requests - before} requests")
    expect(len(bench.emulator.wallets()) == made, "a create that was not let in made a wallet")


async def _refusal_of(bench: Bench) -> Response:
    """Return the vendor's own answer to wrong credentials."""
    for _, account in _strangers(bench):
        if not isinstance(account, WalletportError):
            await outcome_of(bench.create(bench.order(), account))
            last = bench.vendor.exchanges[-1].response
            if last is not None and last.status == _REFUSED:
                return last
    return Response(_REFUSED)
