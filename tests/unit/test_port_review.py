"""What a person settles: approvals, orders that nobody could know the end of, and customers like that."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from pathlib import Path
from typing import ClassVar

import httpx
import pytest

from tests.support.toy import Toy
from tests.support.toy_emulator import ToyEmulator
from tests.unit.port_site import PROFILE, BoxClock, Site, happened, keys_of, order, stuck
from walletport import Port, Provision, errors
from walletport.capabilities import Capabilities, no
from walletport.journal import LostClaim
from walletport.provider.emulation import Emulator
from walletport.sandbox import Sandbox


@pytest.fixture
def site(tmp_path: Path) -> Iterator[Site]:
    """All that come along."""
    with Sandbox(["conduit", "ledger-so", "polygon-oms"]) as box:
        yield Site(box, tmp_path, {})


# ----------------------------------------------------------------------------------------------------- approvals


@pytest.mark.parametrize("how", ["provision", "recover", "resolve"])
def test_an_order_is_done_once_a_person_has_approved_it_and_is_never_sent_again(site: Site, how: str) -> None:
    """The same order again finds the wallet, ``recover`` finds it, and a person may tell it."""
    emulator = site.box.emulators["conduit"]
    emulator.approval_required = True
    with site.port() as port:
        port.link_customer(user="user-1", account="conduit", customer_id=site.customer("conduit"))
        for _ in range(2):
            with pytest.raises(errors.ApprovalPending) as caught:
                port.provision(**order("conduit"))
            assert caught.value.approval_url
            assert port.recover() == 0
        waiting = port.story(caught.value.provision_id).provision
        assert (waiting.state, waiting.approval_id) == ("awaiting_approval", caught.value.approval_id)
        wallet_id = emulator.approve(waiting.approval_id)
        if how == "recover":
            assert port.recover() == 1
        elif how == "resolve":
            assert port.resolve(waiting.id, wallet_id=wallet_id).state == "done"
        done = port.provision(**order("conduit"))
        assert (done.id, done.wallet.id) == (waiting.id, wallet_id)
    assert site.sends() == 1


def test_an_approval_is_waited_for_while_the_provider_cannot_be_asked(site: Site) -> None:
    """Trouble with the look-up changes nothing."""
    site.box.emulators["conduit"].approval_required = True
    with site.port() as port:
        port.link_customer(user="user-1", account="conduit", customer_id=site.customer("conduit"))
        with pytest.raises(errors.ApprovalPending):
            port.provision(**order("conduit"))
        site.box.faults.add("html-502:method=GET")
        with pytest.raises(errors.ApprovalPending):
            port.provision(**order("conduit"))
        assert port.recover() == 0


def test_an_order_whose_approval_was_refused_is_rejected_and_asked_for_anew_only_on_demand(site: Site) -> None:
    """A person tells; recovery does not send it again, the same order does, under a new key."""
    emulator = site.box.emulators["conduit"]
    emulator.approval_required = True
    with site.port() as port:
        port.link_customer(user="user-1", account="conduit", customer_id=site.customer("conduit"))
        with pytest.raises(errors.ApprovalPending) as caught:
            port.provision(**order("conduit"))
        emulator.refuse(port.provisions()[0].approval_id)
        refused = port.resolve(caught.value.provision_id, absent=True)
        assert (refused.state, refused.error["type"]) == ("rejected", "PermissionDenied")
        assert happened(port, refused.id)[-1] == "approval refused"
        assert port.recover() == 0
        assert site.sends() == 1
        emulator.approval_required = False
        made = port.provision(**order("conduit"))
        assert (made.id, made.state) == (refused.id, "done")
        assert len(set(keys_of(port, made.id))) == 2
    assert site.made("conduit") == [made.wallet.id]


def test_an_approval_that_brought_a_wallet_was_not_refused(site: Site) -> None:
    """Whoever says so is told which wallet there is, and nothing is recorded."""
    emulator = site.box.emulators["conduit"]
    emulator.approval_required = True
    with site.port() as port:
        port.link_customer(user="user-1", account="conduit", customer_id=site.customer("conduit"))
        with pytest.raises(errors.ApprovalPending) as caught:
            port.provision(**order("conduit"))
        wallet_id = emulator.approve(port.provisions()[0].approval_id)
        with pytest.raises(errors.ConfigurationError, match=f"shows a wallet of this order, '{wallet_id}'"):
            port.resolve(caught.value.provision_id, absent=True)
        assert port.story(caught.value.provision_id).provision.state == "awaiting_approval"


# -------------------------------------------------------------------------------------------------------- review


def test_a_person_finds_the_wallet_of_an_order_that_nobody_could_settle(site: Site) -> None:
    """It is read from the provider, addresses included, and nothing is sent."""
    with site.port() as port:
        port.link_customer(user="user-1", account="ledger-so", customer_id=site.customer("ledger-so"))
        review = stuck(port, site.box, "ledger-so")
        (wallet_id,) = site.made("ledger-so")
        sends = site.sends()
        done = port.resolve(review.id, wallet_id=wallet_id)
        assert (done.state, done.wallet.id) == ("done", wallet_id)
        assert done.wallet.address_on("polygon")
        assert port.provision(**order("ledger-so")) == done
        assert [wallet.id for wallet in port.wallets(user="user-1")] == [wallet_id]
        made, ready = port.story(done.id).events[-2:]
        assert (made.what, made.detail) == ("made", {"id": wallet_id, "by": "a person"})
        assert ready.what == "ready"
    assert site.sends() == sends


def test_a_person_finds_that_there_is_no_wallet_and_the_order_is_sent_under_a_new_key(site: Site) -> None:
    """By the next call, and not by telling."""
    with site.port() as port:
        port.link_customer(user="user-1", account="ledger-so", customer_id=site.customer("ledger-so"))
        review = stuck(port, site.box, "ledger-so", fault="drop-before")
        with pytest.raises(errors.OutcomeUnknown):
            port.provision(**order("ledger-so"))
        sends = site.sends()
        assert port.resolve(review.id, absent=True).state == "planned"
        assert site.sends() == sends
        last = port.story(review.id).events[-1]
        assert (last.what, last.detail) == ("reviewed: absent", {"by": "a person"})
        done = port.provision(**order("ledger-so"))
        assert done.id == review.id
        *before, new = keys_of(port, done.id)
        assert len(set(before)) == 1
        assert new not in before
    assert site.made("ledger-so") == [done.wallet.id]


def test_recover_sends_what_a_person_found_absent(site: Site) -> None:
    """Nobody has to ask for the order again."""
    with site.port() as port:
        port.link_customer(user="user-1", account="ledger-so", customer_id=site.customer("ledger-so"))
        review = stuck(port, site.box, "ledger-so", fault="drop-before")
        assert port.recover() == 0
        port.resolve(review.id, absent=True)
        assert port.recover() == 1
        assert port.story(review.id).provision.state == "done"


def test_what_the_provider_shows_cannot_be_called_absent(site: Site) -> None:
    """A person may look in the wrong place; a second wallet would be the price."""
    with site.port() as port:
        port.link_customer(user="user-1", account="conduit", customer_id=site.customer("conduit"))
        review = stuck(port, site.box, "conduit")
        (wallet_id,) = site.made("conduit")
        with pytest.raises(errors.ConfigurationError, match=f"shows a wallet of this order, '{wallet_id}'"):
            port.resolve(review.id, absent=True)
        assert port.story(review.id).provision.state == "needs_review"
        assert port.resolve(review.id, wallet_id=wallet_id).wallet.id == wallet_id


def test_a_wallet_that_is_not_the_orders_is_refused_and_nothing_is_recorded(site: Site) -> None:
    """Another customer's, another chain's, another order's, or none at all."""
    emulator = site.box.emulators["conduit"]
    with site.port() as port:
        port.link_customer(user="user-1", account="conduit", customer_id=site.customer("conduit"))
        port.link_customer(user="user-2", account="conduit", customer_id=emulator.add_customer())
        other = port.provision(**order("conduit", "user-2")).wallet.id
        on_base = port.provision(user="user-1", chain="base", account="conduit")
        review = stuck(port, site.box, "conduit")
        with site.box.client("conduit") as conduit:
            stray = conduit.create_wallet(customer_id=site.customer("conduit"), chain="ethereum")
        before = port.story(review.id)
        for wallet_id, told in [
            (other, "is that of order"),
            (on_base.wallet.id, f"is that of order {on_base.id}"),
            (stray.id, "is for another chain than the order"),
            ("wlt_" + "9" * 22, "account 'conduit' shows no wallet"),
            ("nonsense", "account 'conduit' shows no wallet"),
        ]:
            with pytest.raises(errors.ConfigurationError, match=told):
                port.resolve(review.id, wallet_id=wallet_id)
        assert port.story(review.id) == before


