"""Several accounts behind one journal, over real HTTP: orders, customers, what is told of them, and both ports."""

from __future__ import annotations

import asyncio
import inspect
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import ClassVar

import pytest

import walletport
from tests.support.toy import Toy
from tests.support.toy_emulator import ToyEmulator
from tests.unit.port_site import PROFILE, BoxClock, Site, happened, keys_of, order
from walletport import AsyncPort, CustomerLink, Port, Route, errors
from walletport.capabilities import Capabilities, Idempotency
from walletport.journal import Journal, JournalError, NewProvision, rows
from walletport.provider.emulation import Emulator
from walletport.sandbox import Sandbox


@pytest.fixture
def site(tmp_path: Path) -> Iterator[Site]:
    """All that come along."""
    with Sandbox(["conduit", "ledger-so", "polygon-oms"]) as box:
        yield Site(box, tmp_path, {})


# ---------------------------------------------------------------------------------------------- orders and records


def test_the_same_order_is_the_same_record_and_another_reference_another(site: Site) -> None:
    """From one port or the next; each wallet stands in the journal as the provider showed it."""
    with site.port() as port:
        port.link_customer(user="user-1", account="ledger-so", customer_id=site.customer("ledger-so"))
        first = port.provision(**order("ledger-so"))
        again = port.provision(**order("ledger-so"))
        other = port.provision(**order("ledger-so"), reference="second")
    with site.port() as port:
        assert port.provision(**order("ledger-so")) == first == again
        assert other.id != first.id
        assert other.reference == "second"
        assert {wallet.id for wallet in port.wallets(user="user-1")} == {first.wallet.id, other.wallet.id}
    assert set(site.made("ledger-so")) == {first.wallet.id, other.wallet.id}


def test_a_chain_in_another_spelling_is_the_same_order(site: Site) -> None:
    """As is its CAIP-2 id."""
    with site.port() as port:
        port.link_customer(user="user-1", account="ledger-so", customer_id=site.customer("ledger-so"))
        first = port.provision(user="user-1", chain="polygon", account="ledger-so")
        assert port.provision(user="user-1", chain="Polygon", account="ledger-so").id == first.id
        assert port.provision(user="user-1", chain="eip155:137", account="ledger-so").id == first.id


def test_a_route_decides_where_no_account_is_named_and_its_reasons_stay_with_the_order(site: Site) -> None:
    """``route`` says the same before, and does nothing."""
    routes = (Route(chains=("polygon",), split={"ledger-so": 1}, failover=("conduit",)),)
    with site.port(routes=routes) as port:
        decision = port.route(user="user-1", chain="polygon")
        assert decision.account == "ledger-so"
        assert decision.reasons == ("route 1 matches chain polygon", "ledger-so: weight 1 of 1")
        assert decision.failover == ("conduit",)
        assert port.provisions() == []
        assert site.box.requests == ()
        port.link_customer(user="user-1", account="ledger-so", customer_id=site.customer("ledger-so"))
        made = port.provision(user="user-1", chain="polygon")
        assert (made.account, made.decision) == ("ledger-so", decision)
        assert port.route(user="user-1", chain="polygon", account="conduit").account == "conduit"
        with pytest.raises(errors.ConfigurationError, match="no route is for an order for chain base"):
            port.provision(user="user-2", chain="base")


def test_wallets_are_listed_for_their_user_and_for_one_account(site: Site) -> None:
    """Of another user nothing is told."""
    with site.port() as port:
        for account in ("ledger-so", "polygon-oms"):
            port.link_customer(user="user-1", account=account, customer_id=site.customer(account))
            port.provision(**order(account), reference=account)
        both, one = port.wallets(user="user-1"), port.wallets(user="user-1", account="polygon-oms")
        assert [wallet.provider for wallet in both] == ["ledger-so", "polygon-oms"]
        assert one == both[1:]
        assert one[0].address_on("polygon")
        assert port.wallets(user="user-2") == []


