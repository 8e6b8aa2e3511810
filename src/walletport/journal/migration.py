"""Bringing a journal's tables to this library's version, however many processes start at once."""

from __future__ import annotations

from typing import Final

from sqlalchemy import Connection, column, inspect, select, table, text

from walletport.errors import ConfigurationError
from walletport.journal.database import Database
from walletport.journal.schema import HEAD, VERSION_TABLE, metadata

_LOCK: Final = 0x77616C6C657470  # names the lock on PostgreSQL; no other meaning


def migrate(database: Database) -> None:
    """Make or upgrade the tables, unless they are as this library needs them.

    Raises:
        ConfigurationError: the database holds a newer journal, or another program's tables.
    """
    with database.readers.connect() as connection:
        if _version(connection) == HEAD:
            return
    with database.writer.begin() as connection:  # SQLite: this takes the lock
        if not database.is_sqlite:
            connection.execute(text(f"SET LOCAL lock_timeout = {round(database.patience * 1000)}"))
            connection.execute(select(text(f"pg_advisory_xact_lock({_LOCK})")))
        if _version(connection) != HEAD:
            _upgrade(connection)


def _version(connection: Connection) -> str | None:
    if not inspect(connection).has_table(VERSION_TABLE):
        return None
    version: str | None = connection.scalar(select(column("version_num")).select_from(table(VERSION_TABLE)))
    return version


def _upgrade(connection: Connection) -> None:
    # Alembic takes a quarter of a second to import, and most openings do not need it.
    from alembic import command  # noqa: PLC0415
    from alembic.config import Config  # noqa: PLC0415
    from alembic.script import ScriptDirectory  # noqa: PLC0415

    config = Config()
    config.set_main_option("script_location", "walletport.journal:migrations")
    config.attributes["connection"] = connection
    version = _version(connection)
    if version is None:
        taken = sorted(set(inspect(connection).get_table_names()) & set(metadata.tables))
        if taken:
            msg = f"the database holds another program's table {taken[0]!r}: give the journal a database of its own"
            raise ConfigurationError(msg)
    elif version not in {script.revision for script in ScriptDirectory.from_config(config).walk_revisions()}:
        msg = "the journal was written by a newer walletport: upgrade this one"
        raise ConfigurationError(msg)
    command.upgrade(config, "head")
