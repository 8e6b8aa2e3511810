"""Carrying on what is left behind: thousands of orders at once, none of them hidden, and no claim lost meanwhile."""

from __future__ import annotations

import asyncio
import threading
from datetime import timedelta

import httpx
import pytest

from tests.unit.provisioning.world import CREATES, USER, Vendors, ask, configured, opened, order, told, wait_for
from walletport import AsyncPort, Config, Port, Provision
from walletport.journal import Journal, JournalError, NewProvision, Transaction, rows
from walletport.provisioning import wiring
from walletport.sandbox import Sandbox

PROVIDER = "conduit"


def leave_behind(journal: str, sandbox: Sandbox, count: int) -> None:
    """Record so many orders that nobody is at work on, each for a customer of its own."""
    with sandbox.lock:
        customers = [sandbox.emulators[PROVIDER].add_customer() for _ in range(count)]

    def record(connection: Transaction) -> None:
        for number, customer_id in enumerate(customers):
            new = NewProvision(
                kind="wallet",
                identity=f"left-{number}",
                user_id=f"left-{number}",
                account=PROVIDER,
                idempotency_key=f"00000000-0000-4000-8000-{number:012}",
                chain="polygon",
                customer_id=customer_id,
                decision={"account": PROVIDER, "reasons": ["it was left behind"]},
            )
            rows.record_intent(connection, new, sandbox.clock())

    with Journal.open(journal) as opened_journal:
        opened_journal.write(record).result(60)


class Crowd(httpx.HTTPTransport):
    """Counts how many requests travel at once at most."""

    def __init__(self) -> None:
        super().__init__()
        self.lock = threading.Lock()
        self.travelling = self.most = 0

    def handle_request(self, request: httpx.Request) -> httpx.Response:
        with self.lock:
            self.travelling += 1
            self.most = max(self.most, self.travelling)
        try:
            return super().handle_request(request)
        finally:
            with self.lock:
                self.travelling -= 1


@pytest.mark.parametrize("count", [250, pytest.param(5_000, marks=[pytest.mark.long, pytest.mark.timeout(900)])])
def test_however_many_are_left_behind_all_are_carried_on_and_several_at_once(
    count: int, config: Config, vendors: Vendors
) -> None:
    """Page by page; each makes one wallet."""
    leave_behind(config.journal, vendors.sandbox, count)
    crowd = Crowd()
    with Port(config, transport=crowd, recovers=False) as port:
        assert port.recover(wait=0) == count
        assert {one.state for one in port.provisions(limit=count + 1)} == {"done"}
    assert len(vendors.wallets(PROVIDER)) == len(vendors.creates(PROVIDER)) == count
    assert 2 <= crowd.most <= 16


def test_everything_is_carried_on_where_programs_await(config: Config, vendors: Vendors) -> None:
    """By itself, as soon as the journal is opened."""
    leave_behind(config.journal, vendors.sandbox, 40)

    async def run() -> None:
        async with AsyncPort(config):
            await asyncio.to_thread(wait_for, lambda: len(vendors.wallets(PROVIDER)) == 40)

    asyncio.run(run())
    assert len(vendors.creates(PROVIDER)) == 40


def test_an_order_that_fails_hides_none(config: Config, vendors: Vendors) -> None:
    """All others are carried on; then what it failed in is raised."""
    leave_behind(config.journal, vendors.sandbox, 120)
    with Journal.open(config.journal) as journal:
        journal.write(
            lambda c: c.exec_driver_sql(
                "CREATE TRIGGER bad BEFORE UPDATE ON provisions WHEN old.user_id = 'left-0'"
                " BEGIN SELECT RAISE(ABORT, 'no'); END"
            ).close()
        ).result(20)
    with Port(config, recovers=False) as port:
        with pytest.raises(JournalError, match="breaks its rules"):
            port.recover(wait=0)
        (left,) = (one for one in port.provisions(limit=200) if one.state != "done")
        assert (left.user, left.state) == ("left-0", "planned")
    assert len(vendors.wallets(PROVIDER)) == 119


def test_a_recovery_that_waits_for_a_slow_vendor_lets_no_claim_run_out(
    config: Config, vendors: Vendors, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Neither its own nor those of the calls beside it: another opening of the journal gets none of these orders."""
    monkeypatch.setattr(wiring, "LEASE", timedelta(seconds=2))
    vendors.sandbox.faults.add(f"late:seconds=5{CREATES}")
    patient = configured(vendors.sandbox, config.journal, timeout=20.0)
    with opened(patient, vendors.sandbox):
        pass  # links the user
    leave_behind(config.journal, vendors.sandbox, 1)
    answers: list[Provision] = []
    with Port(patient) as port, Port(patient, recovers=False) as other:
        call = threading.Thread(target=lambda: answers.append(port.provision(**order(PROVIDER))))
        call.start()
        wait_for(lambda: len(vendors.creates(PROVIDER)) == 2)
        while call.is_alive():
            ask(other, PROVIDER)
            other.recover(wait=0)
            call.join(0.2)
        wait_for(lambda: all(one.state == "done" for one in port.provisions()))
        for record in port.provisions():
            assert told(port, record) == ["intended", "sending", "made"]
    assert answers[0].user == USER
    assert len(vendors.creates(PROVIDER)) == 2