def test_a_wallet_of_another_customer_is_refused_where_wallets_are_read_without_naming_one(site: Site) -> None:
    """Ledger.so reads any wallet by its id."""
    with site.port() as port:
        customers = {user: site.box.emulators["ledger-so"].add_customer() for user in ("user-1", "user-2")}
        port.link_customer(user="user-1", account="ledger-so", customer_id=customers["user-1"])
        review = stuck(port, site.box, "ledger-so")
        with site.box.client("ledger-so") as ledger:
            strangers = ledger.create_wallet(customer_id=customers["user-2"])
        with pytest.raises(errors.ConfigurationError, match=r"shows no wallet .* of this order's customer"):
            port.resolve(review.id, wallet_id=strangers.id)


def test_a_provider_that_cannot_be_asked_leaves_the_order_in_review(site: Site) -> None:
    """Trouble of the moment is not "no such wallet"."""
    with site.port() as port:
        port.link_customer(user="user-1", account="ledger-so", customer_id=site.customer("ledger-so"))
        review = stuck(port, site.box, "ledger-so")
        site.box.faults.add("drop-before:method=GET")
        with pytest.raises(errors.TransportError):
            port.resolve(review.id, wallet_id=site.made("ledger-so")[0])
        assert port.story(review.id).provision == review