def test_orders_are_listed_newest_first_and_by_what_they_are(site: Site) -> None:
    """State, account and user narrow the list; the limit cuts its end off."""
    with site.port() as port:
        for user in ("user-1", "user-2"):
            port.link_customer(user=user, account="ledger-so", customer_id=site.customer("ledger-so"))
        made = [
            port.provision(**order("ledger-so", user), reference=str(n))
            for n in range(2)
            for user in ("user-1", "user-2")
        ]
        refused = site.box.emulators["conduit"].add_customer(eligible=False)
        port.link_customer(user="user-1", account="conduit", customer_id=refused)
        with pytest.raises(errors.CustomerNotEligible):
            port.provision(**order("conduit"), reference="refused")
        newest = port.provisions()
        assert [one.reference for one in newest] == ["refused", "1", "1", "0", "0"]
        assert newest[1:] == made[::-1]
        assert port.provisions(limit=2) == newest[:2]
        assert port.provisions(user="user-1") == [newest[0], made[2], made[0]]
        assert port.provisions(user="user-1", limit=1) == newest[:1]
        assert port.provisions(state="rejected") == port.provisions(account="conduit") == newest[:1]
        assert port.provisions(state="rejected", user="user-2") == []
        assert newest[0].error is not None
        assert newest[0].error["type"] == "CustomerNotEligible"


@pytest.mark.parametrize(
    ("wrong", "told"),
    [
        ({"state": "dnoe"}, "state: no such state: did you mean done?"),
        ({"account": "conduti"}, "account: no such account: did you mean conduit?"),
        ({"limit": 0}, "limit must be a whole number above 0"),
        ({"limit": True}, "limit must be a whole number above 0"),
    ],
)
def test_a_list_of_what_cannot_be_is_one_sentence(site: Site, wrong: dict[str, object], told: str) -> None:
    """A misspelt account must not look like one without orders."""
    with site.port() as port, pytest.raises(errors.ConfigurationError) as caught:
        port.provisions(**wrong)
    assert told in caught.value.message


def test_a_story_tells_keys_codes_and_request_ids_in_order(site: Site) -> None:
    """What a support ticket needs, without a word of the vendor's."""
    site.box.faults.add("503:times=1:method=POST:path=wallets")
    with site.port() as port:
        port.link_customer(user="user-1", account="conduit", customer_id=site.customer("conduit"))
        made = port.provision(**order("conduit"))
        story = port.story(made.id)
    assert story.provision == made
    assert [event.what for event in story.events] == ["intended", "sending", "in doubt", "sending", "made"]
    assert [event.at for event in story.events] == sorted(event.at for event in story.events)
    _, first, failed, second, last = (event.detail for event in story.events)
    assert first["key"] == second["key"]
    assert failed["status_code"] == 503
    assert failed["provider_code"] == "SERVICE_UNAVAILABLE"
    assert failed["request_id"]
    assert last == {"id": made.wallet.id}


def test_a_wait_or_a_reference_that_is_none_is_refused_before_anything_is_done(site: Site) -> None:
    """Nothing is journaled."""
    for wrong in ({"wait": -1}, {"wait": float("nan")}, {"reference": " "}, {"reference": "\ud800"}):
        with site.port() as port, pytest.raises(errors.ConfigurationError, match=next(iter(wrong))):
            port.provision(**{**order("conduit"), **wrong})
    with site.port() as port:
        assert port.provisions() == []


# ------------------------------------------------------------------------------------------------------- customers


def kept_in(folder: Path) -> bytes:
    """Return everything that the journal has written, its log included."""
    return b"".join(path.read_bytes() for path in sorted(folder.iterdir()))


