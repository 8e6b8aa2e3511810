"""Many orders from a file: checked first, each carried out once, and only what is missing the next time."""

from __future__ import annotations

import asyncio
import csv
import json
import threading
from collections.abc import Iterator, Mapping
from pathlib import Path

import pytest

import walletport
from tests.unit.provisioning.world import configured
from walletport import BadLines, BulkOrder, Config, Job, Route
from walletport.errors import ConfigurationError
from walletport.jobs import bulk as bulk_room
from walletport.jobs import chunk as chunk_room
from walletport.jobs.desk import change, one_job
from walletport.jobs.record import JobState
from walletport.jobs.source import opened
from walletport.journal import Journal, jobrows
from walletport.sandbox import Sandbox

HEAD = "user,chain,asset,account,customer_id,email,first_name,last_name\n"
FIRST = "conduit"
SECOND = "polygon-oms"


@pytest.fixture
def box() -> Iterator[Sandbox]:
    with Sandbox([FIRST, SECOND]) as running:
        yield running


@pytest.fixture
def config(box: Sandbox, tmp_path: Path) -> Config:
    return configured(box, f"sqlite:///{tmp_path / 'journal.db'}")


@pytest.fixture(autouse=True)
def small_chunks(monkeypatch: pytest.MonkeyPatch) -> None:
    """Several chunks, although the files are short."""
    monkeypatch.setattr(bulk_room, "CHUNK", 4)


def line(box: Sandbox, number: int) -> str:
    """Return an order for one account or the other; at the second the customer is made on the way."""
    if number % 3:
        return f"user-{number},polygon,,{FIRST},{box.emulators[FIRST].add_customer()},,,\n"
    return f"user-{number},polygon,usdc,{SECOND},,user-{number}@example.test,Ada,Lovelace\n"


def write(tmp_path: Path, *lines: str) -> Path:
    path = tmp_path / "orders.csv"
    path.write_text(HEAD + "".join(lines), "utf-8")
    return path


def made(box: Sandbox) -> list[tuple[str, str]]:
    return [(name, wallet.customer_id) for name, wallets in box.wallets().items() for wallet in wallets]


def results(path: Path) -> list[dict[str, str]]:
    with path.open(encoding="utf-8", newline="") as file:
        return list(csv.DictReader(file))


def test_each_line_makes_one_wallet_and_the_same_file_again_makes_none(box: Sandbox, config: Config, tmp_path: Path):
    orders = write(tmp_path, *(line(box, number) for number in range(20)))
    job = walletport.bulk(orders, config=config, results=tmp_path / "first.csv")
    assert (job.state, job.counts, job.left, job.missing) == ("finished", {"done": 20}, 0, 0)
    assert job.accounts == {FIRST: {"done": 13}, SECOND: {"done": 7}}
    assert len(made(box)) == len(set(made(box))) == 20
    asked = len(box.requests)
    again = walletport.bulk(orders, config=config, results=tmp_path / "again.csv")
    assert (again.id, again.counts) == (job.id, {"done": 20})
    assert len(box.requests) == asked, "nothing was sent"
    first, second = results(tmp_path / "first.csv"), results(tmp_path / "again.csv")
    assert sorted(first, key=lambda row: int(row["line"])) == sorted(second, key=lambda row: int(row["line"]))
    assert {int(row["line"]) for row in first} == set(range(2, 22))
    assert all(row["wallet_id"] and row["address"] and row["customer_id"] for row in first if row["account"] == SECOND)


def test_a_file_that_has_grown_does_only_what_is_new(box: Sandbox, config: Config, tmp_path: Path):
    lines = [line(box, number) for number in range(6)]
    walletport.bulk(write(tmp_path, *lines), config=config)
    asked = len(box.requests)
    job = walletport.bulk(write(tmp_path, *lines, line(box, 7)), config=config)
    assert job.counts == {"done": 7}
    assert (len(made(box)), len(box.requests)) == (7, asked + 1)


