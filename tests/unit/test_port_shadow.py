"""Shadows: carried out once as well, compared field by field, and never in the way of the order that counts."""

from __future__ import annotations

import asyncio
import os
import signal
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.unit.port_dying import started
from tests.unit.port_site import BoxClock, Site, happened
from tests.unit.provisioning.world import wait_for
from walletport import AsyncPort, Config, Port, Provision, Route, errors
from walletport.provisioning.shadowing import Shadow
from walletport.sandbox import Sandbox

ROUTES = (Route(split={"polygon-oms": 1}, mode="shadow", shadow=("conduit", "ledger-so")),)
ORDER = {"user": "user-1", "chain": "polygon", "asset": "usdc"}


@pytest.fixture
def site(tmp_path: Path) -> Iterator[Site]:
    """All that come along."""
    with Sandbox(["conduit", "ledger-so", "polygon-oms"]) as box:
        yield Site(box, tmp_path, {})


def opened(site: Site, *shadows: str) -> Port:
    """Open a port on the shadow route, whose user is linked at these accounts and at the one that counts."""
    port = site.port(routes=ROUTES)
    for account in ("polygon-oms", *shadows):
        port.link_customer(user="user-1", account=account, customer_id=site.customer(account))
    return port


def fields(shadow: Shadow) -> dict[str, tuple[str | None, str | None, bool]]:
    return {field.field: (field.order, field.shadow, field.same) for field in shadow.fields}


def test_an_order_is_carried_out_where_it_counts_and_once_more_at_each_shadow(site: Site) -> None:
    """The user has one wallet; what the shadows made is seen in the comparison only."""
    with opened(site, "conduit", "ledger-so") as port:
        made = port.provision(**ORDER)
        assert (made.account, made.decision.shadow) == ("polygon-oms", ("conduit", "ledger-so"))
        assert site.made("conduit") == site.made("ledger-so") == []
        port.recover(wait=0)
        port.recover(wait=0)
        assert [len(site.made(account)) for account in ("polygon-oms", "conduit", "ledger-so")] == [1, 1, 1]
        assert [wallet.id for wallet in port.wallets(user="user-1")] == [made.wallet.id]
        assert port.wallets(user="user-1", account="conduit") == []
        assert port.provision(**ORDER) == made
        pairs = port.shadows(order=made.id)
        assert {one.shadow.account for one in pairs} == {"conduit", "ledger-so"}
        assert {one.shadow.kind for one in pairs} == {"shadow"}
        assert all(one.order == made and one.shadow.decision.shadow_of == made.id for one in pairs)
        assert port.shadows(limit=1) == port.shadows()[:1]
        assert port.shadows(order=pairs[0].shadow.id) == [pairs[0]]
    assert [len(site.made(account)) for account in ("polygon-oms", "conduit", "ledger-so")] == [1, 1, 1]


def test_the_comparison_says_what_the_two_answered(site: Site) -> None:
    """Field by field; of what can never be alike, whether both are there."""
    with opened(site, "conduit") as port:
        made = port.provision(**ORDER)
        port.recover(wait=0)
        (pair,) = port.shadows(order=made.id)
    told = fields(pair)
    assert told["state"] == ("done", "done", True)
    assert told["status"] == ("active", "pending", False)
    assert told["chain"][2]
    assert told["wallet id"] == (made.wallet.id, site.made("conduit")[0], True)
    assert told["addresses"] == (made.wallet.address_on("polygon"), None, False)
    assert told["custody"][0] is not None
    assert told["sends"] == ("1", "1", True)
    assert told["latency"][2]
    assert {field.field for field in pair.differing} >= {"status", "addresses", "time to address"}
    assert pair.settled


@pytest.mark.parametrize("fault", ["503", "drop-after", "429", "truncated"])
def test_trouble_at_the_shadow_never_reaches_the_order(site: Site, fault: str) -> None:
    """Neither its answer nor its time; the shadow itself is told as what it came to, and makes at most one wallet."""
    site.box.faults.add(f"{fault}:provider=conduit:method=POST:path=wallets")
    with opened(site, "conduit") as port:
        made = port.provision(**ORDER)
        assert made.state == "done"
        for _ in range(40):
            port.recover(wait=0)
            site.box.clock.advance(600)
        (pair,) = port.shadows(order=made.id)
        assert pair.settled
        assert pair.shadow.state != "planned"
        assert port.provision(**ORDER) == made
        assert len(site.made("conduit")) <= 1
        assert fields(pair)["error"][2] is (pair.shadow.state == "done")


def test_an_order_that_fails_has_its_shadow_all_the_same(site: Site) -> None:
    """That is what makes the comparison worth something; the shadow's wallet does not stand in for the order's."""
    site.box.faults.add("429:provider=polygon-oms:method=POST:path=wallets")
    with opened(site, "conduit") as port:
        with pytest.raises(errors.RateLimited) as caught:
            port.provision(**ORDER, wait=0)
        port.recover(wait=0)
        (pair,) = port.shadows(order=str(caught.value.provision_id))
        assert (pair.shadow.state, pair.order.state) == ("done", "planned")
        assert not pair.settled
        assert port.wallets(user="user-1") == []
        site.box.faults.clear()
        site.box.clock.advance(60)
        made = port.provision(**ORDER)
        assert (made.id, made.account) == (caught.value.provision_id, "polygon-oms")
        assert len(port.shadows()) == 1


