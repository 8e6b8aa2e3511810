"""Drives the engine by hand: no sockets, no threads, no waiting, and a clock that only the script moves."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from typing import TypeAlias

from tests.unit.transport.vendor import BASE, Vendor
from walletport.errors import WalletportError
from walletport.provider import Flow, OutgoingRequest, Response
from walletport.transport.effects import Program, Send, Sleep
from walletport.transport.engine import Engine
from walletport.transport.limits import Limits

START = datetime(2026, 1, 2, 3, 4, 5, tzinfo=UTC)
OK = Response(200, {}, b"{}")
Answer: TypeAlias = Response | BaseException


class FakeClock:
    """Stands still until it is moved."""

    def __init__(self) -> None:
        self.seconds = 0.0

    def now(self) -> datetime:
        return START + timedelta(seconds=self.seconds)

    def monotonic(self) -> float:
        return self.seconds


@dataclass(frozen=True)
class After:
    """An answer that takes its time."""

    seconds: float
    answer: Answer


@dataclass
class Played:
    """What happened in one operation."""

    sent: list[OutgoingRequest] = field(default_factory=list)
    sent_at: list[float] = field(default_factory=list)
    slept: list[float] = field(default_factory=list)
    locks: int = 0
    result: object = None
    error: WalletportError | None = None

    @property
    def failure(self) -> WalletportError:
        assert self.error is not None, f"it succeeded with {self.result!r}"
        return self.error


def status(code: int, headers: dict[str, str] | None = None, body: bytes = b"{}") -> Response:
    """Return an answer of this status."""
    return Response(code, headers or {}, body)


def token(value: str = "tok-1-abcdef", life: int = 3600) -> Response:
    """Return the answer to a login."""
    return Response(200, {}, b'{"token": "%s", "life": %d}' % (value.encode(), life))


class Table:
    """An engine with a fake clock; each `play` is one operation."""

    def __init__(self, vendor: Vendor | None = None, **limits: float) -> None:
        self.clock = FakeClock()
        self.vendor = vendor or Vendor()
        self.engine = Engine(self.vendor, self.vendor.settings, {"api": BASE}, Limits(**limits), self.clock)

    def play(
        self, start: Callable[[], Flow[object]], *answers: Answer | After, login: Iterable[Answer | After] = ()
    ) -> Played:
        """Run an operation; every request to ``/token`` takes from ``login``, every other from ``answers``."""
        script, logins = iter(answers), iter(login)
        played = Played()
        program = self.engine.run("create_wallet", start)
        try:
            step = next(program)
            while True:
                if isinstance(step, Send) and step.request.url == f"{BASE}/token":
                    step = self._answer(program, next(logins))
                elif isinstance(step, Send):
                    played.sent.append(step.request)
                    played.sent_at.append(self.clock.seconds)
                    step = self._answer(program, next(script))
                elif isinstance(step, Sleep):
                    played.slept.append(step.seconds)
                    self.clock.seconds += step.seconds
                    step = program.send(None)
                else:
                    played.locks += 1
                    step = program.send(lambda: None)
        except StopIteration as stop:
            played.result = stop.value
        except WalletportError as error:
            played.error = error
        assert next(script, None) is None, "the engine gave up before the script did"
        assert next(logins, None) is None, "the engine logged in less often than the script did"
        return played

    def _answer(self, program: Program[object], answer: Answer | After) -> object:
        if isinstance(answer, After):
            self.clock.seconds += answer.seconds
            answer = answer.answer
        if isinstance(answer, WalletportError):
            answer = answer.copy()  # the engine writes into errors
        return program.throw(answer) if isinstance(answer, BaseException) else program.send(answer)