def test_every_bad_line_is_told_at_once_and_nothing_is_sent(box: Sandbox, config: Config, tmp_path: Path):
    customer, other = box.emulators[FIRST].add_customer(), box.emulators[FIRST].add_customer()
    with walletport.open(config) as port:
        port.link_customer(user="linked", account=FIRST, customer_id=customer)
    orders = write(
        tmp_path,
        f"good,polygon,usdc,{FIRST},{customer},,,\n",
        f",polygon,,{FIRST},{customer},,,\n",
        f"u1,,,{FIRST},{customer},,,\n",
        "u2,polygon,,conduti,c,,,\n",
        f"u3,polygon,,{FIRST},,,,\n",
        f"u4,polygon,,{FIRST},,a@example.test,A,B\n",
        f"u5,polygon,usdc,{SECOND},,,,\n",
        "u6,polygon,usdc,,c,,,\n",
        "u7,polygon,usdc,,,a@example.test,A,B\n",
        f"linked,polygon,,{FIRST},{other},,,\n",
        f"good,base,,{FIRST},{other},,,\n",
        f"good,polygon,usdc,{SECOND},c,,,\n",
        "short,line\n",
    )
    with pytest.raises(BadLines) as caught:
        walletport.bulk(orders, config=config)
    told = dict(caught.value.problems.first())
    wanted = {
        3: "user: is missing",
        4: "must name its chain",
        5: "account: no such account: did you mean conduit?",
        6: f"the user has no customer at account {FIRST}: name it in customer_id",
        7: f"the user has no customer at account {FIRST} (",
        8: f"the user has no customer at account {SECOND}: name it in customer_id, or give email and names",
        9: "customer_id is somebody's at one account: name it in the column account",
        10: "no route is for an order for chain polygon and asset usdc",
        11: f"user 'linked' is linked to customer {customer!r} at {FIRST!r} already",
        12: "line 2 says that this user is another customer",
        13: "line 2 is the same order for conduit",
        14: "has 2 values, and 8 are wanted",
    }
    assert told.keys() == wanted.keys()
    for number, words in wanted.items():
        assert words in told[number], number
    assert str(caught.value).startswith("orders.csv: 12 lines are wrong, so nothing was sent\norders.csv, line 3: ")
    assert (made(box), len(box.requests)) == ([], 0)
    with Journal.open(config.journal) as journal:
        assert journal.read(lambda connection: jobrows.list_jobs(connection, 10)) == []


def test_of_many_bad_lines_the_message_names_some_and_the_error_all(config: Config, tmp_path: Path):
    with pytest.raises(BadLines) as caught:
        walletport.bulk(write(tmp_path, *(["x\n"] * 500)), config=config)
    assert str(caught.value).count("\n") == 21
    assert "and 480 more" in str(caught.value)
    assert len(caught.value.problems.first()) == 500


def test_the_check_knows_who_is_pinned_and_who_is_served_already(box: Sandbox, config: Config, tmp_path: Path):
    """Of users that nobody has heard of the routes alone decide."""
    config = config.model_copy(update={"routes": (Route(split={FIRST: 1}),)})
    users = {name: box.emulators[FIRST].add_customer() for name in ("new", "pinned", "has-one")}
    with walletport.open(config) as port:
        for user, customer in users.items():
            port.link_customer(user=user, account=FIRST, customer_id=customer)
        port.link_customer(user="pinned", account=SECOND, customer_id=box.emulators[SECOND].add_customer())
        port.link_customer(user="has-one", account=SECOND, customer_id=box.emulators[SECOND].add_customer())
        port.pin(user="pinned", account=SECOND)
        port.pin(user="has-one", account=SECOND)
        port.provision(user="has-one", chain="polygon", asset="usdc")
        port.unpin(user="has-one")
    orders = write(tmp_path, "new,polygon,,,,,,\n", "pinned,polygon,usdc,,,,,\n", "has-one,polygon,usdc,,,,,\n")

    async def check() -> Mapping:
        with opened(orders) as file:
            async with bulk_room.bulk_run(file, config) as at_work:
                found = await at_work.check()
                return {**found.accounts, "done": found.done}

    told = asyncio.run(check())
    assert told.pop("done") == 1
    assert {reasons[-1]: account for account, reasons in told} == {
        f"{FIRST}: weight 1 of 1": FIRST,
        f"the user is pinned to {SECOND}": SECOND,
    }


def test_a_line_twice_is_one_order(box: Sandbox, config: Config, tmp_path: Path):
    same = line(box, 1)
    job = walletport.bulk(write(tmp_path, same, line(box, 2), same, same), config=config)
    assert (job.total, len(made(box))) == (2, 2)