def test_a_port_that_is_open_carries_shadows_out_beside_its_orders(site: Site) -> None:
    """At once, in a thread of their own: a shadow that hangs holds no order up."""
    site.box.faults.add("late-before:seconds=0.8:provider=ledger-so:method=POST:path=wallets")
    opened(site, "ledger-so").close()
    with Port(site.config(routes=ROUTES), clock=BoxClock(site.box)) as port:
        made = [port.provision(**ORDER, reference=str(number)) for number in range(3)]
        assert [one.state for one in made] == ["done"] * 3
        wait_for(lambda: all(one.settled for one in port.shadows()))
        assert [one.shadow.state for one in port.shadows()] == ["done"] * 3
    assert len(site.made("ledger-so")) == 3


def test_a_port_that_awaits_does_the_same(site: Site) -> None:
    """In a task of its own."""
    opened(site, "conduit").close()

    async def provision() -> Provision:
        async with AsyncPort(site.config(routes=ROUTES), clock=BoxClock(site.box)) as port:
            made = await port.provision(**ORDER)
            await asyncio.to_thread(wait_for, lambda: bool(site.made("conduit")))
            return made

    made = asyncio.run(provision())
    with site.port(routes=ROUTES) as port:
        (pair,) = port.shadows(order=made.id)
        assert (pair.order.state, pair.shadow.state) == ("done", "done")
        assert asyncio.run(told(site)) == [pair]
    assert len(site.made("conduit")) == 1


async def told(site: Site) -> list[Shadow]:
    async with AsyncPort(site.config(routes=ROUTES), clock=BoxClock(site.box), recovers=False) as port:
        return await port.shadows()


def test_a_shadow_is_never_sent_under_the_applications_own_reference(site: Site) -> None:
    """A look-up for a real order of that reference would find the shadow's wallet."""
    with opened(site, "conduit") as port:
        made = port.provision(**ORDER, reference="mine")
        port.recover(wait=0)
        (pair,) = port.shadows(order=made.id)
    (sent,) = [wallet.reference for wallet in site.box.wallets()["conduit"]]
    assert sent is not None
    assert sent != "mine"
    assert pair.shadow.reference is None


def test_a_user_who_is_nobody_at_the_shadow_has_none_and_the_decision_says_so(site: Site) -> None:
    with opened(site, "ledger-so") as port:
        made = port.provision(**ORDER)
        assert made.decision.shadow == ("ledger-so",)
        assert made.decision.reasons[-1] == "conduit carries no shadow out: the user has no customer there"
        assert len(port.shadows()) == 1


def test_a_shadow_account_that_cannot_express_the_order_has_none(site: Site) -> None:
    with opened(site, "conduit", "ledger-so") as port:
        decision = port.route(user="user-1", chain="polygon", asset="dai")
        cannot = [reason for reason in decision.reasons if "carries no shadow out" in reason]
        assert len(cannot) + len(decision.shadow) == 2
        assert port.route(user="user-1", chain="polygon", account="conduit").shadow == ()


def test_a_wallet_that_a_shadow_made_becomes_the_users_once_a_real_order_gets_it(site: Site) -> None:
    """A vendor that gives one customer one wallet gives the same to both."""
    with opened(site, "conduit") as port:
        port.provision(**ORDER)
        port.recover(wait=0)
        assert port.wallets(user="user-1", account="conduit") == []
        real = port.provision(**ORDER, account="conduit", reference="real")
        found = [wallet.id for wallet in port.wallets(user="user-1", account="conduit")]
        assert found == [real.wallet.id]


# ------------------------------------------------------------------------------------------------------ sudden death


@pytest.mark.parametrize("in_the_shadow", [False, True])
def test_a_shadow_is_neither_lost_nor_doubled_by_a_process_that_is_killed(site: Site, in_the_shadow: bool) -> None:
    """Between the order and its shadow, and while the shadow's answer is on its way."""
    opened(site, "conduit").close()
    if in_the_shadow:
        site.box.faults.add("late:seconds=60:times=1:provider=conduit:method=POST:path=wallets")
    config = site.config(routes=ROUTES)
    patient = {name: account.model_copy(update={"timeout": 60.0}) for name, account in config.accounts.items()}
    working = started(
        Config(accounts=patient, routes=ROUTES, journal=config.journal), ORDER, dies_after_the_order=not in_the_shadow
    )
    if in_the_shadow:
        wait_for(lambda: bool(site.made("conduit")))
        os.kill(working.pid, signal.SIGKILL)
    working.join()
    assert working.exitcode == -signal.SIGKILL
    site.box.faults.clear()
    with site.port(routes=ROUTES) as port:
        (pair,) = port.shadows()
        assert pair.order.state == "done"
        assert pair.shadow.state == ("sending" if in_the_shadow else "planned")
        for _ in range(5):
            port.recover(wait=0)
            site.box.clock.advance(60)
        (pair,) = port.shadows()
        assert pair.shadow.state == "done"
        assert happened(port, pair.shadow.id).count("made") == 1
    assert (len(site.made("polygon-oms")), len(site.made("conduit"))) == (1, 1)
