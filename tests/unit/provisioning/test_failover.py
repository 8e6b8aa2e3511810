"""An order goes on at another account only where the first has certainly not applied it, and could not."""

from __future__ import annotations

import socket
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest

from tests.unit.provisioning.world import SandboxTime, Vendors, configured, link, told
from walletport import Account, Config, CustomerProfile, Port, Provision, Route, errors
from walletport.sandbox import Sandbox

FIRST = "conduit"
ROUTE = Route(split={FIRST: 1}, failover=("polygon-oms", "ledger-so"))
ORDER = {"user": "user-1", "chain": "polygon", "asset": "usdc"}
PROFILE = CustomerProfile(email="ada@example.test", first_name="Ada", last_name="Lovelace")


@contextmanager
def opened(sandbox: Sandbox, tmp_path: Path, *, linked: bool = True, **changed: Account) -> Iterator[Port]:
    """Open a port whose orders go to the first account, and to two others in its place."""
    config = configured(sandbox, f"sqlite:///{tmp_path / 'journal.db'}", timeout=0.5)
    accounts = {**config.accounts, **{account.name: account for account in changed.values()}}
    made = Config(accounts=accounts, routes=(ROUTE,), journal=config.journal)
    with Port(made, clock=SandboxTime(sandbox), recovers=False) as port:
        if linked:
            link(port, sandbox)
        yield port


def hit(fault: str, at: str = FIRST) -> str:
    return f"{fault}:method=POST:path=wallets:provider={at}"


def refused(port: Port, **more: object) -> errors.WalletportError:
    with pytest.raises(errors.WalletportError) as caught:
        port.provision(**{**ORDER, **more})
    return caught.value


def refused_at(sandbox: Sandbox, name: str) -> Account:
    """Return an account whose credentials are not the vendor's."""
    wrong = {setting: f"{value[:-1]}x" for setting, value in sandbox.emulators[name].settings.items()}
    return Account.of(name, name, base_url=sandbox.base_url(name), **wrong)


def count(sandbox: Sandbox) -> dict[str, int]:
    return {name: len(made) for name, made in sandbox.wallets().items()}


def moves(port: Port, record: Provision) -> list[tuple[object, ...]]:
    events = [event.detail for event in port.story(record.id).events if event.what == "failed over"]
    return [(detail["from"], detail["to"], detail["why"]) for detail in events]


def test_an_account_with_no_room_hands_its_order_on(sandbox: Sandbox, vendors: Vendors, tmp_path: Path) -> None:
    """Account, customer, key and decision change together, under a new key; what was drawn stays told."""
    sandbox.faults.add(hit("429:seconds=60"))
    with opened(sandbox, tmp_path) as port:
        made = port.provision(**ORDER)
        assert made.account == "polygon-oms"
        assert moves(port, made) == [(FIRST, "polygon-oms", "RateLimited")]
        assert told(port, made) == [*("intended", "sending", "failed over", "sending", "made"), "ready"]
        first, second = (event.detail["key"] for event in port.story(made.id).events if event.what == "sending")
        assert first != second
        assert made.customer_id == sandbox.emulators["polygon-oms"].default_customer
        decision = made.decision
        assert (decision.account, decision.by, decision.drawn) == ("polygon-oms", "failover", FIRST)
        assert decision.failover == ("ledger-so",)
        assert decision.reasons[-1] == "conduit certainly made none: failed over to polygon-oms"
        assert port.provision(**ORDER) == made
    assert count(sandbox) == {"conduit": 0, "polygon-oms": 1, "ledger-so": 0}


def test_it_goes_from_one_to_the_next_and_no_further(sandbox: Sandbox, tmp_path: Path) -> None:
    """The last one keeps it, with all its chances, and then it is refused."""
    for name in sandbox.emulators:
        sandbox.faults.add(hit("429:seconds=60", name))
    with opened(sandbox, tmp_path) as port:
        assert isinstance(refused(port, wait=0), errors.RateLimited)
        (record,) = port.provisions()
        assert moves(port, record) == [
            (FIRST, "polygon-oms", "RateLimited"),
            ("polygon-oms", "ledger-so", "RateLimited"),
        ]
        assert (record.account, record.state, record.decision.failover) == ("ledger-so", "planned", ())
        sandbox.faults.clear()
        sandbox.clock.advance(61)
        assert port.provision(**ORDER).account == "ledger-so"
    assert sum(count(sandbox).values()) == 1


