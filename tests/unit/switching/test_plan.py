"""A plan counts every customer once."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager

from tests.unit.switching.world import NEW, OLD, SPANNING, Town
from walletport.provider import Response
from walletport.provider.emulation import IncomingRequest
from walletport.switching.planning import SwitchPlan

HEAD = "user,customer_id,chain,asset,target_customer_id,email,first_name,last_name\n"


def adds_up(plan: SwitchPlan) -> bool:
    """Return whether every customer is counted, and none twice."""
    others = plan.cut_over + plan.rolled_back + plan.elsewhere + plan.outside
    first = sum(plan.follow_up.values())
    return plan.customers == plan.to_switch + first + sum(plan.impossible.values()) + others


@contextmanager
def refusing_customers(town: Town) -> Iterator[None]:
    """Let the new custodian refuse whoever is to become its customer."""

    def handled(request: IncomingRequest) -> Response:
        if request.method == "POST" and request.path[-1] == "customers":
            return emulator.failure(400, None)
        return handle(request)

    emulator = town.box.emulators[NEW]
    handle, emulator.handle = emulator.handle, handled
    yield
    emulator.handle = handle


def test_one_of_each_is_counted_once(town: Town) -> None:
    """Done, taken out, gone on to a third, impossible, in need of something, and ready to go."""
    town.settle("done", "back", "third")
    town.settle("never", asset=None)
    town.switch()
    with town.named("back") as users:
        town.roll_back(town.scope(users=users))
    with town.port() as port:
        town.link(port, "third", SPANNING)
    with town.named("third") as users:
        assert town.switch(town.scope(NEW, SPANNING, users=users)).counts == {"done": 1}
    town.settle("ready")
    town.settle("nobody", "stranger", linked=False)
    plan = town.plan()
    assert (plan.customers, plan.to_switch, plan.exist, plan.can_be_made) == (7, 1, 1, 0)
    assert list(plan.follow_up.values()) == [2]
    assert list(plan.impossible.values()) == [1]
    assert (plan.cut_over, plan.rolled_back, plan.elsewhere, plan.outside) == (1, 1, 1, 0)
    assert plan.addresses_change == 1
    assert adds_up(plan)
    part = town.plan(town.scope(percent=0.001))
    assert (part.outside, part.to_switch) == (5, 0)
    assert adds_up(part)


def test_who_lacks_something_is_not_counted_as_to_be_switched(town: Town) -> None:
    """Neither who has to be linked first, nor who was told by an earlier run what is missing; both are tried again."""
    known = town.box.emulators[NEW].add_customer()
    lines = [
        f"ada,c-1,polygon,usdc,{known},,,\n",
        "bob,c-2,polygon,usdc,,bob@example.test,Bob,Byron\n",
        "cyd,c-3,polygon,usdc,,,,\n",
    ]
    with town.customers(HEAD + "".join(lines)) as file:
        plan = town.plan(town.scope(customers=file))
        assert (plan.exist, plan.can_be_made, plan.to_switch, list(plan.follow_up.values())) == (1, 1, 2, [1])
        assert adds_up(plan)
        with refusing_customers(town):
            assert town.switch(town.scope(customers=file)).counts == {"blocked": 2, "done": 1}
        plan = town.plan(town.scope(customers=file))
        assert (plan.cut_over, plan.to_switch, sorted(plan.follow_up.values())) == (1, 0, [1, 1])
        assert adds_up(plan)
        assert town.switch(town.scope(customers=file)).counts == {"blocked": 1, "done": 1}
    assert town.current("bob").account == NEW
    assert town.current("cyd").account == OLD


def test_chains_on_which_the_new_wallets_take_no_deposits_are_named(town: Town) -> None:
    """A wallet at the source that spans chains, and one at the target that is on the chain that was ordered."""
    with town.port() as port:
        for user in ("ada", "bob"):
            town.link(port, user, SPANNING)
            town.link(port, user, NEW)
            made = port.provision(user=user, chain="polygon", asset="usdc", account=SPANNING)
            wallet = port.wait_until_ready(made.id).wallet
    plan = town.plan(town.scope(SPANNING, NEW))
    assert (plan.to_switch, plan.addresses_change, plan.addresses_unknown) == (2, 2, 0)
    others = {one.chain for one in wallet.addresses} - {"polygon"}
    assert others
    assert {
        name.removesuffix(" (another form of address)"): n for name, n in plan.no_successor.items()
    } == dict.fromkeys(others, 2)
    assert town.plan(town.scope(NEW, SPANNING)).no_successor == {}


def test_wallets_that_are_nobodys_current_one_are_counted(town: Town) -> None:
    """The second of a user; not the one that is theirs, nor one that was before and is watched."""
    town.settle("ada", "bob", account=SPANNING)
    with town.port() as port:
        port.provision(user="ada", chain="polygon", asset="usdc", account=SPANNING, reference="second")
    with town.named("bob") as users:
        assert town.switch(town.scope(SPANNING, NEW, users=users)).counts == {"done": 1}
    assert len(town.made(SPANNING)) == 3
    assert town.plan(town.scope(SPANNING, NEW)).others == 1
