"""The emulator as a client meets it: behind a transport that can fail, and that remembers what was said."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, replace
from datetime import UTC, datetime, timedelta
from typing import Final, TypeAlias

from walletport.errors import ConnectionLost, RequestTimedOut
from walletport.provider import Response
from walletport.provider.emulation import Emulator, IncomingRequest
from walletport.sandbox.faults import Fault
from walletport.sandbox.wire import half, html_page

_START: Final = datetime(2026, 6, 1, 12, tzinfo=UTC)
_MOST_REQUESTS: Final = 150


class KitClock:
    """The time of a client and its vendor; it stands still until something waits or moves it."""

    def __init__(self) -> None:
        self._now = _START

    def now(self) -> datetime:
        """Return the time as aware UTC."""
        return self._now

    def monotonic(self) -> float:
        """Return the seconds since the beginning."""
        return (self._now - _START).total_seconds()

    def advance(self, span: timedelta) -> None:
        """Move ahead."""
        self._now += span

    def sleep(self, seconds: float) -> None:
        """Wait, which takes no time."""
        self._now += timedelta(seconds=seconds)

    async def asleep(self, seconds: float) -> None:
        """Wait, which takes no time."""
        self.sleep(seconds)


class Runaway(BaseException):
    """Somebody sends without end; no ``except Exception`` on the way may swallow that."""


@dataclass
class Exchange:
    """One request and what became of it.

    Args:
        request: the request below the emulator's mount.
        at: when it came, in seconds since the beginning.
        response: what was sent back; ``None`` where the connection broke.
        made: how many wallets the vendor made upon it.
        enrolled: how many customers.
    """

    request: IncomingRequest
    at: float
    response: Response | None = None
    made: int = 0
    enrolled: int = 0


Rewrite: TypeAlias = Callable[[Exchange, Response], Response]


@dataclass
class _Trouble:
    fault: Fault | Response
    since: int
    left: int | None


class Vendor:
    """Answers requests with the emulator, through whatever trouble is planned.

    Args:
        emulator: the vendor.
        clock: its time.

    Attributes:
        exchanges: all that was said, oldest first.
        rewrite: changes every answer on its way out.
    """

    def __init__(self, emulator: Emulator, clock: KitClock) -> None:
        self.emulator = emulator
        self.exchanges: list[Exchange] = []
        self.rewrite: Rewrite | None = None
        self._clock = clock
        self._trouble: _Trouble | None = None

    def plan(self, trouble: str | Response, *, since: int | None = None) -> None:
        """Plan what goes wrong.

        Args:
            trouble: a fault as the sandbox spells it, such as ``drop-after:times=1``, or an answer that is given
                instead of working.
            since: how many requests are let through from the beginning; those that were made already by default.
        """
        fault = Fault.parse(trouble) if isinstance(trouble, str) else trouble
        times = fault.times if isinstance(fault, Fault) else None
        self._trouble = _Trouble(fault, len(self.exchanges) if since is None else since, times)

    def calm(self) -> None:
        """Take trouble and rewriting away."""
        self._trouble = self.rewrite = None

    def answer(self, request: IncomingRequest) -> Response:
        """Answer one request; the path still begins with the mount."""
        if len(self.exchanges) >= _MOST_REQUESTS:
            msg = f"the adapter goes on sending: {_MOST_REQUESTS} requests so far"
            raise Runaway(msg)
        below = len(self.emulator.mount.strip("/").split("/"))
        seen = replace(request, path=request.path[below:])
        exchange = Exchange(seen, self._clock.monotonic())
        fault = self._pick()
        self.exchanges.append(exchange)
        response = fault if isinstance(fault, Response) else self._through(exchange, fault)
        exchange.response = self.rewrite(exchange, response) if self.rewrite else response
        return exchange.response

    def _pick(self) -> Fault | Response | None:
        trouble = self._trouble
        if trouble is None or len(self.exchanges) < trouble.since or trouble.left == 0:
            return None
        if trouble.left is not None:
            trouble.left -= 1
        return trouble.fault

    def _through(self, exchange: Exchange, fault: Fault | None) -> Response:
        worked = self._work(exchange) if fault is None or fault.works else None
        if fault is not None:
            if fault.kind in ("429", "500", "503"):
                return self.emulator.failure(int(fault.kind), fault.retry_after)
            if fault.kind == "html-502":
                return html_page()
            if fault.kind in ("late", "late-before"):
                self._clock.sleep(fault.delay)
                msg = "no whole answer came back in time"
                raise RequestTimedOut(msg)
        if worked is None or (fault is not None and fault.kind in ("drop-after", "cut")):
            msg = "the connection broke before a whole answer came back"
            raise ConnectionLost(msg)
        return half(worked) if fault is not None and fault.kind == "truncated" else worked

    def _work(self, exchange: Exchange) -> Response:
        wallets, customers = len(self.emulator.wallets()), len(self.emulator.customers())
        answer = self.emulator.handle(exchange.request)
        lowered = {name.lower(): value for name, value in answer.headers.items()}
        exchange.made = len(self.emulator.wallets()) - wallets
        exchange.enrolled = len(self.emulator.customers()) - customers
        return Response(answer.status, lowered, answer.body)
