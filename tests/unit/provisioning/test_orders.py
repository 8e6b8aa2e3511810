"""One order, one wallet: over real HTTP, with the emulators' own count as the judge."""

from __future__ import annotations

import asyncio
from concurrent.futures import ThreadPoolExecutor

import pytest

import walletport
from walletport import Config, CustomerProfile, errors
from walletport.sandbox import Sandbox

PROVIDERS = ["conduit", "ledger-so", "polygon-oms"]


def linked(port: walletport.Port, sandbox: Sandbox, user: str = "user-1") -> walletport.Port:
    """Tell the port who the user is everywhere."""
    for name, emulator in sandbox.emulators.items():
        port.link_customer(user=user, account=name, customer_id=emulator.default_customer)
    return port


def order(account: str) -> dict[str, str]:
    """Return the order of the demo."""
    return {"user": "user-1", "chain": "polygon", "asset": "usdc", "account": account}


@pytest.mark.parametrize("provider", PROVIDERS)
def test_the_same_order_gives_the_same_record(provider: str, config: Config, sandbox: Sandbox) -> None:
    """Asking twice, and from another opening of the journal, makes nothing new."""
    with walletport.open(config) as port:
        first = linked(port, sandbox).provision(**order(provider))
        again = port.provision(**order(provider))
    with walletport.open(config) as later:
        third = later.provision(**order(provider))
        assert [wallet.id for wallet in later.wallets(user="user-1")] == [first.wallet.id]
    assert first.id == again.id == third.id
    assert first.wallet == again.wallet == third.wallet
    assert len(sandbox.wallets()[provider]) == 1


@pytest.mark.parametrize("provider", PROVIDERS)
@pytest.mark.parametrize(
    "fault",
    [
        "drop-before",
        "drop-after",
        "late:seconds=3",
        "429:seconds=0",
        "500",
        "500:after",
        "503:after",
        "truncated",
        "cut",
        "html-502:after",
    ],
)
def test_whatever_fails_once_one_order_makes_one_wallet(
    provider: str, fault: str, config: Config, sandbox: Sandbox
) -> None:
    """A fault at the create is overcome under the same key."""
    sandbox.faults.add(f"{fault}:times=1:method=POST:path=wallets")
    with walletport.open(config) as port:
        provision = linked(port, sandbox).provision(**order(provider))
    assert [made.wallet_id for made in sandbox.wallets()[provider]] == [provision.wallet.id]


def test_many_threads_with_one_order_make_one_wallet(config: Config, sandbox: Sandbox) -> None:
    """Whoever asks meanwhile gets the same answer."""
    sandbox.faults.add("late:times=1:seconds=0.3:method=POST:path=wallets")
    with walletport.open(config) as port, ThreadPoolExecutor(20) as pool:
        linked(port, sandbox)
        asked = [pool.submit(port.provision, **order("polygon-oms")) for _ in range(40)]
        assert len({future.result().wallet.id for future in asked}) == 1
    assert len(sandbox.wallets()["polygon-oms"]) == 1


def test_many_tasks_with_one_order_make_one_wallet(config: Config, sandbox: Sandbox) -> None:
    """The same, awaited."""

    async def run() -> set[str]:
        async with walletport.aopen(config) as port:
            customer = sandbox.emulators["ledger-so"].default_customer
            await port.link_customer(user="user-1", account="ledger-so", customer_id=customer)
            asked = [port.provision(**order("ledger-so")) for _ in range(40)]
            return {provision.wallet.id for provision in await asyncio.gather(*asked)}

    assert len(asyncio.run(run())) == 1
    assert len(sandbox.wallets()["ledger-so"]) == 1


def test_another_reference_is_another_order(config: Config, sandbox: Sandbox) -> None:
    """The application's own reference tells two orders apart."""
    with walletport.open(config) as port:
        linked(port, sandbox)
        first = port.provision(**order("ledger-so"), reference="a")
        second = port.provision(**order("ledger-so"), reference="b")
    assert first.id != second.id
    assert len(sandbox.wallets()["ledger-so"]) == 2


def test_a_refused_order_is_refused_and_can_be_asked_for_again(config: Config, sandbox: Sandbox) -> None:
    """Nothing was applied, so the next try is safe once the cause is gone."""
    emulator = sandbox.emulators["polygon-oms"]
    with walletport.open(config) as port:
        port.link_customer(user="user-2", account="polygon-oms", customer_id=emulator.add_customer(eligible=False))
        with pytest.raises(errors.CustomerNotEligible) as caught:
            port.provision(**{**order("polygon-oms"), "user": "user-2"})
        assert (caught.value.outcome, caught.value.missing) == ("not_applied", ("cryptoCustody",))
        port.link_customer(
            user="user-2", account="ledger-so", customer_id=sandbox.emulators["ledger-so"].default_customer
        )
        moved = port.provision(**{**order("ledger-so"), "user": "user-2"})
    assert (moved.account, sandbox.wallets()["polygon-oms"]) == ("ledger-so", [])


def test_a_customer_is_made_from_a_profile_that_is_kept_nowhere(config: Config, sandbox: Sandbox, tmp_path) -> None:
    """The profile goes to the provider and not into the journal; neither does a credential."""
    profile = CustomerProfile(email="ada@example.test", first_name="Ada", last_name="Lovelace")
    with walletport.open(config) as port:
        provision = port.provision(**order("polygon-oms"), profile=profile)
        assert port.provision(**order("polygon-oms")).id == provision.id
    assert provision.wallet.customer_id == provision.customer_id
    kept = b"".join(path.read_bytes() for path in tmp_path.iterdir())
    secrets = [value for emulator in sandbox.emulators.values() for value in emulator.settings.values()]
    assert not [text for text in ("ada@example.test", "Lovelace", *secrets) if text.encode() in kept]


def test_a_user_without_customer_gets_told_how_to_link_one(config: Config) -> None:
    """The error says what to type."""
    with walletport.open(config) as port, pytest.raises(errors.ConfigurationError, match="link_customer"):
        port.provision(**order("conduit"))


def test_an_approval_is_waited_for(config: Config, sandbox: Sandbox) -> None:
    """The order was taken: it is neither sent again nor lost."""
    sandbox.emulators["conduit"].approval_required = True
    with walletport.open(config) as port:
        linked(port, sandbox)
        for _ in range(2):
            with pytest.raises(errors.ApprovalPending) as caught:
                port.provision(**order("conduit"))
        assert caught.value.approval_id
    assert sum(seen.method == "POST" for seen in sandbox.requests) == 1


def test_what_a_dead_process_left_is_carried_on(config: Config, sandbox: Sandbox) -> None:
    """An answer that never comes within the time given is settled later under the same key."""
    sandbox.faults.add("drop-after:method=POST:path=wallets")
    with walletport.open(config) as port:
        linked(port, sandbox)
        with pytest.raises(errors.WalletportError) as caught:
            port.provision(**order("conduit"), wait=0.0)
        assert caught.value.outcome == "unknown"
    sandbox.faults.clear()
    with walletport.open(config) as later:
        provision = later.provision(**order("conduit"))
    assert [made.wallet_id for made in sandbox.wallets()["conduit"]] == [provision.wallet.id]
