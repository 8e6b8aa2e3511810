"""From one custodian to another over real HTTP: plan, moves, cut-over, and the way back."""

from __future__ import annotations

import json
from datetime import UTC, datetime, timedelta

import pytest

from tests.unit.port_site import happened
from tests.unit.switching.world import NEW, OLD, SPANNING, Town
from walletport import bulk, errors
from walletport.jobs.desk import change
from walletport.jobs.record import JobState
from walletport.journal import Transaction, jobrows
from walletport.provider import Response
from walletport.provider.emulation import IncomingRequest
from walletport.switching.rollback import roll_back_all

ORDER = {"chain": "polygon", "asset": "usdc"}


def test_every_customer_gets_one_wallet_at_the_target_and_it_becomes_theirs(town: Town) -> None:
    """The same order gives the new wallet then; the old one is watched, and both stories tell it."""
    town.settle("ada", "bob")
    before = {user: town.current(user) for user in ("ada", "bob")}
    job = town.switch()
    assert (job.state, job.counts, job.missing) == ("finished", {"done": 2}, 0)
    assert len(town.made(NEW)) == 2
    with town.port() as port:
        for user, old in before.items():
            new = port.current_wallet(user=user, **ORDER)
            assert (old.account, new.account) == (OLD, NEW)
            assert new.wallet.id in town.made(NEW)
            assert new.address == new.wallet.address_on("polygon")
            again = port.provision(user=user, **ORDER, account=OLD)
            assert (again.account, again.wallet.id) == (NEW, new.wallet.id)
            assert {one.id for one in port.wallets(user=user)} == {old.wallet.id, new.wallet.id}
            assert happened(port, old.provision_id)[-1] == "cut over"
            assert happened(port, new.provision_id)[-1] == "cut over"
            (watched,) = port.watched_addresses(user=user)
            assert (watched.address, watched.chain, watched.account) == (old.address, "polygon", OLD)
            assert watched.since == new.since


def test_after_a_rollback_the_wallet_at_the_source_is_theirs_again(town: Town) -> None:
    """And the address at the target, which was theirs for a while, is watched from then on."""
    town.settle("ada")
    old = town.current("ada")
    town.switch()
    new = town.current("ada")
    told = town.roll_back()
    assert (told.customers, told.taken_back) == (1, 1)
    with town.port() as port:
        back = port.current_wallet(user="ada", **ORDER)
        assert (back.account, back.wallet, back.provision_id) == (OLD, old.wallet, old.provision_id)
        assert port.provision(user="ada", **ORDER).wallet.id == old.wallet.id
        assert [one.address for one in port.watched_addresses()] == [new.address]
        assert happened(port, new.provision_id)[-2:] == ["cut over", "rolled back"]
    assert len(town.made(NEW)) == 1


# ------------------------------------------------------------------------------------------------ the current wallet


def test_the_first_wallet_is_the_users_and_a_later_order_displaces_it_not(town: Town) -> None:
    with town.port() as port:
        town.link(port, "ada", OLD)
        town.link(port, "ada", NEW)
        first = port.provision(user="ada", **ORDER, account=OLD, reference="first")
        second = port.provision(user="ada", **ORDER, account=NEW, reference="second")
        assert port.current_wallet(user="ada", chain="eip155:137", asset="USDC").wallet == first.wallet
        assert port.current_wallet(user="ada", chain="polygon") is None
        assert port.current_wallet(user="bob", **ORDER) is None
        assert list(port.watched_addresses()) == []
        assert port.provision(user="ada", **ORDER, reference="second").wallet == second.wallet


def test_the_order_that_was_switched_answers_with_the_new_wallet_and_another_with_its_own(town: Town) -> None:
    """Also one without a reference, that made no wallet yet."""
    town.settle("ada", reference="first")
    with town.port() as port:
        own = port.provision(user="ada", **ORDER, account=OLD, reference="own").wallet
    town.switch()
    new = town.current("ada")
    assert new.account == NEW
    with town.port() as port:
        assert port.provision(user="ada", **ORDER, reference="first").wallet == new.wallet
        assert port.provision(user="ada", **ORDER).wallet == new.wallet
        assert port.provision(user="ada", **ORDER, reference="own").wallet == own
        assert port.story(new.provision_id).provision.reference == "first"


