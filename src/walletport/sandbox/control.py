"""The sandbox's own pages: what is here, the clock, the faults, what was asked and what was made."""

from __future__ import annotations

from collections.abc import Awaitable, Callable
from dataclasses import asdict, fields
from typing import TYPE_CHECKING, Final, TypedDict

from starlette.applications import Starlette
from starlette.responses import JSONResponse
from starlette.routing import Route

from walletport.errors import ConfigurationError
from walletport.sandbox.finding import CONTROL

if TYPE_CHECKING:
    from starlette.requests import Request

    from walletport.provider.emulation import EmulatedWallet
    from walletport.sandbox.state import State

_PATHS: Final = ("clock", "faults", "requests", "wallets")


class Vendor(TypedDict):
    """Where one vendor's emulator is, and what it accepts.

    Args:
        base_url: for a client's ``base_url=``.
        settings: the credentials, as keyword arguments of a client.
        customer_id: a customer that exists and may have wallets.
    """

    base_url: str
    settings: dict[str, str]
    customer_id: str


class Overview(TypedDict):
    """What is in a sandbox.

    Args:
        url: its address.
        providers: the emulators by provider name.
        failed: why other installed providers could not be emulated.
        control: the addresses of its own pages.
    """

    url: str
    providers: dict[str, Vendor]
    failed: dict[str, str]
    control: list[str]


def overview(state: State, url: str) -> Overview:
    """Return what is in a sandbox.

    Args:
        state: the sandbox.
        url: its address.
    """
    vendors = {
        name: Vendor(
            base_url=url + emulator.mount,
            settings=dict(emulator.settings),
            customer_id=emulator.default_customer,
        )
        for name, emulator in state.emulators.items()
    }
    control = [f"{url}{CONTROL}/{name}" for name in _PATHS]
    return Overview(url=url, providers=vendors, failed=dict(state.failed), control=control)


def control_pages(state: State) -> Starlette:
    """Return the application that serves the pages."""
    pages = _Pages(state)
    routes = [
        Route("/", pages.root),
        Route(f"{CONTROL}/clock", _told(pages.clock), methods=["GET", "POST"]),
        Route(f"{CONTROL}/faults", _told(pages.faults), methods=["GET", "POST", "DELETE"]),
        Route(f"{CONTROL}/requests", pages.requests),
        Route(f"{CONTROL}/wallets", pages.wallets),
    ]
    return Starlette(routes=routes, exception_handlers={404: _not_here})


Page = Callable[["Request"], Awaitable[JSONResponse]]


def _told(page: Page) -> Page:
    """Turn what was asked wrongly into a 400 with the sentence that says what to send."""

    async def checked(request: Request) -> JSONResponse:
        try:
            return await page(request)
        except ConfigurationError as error:
            return JSONResponse({"error": error.message}, 400)

    return checked


async def _not_here(_request: Request, _error: Exception) -> JSONResponse:
    return JSONResponse({"error": "nothing is here: GET / says what is where"}, 404)


class _Pages:
    def __init__(self, state: State) -> None:
        self._state = state

    async def root(self, request: Request) -> JSONResponse:
        return JSONResponse(overview(self._state, str(request.base_url).rstrip("/")))

    async def clock(self, request: Request) -> JSONResponse:
        clock = self._state.clock
        if request.method == "POST":
            seconds = await _field(request, "advance_seconds")
            if isinstance(seconds, bool) or not isinstance(seconds, int | float):
                msg = 'send {"advance_seconds": 300}'
                raise ConfigurationError(msg)
            clock.advance(seconds)
        return JSONResponse({"now": clock().isoformat(), "offset_seconds": clock.offset.total_seconds()})

    async def faults(self, request: Request) -> JSONResponse:
        faults = self._state.faults
        if request.method == "DELETE":
            faults.clear()
        elif request.method == "POST":
            spelling = await _field(request, "fault")
            if not isinstance(spelling, str):
                msg = 'send {"fault": "drop-after:times=1"}'
                raise ConfigurationError(msg)
            faults.add(spelling)
        in_force = [{"fault": str(count.fault), "seen": count.seen, "hit": count.hit} for count in faults]
        return JSONResponse({"faults": in_force})

    async def requests(self, _request: Request) -> JSONResponse:
        return JSONResponse({"requests": [asdict(seen) for seen in self._state.requests]})

    async def wallets(self, request: Request) -> JSONResponse:
        wants_all = "counts" not in request.query_params  # thousands of wallets take so long that vendors answer late
        shown = {
            name: {"count": len(made)} | ({"wallets": [_booked(wallet) for wallet in made]} if wants_all else {})
            for name, made in self._state.wallets().items()
        }
        return JSONResponse({"providers": shown})


def _booked(wallet: EmulatedWallet) -> dict[str, object]:
    addresses = [address.model_dump(include={"chain", "value", "memo"}) for address in wallet.addresses]
    return {field.name: getattr(wallet, field.name) for field in fields(wallet)} | {"addresses": addresses}


async def _field(request: Request, name: str) -> object:
    """Return one field of a JSON object; ``None`` where there is none."""
    try:
        body: object = await request.json()
    except ValueError:
        return None
    return body.get(name) if isinstance(body, dict) else None
