"""Reading: a few connections that stay open, each for one query at a time."""

from __future__ import annotations

from collections import deque
from collections.abc import Callable
from typing import Final, TypeVar

from sqlalchemy import Connection, exc

from walletport.journal.database import Database

T = TypeVar("T")
_SPARE: Final = 5


class Readers:
    """Runs queries; any number of threads may share it.

    A connection goes back to SQLAlchemy's pool only when there are enough: taking one from there takes longer than most
    queries do.

    Args:
        database: where to read.
    """

    def __init__(self, database: Database) -> None:
        self._database = database
        self._spare: deque[Connection] = deque()

    def read(self, query: Callable[[Connection], T]) -> T:
        """Return what a query finds in one transaction.

        Raises:
            SQLAlchemyError: the database failed.
        """
        try:
            connection = self._spare.pop()
        except IndexError:
            return self._ask(self._database.readers.connect(), query)
        try:
            return self._ask(connection, query)
        except exc.DBAPIError as error:
            if not error.connection_invalidated:
                raise
        # It was cut since the last query, which one from the pool was not: that looks first.
        return self._ask(self._database.readers.connect(), query)

    def _ask(self, connection: Connection, query: Callable[[Connection], T]) -> T:
        try:
            with connection.begin():
                found = query(connection)
        except exc.SQLAlchemyError:
            connection.close()
            raise
        except BaseException:
            self._keep(connection)
            raise
        self._keep(connection)
        return found

    def _keep(self, connection: Connection) -> None:
        if connection.invalidated or len(self._spare) >= _SPARE:
            connection.close()
        else:
            self._spare.append(connection)

    def close(self) -> None:
        """Close the connections that nobody reads from."""
        while self._spare:
            self._spare.pop().close()