def test_another_order_that_a_wallet_of_the_user_satisfies_gets_the_current_one(town: Town) -> None:
    """Never one that was replaced, and none that is only prepared."""
    town.settle("ada", "bob", "cyd", linked=False)
    with town.port() as port:
        for user in ("ada", "bob", "cyd"):
            town.link(port, user, SPANNING)
    old = {user: town.current(user).wallet.id for user in ("ada", "bob", "cyd")}
    there = town.scope(OLD, SPANNING)
    town.switch(there, cuts_over=False)
    with town.port() as port:
        assert port.provision(user="ada", chain="polygon").wallet.id == old["ada"]
    town.switch(there)
    with town.port() as port:
        made = port.provision(user="bob", chain="polygon")
        assert (made.account, made.wallet) == (SPANNING, port.current_wallet(user="bob", **ORDER).wallet)
    with town.named("cyd") as users:
        town.roll_back(town.scope(OLD, SPANNING, users=users))
    with town.port() as port:
        assert port.provision(user="cyd", chain="polygon").wallet.id == old["cyd"]
    assert len(town.made(SPANNING)) == 3


def test_a_user_who_goes_there_and_back_and_there_again_has_two_wallets_in_all(town: Town) -> None:
    """The wallets that are there are taken, and the address that is not current is watched."""
    town.settle("ada")
    first = town.current("ada")
    town.switch()
    second = town.current("ada")
    assert town.switch(town.scope(NEW, OLD)).counts == {"done": 1}
    assert town.current("ada").wallet.id == first.wallet.id
    with town.port() as port:
        assert [one.address for one in port.watched_addresses()] == [second.address]
        assert port.provision(user="ada", **ORDER).wallet.id == first.wallet.id
    assert town.switch().counts == {"done": 1}
    assert town.current("ada").wallet.id == second.wallet.id
    with town.port() as port:
        assert [one.address for one in port.watched_addresses()] == [first.address]
    assert (town.made(OLD), town.made(NEW)) == ([first.wallet.id], [second.wallet.id])


# -------------------------------------------------------------------------------------------- who is blocked, and why


def test_who_is_no_customer_at_the_target_is_blocked_and_taken_up_once_they_are(town: Town) -> None:
    """The same command again; nobody else is touched by it."""
    town.settle("ada")
    town.settle("bob", linked=False)
    job = town.switch()
    assert (job.state, job.counts, job.missing) == ("finished", {"blocked": 1, "done": 1}, 1)
    move = town.move("bob")
    assert (move.state, town.current("bob").account) == ("blocked", OLD)
    assert move.reason.startswith("no customer at polygon-oms: link one")
    assert town.plan().follow_up == {move.reason: 1}
    with town.port() as port:
        town.link(port, "bob", NEW)
    assert (town.plan().to_switch, town.plan().follow_up) == (1, {})
    again = town.switch()
    assert (again.total, again.counts) == (1, {"done": 1})
    assert again.id != job.id
    assert town.current("bob").account == NEW
    assert len(town.made(NEW)) == 2


def test_who_lacks_something_at_the_target_is_listed_with_the_link_and_taken_up_later(town: Town) -> None:
    """A check of who they are, for one."""
    town.settle("ada", linked=False)
    with town.port() as port:
        customer = town.link(port, "ada", SPANNING, eligible=False)
    there = town.scope(OLD, SPANNING)
    assert town.switch(there).counts == {"blocked": 1}
    move = town.move("ada", OLD, SPANNING)
    assert move.state == "blocked"
    assert "kyc" in move.reason
    assert move.link.startswith("https://")
    plan = town.plan(there)
    assert (plan.to_switch, plan.exist, plan.follow_up) == (0, 0, {move.reason: 1})
    town.box.emulators[SPANNING].review(customer)
    assert town.switch(there).counts == {"done": 1}
    assert town.current("ada").account == SPANNING
    assert (town.move("ada", OLD, SPANNING).reason, town.move("ada", OLD, SPANNING).link) == (None, None)


def test_a_wallet_that_cannot_take_deposits_yet_is_waited_for(town: Town) -> None:
    """Until then the one at the source stays the user's; whose old address was not known, it is read now."""
    with town.port() as port:
        town.link(port, "ada", NEW)
        town.link(port, "ada", OLD)
        port.provision(user="ada", **ORDER, account=NEW)
    town.box.emulators[OLD].activation_delay = timedelta(seconds=3)
    assert town.switch(town.scope(NEW, OLD)).counts == {"done": 1}
    new = town.current("ada")
    assert (new.account, new.wallet.status) == (OLD, "active")
    assert new.address is not None


def test_what_the_target_cannot_express_is_said_before_anything_is_sent(town: Town) -> None:
    """And the others go on."""
    town.settle("ada")
    town.settle("bob", asset=None)
    sent = len(town.box.requests)
    plan = town.plan()
    assert len(town.box.requests) == sent
    assert (plan.customers, plan.to_switch, plan.exist) == (2, 1, 1)
    (reason,) = plan.impossible
    assert "an order here must name its asset" in reason
    job = town.switch()
    assert job.counts == {"blocked": 1, "done": 1}
    assert town.move("bob", asset=None).reason == reason
    assert town.current("bob", asset=None).account == OLD