def test_a_profile_makes_the_customer_once_and_is_kept_nowhere(site: Site) -> None:
    """Neither are keys, secrets and tokens, while the journal is open and after it was closed."""
    with site.port() as port:
        made = port.provision(**order("polygon-oms"), profile=PROFILE)
        again = port.provision(**order("polygon-oms"), profile=PROFILE, reference="another")
        assert port.customer_id(user="user-1", account="polygon-oms") == made.customer_id == again.customer_id
        (customer,) = [one for one in port.provisions() if one.kind == "customer"]
        assert (customer.state, customer.customer_id) == ("done", made.customer_id)
        while_open = kept_in(site.folder)
    emulators = site.box.emulators
    hidden = [value for emulator in emulators.values() for value in emulator.settings.values()]
    hidden += [*emulators["polygon-oms"]._tokens, "ada@example.test", "Lovelace", "Bearer", "uthorization"]
    assert len(hidden) >= 8
    for kept in (while_open, kept_in(site.folder)):
        assert made.id.encode() in kept, "this is where to look"
        assert [text for text in hidden if text.encode() in kept] == []
    posted = [seen for seen in site.box.requests if seen.method == "POST" and seen.path.endswith("/customers")]
    assert len(posted) == 1


def test_a_user_without_customer_is_told_how_to_link_one(site: Site) -> None:
    """Also where the provider makes no customers, with its reason; and nothing is journaled."""
    with site.port() as port:
        with pytest.raises(errors.ConfigurationError) as caught:
            port.provision(**order("polygon-oms"))
        wanted = "link_customer(user='user-1', account='polygon-oms', customer_id=...)"
        assert caught.value.message == f"user 'user-1' has no customer at account 'polygon-oms': {wanted}"
        with pytest.raises(errors.ConfigurationError, match=r"onboarding application.*link_customer\(user='user-1'"):
            port.provision(**order("conduit"), profile=PROFILE)
        assert port.provisions() == []
        assert port.customer_id(user="user-1", account="conduit") is None
    assert site.box.requests == ()


def test_a_user_stays_who_they_are(site: Site) -> None:
    """The same link again is fine; another customer is refused, and nothing is changed."""
    with site.port() as port:
        for _ in range(2):
            port.link_customer(user="user-1", account="conduit", customer_id="cus_1")
        with pytest.raises(JournalError, match="is linked to customer 'cus_1' at 'conduit' already"):
            port.link_customer(user="user-1", account="conduit", customer_id="cus_2")
        assert port.customer_id(user="user-1", account="conduit") == "cus_1"


def test_many_links_are_made_together_or_not_at_all(site: Site) -> None:
    """One that contradicts the journal undoes the others."""
    with site.port() as port:
        port.link_customer(user="user-9", account="conduit", customer_id="cus_9")
        new = [CustomerLink(user=f"user-{n}", account="conduit", customer_id=f"cus_{n}") for n in range(3)]
        with pytest.raises(JournalError):
            port.link_customers([*new, CustomerLink(user="user-9", account="conduit", customer_id="cus_other")])
        assert port.customer_id(user="user-0", account="conduit") is None
        port.link_customers(new)
        assert [port.customer_id(user=f"user-{n}", account="conduit") for n in range(3)] == ["cus_0", "cus_1", "cus_2"]


@pytest.mark.parametrize(
    ("wrong", "told"),
    [
        ({"user": " "}, "user: must be a text that is not empty"),
        ({"customer_id": ""}, "customer_id: must be a text that is not empty"),
        ({"account": "conduti"}, "account: no such account: did you mean conduit?"),
        ({"user": "\ud800"}, "user: must be a text"),
    ],
)
def test_a_link_that_cannot_be_is_one_sentence(site: Site, wrong: dict[str, str], told: str) -> None:
    with site.port() as port, pytest.raises(errors.ConfigurationError) as caught:
        port.link_customer(**{"user": "user-1", "account": "conduit", "customer_id": "cus_1", **wrong})
    assert told in caught.value.message


# ------------------------------------------------------------------------------------------------- refused orders


