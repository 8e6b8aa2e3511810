"""How accounts stand: breakers, pauses and pins, in every process that shares the journal, without a restart."""

from __future__ import annotations

import logging
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest

from tests.unit.provisioning.world import SandboxTime, configured
from walletport import Account, Config, CustomerLink, Port, Provision, Route, errors
from walletport.journal import Journal, Transaction, standing
from walletport.provisioning.choosing import request_of
from walletport.provisioning.standing import Standing
from walletport.routing.health import Signal
from walletport.sandbox import Sandbox

FIRST, SECOND = "conduit", "polygon-oms"
USERS = [f"user-{number}" for number in range(40)]


@contextmanager
def opened(
    sandbox: Sandbox, folder: Path, count: int = 1, url: str | None = None, first: Account | None = None
) -> Iterator[list[Port]]:
    """Open ports on one journal, whose orders go to the first account, and to the second in its place."""
    config = configured(sandbox, url or f"sqlite:///{folder / 'journal.db'}", timeout=0.5)
    accounts = {**config.accounts, FIRST: first or config.accounts[FIRST]}
    routes = (Route(split={FIRST: 1}, failover=(SECOND,)),)
    made = Config(accounts=accounts, routes=routes, journal=config.journal)
    ports = [Port(made, clock=SandboxTime(sandbox), recovers=False) for _ in range(count)]
    try:
        known = ports[0].customer_id(user=USERS[0], account=FIRST)
        ports[0].link_customers(
            CustomerLink(user=user, account=name, customer_id=sandbox.emulators[name].add_customer())
            for user in USERS
            for name in (FIRST, SECOND)
            if known is None
        )
        yield ports
    finally:
        for port in ports:
            port.close()


def provision(port: Port, user: str, **more: object) -> object:
    try:
        return port.provision(user=user, chain="polygon", asset="usdc", **{"wait": 0, **more})
    except errors.WalletportError as error:
        return error


def where(port: Port, user: str = "user-39") -> str:
    return port.route(user=user, chain="polygon", asset="usdc").account


def chosen(port: Port, user: str, sandbox: Sandbox) -> str:
    """Choose an account for an order and go no further, as a process that is killed right then."""
    made = port._desk._choice.made(request_of(user, "polygon", "usdc", None), None, None, None, sandbox.clock())
    account: str = port._driver.drive(made)[0].account
    return account


def condition(port: Port, name: str = FIRST) -> str:
    return next(state.condition for state in port.account_states() if state.account == name)


def break_first(sandbox: Sandbox, port: Port) -> None:
    """Let five orders in a row fail there."""
    sandbox.faults.add(f"500:method=POST:path=wallets:provider={FIRST}")
    for user in USERS[:5]:
        assert condition(port) == "healthy"
        provision(port, user)
    sandbox.faults.clear()


@pytest.mark.parametrize("database", ["sqlite", "postgresql"])
def test_failures_in_one_process_send_the_orders_of_all_elsewhere(
    database: str, sandbox: Sandbox, tmp_path: Path, request: pytest.FixtureRequest
) -> None:
    """And what is in doubt stays: it is settled at its account, open breaker or not."""
    url = request.getfixturevalue("postgresql_url") if database == "postgresql" else None
    with opened(sandbox, tmp_path, 2, url) as (one, other):
        break_first(sandbox, one)
        assert (condition(one), condition(other)) == ("open", "open")
        decision = other.route(user="user-39", chain="polygon", asset="usdc")
        assert (decision.account, decision.drawn, decision.by) == (SECOND, FIRST, "failover")
        assert decision.reasons[1].startswith("conduit is unavailable: 5 failures in a row; it is tried again at ")
        assert provision(other, "user-10").account == SECOND
        in_doubt = one.provisions(account=FIRST)
        assert {record.state for record in in_doubt} == {"in_doubt"}
        sandbox.clock.advance(9)
        assert other.recover() >= 1
        assert {record.account for record in other.provisions(state="done")} == {FIRST, SECOND}


def test_one_order_at_a_time_tries_it_out_and_its_success_closes_it(sandbox: Sandbox, tmp_path: Path) -> None:
    """Of twenty orders from two processes at once, one; the others do not wait for it."""
    with opened(sandbox, tmp_path, 2) as ports, ThreadPoolExecutor(20) as threads:
        break_first(sandbox, ports[0])
        sandbox.clock.advance(10.1)
        assert condition(ports[1]) == "half open"
        orders = [threads.submit(chosen, ports[n % 2], user, sandbox) for n, user in enumerate(USERS[10:30])]
        assert sorted(order.result(60) for order in orders) == [FIRST] + [SECOND] * 19
        assert provision(ports[0], "user-30").account == SECOND
        sandbox.clock.advance(13)
        assert provision(ports[1], "user-31").account == FIRST
        assert (condition(ports[0]), where(ports[0])) == ("healthy", FIRST)
        events = [event.what for event in ports[0].account_events(FIRST)]
        assert events == ["closed", "trying it out", "trying it out", "opened"]