# ------------------------------------------------------------------------------------------------- part of the users


def test_a_part_of_the_users_lies_within_a_larger_part(town: Town) -> None:
    """And what is outside is accounted for."""
    users = [f"user-{n}" for n in range(400)]
    scopes = [town.scope(percent=percent) for percent in (5, 20, 100)]
    five, twenty, all_of_them = ({user for user in users if scope.includes(user)} for scope in scopes)
    assert five < twenty < all_of_them == set(users)
    assert 8 <= len(five) <= 36
    assert 50 <= len(twenty) <= 110
    some = [*sorted(five)[:1], *sorted(twenty - five)[:2], *sorted(all_of_them - twenty)[:1]]
    town.settle(*some)
    assert town.switch(town.scope(percent=5)).counts == {"done": 1}
    plan = town.plan(town.scope(percent=20))
    assert (plan.customers, plan.cut_over, plan.exist, plan.outside) == (4, 1, 2, 1)
    assert town.switch(town.scope(percent=20)).counts == {"done": 2}
    assert [town.current(user).account for user in some] == [NEW, NEW, NEW, OLD]


def test_only_the_users_of_a_file_are_switched(town: Town) -> None:
    town.settle("ada", "bob", "cyd")
    with town.named("ada", "cyd") as users:
        assert town.switch(town.scope(users=users)).counts == {"done": 2}
    assert [town.current(user).account for user in ("ada", "bob", "cyd")] == [NEW, OLD, NEW]


def test_a_file_that_names_strangers_or_somebody_twice_is_refused_whole(town: Town) -> None:
    town.settle("ada")
    with town.named("ada", "nobody", "ada") as users, pytest.raises(errors.ConfigurationError) as caught:
        town.switch(town.scope(users=users))
    assert "users.csv, line 3: user 'nobody' has no wallet at conduit" in caught.value.message
    assert "users.csv, line 4: line 2 names the same user" in caught.value.message
    assert town.made(NEW) == []
    assert town.move("ada") is None


# -------------------------------------------------------------------------------------------- before the cut-over


def test_a_switch_can_be_prepared_first_and_cut_over_later(town: Town) -> None:
    """What is prepared changes nothing for anybody."""
    town.settle("ada")
    old = town.current("ada")
    job = town.switch(cuts_over=False)
    assert (job.counts, job.name) == ({"done": 1}, "conduit to polygon-oms, no cut-over")
    assert town.move("ada").state == "address_known"
    with town.port() as port:
        assert port.current_wallet(user="ada", **ORDER) == old
        assert port.provision(user="ada", **ORDER).wallet == old.wallet
        assert list(port.watched_addresses()) == []
    sent = town.made(NEW)
    assert town.switch().counts == {"done": 1}
    assert town.current("ada").account == NEW
    assert town.made(NEW) == sent


def test_a_customer_who_is_taken_out_before_the_cut_over_stays_out_until_told_otherwise(town: Town) -> None:
    """The wallet at the target stays known, and is the one that is taken then."""
    town.settle("ada", "bob")
    town.switch(cuts_over=False)
    with town.named("ada") as users:
        assert town.roll_back(town.scope(users=users), dry=True).taken_out == 1
        assert town.move("ada").state == "address_known"
        assert town.roll_back(town.scope(users=users)).taken_out == 1
        assert town.roll_back(town.scope(users=users)).rolled_back == 1
    assert town.plan().rolled_back == 1
    assert town.switch().counts == {"done": 1}
    assert (town.current("ada").account, town.current("bob").account) == (OLD, NEW)
    with town.port() as port:
        assert len(port.wallets(user="ada")) == 2
        assert len(list(port.watched_addresses(user="ada"))) == 0
    assert town.switch(town.scope(again=True)).counts == {"done": 1}
    assert town.current("ada").account == NEW
    assert len(town.made(NEW)) == 2


def test_a_rollback_leaves_alone_who_has_gone_on_to_a_third_custodian(town: Town) -> None:
    town.settle("ada")
    with town.port() as port:
        town.link(port, "ada", SPANNING)
    town.switch()
    town.switch(town.scope(NEW, SPANNING))
    assert town.current("ada").account == SPANNING
    assert town.roll_back(dry=True).elsewhere == town.roll_back().elsewhere == 1
    assert town.current("ada").account == SPANNING
    assert town.plan().elsewhere == 1
    with town.port() as port:
        assert {one.account for one in port.watched_addresses()} == {OLD, NEW}


