"""How the journal's database is reached: one connection that writes, a few that read, and what each is told first."""

from __future__ import annotations

import os
import sqlite3
import time
from dataclasses import dataclass
from pathlib import Path
from typing import Final, Literal

from sqlalchemy import URL, Connection, Engine, create_engine, event, exc, make_url
from sqlalchemy.engine.interfaces import DBAPIConnection
from sqlalchemy.pool import ConnectionPoolEntry, QueuePool

from walletport.errors import ConfigurationError
from walletport.journal.errors import JournalError
from walletport.journal.failures import is_locked
from walletport.journal.prepared import run

_OLDEST_SQLITE: Final = (3, 35)  # the first with RETURNING
_LOG_PAGES: Final = 4000  # 16 MB; pages that many orders write to then go to the file once for all of them
_LOCK_PATIENCE: Final = 0.25  # of one statement on PostgreSQL, in seconds; below its deadlock_timeout of 1 s
_HOW_TO_WRITE_IT: Final = "sqlite:///walletport.db or postgresql+psycopg://user:password@host/database"


@dataclass(frozen=True, slots=True)
class Database:
    """The two ways to the journal's database.

    Args:
        writer: one connection, for one transaction at a time.
        readers: a few connections that cannot write.
        patience: how long to wait for another process's lock, in seconds.
    """

    writer: Engine
    readers: Engine
    patience: float

    @property
    def is_sqlite(self) -> bool:
        """Whether it is a file of our own."""
        return self.writer.dialect.name == "sqlite"

    def close(self) -> None:
        """Close every connection that is not in use."""
        self.writer.dispose()
        self.readers.dispose()

    def forget(self) -> None:
        """Drop every connection without a word to the database: they belong to another process."""
        self.writer.dispose(close=False)
        self.readers.dispose(close=False)


def reach(url: str, patience: float) -> Database:
    """Return the way to the database of this URL; nothing is connected yet.

    Raises:
        ConfigurationError: the URL, the driver or the folder is not right.
    """
    parsed = _parsed(url)
    if parsed.get_backend_name() == "sqlite":
        return _sqlite(parsed, patience)
    return _postgresql(parsed, patience)


def _parsed(url: str) -> URL:
    # Whatever is wrong with it, the URL itself is not repeated: it may hold a password.
    try:
        parsed = make_url(url)
    except (exc.ArgumentError, ValueError):
        msg = f"the journal's URL cannot be read: write {_HOW_TO_WRITE_IT}"
        raise ConfigurationError(msg) from None
    known = {"sqlite": "sqlite", "postgresql": "postgresql+psycopg"}
    known |= {driver: driver for driver in ("sqlite+pysqlite", "postgresql+psycopg")}
    if parsed.drivername not in known:
        msg = f"the journal is kept in SQLite or PostgreSQL: write {_HOW_TO_WRITE_IT}"
        raise ConfigurationError(msg)
    return parsed.set(drivername=known[parsed.drivername])


# ------------------------------------------------------------------------------------------------------------ SQLite


def _sqlite(url: URL, patience: float) -> Database:
    if sqlite3.sqlite_version_info < _OLDEST_SQLITE:
        msg = f"the journal needs SQLite 3.35 or newer, and this Python has {sqlite3.sqlite_version}"
        raise ConfigurationError(msg)
    path = _usable(url)
    _switch_to_wal(path, patience)
    # IMMEDIATE: a write that began as a read cannot wait for its lock, it fails at once.
    writer = _file_engine(path, patience, begin="BEGIN IMMEDIATE", query_only=False, size=1)
    return Database(writer, _file_engine(path, patience, begin="BEGIN", query_only=True, size=5), patience)


def _file_engine(path: Path, patience: float, *, begin: str, query_only: bool, size: int) -> Engine:
    # "rw": a file that was removed is not made again, empty.
    uri = f"{path.as_uri()}?mode=rw"

    def connect() -> sqlite3.Connection:
        return sqlite3.connect(uri, uri=True, timeout=patience, isolation_level=None, check_same_thread=False)

    engine = create_engine("sqlite://", creator=connect, poolclass=QueuePool, pool_size=size, hide_parameters=True)

    @event.listens_for(engine, "connect")
    def set_up(connection: DBAPIConnection, entry: ConnectionPoolEntry) -> None:
        entry.info["file"] = _file_at(path)
        cursor = connection.cursor()
        cursor.execute("PRAGMA synchronous=FULL")
        cursor.execute("PRAGMA foreign_keys=ON")
        cursor.execute(f"PRAGMA wal_autocheckpoint={_LOG_PAGES}")
        cursor.execute(f"PRAGMA query_only={int(query_only)}")
        cursor.close()

    @event.listens_for(engine, "begin")
    def begin_as_told(connection: Connection) -> None:
        # SQLite would go on with a file that has no name any more, and all of it would be lost in the end.
        if connection.info["file"] != _file_at(path):
            connection.invalidate()
            msg = "the journal's file was removed or replaced while it was open: put it back"
            raise JournalError(msg)
        run(connection, begin, ())

    return engine