def test_orders_come_from_python_as_well(box: Sandbox, config: Config, tmp_path: Path):
    """As mappings or as what they are, from anything that yields them, and awaited."""
    customers = [box.emulators[FIRST].add_customer() for _ in range(4)]
    orders = [
        {"user": f"u{n}", "chain": "polygon", "account": FIRST, "customer_id": c} for n, c in enumerate(customers)
    ]
    job = walletport.bulk(iter(orders[:3]), config=config, results=tmp_path / "r.jsonl")
    assert job.counts == {"done": 3}
    told = [json.loads(written) for written in (tmp_path / "r.jsonl").read_text("utf-8").splitlines()]
    assert {one["user"] for one in told} == {"u0", "u1", "u2"}
    assert all(one["state"] == "done" and one["wallet_id"] for one in told)

    async def awaited() -> Job:
        return await walletport.abulk([BulkOrder(**order) for order in orders], config=config)

    assert asyncio.run(awaited()).counts == {"done": 4}
    assert len(made(box)) == 4
    with pytest.raises(BadLines, match="no such key: did you mean chain"):
        walletport.bulk([{"user": "u", "chian": "polygon"}], config=config)
    with pytest.raises(ConfigurationError, match="holds no order"):
        walletport.bulk([], config=config)


def test_what_was_refused_is_told_and_tried_anew_with_the_same_file(box: Sandbox, config: Config, tmp_path: Path):
    customer = box.emulators[FIRST].add_customer(eligible=False)
    orders = write(tmp_path, line(box, 1), f"not-yet,polygon,,{FIRST},{customer},,,\n")
    job = walletport.bulk(orders, config=config, results=tmp_path / "r.csv")
    assert (job.state, job.counts, job.missing) == ("finished", {"done": 1, "rejected": 1}, 1)
    told = {row["user"]: row for row in results(tmp_path / "r.csv")}["not-yet"]
    assert (told["state"], told["error"], told["wallet_id"]) == ("rejected", "CustomerNotEligible", "")
    box.emulators[FIRST].claim(customer)
    again = walletport.bulk(orders, config=config, results=tmp_path / "r.csv")
    assert (again.id, again.counts) == (job.id, {"done": 2})
    assert {row["user"]: row for row in results(tmp_path / "r.csv")}["not-yet"]["error"] == ""


def test_what_the_file_says_of_customers_is_kept_nowhere(box: Sandbox, config: Config, tmp_path: Path):
    walletport.bulk(write(tmp_path, line(box, 0)), config=config)
    assert [provider for provider, _ in made(box)] == [SECOND]
    stored = b"".join(path.read_bytes() for path in tmp_path.glob("journal.db*"))
    assert b"user-0" in stored
    assert b"example.test" not in stored
    assert b"Lovelace" not in stored


@pytest.mark.parametrize("fault", ["drop-after:rate=0.3:method=POST", "503:rate=0.3:after", "429:rate=0.3:seconds=0"])
def test_what_goes_wrong_on_the_way_makes_nothing_twice(box: Sandbox, config: Config, tmp_path: Path, fault: str):
    box.faults.add(fault)
    job = walletport.bulk(write(tmp_path, *(line(box, number) for number in range(12))), config=config)
    assert job.counts == {"done": 12}
    assert len(made(box)) == len(set(made(box))) == 12


def test_orders_wait_while_no_account_takes_any_and_none_is_given_up(
    box: Sandbox, config: Config, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
):
    """They are no bad lines either: the same file can be given while an account is paused for a moment."""
    monkeypatch.setattr(chunk_room, "MOST_TRIES", 1)
    config = config.model_copy(update={"accounts": {FIRST: config.accounts[FIRST]}})
    orders = write(
        tmp_path, *(f"u{number},polygon,,,{box.emulators[FIRST].add_customer()},,,\n" for number in range(3))
    )
    with walletport.open(config) as port:
        port.pause(FIRST, reason="for a moment")
        threading.Timer(0.5, port.resume, [FIRST]).start()

        async def run() -> tuple[list, Job]:
            with opened(orders) as file:
                async with bulk_room.bulk_run(file, config) as at_work:
                    found = await at_work.check()
                    return list(found.accounts), await at_work.carry_out()

        ((account, reasons),), job = asyncio.run(run())
    assert account == FIRST
    assert reasons[-1].startswith("it waits: no account can take this order")
    assert job.counts == {"done": 3}
    assert len(made(box)) == 3


async def _interrupted(orders: Path, config: Config, after: int) -> Job:
    """Begin, and stop in order once so many orders have ended."""
    stopping, ended = asyncio.Event(), 0
    watch = bulk_room.Watch()

    def count(states: Mapping[str, int]) -> None:
        nonlocal ended
        ended += sum(states.values())
        if ended >= after:
            stopping.set()

    watch.ended = count
    with opened(orders) as file:
        async with bulk_room.bulk_run(file, config, watch=watch, stopping=stopping) as run:
            return await run.carry_out(in_flight=2)


