"""Waiting for a wallet: growing pauses, an end, and no waiting for what cannot come."""

from __future__ import annotations

import itertools
from collections.abc import Callable, Iterator
from typing import Any

import pytest

from tests.unit.doubles import EVM, KEY, FakeClock, Puppet, PuppetSettings, pump, puppet, wallet
from walletport.errors import (
    Conflict,
    ConnectionLost,
    MalformedResponse,
    NotFound,
    RequestTimedOut,
    UnsupportedOperation,
    WalletportError,
)
from walletport.models import Address, Wallet, WalletStatus
from walletport.operations import Operations
from walletport.provider import Idempotency, Request, Response, no
from walletport.transport.engine import Engine
from walletport.transport.limits import Limits

HERE = (Address(chain="polygon", value=EVM),)
READY = wallet(status=WalletStatus.ACTIVE, addresses=HERE)


def wait(
    kind: type[Puppet],
    seen: Wallet,
    timeout: float = 60.0,
    reply: Callable[[Request], Response] | None = None,
    attempts: int = 1,
) -> tuple[Wallet, FakeClock, list[str]]:
    """Wait for a wallet by a clock that moves only when somebody sleeps; return what was asked for as well."""
    clock = FakeClock()
    asked: list[str] = []

    def answer(request: Any) -> Response:
        asked.append(request.url.rpartition("/")[2])
        return Response(200, body=b"{}") if reply is None else reply(request)

    settings = PuppetSettings(api_key=KEY)
    limits = Limits(max_attempts=attempts)
    engine = Engine(kind(settings), settings, {"api": "https://puppet.example"}, limits, clock)
    try:
        return pump(Operations(engine).wait_until_ready(seen, timeout), clock, answer), clock, asked
    except WalletportError as error:
        error.clock, error.asked = clock, asked
        raise


def looks(*wallets: Wallet) -> Callable[..., Wallet]:
    """Answer with one wallet after the other, then with the last again and again."""
    left: Iterator[Wallet] = iter(wallets)
    last = [wallets[0]]

    def answer(*_: object) -> Wallet:
        last[0] = next(left, last[0])
        return last[0]

    return answer


def test_a_ready_wallet_is_returned_without_a_question() -> None:
    """It was seen active and with an address."""
    got, clock, asked = wait(puppet(), READY)
    assert got is READY
    assert (clock.slept, asked) == ([], [])


def test_the_wallet_is_read_until_it_is_active_and_has_an_address() -> None:
    """Either alone is not enough."""
    kind = puppet(
        {"get_addresses": no("on the wallet")},
        get_wallet=looks(wallet(status=WalletStatus.ACTIVE), wallet(addresses=HERE), READY),
    )
    got, clock, asked = wait(kind, wallet())
    assert (got.status, got.address) == (WalletStatus.ACTIVE, EVM)
    assert asked == ["get_wallet"] * 3
    assert clock.slept == [0.5, 0.75, 1.125]


def test_pauses_grow_up_to_ten_seconds_and_end_with_the_time() -> None:
    """Each is half as long again as the one before, and the last is cut so that the last look is in time."""
    with pytest.raises(RequestTimedOut) as told:
        wait(puppet(get_wallet=looks(wallet(addresses=HERE))), wallet(addresses=HERE), 60)
    slept = told.value.clock.slept
    assert slept[0] == 0.5
    growing = [pause for pause in slept[:-1] if pause < 10]
    assert all(later == pytest.approx(earlier * 1.5) for earlier, later in itertools.pairwise(growing))
    assert max(slept) == 10
    assert sum(slept) == pytest.approx(60)
    assert len(told.value.asked) == len(slept)
    assert told.value.outcome == "applied"
    assert (told.value.provider, told.value.operation) == ("puppet", "wait_until_ready")
    assert "still pending after 60 s" in str(told.value)


def test_the_last_look_is_as_late_as_it_may_be() -> None:
    """Even where less than the first pause is left."""
    with pytest.raises(RequestTimedOut) as told:
        wait(puppet({"get_addresses": no("on the wallet")}), wallet(), 0.4)
    assert (told.value.clock.slept, told.value.asked) == ([0.4], ["get_wallet"])


def test_without_address_the_message_says_so() -> None:
    """The caller learns what is lacking."""
    with pytest.raises(RequestTimedOut, match="no address yet"):
        wait(puppet(get_wallet=looks(wallet(status=WalletStatus.ACTIVE))), wallet(), 3)


def test_no_time_means_one_judgement_and_no_question() -> None:
    """What was seen last decides."""
    with pytest.raises(RequestTimedOut) as told:
        wait(puppet(), wallet(), 0)
    assert told.value.asked == []
    assert wait(puppet(), READY, 0)[0] is READY


