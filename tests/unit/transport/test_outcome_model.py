"""Random scripts of trouble, held against a reference that knows nothing but what the vendor may have done."""

from __future__ import annotations

import itertools
from dataclasses import dataclass
from datetime import timedelta

from hypothesis import event, given, settings
from hypothesis import strategies as st

from tests.unit.transport.hand import START, FakeClock
from tests.unit.transport.vendor import BASE, Vendor
from walletport.capabilities import Idempotency
from walletport.errors import ConnectFailed, ConnectionLost, RequestTimedOut, WalletportError
from walletport.provider import Effect, OutgoingRequest, Request, Response
from walletport.transport.effects import Send, Sleep
from walletport.transport.engine import Engine
from walletport.transport.limits import Limits

# What happens to one attempt, and whether it proves that the vendor did nothing.
PROVED_NOT_APPLIED = {"unreached", "400", "401", "403", "404", "422", "429"}
IN_DOUBT = {"lost", "timeout", "odd", "408", "409", "425", "500", "503", "302", "101", "junk"}
DONE = "200"
THROWN = {"unreached": ConnectFailed, "lost": ConnectionLost, "timeout": RequestTimedOut, "odd": RuntimeError}
TRIED_AGAIN = ["lost", "timeout", "500", "503", "junk", "unreached", "429", "401", "425"]  # the ones worth a repeat


@dataclass(frozen=True)
class Happening:
    what: str
    seconds: float
    retry_after: int | None


@dataclass(frozen=True)
class World:
    """One operation: its requests, its vendor, its limits, and what will happen to each attempt."""

    requests: tuple[Request, ...]
    vendor: Vendor
    window: float
    limits: Limits
    script: tuple[Happening, ...]
    logins: tuple[Happening, ...] = ()


@st.composite
def worlds(draw: st.DrawFn) -> World:
    window = draw(st.sampled_from([0.0, 5.0, 20.0, 300.0]))
    place = draw(st.sampled_from(["header", "body", "none"]))
    policy = Idempotency(place=place, name="Idempotency-Key", window=timedelta(seconds=window))
    request = st.builds(
        Request,
        method=st.sampled_from(["GET", "POST"]),
        path=st.just(("customers", "c1", "wallets")),
        json=st.just({"chain": "polygon"}),
        idempotency_key=st.sampled_from([None, "key-1"]),
        effect=st.sampled_from([*Effect, *[Effect.APPLIES] * 3]),
        repeatable=st.sampled_from([None, None, None, True, False]),
    )
    words = [*sorted(PROVED_NOT_APPLIED), *sorted(IN_DOUBT), *TRIED_AGAIN * 4]
    timing = {
        "seconds": st.sampled_from([0.0, 0.0, 0.2, 1.0, 4.0, 30.0]),
        "retry_after": st.sampled_from([None, None, None, None, 0, 2, 90]),
    }
    happening = st.builds(Happening, what=st.sampled_from([*words, *[DONE] * 12]), **timing)
    login = st.builds(Happening, what=st.sampled_from([*words, *[DONE] * 200]), **timing)
    return World(
        requests=tuple(draw(st.lists(request, min_size=1, max_size=3))),
        vendor=Vendor(logs_in=draw(st.booleans()), idempotency=policy),
        window=window,
        limits=Limits(max_attempts=draw(st.integers(1, 5)), max_elapsed=draw(st.sampled_from([0.0, 10.0, 60.0, 60.0]))),
        script=tuple(draw(st.lists(happening, min_size=20, max_size=20))),
        logins=tuple(draw(st.lists(login, min_size=15, max_size=15))),
    )


@dataclass
class Attempt:
    request: OutgoingRequest
    at: float
    what: str


