"""Many rows as one parameter: a JSON text that the database takes apart by itself.

A statement for each row costs a turn between the driver and the database, and between the thread that writes and the
others, which is more than the row itself costs. A statement with a parameter for each value is another one for each
number of rows. This one is the same for any number.
"""

from __future__ import annotations

import json
from collections.abc import Callable, Mapping, Sequence
from typing import Any, Final

from sqlalchemy import (
    Column,
    ColumnElement,
    Connection,
    Dialect,
    Executable,
    FromClause,
    Text,
    bindparam,
    cast,
    func,
    literal_column,
    select,
    type_coerce,
)
from sqlalchemy.dialects import postgresql, sqlite
from sqlalchemy.schema import Table

from walletport.journal.prepared import Prepared, Values, binding

_NAME: Final = "the_rows"
_ENCODE: Final = json.JSONEncoder(ensure_ascii=False, separators=(",", ":")).encode
_NUL: Final = "\\u0000"  # as JSON writes it


class NotTogether(Exception):
    """Something about one of the rows is special after all; the transaction must not be committed."""


class RowSet:
    """A statement over rows that are handed over on execution.

    Args:
        columns: what stands in a row; columns of tables, so that values are converted as theirs are.
        statements: makes the statement for each database from the rows' columns by name and from what holds them.
    """

    def __init__(
        self,
        columns: Mapping[str, Column[Any]],
        statements: Mapping[str, Callable[[Mapping[str, ColumnElement[Any]], FromClause], Executable]],
    ) -> None:
        self._columns = columns
        made = {}
        for name, statement in statements.items():
            rows = _EACH[name]()
            values = {one: _value(name, rows, place, column) for place, (one, column) in enumerate(columns.items())}
            made[name] = statement(values, rows)
        self._statement = Prepared(made)
        self._binds: dict[str, list[Callable[[Any], Any] | None]] = {}

    def run(self, connection: Connection, rows: Sequence[Values]) -> int:
        """Run the statement for these rows, and return how many it wrote.

        Raises:
            NotTogether: a text holds a character that JSON cannot hand over.
        """
        binds = self._binds_for(connection.dialect)
        names = list(self._columns)
        told = [
            [row[name] if bind is None else bind(row[name]) for name, bind in zip(names, binds, strict=True)]
            for row in rows
        ]
        text = _ENCODE(told)
        if _NUL in text:
            raise NotTogether
        return self._statement.each(connection, [{_NAME: text}])

    def _binds_for(self, dialect: Dialect) -> list[Callable[[Any], Any] | None]:
        if dialect.name not in self._binds:
            self._binds[dialect.name] = [binding(column.type, dialect) for column in self._columns.values()]
        return self._binds[dialect.name]


def insert_new(table: Table, *, but: str | None = None) -> RowSet:
    """Return what inserts rows that are not there yet.

    Args:
        table: where to.
        but: a column that the database fills by itself.
    """
    columns = {column.name: column for column in table.columns if column.name != but}

    def statement(
        insert: Callable[[Table], sqlite.Insert] | Callable[[Table], postgresql.Insert],
    ) -> Callable[[Mapping[str, ColumnElement[Any]], FromClause], Executable]:
        # SQLite takes ON CONFLICT for a part of a join unless there is a WHERE.
        return lambda values, rows: (
            insert(table)
            .from_select(list(values), select(*values.values()).select_from(rows).where(literal_column("1 = 1")))
            .on_conflict_do_nothing()
        )

    return RowSet(columns, {"sqlite": statement(sqlite.insert), "postgresql": statement(postgresql.insert)})


def _each_in_sqlite() -> FromClause:
    return func.json_each(bindparam(_NAME, type_=Text)).table_valued("value", name="each_row")


def _each_in_postgresql() -> FromClause:
    return func.json_array_elements(cast(bindparam(_NAME, type_=Text), postgresql.JSON)).table_valued(
        "value", name="each_row"
    )


_EACH: Final = {"sqlite": _each_in_sqlite, "postgresql": _each_in_postgresql}


def _value(database: str, rows: FromClause, place: int, column: Column[Any]) -> ColumnElement[Any]:
    if database == "sqlite":
        return type_coerce(func.json_extract(rows.c.value, literal_column(f"'$[{place}]'")), column.type)
    return cast(rows.c.value.op("->>")(literal_column(str(place))), column.type)
