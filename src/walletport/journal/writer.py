"""Group commit: one thread writes everything that waits in one transaction.

The commit is what a write waits for, so thirty orders in flight cost about as many commits as three.
"""

from __future__ import annotations

import threading
import time
from collections import deque
from collections.abc import Callable
from concurrent.futures import Future
from typing import Final, TypeVar, cast

from sqlalchemy import Connection, NestedTransaction, exc

from walletport.journal import rows
from walletport.journal.database import Database
from walletport.journal.errors import JournalError
from walletport.journal.failures import is_locked, is_trouble, journal_error

T = TypeVar("T")
_LARGEST_BATCH: Final = 64  # PostgreSQL has room for so many savepoints; it looks further ones up on disk


class _Piece:
    """One piece of work, what came of it, and the future of whoever waits for it."""

    __slots__ = ("error", "future", "give_up_at", "result", "work")

    def __init__(self, work: Callable[[Connection], object], patience: float) -> None:
        self.work = work
        self.give_up_at = time.monotonic() + patience
        self.result: object = None
        self.error: BaseException | None = None
        self.future: Future[object] = Future()
        self.future.set_running_or_notify_cancel()  # what was handed over is written, whoever stops waiting for it

    def run(self, connection: Connection) -> None:
        """Do the work; if it fails, the transaction must be undone."""
        self.result = self.error = None
        try:
            self.result = self.work(connection)
        except BaseException as error:
            self.error = error
            raise

    def run_apart(self, connection: Connection) -> None:
        """Do the work in a savepoint; raises only if the whole transaction is lost."""
        savepoint = connection.begin_nested()
        try:
            self.run(connection)
            rows.write_events(connection)
        except BaseException as error:
            self.error = error
            rows.drop_events(connection)
            if not _undone(connection, savepoint):
                raise
        else:
            savepoint.commit()

    def resolve(self, failure: BaseException | None = None) -> None:
        """Tell whoever waits; ``failure`` is what became of the transaction."""
        error = self.error or failure
        if error is None:
            self.future.set_result(self.result)
            return
        told = journal_error(error)
        if told is failure and isinstance(told, JournalError):
            told = told.copy()  # each who waits raises one of his own
        self.future.set_exception(told)


def _undone(connection: Connection, savepoint: NestedTransaction) -> bool:
    """Undo one piece of work, or return that its failure took the transaction with it."""
    if connection.invalidated:
        return False
    try:
        savepoint.rollback()
    except exc.SQLAlchemyError:
        # SQLite gives the whole transaction up by itself, when its disk is full for one; the savepoint is gone then.
        # https://www.sqlite.org/lang_transaction.html#response_to_errors_within_a_transaction
        return False
    return True


class Writer:
    """The one thread that writes to a journal.

    Args:
        database: where to.
    """

    def __init__(self, database: Database) -> None:
        self._database = database
        self._pieces: deque[_Piece] = deque()
        self._changed = threading.Condition()
        self._closed = False
        self._thread = threading.Thread(target=self._run, name="walletport-journal", daemon=True)
        self._thread.start()

    def submit(self, work: Callable[[Connection], T]) -> Future[T]:
        """Hand work over; see `Journal.write`."""
        piece = _Piece(work, self._database.patience)
        with self._changed:
            if self._closed:
                msg = "the journal is closed"
                raise JournalError(msg, outcome="not_applied")
            self._pieces.append(piece)
            self._changed.notify()
        return cast("Future[T]", piece.future)

    def close(self) -> None:
        """Write what was handed over, and stop."""
        with self._changed:
            self._closed = True
            self._changed.notify()
        self._thread.join()

    def _run(self) -> None:
        while self._serve(self._next()):
            pass

    def _next(self) -> list[_Piece]:
        """Return everything that waits, as soon as anything does; nothing once the journal is closed."""
        with self._changed:
            self._changed.wait_for(lambda: self._pieces or self._closed)
            return [self._pieces.popleft() for _ in range(min(len(self._pieces), _LARGEST_BATCH))]

    def _serve(self, batch: list[_Piece]) -> bool:
        if self._commit_as_one(batch):
            return bool(batch)
        for piece in self._commit(batch):
            # Two processes whose batches touch the same rows in another order wait for each other. Alone, a piece waits
            # for nobody who waits for it.
            for still_locked in self._commit([piece]):
                self._put_back(still_locked)
        return bool(batch)

    def _commit_as_one(self, batch: list[_Piece]) -> bool:
        """Carry a batch out as if nothing could fail, which hardly anything does; return whether nothing has.

        Savepoints would be a third of all that is said to the database.
        """
        try:
            with self._database.writer.connect() as connection:
                transaction, is_written = None, False
                try:
                    transaction = connection.begin()
                    for piece in batch:
                        piece.run(connection)
                    rows.write_events(connection)
                    is_written = True
                    transaction.commit()
                except BaseException:
                    if transaction is None or is_written or connection.invalidated:
                        connection.invalidate()  # whatever state it is in, the next batch has a fresh one
                        raise
                    transaction.rollback()
                    rows.drop_events(connection)
                    return False
        except BaseException as failure:  # noqa: BLE001 - it belongs to those who wait, and the thread must live on
            for piece in batch:
                piece.resolve(failure)
            return True
        for piece in batch:
            piece.resolve()
        return True

    def _commit(self, batch: list[_Piece]) -> list[_Piece]:
        """Carry a batch out in one transaction; return the pieces that met another process's lock."""
        try:
            with self._database.writer.connect() as connection:
                try:
                    transaction = connection.begin()
                    for piece in batch:
                        piece.run_apart(connection)
                    transaction.commit()
                except BaseException:
                    connection.invalidate()  # whatever state it is in, the next batch has a fresh one
                    raise
                if any(is_trouble(piece.error) for piece in batch):
                    connection.invalidate()
        except BaseException as failure:  # noqa: BLE001 - it belongs to those who wait, and the thread must live on
            for piece in batch:
                piece.resolve(failure)
            return []
        locked = [piece for piece in batch if is_locked(piece.error)]
        for piece in batch:
            if piece not in locked:
                piece.resolve()
        return locked

    def _put_back(self, piece: _Piece) -> None:
        if time.monotonic() >= piece.give_up_at:
            piece.resolve()
            return
        with self._changed:
            self._pieces.append(piece)