@pytest.mark.parametrize(
    "dead",
    [
        wallet(status=WalletStatus.CLOSED),
        wallet(status=WalletStatus.CLOSED, addresses=HERE),
        wallet(replaced_by="w-2"),
        READY.model_copy(update={"replaced_by": "w-2"}),
    ],
    ids=["closed", "closed with address", "replaced", "replaced and still active"],
)
def test_a_dead_wallet_stops_the_wait_at_once(dead: Wallet) -> None:
    """Nobody should deposit to a replaced address, active or not; seen before the wait or during it."""
    with pytest.raises(Conflict) as told:
        wait(puppet(), dead)
    assert (told.value.asked, told.value.outcome) == ([], "applied")
    with pytest.raises(Conflict) as told:
        wait(puppet(get_wallet=looks(wallet(), dead)), wallet())
    assert len([name for name in told.value.asked if name == "get_wallet"]) == 2
    assert ("w-2" in str(told.value)) == bool(dead.replaced_by)


def test_a_suspended_wallet_may_come_back() -> None:
    """Only what is final stops the wait."""
    kind = puppet(get_wallet=looks(wallet(status=WalletStatus.SUSPENDED, addresses=HERE), READY))
    assert wait(kind, wallet())[0].status is WalletStatus.ACTIVE


@pytest.mark.parametrize("failure", [503, 429, 500, ConnectionLost("gone"), RequestTimedOut("late"), b"<html>"])
def test_trouble_that_may_pass_is_waited_out(failure: object) -> None:
    """A wallet does not stop coming because one look failed."""
    failures = iter([failure, failure])

    def reply(_request: Request) -> Response:
        now = next(failures, None)
        if isinstance(now, WalletportError):
            raise now
        if isinstance(now, bytes):
            return Response(200, body=now)
        return Response(now or 200, body=b"{}")

    got, clock, asked = wait(puppet(get_wallet=looks(READY)), wallet(), reply=reply)
    assert got.address == EVM
    assert len(asked) == len(clock.slept) == 3


@pytest.mark.parametrize(("status", "kind"), [(404, NotFound), (409, Conflict)])
def test_trouble_that_stays_is_raised(status: int, kind: type[WalletportError]) -> None:
    """Waiting longer would not help."""
    with pytest.raises(kind) as told:
        wait(puppet(), wallet(), reply=lambda _request: Response(status, body=b"{}"))
    assert len(told.value.asked) == 1
    assert told.value.operation == "get_wallet"


def test_an_answer_that_contradicts_itself_is_raised() -> None:
    """Another wallet's answer is not waited out."""
    with pytest.raises(MalformedResponse, match="another wallet"):
        wait(puppet(get_wallet=looks(wallet(id="w-9"))), wallet())


def test_addresses_that_come_separately_are_fetched() -> None:
    """Where the wallet itself shows none, the address list is asked after it."""
    kind = puppet(get_wallet=looks(wallet(status=WalletStatus.ACTIVE)), get_addresses=looks((), HERE))
    got, _, asked = wait(kind, wallet())
    assert got.address == EVM
    assert asked == ["get_wallet", "get_addresses"] * 2


def test_addresses_that_cannot_be_asked_for_are_not() -> None:
    """A provider that shows the address on the wallet has no such list."""
    kind = puppet({"get_addresses": no("on the wallet")}, get_wallet=looks(wallet(), READY))
    assert wait(kind, wallet())[2] == ["get_wallet", "get_wallet"]


def test_a_failed_address_list_keeps_what_the_wallet_said() -> None:
    """A wallet read as closed counts although its addresses could not be read."""
    kind = puppet(get_wallet=looks(wallet(status=WalletStatus.CLOSED)))

    def reply(request: Any) -> Response:
        return Response(503 if request.url.endswith("get_addresses") else 200, body=b"{}")

    with pytest.raises(Conflict, match="is closed"):
        wait(kind, wallet(), reply=reply)


def test_a_provider_that_cannot_be_asked_is_not_waited_for() -> None:
    """Sleeping through the time and then giving up would help nobody."""
    blind = {"get_wallet": no("no such call"), "get_addresses": no("none either")}
    with pytest.raises(UnsupportedOperation, match="no such call") as told:
        wait(puppet(blind), wallet())
    assert (told.value.clock.slept, told.value.operation) == ([], "wait_until_ready")
    assert wait(puppet(blind), READY)[0] is READY
    with pytest.raises(UnsupportedOperation, match="does not offer it"):
        wait(puppet({"get_wallet": no(""), "get_addresses": no("")}), wallet())
    half_blind = {"get_wallet": no("no such call")}
    active = wallet(status=WalletStatus.ACTIVE)
    assert wait(puppet(half_blind, get_addresses=looks((), HERE)), active)[0].address == EVM
    with pytest.raises(UnsupportedOperation, match="no such call"):
        wait(puppet(half_blind, get_addresses=looks(HERE)), wallet())


def test_a_keyless_provider_is_waited_for_as_well() -> None:
    """Reading needs no key."""
    kind = puppet({"idempotency": Idempotency(place="none")}, get_wallet=looks(READY))
    assert wait(kind, wallet())[0].address == EVM