def test_refused_credentials_hand_the_order_on_at_once(sandbox: Sandbox, tmp_path: Path) -> None:
    """They would be refused again; another account has its own."""
    wrong = refused_at(sandbox, FIRST)
    with opened(sandbox, tmp_path, changed=wrong) as port:
        made = port.provision(**ORDER)
        assert moves(port, made) == [(FIRST, "polygon-oms", "AuthenticationError")]
        assert told(port, made).count("sending") == 2


def test_an_account_that_cannot_be_reached_is_asked_twice(sandbox: Sandbox, tmp_path: Path) -> None:
    """No byte left, so nothing was applied."""
    with socket.socket() as nobody:
        nobody.bind(("127.0.0.1", 0))
        gone = f"http://127.0.0.1:{nobody.getsockname()[1]}/v2"
        away = Account.of(FIRST, FIRST, base_url=gone, **sandbox.emulators[FIRST].settings)
        with opened(sandbox, tmp_path, changed=away) as port:
            made = port.provision(**ORDER)
            assert moves(port, made) == [(FIRST, "polygon-oms", "ConnectFailed")]
            assert told(port, made) == [
                *("intended", "sending", "refused", "sending", "failed over", "sending", "made"),
                "ready",
            ]


@pytest.mark.parametrize(
    "fault", ["drop-before", "drop-after", "500", "503", "html-502", "truncated", "late:seconds=0.8"]
)
def test_what_may_have_been_applied_stays_where_it_is(fault: str, sandbox: Sandbox, tmp_path: Path) -> None:
    """However long it takes, and whatever the others could do; a refusal of a repeat changes nothing about it."""
    sandbox.faults.add(hit(f"{fault}:times=1"))
    sandbox.faults.add(hit("429:seconds=60:times=3"))
    with opened(sandbox, tmp_path) as port:
        for _ in range(40):
            try:
                made = port.provision(**ORDER, wait=0)
                break
            except errors.WalletportError:
                sandbox.clock.advance(31)
        assert (made.account, moves(port, made)) == (FIRST, [])
    assert count(sandbox) == {"conduit": 1, "polygon-oms": 0, "ledger-so": 0}


def test_what_is_refused_because_of_the_order_goes_nowhere_and_counts_for_nothing(
    sandbox: Sandbox, tmp_path: Path
) -> None:
    """A customer who may not have a wallet may not have one elsewhere by accident."""
    with opened(sandbox, tmp_path, linked=False) as port:
        link(port, sandbox)
        stranger = sandbox.emulators[FIRST].add_customer(eligible=False)
        port.link_customer(user="user-2", account=FIRST, customer_id=stranger)
        port.link_customer(
            user="user-2", account="polygon-oms", customer_id=sandbox.emulators["polygon-oms"].default_customer
        )
        for _ in range(8):
            error = refused(port, user="user-2")
            assert isinstance(error, errors.CustomerNotEligible)
        record = port.story(error.provision_id).provision
        assert (record.account, record.state, moves(port, record)) == (FIRST, "rejected", [])
        assert [state.condition for state in port.account_states()] == ["healthy"] * 3
        assert all(state.failures == 0 for state in port.account_states())
    assert count(sandbox)["polygon-oms"] == 0


def test_an_account_where_the_user_is_nobody_is_passed_over_and_the_story_says_so(
    sandbox: Sandbox, tmp_path: Path
) -> None:
    sandbox.faults.add(hit("429:seconds=60"))
    with opened(sandbox, tmp_path, linked=False) as port:
        for name in (FIRST, "ledger-so"):
            port.link_customer(user="user-1", account=name, customer_id=sandbox.emulators[name].default_customer)
        made = port.provision(**ORDER)
        assert made.account == "ledger-so"
        (event,) = (event for event in port.story(made.id).events if event.what == "failed over")
        assert event.detail["passed_over"] == ["polygon-oms: the user has no customer there"]


