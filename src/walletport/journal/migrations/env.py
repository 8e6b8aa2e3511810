"""What Alembic runs for each migration, on the connection that `walletport.journal.migration` hands it."""

from __future__ import annotations

from alembic import context

from walletport.journal.schema import VERSION_TABLE

context.configure(connection=context.config.attributes["connection"], version_table=VERSION_TABLE)
with context.begin_transaction():  # that of the connection: all of it or nothing
    context.run_migrations()
