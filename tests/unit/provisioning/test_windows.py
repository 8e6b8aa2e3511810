"""What becomes of a lost answer: the same key inside the window, then a look-up, a person where nothing can tell."""

from __future__ import annotations

import pytest

from tests.unit.provisioning.world import (
    CREATES,
    PROVIDERS,
    SETTLE,
    TIMEOUT,
    WINDOW,
    Vendors,
    ask,
    ask_until_it_ends,
    configured,
    opened,
    order,
    told,
    wait_for,
)
from walletport import Account, Config, Provision, errors
from walletport.provisioning.machine import State

LOOKING = ["conduit", "polygon-oms"]
LOST = ["drop-before", "drop-after", "late:seconds=3", "late-before:seconds=3"]


def lose(config: Config, vendors: Vendors, provider: str, fault: str = "drop-after") -> None:
    """Send an order once, lose the answer, and end the process."""
    vendors.sandbox.faults.add(f"{fault}:times=1{CREATES}")
    with opened(config, vendors.sandbox) as port:
        error = ask(port, provider)
    assert isinstance(error, errors.WalletportError)
    assert error.outcome == "unknown"


@pytest.mark.parametrize("provider", PROVIDERS)
@pytest.mark.parametrize("later", [10.0, WINDOW - 10])
def test_inside_the_window_the_same_request_is_sent_under_the_same_key(
    provider: str, later: float, config: Config, vendors: Vendors
) -> None:
    """Another process goes on with what is in the journal, and makes nothing new."""
    lose(config, vendors, provider)
    vendors.sandbox.clock.advance(later)
    with opened(config, vendors.sandbox) as port:
        provision = ask(port, provider)
    assert isinstance(provision, Provision)
    first, second = vendors.creates(provider)
    assert first.key == second.key
    assert first.request.body == second.request.body
    assert vendors.wallets(provider) == [provision.wallet.id]


@pytest.mark.parametrize("provider", LOOKING)
def test_past_the_window_the_wallet_is_looked_up_and_adopted(provider: str, config: Config, vendors: Vendors) -> None:
    """Conduit by the reference that went with the create, Polygon OMS by customer, asset and chain; nothing is sent."""
    lose(config, vendors, provider)
    vendors.sandbox.clock.advance(WINDOW + 1)
    with opened(config, vendors.sandbox) as port:
        provision = ask(port, provider)
    assert isinstance(provision, Provision)
    assert vendors.wallets(provider) == [provision.wallet.id]
    assert len(vendors.creates(provider)) == 1
    (look_up,) = [asked for asked in vendors.asked if asked.request.method == "GET"]
    asked_for = look_up.request.query.get("clientReferenceId")
    assert (asked_for is not None) == (provider == "conduit")
    if provider == "conduit":
        assert asked_for == provision.wallet.reference
        assert f'"{asked_for}"'.encode() in vendors.creates(provider)[0].request.body
        assert "user-1" not in asked_for


@pytest.mark.parametrize("fault", LOST)
@pytest.mark.parametrize("later", [WINDOW + 1, 30 * 86_400])
def test_where_nothing_can_look_a_person_must(fault: str, later: float, config: Config, vendors: Vendors) -> None:
    """Ledger.so past its window: shown, never sent again, however long it is asked for and recovered."""
    lose(config, vendors, "ledger-so", fault)
    wait_for(lambda: fault == "drop-before" or bool(vendors.wallets("ledger-so")))
    made = vendors.wallets("ledger-so")
    vendors.sandbox.clock.advance(later)
    for _ in range(3):
        with opened(config, vendors.sandbox, recovers=True) as port:
            assert isinstance(ask(port, "ledger-so"), errors.OutcomeUnknown)
            assert port.recover(wait=0.0) == 0
            (record,) = port.provisions(state="needs_review")
            assert told(port, record)[-1] == "needs review"
        vendors.sandbox.clock.advance(3600)
    assert len(vendors.creates("ledger-so")) == len(made) == (0 if fault == "drop-before" else 1)
    assert vendors.wallets("ledger-so") == made


@pytest.mark.parametrize("provider", LOOKING)
def test_a_new_key_only_after_absence_was_proved(provider: str, config: Config, vendors: Vendors) -> None:
    """Nothing arrived: looked up at once, which proves nothing, and once more when every attempt must be over."""
    sent_at = vendors.sandbox.clock()
    vendors.sandbox.faults.add(f"drop-before{CREATES}")
    with opened(config, vendors.sandbox) as port:
        ask(port, provider)
        vendors.sandbox.clock.advance(WINDOW)
        (before,) = port.provisions(account=provider)
        vendors.sandbox.faults.clear()
        record = ask_until_it_ends(port, vendors.sandbox, provider, 1.0)
        story = port.story(record.id).events
    assert (record.state, vendors.wallets(provider)) == (State.DONE, [record.wallet.id])
    old, new = (event.detail["key"] for event in story if event.what == "sending")
    assert old != new == vendors.creates(provider)[0].key
    assert "in_doubt" in before.state
    assert [event.what for event in story].count("found absent") == 1
    assert (vendors.creates(provider)[0].at - sent_at).total_seconds() >= WINDOW


