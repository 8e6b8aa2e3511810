"""What can be read and written of jobs; every function takes an open transaction and commits nothing."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import asdict
from datetime import datetime
from typing import Final

from sqlalchemy import Connection, Executable, and_, bindparam, case, delete, func, or_, select, update
from sqlalchemy.dialects import postgresql, sqlite

from walletport.journal import statements
from walletport.journal.errors import JournalError
from walletport.journal.jobrecords import ChunkRow, ItemRow, JobRow, KnownOrder, Outcome, ResultRow
from walletport.journal.records import CustomerRow
from walletport.journal.schema import (
    current_wallets,
    customers,
    job_chunks,
    job_items,
    jobs,
    provisions,
    user_pins,
    wallets,
)

_ONE_STATEMENT: Final = 500  # values; SQLite limits how many one statement takes
_ADD: Final = {
    "sqlite": sqlite.insert(jobs).on_conflict_do_nothing(),
    "postgresql": postgresql.insert(jobs).on_conflict_do_nothing(),
}
_ONE_CHUNK: Final = and_(job_items.c.job_id == bindparam("the_job"), job_items.c.chunk == bindparam("the_chunk"))
_PLANNED: Final = select(job_items).where(_ONE_CHUNK, job_items.c.state == "planned").order_by(job_items.c.line)
_RECORD: Final = (
    update(job_items)
    .where(_ONE_CHUNK, job_items.c.line == bindparam("the_line"))
    .values(
        state=bindparam("new_state"),
        tries=bindparam("new_tries"),
        provision_id=bindparam("new_provision"),
        error=bindparam("new_error"),
    )
)

_SETTLED: Final = and_(provisions.c.kind == "wallet", provisions.c.state == "done")
_RESULTS: Final = select(
    job_items.c.line,
    job_items.c.user_id,
    job_items.c.chain,
    job_items.c.asset,
    job_items.c.reference,
    func.coalesce(provisions.c.account, job_items.c.account, job_chunks.c.account),
    case((_SETTLED, "done"), else_=job_items.c.state),
    job_items.c.provision_id,
    provisions.c.customer_id,
    provisions.c.wallet_id,
    wallets.c.document,
    job_items.c.error,
).select_from(
    job_items.join(job_chunks, and_(job_chunks.c.job_id == job_items.c.job_id, job_chunks.c.chunk == job_items.c.chunk))
    .outerjoin(provisions, provisions.c.id == job_items.c.provision_id)
    .outerjoin(wallets, and_(wallets.c.account == provisions.c.account, wallets.c.wallet_id == provisions.c.wallet_id))
)
# The wallet that is a user's may have changed since; an order that has another one of its own answers as before.
_ANSWERED_OTHERWISE: Final = (
    select(current_wallets.c.user_id)
    .where(
        current_wallets.c.user_id == job_items.c.user_id,
        current_wallets.c.chain == func.coalesce(job_items.c.chain, ""),
        current_wallets.c.asset == func.coalesce(job_items.c.asset, ""),
        current_wallets.c.provision_id.is_distinct_from(job_items.c.provision_id),
    )
    .correlate(job_items)
    .exists()
)


def add_job(connection: Connection, job: JobRow) -> JobRow:
    """Record a job, unless it is known; return what the journal holds."""
    connection.execute(_ADD[connection.dialect.name], asdict(job))
    return get_job(connection, job.id) or job


def get_job(connection: Connection, job_id: str) -> JobRow | None:
    """Return a job, if there is one of this id."""
    found = connection.execute(select(jobs).where(jobs.c.id == job_id)).one_or_none()
    return None if found is None else JobRow(*found)


def list_jobs(connection: Connection, limit: int) -> list[JobRow]:
    """Return jobs, newest first."""
    wanted = select(jobs).order_by(jobs.c.created_at.desc(), jobs.c.id).limit(limit)
    return [JobRow(*row) for row in connection.execute(wanted)]


def running_jobs(connection: Connection) -> list[JobRow]:
    """Return the jobs that worker processes carry out at the moment, oldest first."""
    wanted = select(jobs).where(jobs.c.shared, jobs.c.state == "running").order_by(jobs.c.created_at, jobs.c.id)
    return [JobRow(*row) for row in connection.execute(wanted)]


def take_job(  # noqa: PLR0917 - what, who, from when to when
    connection: Connection, job_id: str, owner: str, now: datetime, until: datetime, is_dead: Callable[[str], bool]
) -> bool:
    """Take a job that nobody holds; return whether it is this owner's now."""
    holder = connection.scalar(select(jobs.c.owner).where(jobs.c.id == job_id))
    dead = holder if holder is not None and is_dead(holder) else owner
    free = or_(jobs.c.owner.is_(None), jobs.c.owner.in_([owner, dead]), jobs.c.lease_until <= now)
    taken = update(jobs).where(jobs.c.id == job_id, free).values(owner=owner, lease_until=until)
    return connection.execute(taken.returning(jobs.c.id)).one_or_none() is not None