class Run:
    """Plays a world and notes down what was sent, for which of the requests, and how it ended."""

    def __init__(self, world: World) -> None:
        self.world = world
        self.clock = FakeClock()
        self.script, self.login_script = iter(world.script), iter(world.logins)
        self.attempts: list[list[Attempt]] = []
        self.logins = 0
        self.error: WalletportError | None = None
        vendor = world.vendor
        engine = Engine(vendor, vendor.settings, {"api": BASE}, world.limits, self.clock)
        self._play(engine)

    def _play(self, engine: Engine) -> None:
        program = engine.run("create_wallet", self._flow)
        try:
            step = next(program)
            while True:
                if isinstance(step, Send):
                    answer = self._answer(step.request)
                    step = program.throw(answer) if isinstance(answer, Exception) else program.send(answer)
                elif isinstance(step, Sleep):
                    assert step.seconds >= 0
                    self.clock.seconds += step.seconds
                    step = program.send(None)
                else:
                    step = program.send(lambda: None)
        except StopIteration:
            pass
        except WalletportError as error:
            self.error = error

    def _flow(self):
        for request in self.world.requests:
            self.attempts.append([])
            yield request
        return "done"

    def _answer(self, request: OutgoingRequest) -> Response | Exception:
        script = self.login_script if request.url == f"{BASE}/token" else self.script
        happening = next(script, Happening(DONE, 0.0, None))
        now, self.clock.seconds = self.clock.seconds, self.clock.seconds + happening.seconds
        if request.url == f"{BASE}/token":
            self.logins += 1
            if happening.what == DONE:
                return Response(200, {}, b'{"token": "tok-%d-abcdef", "life": 40}' % self.logins)
        else:
            self.attempts[-1].append(Attempt(request, now, happening.what))
        headers = {} if happening.retry_after is None else {"retry-after": str(happening.retry_after)}
        if happening.what == "junk":
            return Response(200, headers, b"<html>")
        if happening.what in THROWN:
            return THROWN[happening.what]("it broke")
        return Response(int(happening.what), headers, b"{}")


def truth(run: Run) -> str:
    """Return what an honest observer can say of the order after an error."""
    for request, attempts in zip(run.world.requests, run.attempts, strict=False):
        if request.effect is Effect.APPLIES and any(a.what not in PROVED_NOT_APPLIED for a in attempts):
            return "unknown"
    return "not_applied"


@settings(max_examples=300, deadline=None)
@given(worlds())
def test_whatever_happens_the_order_is_neither_doubled_nor_lost(world):
    run = Run(world)
    event(f"sent {sum(map(len, run.attempts))}")
    last = [attempts[-1].what for attempts in run.attempts if attempts]
    if run.error is None:
        assert set(last) == {DONE}
        assert len(last) == len(world.requests)
    else:
        assert run.error.outcome == truth(run)
        event(f"failed {run.error.outcome}")
    for request, attempts in zip(world.requests, run.attempts, strict=False):
        check_repeats(world, request, attempts)


def check_repeats(world: World, request: Request, attempts: list[Attempt]) -> None:
    honoured = request.idempotency_key is not None and world.vendor.capabilities.idempotency.place != "none"
    harmless = request.effect is Effect.READS or honoured if request.repeatable is None else request.repeatable
    doubtful = False
    for number, (before, attempt) in enumerate(itertools.pairwise(attempts), 2):
        doubtful = doubtful or before.what in IN_DOUBT
        assert before.what in TRIED_AGAIN or before.what == "408", "a repeat that cannot help"
        assert (attempt.request.url, attempt.request.body) == (before.request.url, before.request.body)
        assert attempt.request.headers.get("Idempotency-Key") == before.request.headers.get("Idempotency-Key")
        assert attempt.request.nonce != before.request.nonce
        assert attempt.at <= world.limits.max_elapsed, "the time was over"
        if doubtful:
            assert harmless, "sent again although it may have been carried out"
            assert not honoured or attempt.at - attempts[0].at <= 0.8 * world.window, "the key may be forgotten"
        event(f"attempt {number}, doubtful {doubtful}")
    refused = [attempt for attempt in attempts if attempt.what == "401"]
    assert len(attempts) <= world.limits.max_attempts + bool(refused)
    assert len(refused) <= 2
    assert not attempts or attempts[0].request.attempted_at >= START


def test_the_reference_is_not_blind():
    """A create that was lost is in doubt; one that was refused is not."""
    for what, outcome in (("lost", "unknown"), ("422", "not_applied")):
        request = Request("POST", ("x",), effect=Effect.APPLIES)
        world = World((request,), Vendor(), 300.0, Limits(max_attempts=1), (Happening(what, 0.0, None),))
        run = Run(world)
        assert run.error is not None
        assert run.error.outcome == truth(run) == outcome