def test_a_rollback_of_what_never_was_is_one_sentence(town: Town) -> None:
    with pytest.raises(errors.ConfigurationError, match="nobody is in a switch from conduit to polygon-oms"):
        town.roll_back()
    town.settle("ada")
    town.switch()
    with town.named("ada", "bob") as users, pytest.raises(errors.ConfigurationError, match="line 3: user 'bob' is not"):
        town.roll_back(town.scope(users=users))
    assert town.current("ada").account == NEW


# ------------------------------------------------------------------------------------------------ holding it up


def test_a_switch_is_paused_and_goes_on_once_it_is_resumed(town: Town) -> None:
    """By the same words as any job; nobody is cut over meanwhile, and the same command refuses in one sentence."""
    town.settle("ada", "bob")
    paused: list[str] = []

    def pause(connection: Transaction) -> None:
        (job,) = jobrows.list_jobs(connection, 1)
        paused.append(job.id)

    def at_the_first_create(request: IncomingRequest) -> Response:
        if request.method == "POST" and not paused:
            with town.reading() as journal:
                journal.write(pause).result()
                change(journal, paused[0], JobState.PAUSED, datetime.now(UTC))
        return handle(request)

    emulator = town.box.emulators[NEW]
    handle, emulator.handle = emulator.handle, at_the_first_create
    job = town.switch(size=1)
    assert job.state == "paused"
    assert job.kind == "switch"
    with pytest.raises(errors.ConfigurationError, match=f"job {job.id} is paused: `walletport jobs resume {job.id}`"):
        town.switch()
    with town.reading() as journal:
        change(journal, job.id, JobState.RUNNING, datetime.now(UTC))
    done = town.switch()
    assert (done.id, done.state, done.counts) == (job.id, "finished", {"done": 2})
    assert len(town.made(NEW)) == 2


def test_a_rollback_while_a_switch_is_under_way_takes_out_who_was_not_begun(town: Town) -> None:
    """Who is in flight stays out as well; the wallet at the target stays known."""
    town.settle("ada", "bob")
    told: list[int] = []

    def at_the_first_create(request: IncomingRequest) -> Response:
        if request.method == "POST" and request.path[-1] == "wallets" and not told:
            with town.reading() as journal:
                told.append(roll_back_all(journal, town.scope(), datetime.now(UTC), dry=False).taken_out)
        return handle(request)

    emulator = town.box.emulators[NEW]
    handle, emulator.handle = emulator.handle, at_the_first_create
    job = town.switch(in_flight=1)
    assert told == [2]
    assert job.counts == {"rolled_back": 2}
    assert [town.current(user).account for user in ("ada", "bob")] == [OLD, OLD]
    assert len(town.made(NEW)) == 1


def test_a_switch_on_postgresql(town: Town, postgresql_url: str) -> None:
    """The same statements in the other database: there, back, and the report."""
    town.journal = postgresql_url
    town.settle("ada", "bob")
    assert town.plan().exist == 2
    assert town.switch().counts == {"done": 2}
    with town.port() as port:
        assert port.provision(user="ada", **ORDER).account == NEW
        assert len(list(port.watched_addresses())) == 2
    assert town.report(town.scope()).counts == {"cut_over": 2}
    assert town.roll_back().taken_back == 2
    assert town.report(town.scope()).counts == {"rolled_back": 2}
    assert town.current("ada").account == OLD


# --------------------------------------------------------------------------------------------------------- the scope


@pytest.mark.parametrize(
    ("wrong", "told"),
    [
        ({"source": "condiut"}, "--from: no such account: did you mean conduit?"),
        ({"target": OLD}, "--from and --to are both 'conduit': name two accounts"),
        ({"percent": 0}, "--percent is a number above 0 and at most 100"),
        ({"percent": float("nan")}, "--percent is a number above 0 and at most 100"),
    ],
)
def test_what_makes_no_sense_is_one_sentence(town: Town, wrong: dict[str, object], told: str) -> None:
    with pytest.raises(errors.ConfigurationError) as caught:
        town.plan(town.scope(**wrong))
    assert caught.value.message.startswith(told)
    with pytest.raises(errors.ConfigurationError, match="conduit has no customer"):
        town.switch()


def test_the_same_orders_in_a_file_get_the_wallet_that_is_theirs_by_now(town: Town) -> None:
    """After a cut-over the one at the target, after a rollback the one at the source; nothing is made for it."""
    town.settle("ada")
    file = [{"user": "ada", **ORDER}]
    for act, account in ((lambda: None, OLD), (town.switch, NEW), (town.roll_back, OLD)):
        act()
        results = town.folder / f"{account}.jsonl"
        assert bulk(file, config=town.config, results=results).counts == {"done": 1}
        told = json.loads(results.read_text("utf-8"))
        assert (told["account"], told["wallet_id"]) == (account, town.current("ada").wallet.id)
    assert (len(town.made(OLD)), len(town.made(NEW))) == (1, 1)