def test_its_failure_opens_it_again_for_longer(sandbox: Sandbox, tmp_path: Path) -> None:
    with opened(sandbox, tmp_path) as (port,):
        break_first(sandbox, port)
        sandbox.clock.advance(10.1)
        sandbox.faults.add(f"500:method=POST:path=wallets:provider={FIRST}")
        provision(port, "user-10")
        assert condition(port) == "open"
        sandbox.clock.advance(19)
        assert condition(port) == "open"
        sandbox.clock.advance(1.5)
        assert condition(port) == "half open"


def test_a_process_that_dies_while_it_tries_an_account_out_leaves_the_place_to_the_next(
    sandbox: Sandbox, tmp_path: Path
) -> None:
    """Once nobody can be at it any more."""
    with opened(sandbox, tmp_path) as (port,):
        break_first(sandbox, port)
        sandbox.clock.advance(10.1)
        assert chosen(port, "user-10", sandbox) == FIRST
        assert where(port) == SECOND
        sandbox.clock.advance(13)
        assert where(port) == FIRST


def test_too_many_requests_send_new_orders_elsewhere_for_as_long_as_is_asked(sandbox: Sandbox, tmp_path: Path) -> None:
    with opened(sandbox, tmp_path) as (port,):
        sandbox.faults.add(f"429:seconds=30:times=1:method=POST:path=wallets:provider={FIRST}")
        assert provision(port, "user-1").account == SECOND
        assert (condition(port), where(port)) == ("throttled", SECOND)
        sandbox.clock.advance(30.1)
        assert (condition(port), where(port)) == ("healthy", FIRST)
        assert [event.what for event in port.account_events(FIRST)] == ["throttled"]


def test_a_moment_of_too_many_requests_fails_no_order_that_nobody_else_takes(sandbox: Sandbox, tmp_path: Path) -> None:
    """Another account is better where there is one; a longer time to be left alone is kept."""
    with opened(sandbox, tmp_path) as (port,):
        for asked, answered in ((2, FIRST), (30, "ProviderUnavailable")):
            sandbox.faults.add(f"429:seconds={asked}:times=1:method=POST:path=wallets:provider={FIRST}")
            provision(port, f"user-{asked}")
            assert (condition(port), where(port)) == ("throttled", SECOND)
            port.pause(SECOND, reason="so that there is no other")
            try:
                taken = where(port)
            except errors.WalletportError as error:
                taken = type(error).__name__
            assert taken == answered
            port.resume(SECOND)
            sandbox.clock.advance(asked)