def test_a_refused_order_is_sent_again_under_a_new_key_once_the_cause_is_gone(site: Site) -> None:
    """Nothing was applied under the first key, so a new one is safe."""
    emulator = site.box.emulators["conduit"]
    customer = emulator.add_customer(eligible=False)
    with site.port() as port:
        port.link_customer(user="user-1", account="conduit", customer_id=customer)
        with pytest.raises(errors.CustomerNotEligible) as caught:
            port.provision(**order("conduit"))
        assert (caught.value.outcome, caught.value.missing) == ("not_applied", ("claim",))
        refused = port.story(caught.value.provision_id).provision
        assert (refused.state, refused.wallet) == ("rejected", None)
        emulator.claim(customer)
        made = port.provision(**order("conduit"))
        assert made.id == refused.id
        assert made.error is None
        assert len(set(keys_of(port, made.id))) == 2
    assert site.made("conduit") == [made.wallet.id]


class DigitsEmulator(ToyEmulator):
    """Toy under another address."""

    mount: ClassVar[str] = "/digits"


class Digits(Toy):
    """Toy, whose keys are numbers."""

    name = "digits"
    capabilities: ClassVar[Capabilities] = Toy.capabilities.model_copy(
        update={
            "idempotency": Idempotency(
                place="header", name="Idempotency-Key", pattern="[0-9]{1,39}", window=timedelta(minutes=10)
            )
        }
    )

    @classmethod
    def emulator(cls) -> type[Emulator]:
        return DigitsEmulator


def test_a_refused_order_moves_to_the_account_that_is_named(tmp_path: Path) -> None:
    """It is the same record, for the customer there, under a key as that provider wants it."""
    with Sandbox([Toy, Digits]) as box:
        site = Site(box, tmp_path, {"toy": Toy, "digits": Digits})
        with site.port() as port:
            refused = box.emulators["toy"].add_customer(eligible=False)
            port.link_customer(user="user-1", account="toy", customer_id=refused)
            port.link_customer(user="user-1", account="digits", customer_id=site.customer("digits"))
            with pytest.raises(errors.CustomerNotEligible) as caught:
                port.provision(**order("toy"))
            moved = port.provision(**order("digits"))
            assert (moved.id, moved.account) == (caught.value.provision_id, "digits")
            assert moved.customer_id == moved.wallet.customer_id == site.customer("digits")
            assert keys_of(port, moved.id)[-1].isdigit()
            assert "asked again" in happened(port, moved.id)
        assert (site.made("toy"), site.made("digits")) == ([], [moved.wallet.id])


# ------------------------------------------------------------------------------------------------ former accounts


def test_an_order_at_an_account_that_is_configured_no_more_is_told_and_nothing_else(site: Site) -> None:
    """What is done stays done; what is not says which account is missing, and stops nobody."""
    with site.port() as port:
        for account in ("conduit", "ledger-so"):
            port.link_customer(user="user-1", account=account, customer_id=site.customer(account))
        done = port.provision(**order("ledger-so"))
        site.box.faults.add("drop-after:method=POST:path=wallets")
        with pytest.raises(errors.WalletportError) as caught:
            port.provision(**order("ledger-so"), reference="open", wait=0)
        site.box.faults.clear()
    site.box.clock.advance(10)
    with site.port("conduit") as port:
        assert port.provision(user="user-1", chain="polygon", asset="usdc") == done
        with pytest.raises(errors.ConfigurationError, match="at account 'ledger-so', which is not configured"):
            port.provision(user="user-1", chain="polygon", asset="usdc", reference="open")
        with pytest.raises(errors.ConfigurationError, match="at account 'ledger-so', which is not configured"):
            port.resolve(caught.value.provision_id, absent=True)
        assert port.recover() == 0
        assert [one.state for one in port.provisions(account="ledger-so")] == ["in_doubt", "done"]
        assert port.wallets(user="user-1") == [done.wallet]