def test_where_nobody_else_can_take_it_it_stays_and_says_why(sandbox: Sandbox, tmp_path: Path) -> None:
    sandbox.faults.add(hit("429:seconds=60:times=1"))
    with opened(sandbox, tmp_path, linked=False) as port:
        port.link_customer(user="user-1", account=FIRST, customer_id=sandbox.emulators[FIRST].default_customer)
        port.pause("ledger-so", reason="drill")
        assert isinstance(refused(port, wait=0), errors.RateLimited)
        (record,) = port.provisions()
        assert told(port, record)[-1] == "refused"
        assert port.story(record.id).events[-1].detail["passed_over"] == ["polygon-oms: the user has no customer there"]
        assert "ledger-so is paused: drill" in record.decision.reasons
        sandbox.clock.advance(61)
        assert port.provision(**ORDER).account == FIRST


def test_a_profile_makes_the_customer_where_the_order_goes_on(sandbox: Sandbox, tmp_path: Path) -> None:
    """Exactly once, as an order of its own; the profile is kept nowhere."""
    sandbox.faults.add(hit("429:seconds=60"))
    with opened(sandbox, tmp_path, linked=False) as port:
        port.link_customer(user="user-1", account=FIRST, customer_id=sandbox.emulators[FIRST].default_customer)
        made = port.provision(**ORDER, profile=PROFILE)
        assert made.account == "polygon-oms"
        assert port.customer_id(user="user-1", account="polygon-oms") == made.customer_id == made.wallet.customer_id
        assert [one.kind for one in port.provisions(account="polygon-oms")] == ["customer", "wallet"]
    assert b"ada@example.test" not in b"".join(path.read_bytes() for path in tmp_path.iterdir())


def test_where_the_customer_cannot_be_made_the_next_is_chosen(sandbox: Sandbox, tmp_path: Path) -> None:
    """Before the order is committed: its decision says why the first was left out."""
    config = configured(sandbox, f"sqlite:///{tmp_path / 'journal.db'}")
    routes = (Route(split={"ledger-so": 1}, failover=("polygon-oms",)),)
    accounts = {**config.accounts, "ledger-so": refused_at(sandbox, "ledger-so")}
    made = Config(accounts=accounts, routes=routes, journal=config.journal)
    with Port(made, clock=SandboxTime(sandbox), recovers=False) as port:
        record = port.provision(**ORDER, profile=PROFILE)
        assert (record.account, record.decision.drawn) == ("polygon-oms", "ledger-so")
        assert (
            "ledger-so is unavailable: the user's customer could not be made there (AuthenticationError)"
            in record.decision.reasons
        )
        with pytest.raises(errors.AuthenticationError):
            port.provision(**{**ORDER, "user": "user-2"}, account="ledger-so", profile=PROFILE)


def test_an_order_for_a_certain_account_goes_nowhere_else(sandbox: Sandbox, tmp_path: Path) -> None:
    """Asked for by name, or by a pin."""
    sandbox.faults.add(hit("429:seconds=60"))
    with opened(sandbox, tmp_path) as port:
        assert isinstance(refused(port, account=FIRST, wait=0), errors.RateLimited)
        port.pin(user="user-2", account=FIRST)
        link(port, sandbox, "user-2")
        assert isinstance(refused(port, user="user-2", wait=0), errors.RateLimited)
        assert {record.account for record in port.provisions()} == {FIRST}


def test_a_process_that_takes_over_moves_the_order_too(sandbox: Sandbox, tmp_path: Path) -> None:
    """The list stands in the journal; recovering needs no route and no profile."""
    sandbox.faults.add(hit("429:seconds=1"))
    with opened(sandbox, tmp_path) as port:
        refused(port, wait=0)
        (record,) = port.provisions()
        assert record.state == "planned"
    sandbox.clock.advance(5)
    with opened(sandbox, tmp_path) as later:
        assert later.recover() == 1
        (record,) = later.provisions()
        assert (record.state, record.account) == ("done", "polygon-oms")
    assert sum(count(sandbox).values()) == 1