def _file_at(path: Path) -> tuple[int, int] | None:
    try:
        found = path.stat()
    except FileNotFoundError:
        return None
    return found.st_dev, found.st_ino


def _usable(url: URL) -> Path:
    if url.database in (None, "", ":memory:") or str(url.database).startswith("file:") or url.query:
        msg = "the journal must be a plain file, which outlives the process: write sqlite:///walletport.db"
        raise ConfigurationError(msg)
    path = Path(str(url.database)).absolute()
    try:
        _check(path)
    except PermissionError:
        raise _no_permission(path) from None
    return path


def _check(path: Path) -> None:
    if not path.parent.is_dir():
        msg = f"the journal's folder {path.parent} does not exist: make it first"
        raise ConfigurationError(msg)
    if path.exists() and not path.is_file():
        msg = f"the journal {path} is not a file"
        raise ConfigurationError(msg)
    for place in (path.parent, path):  # SQLite writes beside its file, too
        if place.exists() and not os.access(place, os.R_OK | os.W_OK):
            raise _no_permission(place)


def _no_permission(place: Path) -> ConfigurationError:
    return ConfigurationError(f"this process has no permission to write to {place}, where the journal is")


def _switch_to_wal(path: Path, patience: float) -> None:
    """Let readers read while the writer writes; the file remembers it.

    SQLite does not wait here while another process writes, whatever its busy timeout:
    https://www.sqlite.org/c3ref/busy_handler.html says when it does not.
    """
    give_up_at = time.monotonic() + patience
    while True:
        try:
            mode = _asked_for_wal(path, patience)
        except sqlite3.DatabaseError as error:
            failure = exc.DatabaseError(None, None, error)
            if not is_locked(failure) or time.monotonic() >= give_up_at:
                raise failure from None
        else:
            break
        time.sleep(0.01)
    if mode != "wal":
        msg = f"the disk of {path} cannot hold a journal: SQLite's WAL needs shared memory and locks there"
        raise ConfigurationError(msg)


def _asked_for_wal(path: Path, patience: float) -> str:
    connection = sqlite3.connect(path, timeout=patience, isolation_level=None)
    try:
        (mode,) = connection.execute("PRAGMA journal_mode=WAL").fetchone()
    finally:
        connection.close()
    return str(mode)


# -------------------------------------------------------------------------------------------------------- PostgreSQL


def _postgresql(url: URL, patience: float) -> Database:
    wait = str(max(2, round(patience)))  # libpq takes 1 for 2
    # Without these a write waits for hours when the network swallows its answer.
    defaults = {
        "connect_timeout": wait,
        "tcp_user_timeout": str(round(patience * 1000)),
        "keepalives_idle": wait,
        "keepalives_interval": "3",
        "keepalives_count": "3",
        "application_name": "walletport",
    }
    url = url.update_query_dict({name: value for name, value in defaults.items() if name not in url.query})

    def make(size: int, isolation_level: Literal["READ COMMITTED", "AUTOCOMMIT"]) -> Engine:
        return create_engine(
            url,
            poolclass=QueuePool,
            pool_size=size,
            pool_pre_ping=True,  # a server that was restarted overnight costs nobody an order
            isolation_level=isolation_level,  # with either, what another process has just committed is seen
            hide_parameters=True,
        )

    try:
        # Reading takes no transaction: to begin and to end one would each be a message to the server.
        writer, readers = make(1, "READ COMMITTED"), make(5, "AUTOCOMMIT")
    except ImportError:
        msg = "a journal in PostgreSQL needs its driver: pip install 'walletport[postgres]'"
        raise ConfigurationError(msg) from None

    @event.listens_for(writer, "connect")
    def set_up(connection: DBAPIConnection, _: ConnectionPoolEntry) -> None:
        # A commit that a power cut can take back would let an order be sent twice.
        cursor = connection.cursor()
        cursor.execute(
            # Every write finds its rows by an index, however small the table was when its statement was prepared.
            "SELECT set_config('enable_seqscan', 'off', false), set_config('enable_hashjoin', 'off', false),"
            " set_config('enable_mergejoin', 'off', false), set_config('jit', 'off', false),"
            " set_config('lock_timeout', %s, false), set_config('synchronous_commit', CASE"
            " WHEN current_setting('synchronous_commit') = 'off' THEN 'on'"
            " ELSE current_setting('synchronous_commit') END, false)",
            (f"{round(_LOCK_PATIENCE * 1000)}ms",),
        )
        cursor.close()
        connection.commit()

    @event.listens_for(readers, "connect")
    def forbid_to_write(connection: DBAPIConnection, _: ConnectionPoolEntry) -> None:
        cursor = connection.cursor()
        cursor.execute("SET SESSION CHARACTERISTICS AS TRANSACTION READ ONLY")
        cursor.close()
        connection.commit()

    return Database(writer, readers, patience)