@pytest.mark.parametrize("provider", LOOKING)
def test_absence_is_no_proof_while_the_vendor_may_be_at_it(provider: str, config: Config, vendors: Vendors) -> None:
    """Right after a doubt a look-up that finds nothing is repeated when all must be over, and only that one counts."""
    vendors.sandbox.faults.add(f"drop-before{CREATES}")
    # With so long a timeout a repeat would always come too late.
    slow = configured(vendors.sandbox, config.journal, timeout=60.0)
    with opened(slow, vendors.sandbox) as port:
        ask(port, provider)
        ended_at = vendors.sandbox.clock()
        vendors.sandbox.faults.clear()
        settle = 60 + 5 * 60.0
        waits = port.provisions(account=provider)[0].not_before
        while not vendors.creates(provider):
            vendors.sandbox.clock.advance(5.0)
            ask(port, provider)
        (record,) = port.provisions(account=provider)
        assert told(port, record).count("found absent") == 2
    assert waits is not None
    assert (vendors.creates(provider)[0].at - ended_at).total_seconds() >= settle
    assert vendors.wallets(provider) == [record.wallet.id]


@pytest.mark.parametrize("provider", LOOKING)
def test_work_that_the_vendor_does_after_everybody_has_left_is_found(
    provider: str, config: Config, vendors: Vendors
) -> None:
    """It was looked up before, and nothing was there: had that been taken for proof, there would be two wallets."""
    with opened(config, vendors.sandbox) as port:
        vendors.sandbox.faults.add(f"drop-before:times=1{CREATES}")
        ask(port, provider)
        (lost,) = port.provisions(account=provider)
        vendors.sandbox.clock.advance(WINDOW - 0.5)
        vendors.sandbox.faults.add(f"late-before:seconds=2.6:times=1{CREATES}")
        assert isinstance(ask(port, provider), errors.WalletportError)  # the timeout is two seconds
        vendors.sandbox.clock.advance(5.0)
        assert isinstance(ask(port, provider), errors.WalletportError)
        assert told(port, lost)[-1] == "found absent"
        wait_for(lambda: bool(vendors.wallets(provider)))
        vendors.sandbox.clock.advance(SETTLE)
        provision = ask(port, provider)
    assert isinstance(provision, Provision)
    assert vendors.wallets(provider) == [provision.wallet.id]
    assert len(vendors.keys(provider)) == 1


def test_conduits_shorter_window_counts(config: Config, vendors: Vendors) -> None:
    """Its OpenAPI document says 30 days and its pages five minutes; a vendor that remembers longer does not matter."""
    vendors.sandbox.emulators["conduit"].keys.window *= 30 * 86_400 / 300
    lose(config, vendors, "conduit")
    vendors.sandbox.clock.advance(WINDOW + 1)
    with opened(config, vendors.sandbox) as port:
        assert isinstance(ask(port, "conduit"), Provision)
    assert len(vendors.creates("conduit")) == 1


@pytest.mark.parametrize("provider", PROVIDERS)
def test_nothing_is_sent_before_the_time_that_the_vendor_asked_for(
    provider: str, config: Config, vendors: Vendors
) -> None:
    """429 with Retry-After: nothing was applied, and the same key goes once that time is over."""
    vendors.sandbox.faults.add(f"429:seconds=45:times=1{CREATES}")
    with opened(config, vendors.sandbox) as port:
        asked_at = vendors.sandbox.clock()
        for _ in range(9):
            assert isinstance(ask(port, provider), errors.RateLimited)
            vendors.sandbox.clock.advance(4.9)
        assert not vendors.creates(provider)
        vendors.sandbox.clock.advance(1.0)
        provision = ask(port, provider)
    assert isinstance(provision, Provision)
    (create,) = vendors.creates(provider)
    assert (create.at - asked_at).total_seconds() >= 45


@pytest.mark.parametrize("provider", PROVIDERS)
def test_wrong_credentials_refuse_the_order_and_burn_nothing(provider: str, config: Config, vendors: Vendors) -> None:
    """Once they are right, the same order makes its one wallet; Polygon OMS never even saw a create before."""
    good = vendors.sandbox.emulators[provider].settings
    bad = {name: f"{value[:-1]}x" for name, value in good.items()}
    account = Account.of(provider, provider, base_url=vendors.sandbox.base_url(provider), timeout=TIMEOUT, **bad)
    with opened(Config(accounts={provider: account}, journal=config.journal), vendors.sandbox) as port:
        refused = ask(port, provider)
        assert isinstance(refused, errors.AuthenticationError)
        assert refused.outcome == "not_applied"
        assert [record.state for record in port.provisions()] == [State.REJECTED]
    assert not vendors.wallets(provider)
    assert (vendors.creates(provider) == []) == (provider == "polygon-oms")
    with opened(config, vendors.sandbox) as port:
        provision = port.provision(**order(provider))
        assert provision.id == refused.provision_id
    assert vendors.wallets(provider) == [provision.wallet.id]