def test_refused_credentials_open_it_at_once_and_are_said_aloud(
    sandbox: Sandbox, tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    """Until they are right again and somebody says so, or an order finds it out."""
    wrong = {setting: f"{value[:-1]}x" for setting, value in sandbox.emulators[FIRST].settings.items()}
    account = Account.of(FIRST, FIRST, base_url=sandbox.base_url(FIRST), **wrong)
    with opened(sandbox, tmp_path, first=account) as (port,):
        assert provision(port, "user-1").account == SECOND
        assert condition(port) == "open"
        (event,) = port.account_events(FIRST)
        assert (event.what, event.detail["why"]) == ("opened", "its credentials are refused")
        (loud,) = [record for record in caplog.records if record.levelno == logging.ERROR]
        assert "account conduit gets no new orders: its credentials are refused" in loud.getMessage()
        assert not any(value in caplog.text for value in wrong.values())
    with opened(sandbox, tmp_path) as (port,):
        assert where(port) == SECOND
        assert port.resume(FIRST)
        assert where(port) == FIRST


def test_orders_that_go_well_write_nothing_about_their_account(sandbox: Sandbox, tmp_path: Path) -> None:
    with opened(sandbox, tmp_path) as (port,):
        for user in USERS[:5]:
            assert provision(port, user).account == FIRST
        assert port._journal.read(standing.accounts) == {}


def test_a_pause_is_seen_by_every_process_and_what_is_committed_goes_on(sandbox: Sandbox, tmp_path: Path) -> None:
    with opened(sandbox, tmp_path, 2) as (one, other):
        sandbox.faults.add(f"drop-after:times=1:method=POST:path=wallets:provider={FIRST}")
        assert isinstance(provision(other, "user-1"), errors.WalletportError)
        one.pause(FIRST, reason="contract ends")
        decision = other.route(user="user-39", chain="polygon", asset="usdc")
        assert decision.reasons[1] == "conduit is paused: contract ends"
        assert provision(other, "user-2").account == SECOND
        assert provision(other, "user-1", wait=9).account == FIRST
        (state,) = (state for state in other.account_states() if state.account == FIRST)
        assert (state.pause_reason, state.condition, state.paused_at is None) == ("contract ends", "healthy", False)
        assert other.resume(FIRST)
        assert not other.resume(FIRST)
        assert where(one) == FIRST
        assert [event.what for event in one.account_events(FIRST)] == ["resumed", "paused"]


def test_where_all_are_paused_nothing_is_committed(sandbox: Sandbox, tmp_path: Path) -> None:
    with opened(sandbox, tmp_path) as (port,):
        for name in (FIRST, SECOND):
            port.pause(name, reason="drill")
        error = provision(port, "user-1")
        assert isinstance(error, errors.ProviderUnavailable)
        assert (error.outcome, error.retryable, port.provisions()) == ("not_applied", True, [])


def test_a_pin_is_seen_by_every_process_and_explained(sandbox: Sandbox, tmp_path: Path) -> None:
    with opened(sandbox, tmp_path, 2) as (one, other):
        one.pin(user="user-1", account=SECOND)
        decision = other.route(user="user-1", chain="polygon", asset="usdc")
        assert (decision.account, decision.reasons) == (SECOND, ("the user is pinned to polygon-oms",))
        assert provision(other, "user-1").account == SECOND
        assert [(pin.user, pin.account) for pin in other.pins()] == [("user-1", SECOND)]
        assert where(other, "user-2") == FIRST
        assert other.unpin(user="user-1")
        assert not other.unpin(user="user-1")
        assert other.pins() == []


def test_what_makes_no_sense_is_one_sentence(sandbox: Sandbox, tmp_path: Path) -> None:
    """And nothing is recorded."""
    with opened(sandbox, tmp_path) as (port,):
        for call, told in (
            (lambda: port.pause("conduti", reason="x"), "account: no such account: did you mean conduit?"),
            (lambda: port.pause("conduit", reason=" "), "reason must be a text that is not empty"),
            (lambda: port.resume("conduti"), "did you mean conduit?"),
            (lambda: port.pin(user="user-1", account="conduti"), "did you mean conduit?"),
            (lambda: port.pin(user="", account="conduit"), "user: must be a text that is not empty"),
            (lambda: port.account_events("conduti"), "did you mean conduit?"),
            (lambda: port.account_events("conduit", limit=0), "limit must be a whole number above 0"),
            (lambda: port.pins(limit=True), "limit must be a whole number above 0"),
        ):
            with pytest.raises(errors.ConfigurationError) as caught:
                call()
            assert told in caught.value.message
        assert port._journal.read(standing.accounts) == {}
        assert port.pins() == []


def test_a_short_wait_stays_short_when_the_provider_asks_for_a_long_one(sandbox: Sandbox, tmp_path: Path) -> None:
    """The order is told to wait and nothing is sent; a person who resumes the account ends that, in every process."""
    with opened(sandbox, tmp_path, 2) as (one, other):
        sandbox.faults.add(f"429:seconds=600:times=1:method=POST:path=wallets:provider={FIRST}")
        assert isinstance(provision(one, USERS[0], account=FIRST), errors.RateLimited)
        asked = len(sandbox.requests)
        assert isinstance(provision(one, USERS[1], account=FIRST), errors.RateLimited)
        assert len(sandbox.requests) == asked, "the gate was open"
        one.resume(FIRST)
        for port, user in ((one, USERS[2]), (other, USERS[3])):
            assert isinstance(provision(port, user, account=FIRST), Provision)


@dataclass(frozen=True)
class Sent:
    """What counts of an order that was sent."""

    account: str
    updated_at: datetime


def test_failures_with_successes_between_them_are_not_in_a_row_however_many_orders_are_in_flight(
    tmp_path: Path,
) -> None:
    """Those whose outcomes are committed together, while others look how the account stands, included."""
    now = datetime(2026, 1, 1, tzinfo=UTC)
    with Journal.open(f"sqlite:///{tmp_path / 'journal.db'}") as journal:
        known = Standing()

        def look() -> None:
            journal.read(lambda connection: known.view(connection, [FIRST], now))

        def work(connection: Transaction) -> None:
            for signal in (Signal.FAILED, Signal.WORKED):
                look()  # at what is committed
                known.hear(connection, Sent(FIRST, now), signal, None, now, timedelta(seconds=10))

        journal.write(work).result()
        row = journal.read(lambda connection: standing.account(connection, FIRST))
    assert (row.failures, row.opens) == (0, 0)


def test_failures_of_orders_that_were_in_flight_while_another_was_made_open_nothing(
    sandbox: Sandbox, tmp_path: Path
) -> None:
    """Those that fail may end together and first; what is sent after the last that was made counts."""
    with opened(sandbox, tmp_path) as (port,):
        before = sandbox.clock()
        assert isinstance(provision(port, USERS[0]), Provision)
        sandbox.clock.advance(1)

        def fail(began: datetime) -> None:
            sent, now, longest = Sent(FIRST, began), sandbox.clock(), timedelta(seconds=10)
            hear = port._desk.provisioner.standing.hear
            port._journal.write(lambda connection: hear(connection, sent, Signal.FAILED, None, now, longest)).result()

        for _ in range(6):
            fail(before)
        assert condition(port) == "healthy"
        fail(sandbox.clock())
        assert condition(port) == "open"