def renew_job(connection: Connection, job_id: str, owner: str, until: datetime) -> str | None:
    """Prolong a hold; return the job's state, or ``None`` if it is not this owner's any more."""
    held = update(jobs).where(jobs.c.id == job_id, jobs.c.owner == owner).values(lease_until=until)
    return connection.execute(held.returning(jobs.c.state)).scalar_one_or_none()


def release_job(connection: Connection, job_id: str, owner: str) -> None:
    """Let a job go."""
    held = update(jobs).where(jobs.c.id == job_id, jobs.c.owner == owner)
    connection.execute(held.values(owner=None, lease_until=None))


def change_job(connection: Connection, job_id: str, among: Sequence[str], state: str, now: datetime) -> bool:
    """Change the state of a job that stands in one of these; return whether it did."""
    change = update(jobs).where(jobs.c.id == job_id, jobs.c.state.in_(among)).values(state=state, updated_at=now)
    return connection.execute(change.returning(jobs.c.id)).one_or_none() is not None


def set_shared(connection: Connection, job_id: str, *, shared: bool, asked: Mapping[str, object] | None = None) -> None:
    """Say whether worker processes carry a job out, and what they have to know besides its items."""
    connection.execute(update(jobs).where(jobs.c.id == job_id).values(shared=shared, asked=asked))


def finish_job(connection: Connection, job_id: str, now: datetime) -> bool:
    """Finish a running job whose chunks are all done; return whether it is finished now."""
    left = select(job_chunks.c.chunk).where(job_chunks.c.job_id == job_id, job_chunks.c.state == "open").exists()
    change = update(jobs).where(jobs.c.id == job_id, jobs.c.state == "running", ~left)
    done = change.values(state="finished", updated_at=now).returning(jobs.c.id)
    return connection.execute(done).one_or_none() is not None


# ------------------------------------------------------------------------------------------------- chunks and items


def clear_plan(connection: Connection, job_id: str) -> None:
    """Forget the chunks and items of a job that was never planned to its end, so that nothing of it was sent."""
    connection.execute(delete(job_items).where(job_items.c.job_id == job_id))
    connection.execute(delete(job_chunks).where(job_chunks.c.job_id == job_id))
    connection.execute(update(jobs).where(jobs.c.id == job_id).values(total=0))


def plan(connection: Connection, job_id: str, planned: Sequence[tuple[ChunkRow, Sequence[ItemRow]]]) -> None:
    """Record whole chunks with their items."""
    if not planned:
        return
    connection.execute(job_chunks.insert(), [asdict(chunk) for chunk, _ in planned])
    items = [asdict(item) for _, some in planned for item in some]
    connection.execute(job_items.insert(), items)
    connection.execute(update(jobs).where(jobs.c.id == job_id).values(total=jobs.c.total + len(items)))


def reopen(connection: Connection, job_id: str) -> None:
    """Let everything be tried anew that made no wallet, or one that is the user's no more, or not yet."""
    missing = and_(job_items.c.job_id == job_id, or_(job_items.c.state != "done", _ANSWERED_OTHERWISE))
    chunks = select(job_items.c.chunk).where(missing).distinct()
    connection.execute(update(job_items).where(missing).values(state="planned", tries=0, error=None))
    again = update(job_chunks).where(job_chunks.c.job_id == job_id, job_chunks.c.chunk.in_(chunks))
    connection.execute(again.values(state="open"))


def open_chunks(connection: Connection, job_id: str) -> list[ChunkRow]:
    """Return chunks in which something is left to do, in their order."""
    wanted = select(job_chunks).where(job_chunks.c.job_id == job_id, job_chunks.c.state == "open")
    return [ChunkRow(*row) for row in connection.execute(wanted.order_by(job_chunks.c.chunk))]


def done_chunks(connection: Connection, job_id: str) -> list[int]:
    """Return the numbers of the chunks in which nothing is left to do."""
    wanted = select(job_chunks.c.chunk).where(job_chunks.c.job_id == job_id, job_chunks.c.state == "done")
    return list(connection.scalars(wanted.order_by(job_chunks.c.chunk)))


def get_chunk(connection: Connection, job_id: str, chunk: int) -> ChunkRow | None:
    """Return a chunk, if there is one of this number."""
    wanted = select(job_chunks).where(job_chunks.c.job_id == job_id, job_chunks.c.chunk == chunk)
    found = connection.execute(wanted).one_or_none()
    return None if found is None else ChunkRow(*found)


def chunk_numbers(connection: Connection, job_id: str) -> list[int]:
    """Return the numbers of all chunks of a job."""
    return list(connection.scalars(select(job_chunks.c.chunk).where(job_chunks.c.job_id == job_id).order_by("chunk")))


def planned_items(connection: Connection, job_id: str, chunk: int) -> list[ItemRow]:
    """Return the items of a chunk of which something must still come, in the order of their lines."""
    return [ItemRow(*row) for row in connection.execute(_PLANNED, {"the_job": job_id, "the_chunk": chunk})]


