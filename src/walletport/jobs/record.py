"""What an application sees of a job."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import datetime
from enum import StrEnum
from typing import TYPE_CHECKING

from walletport.errors import ConfigurationError
from walletport.journal import Transaction, jobrows
from walletport.models import Model

if TYPE_CHECKING:
    from walletport.journal import JobRow


class JobState(StrEnum):
    """Where a job stands."""

    PLANNING = "planning"
    RUNNING = "running"
    PAUSED = "paused"
    CANCELLED = "cancelled"
    FINISHED = "finished"


class Job(Model):
    """Many orders that are carried out together.

    Args:
        id: the same for the same orders, whenever they are given.
        kind: what is done, such as ``bulk``.
        name: what the orders came from.
        state: where it stands.
        shared: whether worker processes carry it out.
        total: how many orders it has.
        counts: how many of them stand in each state; ``planned`` is what is left to do.
        accounts: the same for each account.
        created_at: when it was begun.
        updated_at: when its state changed last.
    """

    id: str
    kind: str
    name: str
    state: JobState
    shared: bool
    total: int
    counts: Mapping[str, int]
    accounts: Mapping[str, Mapping[str, int]]
    created_at: datetime
    updated_at: datetime

    @property
    def items(self) -> str:
        """What its parts are called."""
        return "customers" if self.kind == "switch" else "orders"

    @property
    def left(self) -> int:
        """How many orders have not ended."""
        return self.counts.get("planned", 0)

    @property
    def missing(self) -> int:
        """How many orders have ended without a wallet."""
        return self.total - self.left - self.counts.get("done", 0)


def job_of(connection: Transaction, row: JobRow) -> Job:
    """Return what an application sees of a job."""
    accounts: dict[str, dict[str, int]] = {}
    counts: dict[str, int] = {}
    for (account, state), number in sorted(jobrows.counts(connection, row.id).items()):
        accounts.setdefault(account, {})[state] = number
        counts[state] = counts.get(state, 0) + number
    return Job(
        id=row.id,
        kind=row.kind,
        name=row.name,
        state=JobState(row.state),
        shared=row.shared,
        total=row.total,
        counts=counts,
        accounts=accounts,
        created_at=row.created_at,
        updated_at=row.updated_at,
    )


def find_job(connection: Transaction, job_id: str) -> Job:
    """Return a job by its id.

    Raises:
        ConfigurationError: there is no such job.
    """
    row = jobrows.get_job(connection, job_id)
    if row is None:
        msg = f"the journal holds no job {job_id!r}: `walletport jobs list` shows what there is"
        raise ConfigurationError(msg)
    return job_of(connection, row)
