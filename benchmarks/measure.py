"""The measurements; each gives seconds for the contenders of one comparison, taken in turns."""

from __future__ import annotations

import asyncio
import statistics
import subprocess
import sys
import time
import uuid
from collections.abc import Awaitable, Callable, Sequence
from dataclasses import dataclass

import httpx
from httpx_aiohttp import AiohttpTransport

import walletport

CUSTOMER = "cus_0123456789abcdefghijkl"
KEY = "ck_sandbox_" + "0" * 64
CALLS_ASYNC = 5_000
IN_FLIGHT = 32
CALLS_SYNC = 500


@dataclass(frozen=True)
class Row:
    """One comparison.

    Args:
        what: what is compared, in words.
        seconds: ours, per unit.
        against: the other's, per unit.
        ratio: median over the rounds of ours divided by the other's, in the same round.
        spread: smallest and largest of these ratios.
        aim: what the ratio should be, in words.
        unit: what the seconds are of.
    """

    what: str
    seconds: float
    against: float
    ratio: float
    spread: tuple[float, float]
    aim: str
    unit: str


def compare(what: str, aim: str, unit: str, rounds: Sequence[tuple[float, float]], *, inverse: bool = False) -> Row:
    """Make a row from pairs of seconds; ``inverse`` gives how many times as fast we are."""
    ratios = [(theirs / ours if inverse else ours / theirs) for ours, theirs in rounds]
    return Row(
        what,
        statistics.median(ours for ours, _ in rounds),
        statistics.median(theirs for _, theirs in rounds),
        statistics.median(ratios),
        (min(ratios), max(ratios)),
        aim,
        unit,
    )


def imports(rounds: int = 15) -> list[Row]:
    """Compare what importing costs, beyond starting Python."""
    lines = ("pass", "import httpx", "import walletport", "from walletport import Client")
    taken = [[_run_python(line) for line in lines] for _ in range(rounds + 1)][1:]
    pairs = [(bare, lib, ours, client) for bare, lib, ours, client in taken]
    return [
        compare(
            "`import walletport` / `import httpx`",
            "at most 1.5",
            "import",
            [(ours - bare, lib - bare) for bare, lib, ours, _ in pairs],
        ),
        compare(
            "`from walletport import Client` / `import httpx`",
            "none stated",
            "import",
            [(client - bare, lib - bare) for bare, lib, _, client in pairs],
        ),
    ]


def _run_python(line: str) -> float:
    start = time.perf_counter()
    subprocess.run([sys.executable, "-c", line], check=True)  # noqa: S603 - our own interpreter and our own line
    return time.perf_counter() - start


def sync_create(base_url: str, rounds: int = 9) -> list[Row]:
    """Compare one blocking create with a bare post."""
    path = f"{base_url}/customers/{CUSTOMER}/wallets"
    with httpx.Client() as bare, walletport.Client("conduit", api_key=KEY, base_url=base_url) as ours:

        def create() -> None:
            ours.create_wallet(customer_id=CUSTOMER, chain="polygon")

        def post() -> None:
            headers = {"x-api-key": KEY, "Idempotency-Key": str(uuid.uuid4())}
            bare.post(path, json={"chain": "polygon"}, headers=headers).json()

        pairs = [(_loop(create), _loop(post)) for _ in range(rounds + 1)][1:]
    return [compare("sync create / bare `httpx.Client` post", "at most 1.15", "call", pairs)]


def _loop(call: Callable[[], None]) -> float:
    start = time.perf_counter()
    for _ in range(CALLS_SYNC):
        call()
    return (time.perf_counter() - start) / CALLS_SYNC


def async_create(base_url: str, rounds: int = 3) -> list[Row]:
    """Compare many creates in flight with bare clients, over httpx's own async transport and over aiohttp."""

    async def run() -> tuple[list[tuple[float, float]], list[tuple[float, float]]]:
        path = f"{base_url}/customers/{CUSTOMER}/wallets"

        def poster(client: httpx.AsyncClient) -> Callable[[], Awaitable[object]]:
            async def post() -> object:
                headers = {"x-api-key": KEY, "Idempotency-Key": str(uuid.uuid4())}
                return (await client.post(path, json={"chain": "polygon"}, headers=headers)).json()

            return post

        native, aiohttp = [], []
        for _ in range(rounds):
            async with (
                httpx.AsyncClient() as plain,
                httpx.AsyncClient(transport=AiohttpTransport()) as over_aiohttp,
                walletport.AsyncClient("conduit", api_key=KEY, base_url=base_url) as client,
            ):
                ours = await _flood(lambda c=client: c.create_wallet(customer_id=CUSTOMER, chain="polygon"))
                aiohttp.append((ours, await _flood(poster(over_aiohttp))))
                native.append((ours, await _flood(poster(plain))))
        return native, aiohttp

    native, aiohttp = asyncio.run(run())
    what = f"{CALLS_ASYNC:,} async creates, {IN_FLIGHT} in flight: times as fast as"
    return [
        compare(f"{what} bare `httpx.AsyncClient`", "at least 8", "call", native, inverse=True),
        compare(f"{what} `httpx.AsyncClient` over aiohttp", "at least 1", "call", aiohttp, inverse=True),
    ]


async def _flood(call: Callable[[], Awaitable[object]]) -> float:
    left = CALLS_ASYNC

    async def worker() -> None:
        nonlocal left
        while left > 0:
            left -= 1
            await call()

    start = time.perf_counter()
    await asyncio.gather(*(worker() for _ in range(IN_FLIGHT)))
    return (time.perf_counter() - start) / CALLS_ASYNC
