"""From what a database says when it fails to one clear sentence; never its own text, which may hold values."""

from __future__ import annotations

import sqlite3
from typing import Final, NamedTuple

from sqlalchemy import exc

from walletport.journal.errors import JournalError


class Reason(NamedTuple):
    """Why a database failed: a sentence, and whether trying again later may help."""

    sentence: str
    retryable: bool = False


LOCKED: Final = Reason("another process holds a lock on the journal's database", retryable=True)
FULL: Final = Reason("the journal's database has no room left on its disk", retryable=True)
READ_ONLY: Final = Reason("the journal's database is read-only")
GONE: Final = Reason("the connection to the journal's database broke, or it cannot be reached", retryable=True)
NO_PERMISSION: Final = Reason("this process has no permission to do that in the journal's database")
LOGIN: Final = Reason("the journal's database does not let this user in: check user, password and database name")
NO_DATABASE: Final = Reason("the journal's database does not exist: create it first")
BUSY: Final = Reason("the journal's database has no connection to spare", retryable=True)
DISK: Final = Reason("the disk of the journal's database fails", retryable=True)
DAMAGED: Final = Reason("the journal's file is damaged: restore it from a backup")
NOT_A_DATABASE: Final = Reason("the journal's file is not a SQLite database")
CANNOT_OPEN: Final = Reason("the journal's file cannot be opened: it is gone, or there is no permission")
REFUSED: Final = Reason("the journal refuses a row that breaks its rules")
NO_TABLES: Final = Reason("the tables of the journal are gone from its database")
BAD_VALUE: Final = Reason("the journal cannot store this value")
UNNAMED: Final = Reason("the journal's database failed")

# https://www.sqlite.org/rescode.html, the primary codes.
_SQLITE: Final = {
    sqlite3.SQLITE_BUSY: LOCKED,
    sqlite3.SQLITE_LOCKED: LOCKED,
    sqlite3.SQLITE_FULL: FULL,
    sqlite3.SQLITE_READONLY: READ_ONLY,
    sqlite3.SQLITE_PERM: NO_PERMISSION,
    sqlite3.SQLITE_IOERR: DISK,
    sqlite3.SQLITE_CORRUPT: DAMAGED,
    sqlite3.SQLITE_NOTADB: NOT_A_DATABASE,
    sqlite3.SQLITE_CANTOPEN: CANNOT_OPEN,
    sqlite3.SQLITE_CONSTRAINT: REFUSED,
    sqlite3.SQLITE_TOOBIG: BAD_VALUE,
}

# https://www.postgresql.org/docs/current/errcodes-appendix.html, whole codes before classes.
_POSTGRESQL: Final = {
    "25006": READ_ONLY,
    "3D000": NO_DATABASE,
    "40001": LOCKED,
    "40P01": LOCKED,
    "42501": NO_PERMISSION,
    "42P01": NO_TABLES,
    "53100": FULL,
    "53300": BUSY,
    "55P03": LOCKED,
    "57014": LOCKED,
    "08": GONE,
    "22": BAD_VALUE,
    "23": REFUSED,
    "28": LOGIN,
    "57": GONE,
    "58": DISK,
}


def journal_error(error: BaseException) -> BaseException:
    """Return what a caller of the journal sees: a `JournalError` for a failing database, anything else as it is."""
    if isinstance(error, exc.StatementError) and not isinstance(error, exc.DBAPIError):
        return error.orig or error  # a value of a type that no column takes: the caller's mistake, and Python's word
    if isinstance(error, UnicodeError):
        return JournalError(BAD_VALUE.sentence)  # half a surrogate pair; the error itself holds the value
    if not isinstance(error, exc.SQLAlchemyError):
        return error
    reason, code = reason_of(error), code_of(error)
    sentence = reason.sentence if reason is not UNNAMED or code is None else f"{reason.sentence} with {code}"
    return JournalError(sentence, retryable=reason.retryable)


def reason_of(error: BaseException) -> Reason:
    """Return why a database failed, as far as its code tells."""
    if isinstance(error, exc.TimeoutError):
        return BUSY
    if isinstance(error, exc.DBAPIError):
        if isinstance(error.orig, sqlite3.Error):
            return _SQLITE.get(getattr(error.orig, "sqlite_errorcode", 0) & 0xFF, UNNAMED)
        if (state := code_of(error)) is not None:
            return _POSTGRESQL.get(state) or _POSTGRESQL.get(state[:2], UNNAMED)
        if isinstance(error, exc.OperationalError) or error.connection_invalidated:
            return GONE
        if isinstance(error, exc.DataError):
            return BAD_VALUE
    return UNNAMED


def code_of(error: BaseException) -> str | None:
    """Return the database's own code, such as ``SQLITE_FULL`` or ``53100``, where it gives one."""
    orig = error.orig if isinstance(error, exc.DBAPIError) else None
    code = getattr(orig, "sqlite_errorname", None) or getattr(orig, "sqlstate", None)
    return code if isinstance(code, str) else None


def is_locked(error: BaseException | None) -> bool:
    """Return whether a statement met another process's lock, so that the same work may succeed in a moment."""
    return error is not None and reason_of(error) is LOCKED


def is_trouble(error: BaseException | None) -> bool:
    """Return whether a failure may be the connection's: a server that became a standby stays read-only for it."""
    return isinstance(error, exc.OperationalError | exc.InternalError) and not is_locked(error)
