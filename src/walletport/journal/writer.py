"""Group commit: everything that waits is written in one transaction.

The commit is what a write waits for, so thirty orders in flight cost about as many commits as three.
"""

from __future__ import annotations

import threading
import time
from collections import deque
from collections.abc import Callable, Sequence
from concurrent.futures import Future
from typing import Any, Final, TypeAlias, TypeVar, cast

from sqlalchemy import Connection, NestedTransaction, exc

from walletport.journal import rows
from walletport.journal.database import Database
from walletport.journal.errors import JournalError
from walletport.journal.failures import is_locked, is_trouble, journal_error

Item = TypeVar("Item")
T = TypeVar("T")
_Work: TypeAlias = Callable[[Connection, Sequence[Any]], Sequence[object]]
_LARGEST_BATCH: Final = 64  # PostgreSQL has room for so many savepoints; it looks further ones up on disk


class _Piece:
    """One piece of work, what came of it, and the future of whoever waits for it."""

    __slots__ = ("error", "future", "give_up_at", "item", "result", "work")

    def __init__(self, work: _Work, item: object, patience: float) -> None:
        self.work = work
        self.item = item
        self.give_up_at = time.monotonic() + patience
        self.result: object = None
        self.error: BaseException | None = None
        self.future: Future[object] = Future()
        self.future.set_running_or_notify_cancel()  # what was handed over is written, whoever stops waiting for it

    def run(self, connection: Connection) -> None:
        """Do the work; if it fails, the transaction must be undone."""
        self.result = self.error = None
        try:
            (self.result,) = self.work(connection, [self.item])
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
            if connection.invalidated or not _undone(connection, savepoint):
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
    rows.drop_events(connection)
    try:
        savepoint.rollback()
    except exc.SQLAlchemyError:
        # SQLite gives the whole transaction up by itself, when its disk is full for one; the savepoint is gone then.
        # https://www.sqlite.org/lang_transaction.html#response_to_errors_within_a_transaction
        return False
    return True


class Writer:
    """Writes to a journal, one transaction at a time: in a thread of its own, unless ``blocking``.

    Args:
        database: where to.
        blocking: whether whoever hands work over waits for it anyway. Then it is done there and then if nobody else
            is writing, which saves waking two threads.
    """

    def __init__(self, database: Database, *, blocking: bool = False) -> None:
        self._database = database
        self._blocking = blocking
        self._pieces: deque[_Piece] = deque()
        self._changed = threading.Condition()
        self._busy = False
        self._closed = False
        self._open: Connection | None = None
        self._thread = threading.Thread(target=self._run, name="walletport-journal", daemon=True)
        self._thread.start()

    def submit(self, work: Callable[[Connection, Sequence[Item]], Sequence[T]], item: Item) -> Future[T]:
        """Hand an item over to work that takes many; see `Journal.write_together`."""
        piece = _Piece(work, item, self._database.patience)
        with self._changed:
            if self._closed:
                msg = "the journal is closed"
                raise JournalError(msg, outcome="not_applied")
            at_once = self._blocking and not self._busy and not self._pieces
            if at_once:
                self._busy = True
            else:
                self._pieces.append(piece)
                self._changed.notify_all()
        if at_once:
            try:
                self._serve([piece])
            finally:
                self._rest()
        return cast("Future[T]", piece.future)

    def close(self) -> None:
        """Write what was handed over, and stop."""
        with self._changed:
            self._closed = True
            self._changed.notify_all()
        self._thread.join()
        self._drop()

    def _run(self) -> None:
        while batch := self._next():
            try:
                self._serve(batch)
            finally:
                self._rest()

    def _next(self) -> list[_Piece]:
        """Return everything that waits, as soon as anything does; nothing once the journal is closed."""
        with self._changed:
            self._changed.wait_for(lambda: not self._busy and (self._pieces or self._closed))
            self._busy = bool(self._pieces)
            return [self._pieces.popleft() for _ in range(min(len(self._pieces), _LARGEST_BATCH))]

    def _rest(self) -> None:
        with self._changed:
            self._busy = False
            if self._pieces or self._closed:
                self._changed.notify_all()

    def _serve(self, batch: list[_Piece]) -> None:
        if self._commit_as_one(batch):
            return
        for piece in self._commit(batch):
            # Two processes whose batches touch the same rows in another order wait for each other. Alone, a piece waits
            # for nobody who waits for it.
            for still_locked in self._commit([piece]):
                self._put_back(still_locked)

    def _connection(self) -> Connection:
        """Return the connection, which stays open as long as it works."""
        if self._open is None:
            self._open = self._database.writer.connect()
        return self._open

    def _drop(self, *, broken: bool = False) -> None:
        connection, self._open = self._open, None
        if connection is not None:
            if broken:
                connection.invalidate()  # whatever state it is in, the next batch has a fresh one
            connection.close()

    def _commit_as_one(self, batch: list[_Piece]) -> bool:
        """Carry a batch out as if nothing could fail, which hardly anything does; return whether nothing has.

        Savepoints would be a third of all that is said to the database.
        """
        is_written = False
        try:
            connection = self._connection()
            transaction = connection.begin()
            try:
                _run_together(connection, batch)
                rows.write_events(connection)
                is_written = True
                transaction.commit()
            except BaseException:
                if is_written:
                    raise
                if connection.invalidated:  # it was cut since the last batch, perhaps: the next one tells
                    self._drop(broken=True)
                else:
                    transaction.rollback()
                    rows.drop_events(connection)
                return False
        except BaseException as failure:  # noqa: BLE001 - it belongs to those who wait, and the thread must live on
            self._drop(broken=True)
            for piece in batch:
                piece.resolve(failure)
            return True
        for piece in batch:
            piece.resolve()
        return True

    def _commit(self, batch: list[_Piece]) -> list[_Piece]:
        """Carry a batch out in one transaction; return the pieces that met another process's lock."""
        try:
            connection = self._connection()
            transaction = connection.begin()
            for piece in batch:
                piece.run_apart(connection)
            transaction.commit()
        except BaseException as failure:  # noqa: BLE001 - it belongs to those who wait, and the thread must live on
            self._drop(broken=True)
            for piece in batch:
                piece.resolve(failure)
            return []
        if any(is_trouble(piece.error) for piece in batch):
            self._drop(broken=True)
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


def _run_together(connection: Connection, batch: list[_Piece]) -> None:
    """Do all work of a batch, what is alike at once."""
    alike: dict[_Work, list[_Piece]] = {}
    for piece in batch:
        piece.result = piece.error = None
        alike.setdefault(piece.work, []).append(piece)
    for work, pieces in alike.items():
        results = work(connection, [piece.item for piece in pieces])
        for piece, result in zip(pieces, results, strict=True):
            piece.result = result
