"""Customers who were made elsewhere: a file says who they are, and what is known of their wallets."""

from __future__ import annotations

import pytest

from tests.unit.switching.world import NEW, OLD, SPANNING, Town
from walletport import bulk, errors
from walletport.jobs.source import opened
from walletport.switching.line import USERS

OLD_ADDRESS = "0x52908400098527886E0F7030069857D2E4169EE7"
HEAD = "user,customer_id,chain,asset,address,target_customer_id,email,first_name,last_name\n"


def test_customers_made_elsewhere_are_made_at_the_target_and_get_their_wallet(town: Town) -> None:
    """One has a customer there, one is made from the profile, and of the third nothing is known but the name."""
    known = town.box.emulators[NEW].add_customer()
    text = (
        HEAD + f"ada,c-1,polygon,usdc,{OLD_ADDRESS},{known},,,\n"
        "bob,c-2,polygon,usdc,,,bob@example.test,Bob,Byron\n"
        "cyd,c-3,polygon,usdc,,,,,\n"
    )
    with town.customers(text) as file:
        plan = town.plan(town.scope(customers=file))
        assert (plan.customers, plan.exist, plan.can_be_made) == (3, 1, 1)
        assert (plan.addresses_change, plan.addresses_unknown) == (2, 1)
        ((why, number),) = plan.follow_up.items()
        assert (why, number) == (
            f"no customer at {NEW}: link one, or give email and names in a file of customers to make one",
            1,
        )
        job = town.switch(town.scope(customers=file))
        assert job.counts == {"blocked": 1, "done": 2}
        again = town.switch(town.scope(customers=file))
        assert (again.total, again.counts) == (1, {"blocked": 1})
    assert len(town.made(NEW)) == 2
    assert (town.current("ada").account, town.current("bob").account) == (NEW, NEW)
    waiting = town.current("cyd")
    assert (waiting.account, waiting.wallet, waiting.address) == (OLD, None, None)
    with town.port() as port:
        assert port.customer_id(user="ada", account=NEW) == known
        assert port.customer_id(user="bob", account=OLD) == "c-2"
        assert {(one.user, one.address) for one in port.watched_addresses()} == {("ada", OLD_ADDRESS), ("bob", None)}
        made = port.provision(user="ada", chain="polygon", asset="usdc")
        assert made.wallet == town.current("ada").wallet
    for file in town.folder.glob("journal.db*"):
        assert b"bob@example.test" not in file.read_bytes()


def test_after_a_rollback_what_was_made_elsewhere_is_current_again(town: Town) -> None:
    """With the address that the file told, and nobody is told that the wallet at the target is theirs."""
    known = town.box.emulators[NEW].add_customer()
    with town.customers(HEAD + f"ada,c-1,polygon,usdc,{OLD_ADDRESS},{known},,,\n") as file:
        town.switch(town.scope(customers=file))
    new = town.current("ada")
    assert town.roll_back().taken_back == 1
    back = town.current("ada")
    assert (back.account, back.wallet, back.address, back.provision_id) == (OLD, None, OLD_ADDRESS, None)
    with town.port() as port:
        assert [one.address for one in port.watched_addresses()] == [new.address]
    refused(town, "ada")
    assert len(town.made(NEW)) == 1


def test_who_goes_once_more_after_a_rollback_gets_the_same_wallet(town: Town) -> None:
    """And it answers their order from then on; one with a reference is another order, and gets its own all the time."""
    known, order = town.box.emulators[NEW].add_customer(), {"user": "ada", "chain": "polygon", "asset": "usdc"}
    with town.customers(HEAD + f"ada,c-1,polygon,usdc,{OLD_ADDRESS},{known},,,\n") as file:
        town.switch(town.scope(customers=file))
        new = town.current("ada")
        town.roll_back()
        with town.port() as port:
            town.link(port, "ada", SPANNING)
            own = port.provision(**order, account=SPANNING, reference="savings")
        assert town.switch(town.scope(customers=file, again=True)).counts == {"done": 1}
    with town.port() as port:
        assert port.provision(**order).wallet == new.wallet
        assert port.provision(**order, reference="savings").wallet == own.wallet
    assert (len(town.made(NEW)), len(town.made(SPANNING))) == (1, 1)


