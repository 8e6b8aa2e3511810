"""What can be asked and told of jobs, whoever carries them out."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

from walletport.errors import ConfigurationError
from walletport.jobs.record import Job, JobState, find_job, job_of
from walletport.jobs.results import result_of
from walletport.journal import Transaction, jobrows

if TYPE_CHECKING:
    from datetime import datetime

    from walletport.journal import Journal

_MAY: Final = {
    JobState.PAUSED: (JobState.RUNNING,),
    JobState.RUNNING: (JobState.PAUSED, JobState.CANCELLED),
    JobState.CANCELLED: (JobState.RUNNING, JobState.PAUSED),  # one that is not planned to its end could not be resumed
}


def all_jobs(journal: Journal, limit: int) -> list[Job]:
    """Return jobs, newest first, with the counts of their orders."""

    def query(connection: Transaction) -> list[Job]:
        return [job_of(connection, row) for row in jobrows.list_jobs(connection, limit)]

    return journal.read(query)


def one_job(journal: Journal, job_id: str) -> Job:
    """Return a job.

    Raises:
        ConfigurationError: there is no such job.
    """
    return journal.read(lambda connection: find_job(connection, job_id))


def missing(journal: Journal, job_id: str, limit: int) -> list[dict[str, object]]:
    """Return the orders of a job that have ended without a wallet, as results, the first lines first."""
    found = journal.read(lambda connection: jobrows.missing_items(connection, job_id, limit))
    return [result_of(row) for row in found]


def change(journal: Journal, job_id: str, state: JobState, now: datetime) -> Job:
    """Pause, resume or cancel a job; whoever carries it out sees that before the next order.

    Raises:
        ConfigurationError: there is no such job, or it does not stand so that this could be done.
    """

    def work(connection: Transaction) -> Job:
        job = find_job(connection, job_id)
        if job.state is not state and not jobrows.change_job(connection, job_id, _MAY[state], state, now):
            msg = f"job {job_id} is {job.state}: only one that is {' or '.join(_MAY[state])} can be made {state}"
            raise ConfigurationError(msg)
        return find_job(connection, job_id)

    return journal.write(work).result()
