"""A process that provisions is killed with ``kill -9`` again and again, at vendors that fail: one wallet per order."""

from __future__ import annotations

import random
import threading
from collections import Counter
from collections.abc import Iterator
from contextlib import contextmanager
from multiprocessing.process import BaseProcess

import pytest

from tests.unit.provisioning.worker import Site, provisions_until_it_is_killed, started
from tests.unit.provisioning.world import PROVIDERS, Asked, SandboxTime, Vendors, ask
from walletport import CustomerLink, Port, Provision
from walletport.journal import Journal, ProvisionRow, rows
from walletport.provisioning.machine import State
from walletport.sandbox import Sandbox

TIMEOUT = 0.4
LATE = 0.6  # longer than the timeout
FAULTS = [  # a fifth of all requests
    "drop-before:rate=0.03",
    "drop-after:rate=0.04",
    f"late:seconds={LATE}:rate=0.02",
    f"late-before:seconds={LATE}:rate=0.02",
    "500:rate=0.02",
    "500:after:rate=0.02",
    "503:after:rate=0.02",
    "429:seconds=0:rate=0.03",
]
NEW_ORDERS = 12  # for each life of the process
JUMPS = (0.0, 0.0, 0.0, 0.0, 30.0, 250.0, 4000.0)  # of the clock between two lives, in seconds