def test_before_the_cut_over_no_order_is_answered_and_none_is_sent_for_what_was_made_elsewhere(town: Town) -> None:
    """Neither while they are blocked, nor while their wallet at the target is only prepared."""
    known = town.box.emulators[NEW].add_customer()
    text = HEAD + f"ada,c-1,polygon,usdc,{OLD_ADDRESS},{known},,,\nbob,c-2,polygon,usdc,,,,,\n"
    with town.customers(text) as file:
        job = town.switch(town.scope(customers=file), cuts_over=False)
    assert job.counts == {"blocked": 1, "done": 1}
    before = len(town.box.requests)
    refused(town, "ada")
    refused(town, "bob")
    assert len(town.box.requests) == before


def refused(town: Town, user: str) -> None:
    """See that an order of a user is refused, one by one and in a file, and that the message says why."""
    order = {"user": user, "chain": "polygon", "asset": "usdc"}
    with town.port() as port:
        for account in (None, NEW, OLD):
            with pytest.raises(errors.ConfigurationError, match="at account 'conduit' that was made elsewhere, so no"):
                port.provision(**order, account=account)
    with pytest.raises(errors.ConfigurationError, match=r"line 1: user .* has a wallet for this at account 'conduit'"):
        bulk([{**order, "account": NEW}], config=town.config)


def test_a_profile_is_read_again_by_the_run_that_needs_it(town: Town) -> None:
    """A run that was stopped before has kept none; who was blocked gets it from a line that was put right."""
    with town.customers(HEAD + "ada,c-1,polygon,usdc,,,,,\n") as file:
        assert town.switch(town.scope(customers=file)).counts == {"blocked": 1}
    with town.customers(HEAD + "ada,c-1,polygon,usdc,,,ada@example.test,Ada,Lovelace\n") as file:
        plan = town.plan(town.scope(customers=file))
        assert (plan.to_switch, plan.can_be_made, plan.follow_up) == (1, 1, {})
        assert town.switch(town.scope(customers=file)).counts == {"done": 1}


def test_every_bad_line_is_told_and_nothing_is_sent(town: Town) -> None:
    town.settle("ada")
    with town.port() as port:
        linked = port.customer_id(user="ada", account=OLD)
    text = HEAD + "\n".join(
        [
            f"ada,{linked},polygon,usdc,,,,,",
            f"ada,{linked},polygon,usdc,,,,,",
            "ada,another,base,usdc,,,,,",
            "bob,c-2,polygon,usdc,T9yD14Nj9j7xAB4dbGeiX9h8unkKHxuWwb,,,,",
            ",c-3,polygon,usdc,,,,,",
            "cyd,c-4,polygon,usdc,,t-1,,,",
            "cyd,c-4,base,usdc,,t-2,,,",
            "dan,c-5",
            "",
        ]
    )
    with town.customers(text) as file, pytest.raises(errors.ConfigurationError) as caught:
        town.switch(town.scope(customers=file))
    told = dict(line.split(": ", 1) for line in caught.value.message.splitlines()[1:])
    assert told == {
        "customers.csv, line 3": "line 2 names the same customer",
        "customers.csv, line 4": f"user 'ada' is linked to customer {linked!r} at 'conduit' already",
        "customers.csv, line 5": "the address is not an address on polygon",
        "customers.csv, line 6": told["customers.csv, line 6"],
        "customers.csv, line 8": "line 7 says that this user is another customer at polygon-oms",
        "customers.csv, line 9": "has 2 values, and 9 are wanted",
    }
    assert told["customers.csv, line 6"].startswith("user")
    assert town.made(NEW) == []
    assert town.move("ada") is None


def test_a_file_without_its_columns_is_one_sentence(town: Town) -> None:
    with (
        pytest.raises(
            errors.ConfigurationError,
            match="the first line must name the columns user,customer_id,chain, each once, and any of asset,address,",
        ),
        town.customers("user,chain\nada,polygon\n"),
    ):
        pass
    (town.folder / "users.csv").write_text("ada\n", "utf-8")
    with (
        pytest.raises(errors.ConfigurationError, match="the first line must name the column user once"),
        opened(town.folder / "users.csv", USERS, USERS),
    ):
        pass
