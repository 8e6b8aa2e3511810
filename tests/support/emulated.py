"""An emulator right behind a client: no server, no sockets, and time that moves when a test says so."""

from __future__ import annotations

from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from typing import Any, TypeAlias

import httpx

from tests.support.contract import Contract
from walletport.provider import WalletProvider
from walletport.provider.emulation import Emulator, IncomingRequest

START = datetime(2026, 6, 1, 12, tzinfo=UTC)
HOST = "https://emulator.test"

Handler: TypeAlias = Callable[[httpx.Request], httpx.Response]


class ManualClock:
    """The clock of a client and its emulator; it stands still until it is told to move."""

    def __init__(self) -> None:
        self._now = START

    def now(self) -> datetime:
        return self._now

    def monotonic(self) -> float:
        return (self._now - START).total_seconds()

    def advance(self, span: timedelta) -> None:
        self._now += span


def emulated(
    provider: type[WalletProvider],
    clock: ManualClock | None = None,
    seed: int = 0,
    contract: str | None = None,
) -> tuple[dict[str, Any], Emulator]:
    """Return what a client of this provider has to be given to talk to its emulator, and the emulator.

    Args:
        provider: the provider's class.
        clock: shared by client and emulator.
        seed: makes the emulator's ids and addresses reproducible.
        contract: name of the vendor's contract, which every exchange is then held against.
    """
    time = clock or ManualClock()
    kind = provider.emulator()
    assert kind is not None, f"{provider.name} has no emulator"
    emulator = kind(time.now, seed)
    transport = httpx.MockTransport(answers_of(emulator, contract))
    return {"base_url": HOST + emulator.mount, "transport": transport, "clock": time, **emulator.settings}, emulator


def answers_of(emulator: Emulator, contract: str | None = None) -> Handler:
    """Return a handler that lets the emulator answer; a test may wrap it to lose or to change answers."""
    vendor = Contract.load(contract) if contract else None

    def handler(request: httpx.Request) -> httpx.Response:
        target = request.url.raw_path.decode()
        assert target.startswith(f"{emulator.mount}/"), f"{target} is not below {emulator.mount}"
        headers = {name.lower(): value for name, value in request.headers.items()}
        seen = IncomingRequest.from_wire(request.method, target, headers, request.content, emulator.mount)
        answer = emulator.handle(seen)
        if vendor is not None:
            called = vendor.base_path + target.partition("?")[0].removeprefix(emulator.mount)
            vendor.check_request(request.method, called, dict(seen.query), headers, request.content or None)
            vendor.check_response(request.method, called, answer.status, answer.headers, answer.body or None)
        return httpx.Response(answer.status, headers=dict(answer.headers), content=answer.body)

    return handler
