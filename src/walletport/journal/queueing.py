"""Room for a queue in the journal's own PostgreSQL: a schema beside the journal's tables, and the way there."""

from __future__ import annotations

import hashlib
from typing import Final

from sqlalchemy import Connection, make_url, text

from walletport.errors import ConfigurationError

_LOCK: Final = 0x77616C6C65747175  # names the lock; no other meaning


def check_shareable(connection: Connection) -> None:
    """Raise unless worker processes can share the journal.

    Raises:
        ConfigurationError: it is not in PostgreSQL.
    """
    if connection.dialect.name != "postgresql":
        msg = (
            "workers share a journal in PostgreSQL: write "
            'journal = "postgresql+psycopg://USER@HOST/DATABASE", or leave the work to one process'
        )
        raise ConfigurationError(msg)


def make_queue_schema(connection: Connection, statements: str) -> str:
    """Make the queue's schema, unless it is there, and return its name; safe in several processes at once.

    The name holds a digest of the statements: a version that wants other tables has tables of its own. Nothing has to
    be carried over, because a queue only repeats what the journal says.

    Args:
        connection: an open transaction.
        statements: what makes the tables, as SQL.

    Raises:
        ConfigurationError: the journal is not in PostgreSQL.
    """
    check_shareable(connection)
    ours = connection.scalar(text("SELECT current_schema()"))
    digest = hashlib.sha256(statements.encode()).hexdigest()[:8]
    name = f"{'walletport' if ours == 'public' else ours}_queue_{digest}"
    quoted = connection.dialect.identifier_preparer.quote_identifier(name)
    connection.execute(text("SELECT pg_advisory_xact_lock(:lock)"), {"lock": _LOCK})
    if connection.scalar(text("SELECT to_regnamespace(:name)"), {"name": quoted}) is not None:
        return name
    path = connection.scalar(text("SELECT current_setting('search_path')"))
    move = text("SELECT set_config('search_path', :path, true)")
    connection.exec_driver_sql(f"CREATE SCHEMA {quoted}")
    connection.execute(move, {"path": quoted})
    raw = connection.connection.dbapi_connection
    if raw is not None:
        cursor = raw.cursor()
        cursor.execute(statements)
        cursor.close()
    connection.execute(move, {"path": path})
    return name


def address_of(url: str, schema: str) -> str:
    """Return the journal's URL for libpq, with another schema than the journal's in front of all."""
    parsed = make_url(url).set(drivername="postgresql")
    options = parsed.query.get("options", "")
    more = f"{options if isinstance(options, str) else ' '.join(options)} -csearch_path={schema}".strip()
    start, mark, query = (
        parsed.update_query_dict({"options": more}).render_as_string(hide_password=False).partition("?")
    )
    return f"{start}{mark}{query.replace('+', '%20')}"  # to libpq a plus is a plus
