"""What a provider says about itself before anybody calls it."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING, Final

from walletport.capabilities import Answer
from walletport.plugins import check_provider
from walletport.settings import is_secret
from walletport.testing.bench import Bench, expect
from walletport.testing.scenario import scenario
from walletport.transport.encoding import check_base_url, check_idempotency_key

if TYPE_CHECKING:
    from collections.abc import Iterator

_NAME: Final = re.compile(r"[a-z0-9]+(-[a-z0-9]+)*")
_MOUNT: Final = re.compile(r"(/[A-Za-z0-9._~-]+)+")
_SECRET: Final = re.compile(r"(?<!public_)(key|secret|token|password|credential)s?$", re.IGNORECASE)


@scenario(modes=("sync",))
async def its_declarations_are_complete(bench: Bench) -> None:
    """Name, environments, reasons and the idempotency policy are declared, and fit each other."""
    kind = check_provider(bench.provider)
    expect(_NAME.fullmatch(kind.name), f"the name {kind.name!r} must be lower case with dashes")
    expect(kind.title.strip(), "the title is empty")
    for name, environment in kind.environments.items():
        expect(environment.base_urls, f"environment {name!r} has no base URL")
        for url in environment.base_urls.values():
            expect(check_base_url(url).startswith("https://"), f"environment {name!r} is not under https: {url}")
    for problem in _problems(bench):
        expect(not problem, problem)


def _problems(bench: Bench) -> Iterator[str]:
    for name, ability in bench.able.abilities().items():
        if ability.answer is not Answer.YES and not ability.reason.strip():
            yield f"{name} is declared {ability.answer.value!r} without a reason"
    fields, policy = bench.able.order, bench.able.idempotency
    if fields.chains_fixed and not fields.chains:
        yield "order.chains_fixed is declared and order.chains is empty"
    if fields.assets_fixed and not fields.assets:
        yield "order.assets_fixed is declared and order.assets is empty"
    if policy.place == "none" and (policy.required or policy.window):
        yield "idempotency.place is none, so there can be neither a window nor a required key"
    if policy.place != "none" and not (policy.name and policy.window):
        yield "an idempotency key needs the name of its header or field, and a window"
    if policy.place != "none":
        check_idempotency_key(bench.key(), policy)
    if bench.able.several_addresses.usable and not bench.able.get_addresses.usable | bench.able.get_wallet.usable:
        yield "several_addresses is declared, and nothing reads them"


@scenario(modes=("sync",))
async def its_emulator_keeps_its_books(bench: Bench) -> None:
    """The emulator lists the customers and wallets it has, and takes the settings it names."""
    emulator, mount = bench.emulator, bench.emulator.mount
    expect(_MOUNT.fullmatch(mount), f"the emulator cannot be mounted at {mount!r}: use a path such as /acme/v1")
    expect(
        emulator.default_customer in emulator.customers(), "default_customer is not among the emulator's customers()"
    )
    expect(not emulator.wallets(), "the emulator has wallets before anybody made one")
    first, second = emulator.add_customer(), emulator.add_customer()
    expect(len({first, second, *emulator.customers()}) == len(emulator.customers()), "add_customer() is not booked")
    made = [emulator.add_wallet(owner) for owner in (first, first, second)]
    expect(len(set(made)) == len(made), "add_wallet() gives an id twice")
    booked = [(wallet.customer_id, wallet.wallet_id) for wallet in emulator.wallets()]
    expect(booked == list(zip((first, first, second), made, strict=True)), "add_wallet() and wallets() do not agree")
    addressed = bench.able.deposit_addresses.usable
    for wallet in emulator.wallets():
        told = wallet.addresses or "none"
        expect(bool(wallet.addresses) == addressed, f"deposit_addresses is {addressed}, and a wallet's are {told}")


@scenario(modes=("sync",))
async def its_settings_print_no_secret(bench: Bench) -> None:
    """A setting that proves who is calling is a `SecretStr`, so that nothing prints it."""
    fields = bench.provider.settings_type.model_fields
    texts = [name for name, field in fields.items() if field.annotation in (str, str | None)]
    open_secrets = [name for name in texts if _SECRET.search(name)]
    expect(not open_secrets, f"a secret must be a pydantic.SecretStr, and is not: {', '.join(open_secrets)}")
    settings = bench.provider.settings_type(**bench.emulator.settings)
    for name, value in bench.emulator.settings.items():
        shown = f"{settings!r} {settings}"
        expect(not (is_secret(fields, name) and value in shown), f"the settings print {name}")
