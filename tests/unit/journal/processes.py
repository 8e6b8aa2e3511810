"""What the tests run in processes of their own."""

from __future__ import annotations

import multiprocessing
import random
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from multiprocessing.queues import Queue
from multiprocessing.synchronize import Barrier

from tests.unit.journal.orders import NOW, new
from walletport.journal import Journal, rows, standing

Work = Callable[[str, Barrier], object]


def opens(url: str, together: Barrier) -> int:
    """Open the journal at the same moment as the others, and say how many orders it holds."""
    together.wait(25)
    with Journal.open(url) as journal:
        return len(journal.read(rows.list_provisions))


def records_fifty(url: str, together: Barrier) -> list[tuple[str, str, bool]]:
    """Record the same fifty orders as the others, in an order of its own; return identity, id and whether new."""
    identities = [f"identity-{number}" for number in range(50)]
    random.shuffle(identities)
    with Journal.open(url) as journal:
        together.wait(25)

        def record(identity: str) -> tuple[str, str, bool]:
            row, is_new = journal.write(lambda c: rows.record_intent(c, new(identity), NOW)).result(25)
            return row.identity, row.id, is_new

        with ThreadPoolExecutor(10) as threads:
            return list(threads.map(record, identities))


def counts_forty(url: str, together: Barrier) -> int:
    """Add one to the failures of an account forty times, while others do the same; return how often it was added."""
    done = 0
    with Journal.open(url) as journal:
        together.wait(25)
        while done < 40:
            seen = journal.read(lambda c: standing.account(c, "main"))
            more = {"failures": seen.failures + 1}
            done += journal.write(lambda c, seen=seen, more=more: standing.change_account(c, seen, more)).result(25)
    return done


def _told(work: Work, url: str, together: Barrier, answers: Queue[object]) -> None:
    try:
        answers.put(work(url, together))
    except BaseException as error:
        answers.put(repr(error))
        raise


def in_processes(count: int, work: Work, url: str) -> list[object]:
    """Run work in so many processes at once; return what each returned, or its error as text."""
    spawn = multiprocessing.get_context("spawn")
    together, answers = spawn.Barrier(count), spawn.Queue()
    processes = [spawn.Process(target=_told, args=(work, url, together, answers)) for _ in range(count)]
    for process in processes:
        process.start()
    found = [answers.get(timeout=28) for _ in processes]
    for process in processes:
        process.join(10)
        assert process.exitcode is not None
    return found