def test_only_an_order_that_stands_so_can_be_resolved_and_only_by_one_finding(site: Site) -> None:
    """Anything else is one sentence, and nothing is asked of the provider."""
    with site.port() as port:
        port.link_customer(user="user-1", account="ledger-so", customer_id=site.customer("ledger-so"))
        done = port.provision(**order("ledger-so"))
        asked = len(site.box.requests)
        for arguments, told in [
            ({"provision_id": done.id}, "either wallet_id=, or absent=True"),
            ({"provision_id": done.id, "wallet_id": "w", "absent": True}, "either wallet_id=, or absent=True"),
            (
                {"provision_id": done.id, "wallet_id": "w"},
                "is done: only one that is needs_review or awaiting_approval",
            ),
            ({"provision_id": done.id, "absent": True}, "is done: only one that is needs_review or awaiting"),
            ({"provision_id": "nobody", "absent": True}, "the journal holds no order 'nobody'"),
            ({"provision_id": " ", "absent": True}, "provision_id must be a text"),
            ({"provision_id": "\ud800", "absent": True}, "provision_id holds characters that are no text"),
        ]:
            with pytest.raises(errors.ConfigurationError) as caught:
                port.resolve(**arguments)
            assert told in caught.value.message
            assert "\n" not in caught.value.message
        with pytest.raises(errors.ConfigurationError, match="the journal holds no order 'nobody'"):
            port.story("nobody")
    assert len(site.box.requests) == asked


class Meddling(httpx.BaseTransport):
    """Lets somebody else do something before a wallet is read.

    Args:
        meddle: what is done, once.
    """

    def __init__(self, meddle: Callable[[], object]) -> None:
        self._wire = httpx.HTTPTransport()
        self._meddle: list[Callable[[], object]] = [meddle]

    def handle_request(self, request: httpx.Request) -> httpx.Response:
        if request.method == "GET" and self._meddle:
            self._meddle.pop()()
        return self._wire.handle_request(request)

    def close(self) -> None:
        self._wire.close()


def test_of_two_people_who_settle_an_order_at_once_the_first_counts(site: Site) -> None:
    """The other one is told, and overwrites nothing."""
    with site.port() as first:
        first.link_customer(user="user-1", account="ledger-so", customer_id=site.customer("ledger-so"))
        review = stuck(first, site.box, "ledger-so")
        (wallet_id,) = site.made("ledger-so")
        meddling = Meddling(lambda: first.resolve(review.id, absent=True))
        with (
            Port(site.config(), transport=meddling, clock=BoxClock(site.box), recovers=False) as second,
            pytest.raises(LostClaim, match="somebody else has settled this order meanwhile"),
        ):
            second.resolve(review.id, wallet_id=wallet_id)
        assert first.story(review.id).provision.state == "planned"
        assert first.wallets(user="user-1") == []


class ListingEmulator(ToyEmulator):
    """Toy under another address."""

    mount: ClassVar[str] = "/listing"


