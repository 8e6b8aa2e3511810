"""The measurements: the same orders, reads and lists for every account, one after the other, then load."""

from __future__ import annotations

import asyncio
import time
from collections import Counter
from collections.abc import AsyncGenerator, Callable
from typing import Final

from walletport.errors import AuthenticationError, ConnectFailed, RateLimited, WalletportError
from walletport.evaluation.bench import Bench
from walletport.evaluation.meter import LimitReached
from walletport.evaluation.report import Level
from walletport.models import Wallet, WalletStatus

WAITED_FOR: Final = 5
"""How many of the created wallets are watched until they can be used."""
LEVELS: Final = (1, 2, 4, 8, 16, 32)
_FIRST_LOOK: Final = 0.05
_LOOK_SHARE: Final = 0.1  # of the time so far: so much may the figure be too large
_LONGEST_PAUSE: Final = 30.0
_LEAST_AT_ONCE: Final = 20
_FOR_EACH_TASK: Final = 5

Step = Callable[[str], None]
"""Told of each piece of work that is done."""


async def warm_up(bench: Bench) -> None:
    """Open the connection and obtain the credential, which no sample should pay for.

    Raises:
        AuthenticationError: the credential is wrong; going on would only get the account locked.
        ConnectFailed: nobody is there.
    """
    able = bench.capabilities
    customer = bench.orders.next().customer_id
    try:
        if able.get_customer.usable:
            await bench.do(bench.operations.get_customer(customer))
        elif able.list_wallets.usable:
            await bench.do(bench.operations.list_wallets(customer, None))
    except (AuthenticationError, ConnectFailed):
        raise
    except WalletportError:
        return  # whatever else is wrong shows again in what follows, where it counts


async def measure_creates(bench: Bench, samples: int, step: Step, *, ready_within: float) -> list[Wallet]:
    """Send orders one after the other; the first few wallets are watched until they are ready."""
    made: list[Wallet] = []
    for number in range(samples):
        order = bench.orders.next()
        started = time.perf_counter()
        wallet: Wallet | None = None
        with bench.timed("create"):
            wallet = await bench.create(order)
        step("creates")
        if wallet is None:
            if not made and isinstance(bench.latest_failure, AuthenticationError):
                raise bench.latest_failure
            await _pause(bench)
            continue
        bench.repeated += not bench.latest_is_new
        made.append(wallet)
        if number < WAITED_FOR:
            await _until_ready(bench, wallet, started, ready_within)
    return made


async def measure_reads(bench: Bench, wallets: list[Wallet], samples: int, step: Step) -> None:
    """Read single wallets and first pages of lists."""
    able = bench.capabilities
    for number in range(samples):
        if not wallets:
            return
        wallet = wallets[number % len(wallets)]
        if able.get_wallet.usable:
            with bench.timed("read"):
                await bench.do(bench.operations.get_wallet(wallet.id, wallet.customer_id))
            await _pause(bench)
        if able.list_wallets.usable:
            with bench.timed("list"):
                page = await bench.do(bench.operations.list_wallets(wallet.customer_id, None))
                bench.note_wallets(page.items)
            await _pause(bench)
        step("reads")


async def measure_load(bench: Bench, wallet: Wallet) -> AsyncGenerator[Level, None]:
    """Read with more and more requests in flight, until the first 429."""
    for concurrency in LEVELS:
        level = await _level(bench, wallet, concurrency)
        yield level
        if level.too_many:
            break


async def _level(bench: Bench, wallet: Wallet, concurrency: int) -> Level:
    errors: Counter[str] = Counter()
    total = max(_LEAST_AT_ONCE, concurrency * _FOR_EACH_TASK)
    too_many, left, done = bench.driver.too_many, total, 0
    limit: LimitReached | None = None

    async def work() -> None:
        nonlocal left, done, limit
        while left > 0:
            left -= 1
            try:
                await read_something(bench, wallet)
            except WalletportError as error:
                errors[type(error).__name__] += 1
                left = 0 if isinstance(error, RateLimited) else left
            except LimitReached as reached:
                limit, left = reached, 0
                return
            done += 1

    started = time.perf_counter()
    async with asyncio.TaskGroup() as group:
        for _ in range(concurrency):
            group.create_task(work())
    seconds = time.perf_counter() - started
    if limit is not None:
        raise limit
    return Level(
        concurrency=concurrency,
        requests=done,
        seconds=seconds,
        per_second=(done - errors.total()) / seconds,
        errors=dict(errors),
        too_many=bench.driver.too_many - too_many,
    )


async def read_something(bench: Bench, wallet: Wallet) -> None:
    """Send the lightest read that the provider has."""
    able = bench.capabilities
    if able.get_wallet.usable:
        await bench.do(bench.operations.get_wallet(wallet.id, wallet.customer_id))
    elif able.list_wallets.usable:
        await bench.do(bench.operations.list_wallets(wallet.customer_id, None))
    elif able.get_balances.usable:
        await bench.do(bench.operations.get_balances(wallet))


def can_read(bench: Bench) -> bool:
    """Return whether there is any read to load the provider with."""
    able = bench.capabilities
    return able.get_wallet.usable or able.list_wallets.usable or able.get_balances.usable


async def _until_ready(bench: Bench, wallet: Wallet, started: float, within: float) -> None:
    """Watch a wallet until it is active and has an address, and note the time since it was ordered."""
    times = bench.times_of("ready")
    pause = _FIRST_LOOK
    while not (wallet.status is WalletStatus.ACTIVE and wallet.addresses):
        waited = time.perf_counter() - started
        if waited > within or not bench.can_look:
            times.fail("RequestTimedOut" if bench.can_look else "UnsupportedOperation")
            times.prove(bench.evidence(1))
            return
        await asyncio.sleep(pause)
        try:
            wallet = await bench.look(wallet)
        except WalletportError as error:
            if not error.retryable:
                times.fail(type(error).__name__)
                times.prove(bench.evidence(1))
                return
        pause = max(_FIRST_LOOK, (time.perf_counter() - started) * _LOOK_SHARE)
    times.succeed(time.perf_counter() - started)


async def _pause(bench: Bench) -> None:
    """Wait as long as the provider asked for, after a refusal for coming too often."""
    if bench.asked_to_wait is not None:
        await asyncio.sleep(min(bench.asked_to_wait, _LONGEST_PAUSE))
