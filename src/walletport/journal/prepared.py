"""Statements that are compiled once and run on the driver's own cursor.

SQLAlchemy makes several objects for each execution, which takes ten times as long as SQLite takes for a row; an order
is some twenty statements. What is compiled, how values are bound and read, and how failures are named is SQLAlchemy's.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from functools import partial
from typing import Any, NamedTuple, TypeAlias

from sqlalchemy import Connection, Dialect, Executable, exc
from sqlalchemy.types import TypeDecorator, TypeEngine

_Process: TypeAlias = Callable[[Any], Any]
Values: TypeAlias = Mapping[str, object]
Row: TypeAlias = Sequence[Any]
"""The values of one row, each as its column's type says."""


class _Compiled(NamedTuple):
    """A statement in one database's words.

    Args:
        sql: what is said to the driver.
        names: of its parameters, in their order.
        fixed: the values that belong to the statement itself.
        binds: how the values of some parameters are converted on their way in.
        reads: the same for some columns of the result, by place, on their way out.
        by_place: whether the driver takes parameters by place, or else by name.
    """

    sql: str
    names: tuple[str, ...]
    fixed: Values
    binds: Mapping[str, _Process]
    reads: tuple[tuple[int, _Process], ...]
    by_place: bool

    def parameters(self, values: Values) -> Any:  # noqa: ANN401 - whatever the driver takes
        """Return values as the driver takes them."""
        bound = {**self.fixed, **values} if self.fixed else values
        binds = self.binds
        if self.by_place:
            return [binds[name](bound[name]) if name in binds else bound[name] for name in self.names]
        return {name: binds[name](bound[name]) if name in binds else bound[name] for name in self.names}

    def read(self, row: Row) -> Row:
        """Return a row as its columns' types say."""
        if not self.reads:
            return row
        values = list(row)
        for place, process in self.reads:
            values[place] = process(values[place])
        return values


class Prepared:
    """A statement to be run often.

    Args:
        statements: the statement, or one for each database by its name. None of them may hold a list whose length
            is known on execution only.
    """

    def __init__(self, statements: Executable | Mapping[str, Executable]) -> None:
        self._statements = statements
        self._compiled: dict[tuple[str, ...], _Compiled] = {}

    def one(self, connection: Connection, values: Values) -> Row | None:
        """Run it, and return the only row it gives, if it gives one."""
        compiled = self._for(connection, values)
        found = run(connection, compiled.sql, compiled.parameters(values)).fetchall()
        return compiled.read(found[0]) if found else None

    def all(self, connection: Connection, values: Values) -> list[Row]:
        """Run it, and return every row it gives."""
        compiled = self._for(connection, values)
        found = run(connection, compiled.sql, compiled.parameters(values)).fetchall()
        return [compiled.read(row) for row in found] if compiled.reads else found

    def each(self, connection: Connection, rows: Sequence[Values]) -> int:
        """Run it for each of these values, all with the same names, and return how many rows were written."""
        compiled = self._for(connection, rows[0])
        if len(rows) == 1:
            written: int = run(connection, compiled.sql, compiled.parameters(rows[0])).rowcount
        else:
            written = run(connection, compiled.sql, [compiled.parameters(row) for row in rows], many=True).rowcount
        return written

    def _for(self, connection: Connection, values: Values) -> _Compiled:
        key = (connection.dialect.name, *values)
        compiled = self._compiled.get(key)
        if compiled is None:
            compiled = self._compiled[key] = self._compile(connection.dialect, list(values))
        return compiled

    def _compile(self, dialect: Dialect, names: list[str]) -> _Compiled:
        statement: Any = self._statements
        if isinstance(statement, Mapping):
            statement = statement[dialect.name]
        compiled = statement.compile(dialect=dialect, column_keys=names, compile_kwargs={"render_postcompile": True})
        wanted = tuple(compiled.positiontup if compiled.positional else compiled.params)
        types = {name: compiled.binds[name].type for name in wanted if name in compiled.binds}
        columns = tuple(getattr(statement, "exported_columns", ()))
        return _Compiled(
            sql=compiled.string,
            names=wanted,
            fixed={name: value for name, value in compiled.params.items() if name not in names},
            binds={name: process for name, kind in types.items() if (process := binding(kind, dialect)) is not None},
            reads=tuple(
                (place, process)
                for place, column in enumerate(columns)
                if (process := _reading(column.type, dialect)) is not None
            ),
            by_place=compiled.positional,
        )


def binding(kind: TypeEngine[Any], dialect: Dialect) -> _Process | None:
    """Return how values of a type are converted on their way in, or ``None`` where they go as they are."""
    if isinstance(kind, TypeDecorator):  # without the wrapper that SQLAlchemy puts around it
        return partial(kind.process_bind_param, dialect=dialect)
    return kind.dialect_impl(dialect).bind_processor(dialect)


def _reading(kind: TypeEngine[Any], dialect: Dialect) -> _Process | None:
    if isinstance(kind, TypeDecorator):
        return partial(kind.process_result_value, dialect=dialect)
    return kind.dialect_impl(dialect).result_processor(dialect, None)


def run(connection: Connection, sql: str, parameters: object, *, many: bool = False) -> Any:  # noqa: ANN401 - a driver's cursor
    """Run a text on a connection's driver, and return the driver's cursor.

    Args:
        connection: an open transaction.
        sql: what is said.
        parameters: as the driver takes them.
        many: whether these are several rows of parameters.

    Raises:
        DBAPIError: the database failed.
    """
    dialect = connection.dialect
    driver: Any = connection.connection.driver_connection
    dbapi: Any = dialect.dbapi
    cursor = None
    try:
        cursor = driver.cursor()
        if many:
            cursor.executemany(sql, parameters)
        else:
            cursor.execute(sql, parameters)
    except dbapi.Error as error:
        is_gone = dialect.is_disconnect(error, driver, cursor)
        raised = exc.DBAPIError.instance(
            sql, None, error, dbapi.Error, hide_parameters=True, connection_invalidated=is_gone, dialect=dialect
        )
        if is_gone:
            connection.invalidate(error)
        raise raised from None
    return cursor