class Campaign:
    """Starts the process, kills it, and starts it again."""

    def __init__(self, sandbox: Sandbox, journal: str, seed: int) -> None:
        self.sandbox = sandbox
        self.journal = journal
        self.chance = random.Random(seed)
        self.vendors = Vendors(sandbox)
        self.vendors.before = self.arrived
        self.vendors.after = self.answered
        self.links: list[CustomerLink] = []
        self.lately: list[CustomerLink] = []
        self.hits: Counter[str] = Counter()
        self.aim = "clock"
        self.creates_left = 0
        self.begun, self.over = threading.Event(), threading.Event()
        self.process: BaseProcess | None = None

    def new_orders(self) -> list[CustomerLink]:
        """Add users, each with a customer of their own at one account."""
        with self.sandbox.lock:
            made = [
                CustomerLink(user=f"user-{n}", account=name, customer_id=self.sandbox.emulators[name].add_customer())
                for n, name in enumerate(PROVIDERS * (NEW_ORDERS // len(PROVIDERS)), start=len(self.links))
            ]
        self.links += made
        return made

    def live_and_die(self) -> None:
        """Let a process carry out new orders, and those of the one before; kill it in the middle."""
        before, self.lately = self.lately, self.new_orders()
        self.aim = self.chance.choice(["clock", "clock", "arrival", "answer"])
        self.creates_left = self.chance.randint(1, NEW_ORDERS)
        self.begun.clear()
        self.over.clear()
        site = Site.of(self.sandbox, self.journal, timeout=TIMEOUT)
        asked = self.lately + before
        self.process = started(provisions_until_it_is_killed, site, self.links, asked, self.chance.random())
        assert self.begun.wait(60), "the process sent nothing"
        if self.aim == "clock":
            self.over.wait(self.chance.uniform(0, 0.5))
            self.kill()
        else:
            self.over.wait(3)  # unless there are fewer creates than that
            self.kill()
        self.process.join(60)
        assert self.process.exitcode == -9, "the process ended by itself"
        self.look()

    def kill(self) -> None:
        assert self.process is not None
        self.process.kill()
        self.over.set()

    def arrived(self, asked: Asked) -> None:
        """Kill as soon as a certain create is there, before the vendor has looked at it."""
        self.begun.set()
        if asked.is_create:
            self.creates_left -= 1
            if self.aim == "arrival" and self.creates_left == 0:
                self.kill()

    def answered(self, asked: Asked) -> None:
        """Kill once the vendor has done the work, before its answer leaves."""
        if asked.is_create and self.aim == "answer" and self.creates_left == 0:
            self.kill()

    def look(self) -> None:
        """Count what the death has hit."""
        with Journal.open(self.journal) as journal:
            sending = journal.read(lambda c: rows.list_provisions(c, state="sending", limit=1000))
        self.hits["lives"] += 1
        self.hits["sending"] += bool(sending)
        keys = {asked.key for asked in self.vendors.asked if asked.is_create}
        self.hits["before it was sent"] += any(not self.arrived_under(row, keys) for row in sending)
        self.hits["after it was sent"] += any(self.arrived_under(row, keys) for row in sending)

    @staticmethod
    def arrived_under(row: ProvisionRow, keys: set[str]) -> bool:
        return row.idempotency_key in keys

    def let_time_pass(self) -> None:
        """Move the clock, once the vendors have done what they were late with: they have a minute for that."""
        jump = self.chance.choice(JUMPS)
        if jump:
            threading.Event().wait(LATE)
            self.sandbox.clock.advance(jump)


@contextmanager
def campaign(journal: str, kills: int) -> Iterator[tuple[Campaign, Port]]:
    """Kill so many times; then go on with a port of this process until nothing is open, and give both."""
    seed = random.SystemRandom().randrange(2**32)
    print(f"the seed is {seed}")  # noqa: T201 - shown if the test fails
    with Sandbox(seed=seed, faults=FAULTS) as sandbox:
        under_fire = Campaign(sandbox, journal, seed)
        for _ in range(kills):
            under_fire.live_and_die()
            under_fire.let_time_pass()
        print(dict(under_fire.hits))  # noqa: T201 - the same
        config = Site.of(sandbox, journal, timeout=TIMEOUT).config()
        with Port(config, clock=SandboxTime(sandbox), recovers=False) as port:
            port.link_customers(under_fire.links)
            yield under_fire, port


def settle(under_fire: Campaign, port: Port) -> list[Provision]:
    """Recover, and ask for each order again, until all have ended; the vendors fail for a while yet."""
    open_orders = list(under_fire.links)
    for tries in range(60):
        if tries == 8:
            under_fire.sandbox.faults.clear()
        port.recover(wait=0)
        ended = [one for one in port.provisions(limit=100_000) if one.ended and one.state is not State.REJECTED]
        known = {one.user for one in ended}
        open_orders = [link for link in open_orders if link.user not in known]
        if not open_orders:
            return ended
        answers = {link.user: ask(port, link.account, user=link.user) for link in open_orders}
        under_fire.sandbox.clock.advance(20)
    pytest.fail(f"still open: {[answers[link.user] for link in open_orders]}")


@pytest.mark.parametrize(
    ("url", "kills"),
    [
        ("sqlite", 30),
        pytest.param("sqlite", 300, marks=[pytest.mark.long, pytest.mark.timeout(1800)]),
        pytest.param("postgresql", 300, marks=[pytest.mark.long, pytest.mark.timeout(1800)]),
    ],
    indirect=["url"],
)
def test_a_process_that_is_killed_again_and_again_makes_one_wallet_per_order(url: str, kills: int) -> None:
    """By the emulators' own count. Where nobody can know, past Ledger.so's window, a person must look."""
    with campaign(url, kills) as (under_fire, port):
        # The deaths have hit what they were meant to hit.
        assert under_fire.hits["sending"] >= kills / 2
        assert under_fire.hits["before it was sent"] >= 1
        assert under_fire.hits["after it was sent"] >= kills / 4
        ended = settle(under_fire, port)
        made = under_fire.sandbox.wallets()
        assert sorted(one.user for one in ended) == sorted(link.user for link in under_fire.links)
        assert {one.state for one in ended} <= {State.DONE, State.NEEDS_REVIEW}
        assert {one.account for one in ended if one.state is State.NEEDS_REVIEW} <= {"ledger-so"}
        for name in PROVIDERS:
            holders = Counter(wallet.customer_id for wallet in made[name])
            assert set(holders.values()) == {1}, f"two wallets for one order at {name}"
            done = {one.customer_id: one.wallet.id for one in ended if one.account == name and one.wallet}
            assert done.items() <= {wallet.customer_id: wallet.wallet_id for wallet in made[name]}.items()