def test_a_run_that_is_stopped_goes_on_where_it_was(box: Sandbox, config: Config, tmp_path: Path):
    """With what the file says of the customers of the lines that are left."""
    orders = write(tmp_path, *(line(box, number) for number in range(30)))
    job = asyncio.run(_interrupted(orders, config, after=6))
    assert job.state == "running"
    assert 0 < job.left < 30
    assert len(made(box)) == 30 - job.left, "what was in flight came to its answer"
    assert walletport.bulk(orders, config=config).counts == {"done": 30}
    assert len(made(box)) == len(set(made(box))) == 30


def test_a_job_that_is_paused_begins_no_order_until_it_is_resumed(box: Sandbox, config: Config, tmp_path: Path):
    orders = write(tmp_path, *(line(box, number) for number in range(30)))
    job = asyncio.run(_interrupted(orders, config, after=3))
    with Journal.open(config.journal) as journal:
        now = job.updated_at
        assert change(journal, job.id, JobState.PAUSED, now).state == "paused"
        with pytest.raises(ConfigurationError, match=f"is paused: `walletport jobs resume {job.id}`"):
            walletport.bulk(orders, config=config)
        assert change(journal, job.id, JobState.CANCELLED, now).state == "cancelled"
        with pytest.raises(ConfigurationError, match="is cancelled: only one that is running can be made paused"):
            change(journal, job.id, JobState.PAUSED, now)
        assert change(journal, job.id, JobState.RUNNING, now).state == "running"
        assert walletport.bulk(orders, config=config).counts == {"done": 30}
        with pytest.raises(ConfigurationError, match="the journal holds no job 'x'"):
            one_job(journal, "x")


def test_a_job_is_carried_out_by_one_process_at_a_time(box: Sandbox, config: Config, tmp_path: Path):
    orders = write(tmp_path, *(line(box, number) for number in range(30)))
    job = asyncio.run(_interrupted(orders, config, after=3))
    with Journal.open(config.journal) as journal:
        later = walletport.jobs.loop.LEASE + job.created_at.now(job.created_at.tzinfo)
        taken = journal.write(
            lambda connection: jobrows.take_job(connection, job.id, "elsewhere", later, later, lambda _: False)
        )
        assert taken.result()
        with pytest.raises(ConfigurationError, match="is being carried out by another process"):
            walletport.bulk(orders, config=config)


def test_a_file_that_changes_while_it_is_read_is_not_begun(box: Sandbox, config: Config, tmp_path: Path):
    orders = write(tmp_path, *(line(box, number) for number in range(6)))

    async def changed() -> None:
        with opened(orders) as file:
            async with bulk_room.bulk_run(file, config) as run:
                await run.check()
                write(tmp_path, *(line(box, number) for number in range(100, 106)))
                await run.carry_out()

    with pytest.raises(ConfigurationError, match="was changed while it was read: give it again"):
        asyncio.run(changed())
    assert made(box) == []
    assert walletport.bulk(orders, config=config).counts == {"done": 6}


def test_results_that_cannot_be_written_stop_it_before_it_begins(box: Sandbox, config: Config, tmp_path: Path):
    orders = write(tmp_path, line(box, 1))
    for name, words in (("r.xlsx", "results are written as .csv or .jsonl"), ("no/r.csv", "cannot be written")):
        with pytest.raises(ConfigurationError, match=words):
            walletport.bulk(orders, config=config, results=tmp_path / name)
    assert made(box) == []


@pytest.mark.skipif(not Path("/dev/full").exists(), reason="needs a disk that is always full")
def test_a_disk_that_is_full_ends_it_with_a_sentence_and_nothing_is_lost(box: Sandbox, config: Config, tmp_path: Path):
    orders = write(tmp_path, *(line(box, number) for number in range(12)))
    full = tmp_path / "full.csv"
    full.symlink_to("/dev/full")
    with pytest.raises(ConfigurationError, match=r"full.csv: cannot be written .*give the file again"):
        walletport.bulk(orders, config=config, results=full)
    assert walletport.bulk(orders, config=config, results=tmp_path / "r.csv").counts == {"done": 12}
    assert len(results(tmp_path / "r.csv")) == len(made(box)) == 12
