"""`Journal`: the durable record of every order, in SQLite or PostgreSQL."""

from __future__ import annotations

import os
from collections.abc import Callable, Sequence
from concurrent.futures import Future
from types import TracebackType
from typing import Self, TypeVar

from sqlalchemy import Connection, exc

from walletport.errors import ConfigurationError
from walletport.journal.database import Database, reach
from walletport.journal.errors import JournalError
from walletport.journal.failures import GONE, NO_PERMISSION, journal_error, reason_of
from walletport.journal.migration import migrate
from walletport.journal.readers import Readers
from walletport.journal.writer import Writer

Item = TypeVar("Item")
T = TypeVar("T")


class Journal:
    """The durable record of every order; make one with `open`, share it between threads, and close it."""

    def __init__(self, database: Database, *, blocking: bool = False) -> None:
        self._database = database
        self._process = os.getpid()
        self._closed = False
        self._writer = Writer(database, blocking=blocking)
        self._readers = Readers(database)

    @classmethod
    def open(cls, url: str, *, patience: float = 10.0, blocking: bool = False) -> Self:
        """Open a journal, and make or upgrade its tables; safe in several processes at once.

        Args:
            url: ``sqlite:///walletport.db``, or ``postgresql+psycopg://user:password@host/database``.
            patience: how long anything waits for another process's lock, in seconds.
            blocking: whether `write` may carry the work out itself before it returns: right for threads, which wait
                for it anyway, and wrong for an event loop.

        Raises:
            ConfigurationError: the URL, a driver, a folder, a permission or the journal's version is not right.
            JournalError: the database failed, or stayed locked.
        """
        try:
            database = reach(url, patience)
            try:
                migrate(database)
            except BaseException:
                database.close()
                raise
        except exc.SQLAlchemyError as error:
            raise _opening_error(error) from None
        return cls(database, blocking=blocking)

    def write(self, work: Callable[[Connection], T]) -> Future[T]:
        """Carry work out in a transaction, together with what else waits to be written.

        The future resolves after the commit and never before. Work fails alone: what is committed with it stands. What
        is handed over is written even if nobody waits for the future any more; it cannot be cancelled. Callbacks of the
        future run in the thread that writes, so they must be short and never wait for another write.

        Args:
            work: what to do; should do nothing but read and write this connection. It is called again if it met
                another process's lock, or if what was to be committed with it failed, after all it did was undone.

        Raises:
            JournalError: in the future, if the database failed; at once, if the journal is closed.
        """
        return self.write_together(_one_by_one, work)

    def write_together(self, work: Callable[[Connection, Sequence[Item]], Sequence[T]], item: Item) -> Future[T]:
        """Carry work out for an item, in one go with every other item that waits for the same work; as `write`.

        Args:
            work: what to do for items, a result for each. If it fails for several it is called again for each alone.
            item: what to do it for.
        """
        self._check()
        return self._writer.submit(work, item)

    def read(self, query: Callable[[Connection], T]) -> T:
        """Return what a short query finds; it sees everything that was committed, and cannot write.

        Raises:
            JournalError: the database failed.
        """
        self._check()
        try:
            return self._readers.read(query)
        except (exc.SQLAlchemyError, UnicodeError) as error:
            raise journal_error(error) from None

    def close(self) -> None:
        """Write what was handed over, and close every connection."""
        self._closed = True
        if self._process != os.getpid():
            self._database.forget()
            return
        self._writer.close()
        self._readers.close()
        self._database.close()

    def __enter__(self) -> Self:
        """Return itself."""
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, traceback: TracebackType | None
    ) -> None:
        """Close it."""
        self.close()

    def _check(self) -> None:
        if self._closed:
            msg = "the journal is closed"
            raise JournalError(msg, outcome="not_applied")
        if self._process != os.getpid():
            msg = "the journal was opened before this process was forked: open it again here"
            raise JournalError(msg, outcome="not_applied")


def _one_by_one(connection: Connection, works: Sequence[Callable[[Connection], T]]) -> list[T]:
    return [work(connection) for work in works]


def _opening_error(error: exc.SQLAlchemyError) -> BaseException:
    """Return what whoever opens a journal sees: most of what fails then, a person must set right."""
    reason = reason_of(error)
    if reason is GONE:
        # libpq gives no code for a failed connection, so a wrong password cannot be told from a wrong host.
        msg = "the journal's database cannot be reached: check host, port, database, user, password, and that it runs"
        return ConfigurationError(msg, retryable=True)
    if reason is NO_PERMISSION:
        msg = "the journal's database user may not make or read its tables: grant it CREATE on its schema"
        return ConfigurationError(msg)
    told = journal_error(error)
    if isinstance(told, JournalError) and not told.retryable:
        return ConfigurationError(told.message)
    return told