class Listing(Toy):
    """Toy that reads no wallet by its id, and finds none."""

    name = "listing"
    capabilities: ClassVar[Capabilities] = Toy.capabilities.model_copy(
        update={"get_wallet": no("Listing reads no wallet by its id"), "find_wallet": no("Listing finds none")}
    )

    @classmethod
    def emulator(cls) -> type[Emulator]:
        return ListingEmulator


class BlindEmulator(ToyEmulator):
    """Toy under yet another address."""

    mount: ClassVar[str] = "/blind"


class Blind(Listing):
    """Toy that shows nobody a wallet."""

    name = "blind"
    capabilities: ClassVar[Capabilities] = Listing.capabilities.model_copy(
        update={"list_wallets": no("Blind lists no wallets")}
    )

    @classmethod
    def emulator(cls) -> type[Emulator]:
        return BlindEmulator


def test_a_wallet_is_searched_in_the_list_where_it_cannot_be_read_by_its_id(tmp_path: Path) -> None:
    """Page by page; one that is on no page is refused."""
    with Sandbox([Listing]) as box:
        site = Site(box, tmp_path, {"listing": Listing})
        with box.client("listing") as listing:
            for _ in range(3):
                listing.create_wallet(customer_id=site.customer("listing"), chain="base")
        with site.port() as port:
            port.link_customer(user="user-1", account="listing", customer_id=site.customer("listing"))
            review = stuck(port, box, "listing")
            with pytest.raises(errors.ConfigurationError, match="shows no wallet 'toy-wallet-nobody'"):
                port.resolve(review.id, wallet_id="toy-wallet-nobody")
            wallet_id = next(made.wallet_id for made in box.wallets()["listing"] if made.chain == "polygon")
            assert port.resolve(review.id, wallet_id=wallet_id).wallet.id == wallet_id


def test_a_wallet_that_nobody_can_look_at_is_not_recorded(tmp_path: Path) -> None:
    """The sentence says why; that there is none can still be told."""
    with Sandbox([Blind]) as box:
        site = Site(box, tmp_path, {"blind": Blind})
        with site.port() as port:
            port.link_customer(user="user-1", account="blind", customer_id=site.customer("blind"))
            review = stuck(port, box, "blind", fault="drop-before")
            with pytest.raises(errors.UnsupportedOperation, match="Listing reads no wallet by its id"):
                port.resolve(review.id, wallet_id="toy-wallet-1")
            assert port.resolve(review.id, absent=True).state == "planned"


# --------------------------------------------------------------------------------------- customers nobody could settle


def stuck_customer(port: Port, box: Sandbox) -> Provision:
    """Return an order for a customer whose answer was lost, and whose key the provider has forgotten."""
    box.faults.add("drop-after:method=POST:path=customers")
    for _ in range(2):
        with pytest.raises(errors.WalletportError) as caught:
            port.provision(**order("ledger-so"), profile=PROFILE, wait=0)
        assert caught.value.outcome == "unknown"
        box.clock.advance(3600)
    box.faults.clear()
    found = port.story(caught.value.provision_id).provision
    assert (found.kind, found.state) == ("customer", "needs_review")
    return found


def test_linking_settles_an_order_for_a_customer_that_nobody_could_settle(site: Site) -> None:
    """A person has found the customer at the provider, and the order for the wallet goes on."""
    emulator = site.box.emulators["ledger-so"]
    with site.port() as port:
        review = stuck_customer(port, site.box)
        with pytest.raises(errors.ConfigurationError, match=r"is for a customer: link_customer\(...\) settles it"):
            port.resolve(review.id, wallet_id="wal_1")
        (made,) = [known for known in emulator._customers if known != emulator.default_customer]
        emulator.review(made)
        port.link_customer(user="user-1", account="ledger-so", customer_id=made)
        story = port.story(review.id)
        assert (story.provision.state, story.provision.customer_id) == ("done", made)
        assert story.events[-1].detail == {"id": made, "by": "a person"}
        assert port.provision(**order("ledger-so")).customer_id == made


def test_a_customer_that_was_found_absent_is_made_under_a_new_key(site: Site) -> None:
    """When its profile is given again: nobody has kept it."""
    with site.port() as port:
        review = stuck_customer(port, site.box)
        assert port.resolve(review.id, absent=True).state == "planned"
        assert port.recover() == 0
        with pytest.raises(errors.CustomerNotEligible):  # the new customer's KYC is not approved
            port.provision(**order("ledger-so"), profile=PROFILE)
        assert port.story(review.id).provision.state == "done"
        assert len(set(keys_of(port, review.id))) == 2
