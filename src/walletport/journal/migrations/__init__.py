"""The history of the journal's tables; Alembic runs it."""
