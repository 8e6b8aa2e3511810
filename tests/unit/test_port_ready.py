"""From a wallet that exists to one that can take deposits: waited for, kept in the journal, and told once."""

from __future__ import annotations

import asyncio
from collections.abc import Iterator
from pathlib import Path
from typing import ClassVar

import pytest

from tests.support.toy import Toy
from tests.unit.port_site import BoxClock, Site, happened, order
from walletport import AsyncPort, Port, errors
from walletport.capabilities import Capabilities
from walletport.provider import no
from walletport.sandbox import Sandbox


@pytest.fixture
def site(tmp_path: Path) -> Iterator[Site]:
    """All that come along."""
    with Sandbox(["conduit", "ledger-so", "polygon-oms"]) as box:
        yield Site(box, tmp_path, {})


def linked(site: Site, port: Port, account: str) -> Port:
    port.link_customer(user="user-1", account=account, customer_id=site.customer(account))
    return port


def reads(site: Site) -> int:
    return sum(seen.method == "GET" for seen in site.box.requests)


@pytest.mark.parametrize("account", ["conduit", "ledger-so", "polygon-oms"])
def test_a_wallet_is_waited_for_and_the_journal_has_its_address_then(site: Site, account: str) -> None:
    """Whatever it lacked when it was made; the story says once that it is ready."""
    with site.port() as port:
        made = linked(site, port, account).provision(**order(account))
        site.box.clock.advance(60)
        ready = port.wait_until_ready(made.id)
        assert ready.ready
        assert (ready.id, ready.wallet.id, ready.wallet.status) == (made.id, made.wallet.id, "active")
        assert port.provision(**order(account)) == ready
        (kept,) = port.wallets(user="user-1")
        assert kept.address_on("polygon") == ready.wallet.address_on("polygon")
        assert happened(port, made.id)[-1] == "ready"
        asked = len(site.box.requests)
        assert port.wait_until_ready(made.id, timeout=0) == ready
    with site.port() as another:
        assert another.wait_until_ready(made.id, timeout=0) == ready
        assert happened(another, made.id).count("ready") == 1
    assert len(site.box.requests) == asked


def test_a_wallet_that_is_usable_as_it_is_made_is_ready_at_once(site: Site) -> None:
    """And one that is not is not."""
    with site.port() as port:
        usable = linked(site, port, "polygon-oms").provision(**order("polygon-oms"))
        pending = linked(site, port, "conduit").provision(**order("conduit"), reference="other")
        assert usable.ready
        assert happened(port, usable.id)[-2:] == ["made", "ready"]
        assert not pending.ready
        assert happened(port, pending.id)[-1] == "made"


def test_a_wallet_that_takes_longer_is_an_error_that_says_there_is_one(site: Site) -> None:
    """Nothing is lost: the order stays done, and whoever asks again, in another process, gets it."""
    site.box.emulators["conduit"].activation_delay *= 3600
    with site.port() as port:
        made = linked(site, port, "conduit").provision(**order("conduit"))
        with pytest.raises(errors.RequestTimedOut, match="has no address yet") as caught:
            port.wait_until_ready(made.id, timeout=0)
        assert (caught.value.outcome, caught.value.provision_id) == ("applied", made.id)
    site.box.clock.advance(4000)
    with site.port() as port:
        assert port.wait_until_ready(made.id).ready


def test_ports_that_await_wait_alike_and_several_at_once_tell_it_once(site: Site) -> None:
    """Ten calls from two ports."""

    async def wait(provision_id: str) -> list[bool]:
        config, clock = site.config(), BoxClock(site.box)
        async with (
            AsyncPort(config, clock=clock, recovers=False) as first,
            AsyncPort(config, clock=clock, recovers=False) as second,
        ):
            calls = [port.wait_until_ready(provision_id) for port in (first, second) for _ in range(5)]
            return [one.ready for one in await asyncio.gather(*calls)]

    with site.port() as port:
        made = linked(site, port, "conduit").provision(**order("conduit"))
        site.box.clock.advance(60)
        assert asyncio.run(wait(made.id)) == [True] * 10
        assert happened(port, made.id).count("ready") == 1


def test_waiting_survives_trouble_that_passes(site: Site) -> None:
    """A look that fails is repeated."""
    with site.port() as port:
        made = linked(site, port, "conduit").provision(**order("conduit"))
        site.box.clock.advance(60)
        site.box.faults.add("503:times=1:method=GET")
        assert port.wait_until_ready(made.id).ready


def test_waiting_for_what_is_no_wallet_is_one_sentence(site: Site) -> None:
    """An order that was refused, and one that nobody knows."""
    with site.port() as port:
        refused = site.box.emulators["conduit"].add_customer(eligible=False)
        port.link_customer(user="user-1", account="conduit", customer_id=refused)
        with pytest.raises(errors.CustomerNotEligible) as caught:
            port.provision(**order("conduit"))
        with pytest.raises(errors.ConfigurationError, match="is rejected, so it has no wallet to wait for"):
            port.wait_until_ready(str(caught.value.provision_id))
        with pytest.raises(errors.ConfigurationError, match="the journal holds no order 'nobody'"):
            port.wait_until_ready("nobody")
        made = linked(site, port, "polygon-oms").provision(**order("polygon-oms"), reference="2")
        with pytest.raises(errors.ConfigurationError, match="timeout must be a number of at least 0"):
            port.wait_until_ready(made.id, timeout=-1)


class Blind(Toy):
    """Toy that shows nobody a wallet."""

    capabilities: ClassVar[Capabilities] = Toy.capabilities.model_copy(
        update={"get_wallet": no("Toy shows nobody a wallet")}
    )


def test_a_provider_that_shows_no_wallet_cannot_be_waited_for(tmp_path: Path) -> None:
    """In its own words, at once."""
    with Sandbox([Blind]) as box:
        site = Site(box, tmp_path, {"toy": Blind})
        with site.port() as port:
            made = linked(site, port, "toy").provision(**order("toy"))
            with pytest.raises(errors.UnsupportedOperation, match="Toy shows nobody a wallet"):
                port.wait_until_ready(made.id)