def record_outcomes(connection: Connection, job_id: str, chunk: int, outcomes: Iterable[Outcome]) -> None:
    """Record what came of items of one chunk."""
    changes = [
        {
            "the_job": job_id,
            "the_chunk": chunk,
            "the_line": one.line,
            "new_state": one.state,
            "new_tries": one.tries,
            "new_provision": one.provision_id,
            "new_error": one.error,
        }
        for one in outcomes
    ]
    if changes:
        connection.execute(_RECORD, changes)


def close_chunk(connection: Connection, job_id: str, chunk: int) -> bool:
    """Say that a chunk is done, unless something must still come of one of its items; return whether it is."""
    left = select(job_items.c.line).where(
        job_items.c.job_id == job_id, job_items.c.chunk == chunk, job_items.c.state == "planned"
    )
    change = update(job_chunks).where(job_chunks.c.job_id == job_id, job_chunks.c.chunk == chunk, ~left.exists())
    return connection.execute(change.values(state="done").returning(job_chunks.c.chunk)).one_or_none() is not None


def fail_chunk(connection: Connection, job_id: str, chunk: int) -> None:
    """Say that a chunk met a mistake again and again; the same orders given again try it anew."""
    change = update(job_chunks).where(job_chunks.c.job_id == job_id, job_chunks.c.chunk == chunk)
    connection.execute(change.values(state="failed"))


def counts(connection: Connection, job_id: str) -> dict[tuple[str, str], int]:
    """Return how many items stand in each state, by account."""
    chunk = and_(job_chunks.c.job_id == job_items.c.job_id, job_chunks.c.chunk == job_items.c.chunk)
    wanted = (
        select(job_chunks.c.account, job_items.c.state, func.count())
        .select_from(job_items.join(job_chunks, chunk))
        .where(job_items.c.job_id == job_id)
        .group_by(job_chunks.c.account, job_items.c.state)
    )
    return {(account, state): number for account, state, number in connection.execute(wanted)}


def results(connection: Connection, job_id: str, chunk: int, lines: Iterable[int] | None = None) -> list[ResultRow]:
    """Return the items of a chunk that have ended, or those of them on certain lines."""
    wanted = _RESULTS.where(job_items.c.job_id == job_id, job_items.c.chunk == chunk, job_items.c.state != "planned")
    if lines is not None:
        wanted = wanted.where(job_items.c.line.in_(list(lines)))
    return _result_rows(connection, wanted.order_by(job_items.c.line))


def missing_items(connection: Connection, job_id: str, limit: int) -> list[ResultRow]:
    """Return the first items that have ended without a wallet."""
    wanted = _RESULTS.where(job_items.c.job_id == job_id, job_items.c.state.not_in(["planned", "done"]))
    return _result_rows(connection, wanted.order_by(job_items.c.line).limit(limit))


def _result_rows(connection: Connection, wanted: Executable) -> list[ResultRow]:
    return [ResultRow(*row) for row in connection.execute(wanted)]


# ------------------------------------------------------------------------------------------------- what is known


def known_orders(connection: Connection, identities: Sequence[str]) -> dict[str, KnownOrder]:
    """Return, of these identities, the orders that the journal knows."""
    columns = (provisions.c.id, provisions.c.identity, provisions.c.state, provisions.c.account)
    found: dict[str, KnownOrder] = {}
    for some in _parts(identities):
        wanted = select(*columns).where(provisions.c.identity.in_(some))
        found |= {row.identity: KnownOrder(*row) for row in connection.execute(wanted)}
    return found


def customers_among(connection: Connection, users: Sequence[str]) -> dict[tuple[str, str], str]:
    """Return who these users are, by user and account."""
    columns = (customers.c.user_id, customers.c.account, customers.c.customer_id)
    found: dict[tuple[str, str], str] = {}
    for some in _parts(users):
        rows = connection.execute(select(*columns).where(customers.c.user_id.in_(some)))
        found |= {(user, account): customer_id for user, account, customer_id in rows}
    return found


def users_with_a_place(connection: Connection, users: Sequence[str]) -> set[str]:
    """Return those of these users for whom more than the routes says where they belong: an order, or a pin."""
    found: set[str] = set()
    for some in _parts(users):
        found |= set(connection.scalars(select(provisions.c.user_id).where(provisions.c.user_id.in_(some)).distinct()))
        found |= set(connection.scalars(select(user_pins.c.user_id).where(user_pins.c.user_id.in_(some))))
    return found


def link_customers(connection: Connection, links: Sequence[CustomerRow]) -> None:
    """Record who many users are.

    Raises:
        JournalError: one of them is linked to another customer there; the transaction must not be committed.
    """
    if not links:
        return
    statements.INSERT_CUSTOMER.each(connection, [asdict(link) for link in links])
    known = customers_among(connection, [link.user_id for link in links])
    for link in links:
        if known[link.user_id, link.account] != link.customer_id:
            msg = f"user {link.user_id!r} is linked to another customer at {link.account!r} already"
            raise JournalError(msg, outcome="not_applied")


def _parts(values: Sequence[str]) -> Iterator[Sequence[str]]:
    return (values[start : start + _ONE_STATEMENT] for start in range(0, len(values), _ONE_STATEMENT))