def test_orders_that_cannot_go_on_hide_none_that_can(site: Site) -> None:
    """However many customers wait for their profile, an order for a wallet is carried on."""
    now = datetime.now(UTC) - timedelta(days=1)
    with site.port() as port:
        port.link_customer(user="user-1", account="conduit", customer_id=site.customer("conduit"))
        site.box.faults.add("429:method=POST")
        with pytest.raises(errors.WalletportError):
            port.provision(**order("conduit"), wait=0)
        site.box.faults.clear()
        site.box.clock.advance(600)
    with Journal.open(f"sqlite:///{site.folder / 'journal.db'}") as journal:
        for n in range(250):
            new = NewProvision(
                kind="customer", identity=f"c{n}", user_id=f"u{n}", account="conduit", idempotency_key=f"k{n}"
            )
            journal.write(lambda connection, new=new: rows.record_intent(connection, new, now)).result()
    with site.port() as port:
        assert port.recover() == 1
        assert [one.state for one in port.provisions(user="user-1")] == ["done"]


# ------------------------------------------------------------------------------------------------- Port and AsyncPort


def public(kind: type) -> dict[str, object]:
    return {name: member for name, member in inspect.getmembers(kind) if not name.startswith("_")}


def test_port_and_async_port_have_the_same_methods_and_parameters() -> None:
    """Each is documented, and each of `AsyncPort` is `Port`'s, awaited where it waits for anything."""
    sync, awaited = public(Port), public(AsyncPort)
    assert sync.keys() == awaited.keys()
    assert len(sync) >= 12
    for name, member in sync.items():
        assert inspect.getdoc(member), name
        assert inspect.getdoc(awaited[name]), name
        if callable(member):
            ours, theirs = inspect.signature(member), inspect.signature(awaited[name])
            assert str(ours) == str(theirs).replace("AsyncIterator", "Iterator"), name
    waits = {name for name, member in awaited.items() if inspect.iscoroutinefunction(member)}
    assert set(awaited) - waits == {"accounts", "route", "watched_addresses"}, "the last is for `async for`"


def test_everything_works_awaited(site: Site) -> None:
    """One order through all of it."""

    async def run() -> None:
        async with AsyncPort(site.config(), clock=BoxClock(site.box), recovers=False) as port:
            assert port.accounts == ("conduit", "ledger-so", "polygon-oms")
            assert port.route(user="user-1", account="ledger-so").account == "ledger-so"
            customer = site.customer("ledger-so")
            await port.link_customers([CustomerLink(user="user-1", account="ledger-so", customer_id=customer)])
            assert await port.customer_id(user="user-1", account="ledger-so") == customer
            site.box.faults.add("drop-after:method=POST:path=wallets")
            for _ in range(2):
                with pytest.raises(errors.WalletportError) as caught:
                    await port.provision(**order("ledger-so"), wait=0)
                site.box.clock.advance(3600)
            site.box.faults.clear()
            (review,) = await port.provisions(state="needs_review")
            assert review.id == caught.value.provision_id
            done = await port.resolve(review.id, wallet_id=site.made("ledger-so")[0])
            assert (await port.story(review.id)).provision == done
            assert await port.wallets(user="user-1") == [done.wallet]
            assert await port.provision(**order("ledger-so")) == done
            assert await port.recover() == 0

    asyncio.run(run())


def test_open_takes_a_configuration_or_the_name_of_a_file(site: Site) -> None:
    """And so does ``aopen``; a file that is not there is one sentence."""
    with walletport.open(site.config()) as port:
        assert isinstance(port, Port)
    with pytest.raises(errors.ConfigurationError, match="cannot be read"):
        walletport.open(site.folder / "nothing.toml")
    with pytest.raises(errors.ConfigurationError, match="cannot be read"):
        walletport.aopen(site.folder / "nothing.toml")
