"""Runs SQLAlchemy Core statements on the driver itself: compiled once, without a result object of many layers.

`Connection.execute` finds out anew at each call what a statement that is built once at import never changes: its
text, which parameters and columns need converting, in which order they go. That costs more than SQLite takes to
answer. What is unusual (parameters that are written into the text, columns with defaults in Python, the rows of
many insertions) goes through SQLAlchemy as ever; errors always do.
"""

from collections import namedtuple
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, NoReturn, Self

from sqlalchemy import Connection, CursorResult, Dialect, Executable
from sqlalchemy.exc import MultipleResultsFound, NoResultFound
from sqlalchemy.sql.compiler import SQLCompiler

from rotator.store import several_rows

Parameters = Mapping[str, Any]
_Convert = Callable[[Any], Any]
_Make = Callable[[Sequence[Any]], Any]


class Rows:
    """The rows of a statement, all of them fetched: named tuples."""

    __slots__ = ("_rows", "rowcount")

    def __init__(self, rows: Sequence[Any], *, rowcount: int) -> None:
        self._rows = rows
        self.rowcount = rowcount
        """How many rows were written."""

    def __iter__(self) -> Iterator[Any]:
        return iter(self._rows)

    def all(self) -> Sequence[Any]:
        """Every row."""
        return self._rows

    def first(self) -> Any | None:
        """The first row, None where there is none."""
        return self._rows[0] if self._rows else None

    def one_or_none(self) -> Any | None:
        """The only row, None where there is none.

        Raises:
            MultipleResultsFound: there are several.
        """
        if len(self._rows) > 1:
            raise MultipleResultsFound("several rows where one at most was expected")
        return self.first()

    def scalar_one(self) -> Any:
        """The first column of the only row.

        Raises:
            NoResultFound: there is no row.
            MultipleResultsFound: there are several.
        """
        row = self.one_or_none()
        if row is None:
            raise NoResultFound("no row where one was expected")
        return row[0]

    def scalar_one_or_none(self) -> Any | None:
        """The first column of the only row, None where there is no row.

        Raises:
            MultipleResultsFound: there are several rows.
        """
        row = self.one_or_none()
        return None if row is None else row[0]

    def scalars(self) -> Iterator[Any]:
        """The first column of every row."""
        return (row[0] for row in self._rows)

    def mappings(self) -> Iterator[dict[str, Any]]:
        """Every row as column → value."""
        return (row._asdict() for row in self._rows)


def execute(
    connection: Connection, statement: Executable, parameters: Parameters | Sequence[Parameters]
) -> Rows:
    """Runs a statement that was built once, at import; what is built anew each time must not fill the cache here."""
    # An instance check against an abstract class costs as much as all the rest here.
    several: Sequence[Parameters]
    if isinstance(parameters, dict):
        several = ()
    else:
        several = parameters if isinstance(parameters, list) else _sequence(parameters)
    one: Parameters = several[0] if several else parameters  # type: ignore[assignment]
    key = (statement, connection.dialect.name, *one)
    prepared = _PREPARED.get(key)
    if prepared is None:
        prepared = _PREPARED[key] = _prepare(connection.dialect, statement, tuple(one))
    if isinstance(prepared, _Ordinary):
        return _fetched(connection.execute(statement, parameters))
    if len(several) < 2:
        return prepared.run(connection, one)
    if prepared.columns:  # what each of several rows returns, the driver does not tell
        return _fetched(connection.execute(statement, parameters))
    return prepared.run_each(connection, several)


def _sequence(parameters: Parameters | Sequence[Parameters]) -> Sequence[Parameters]:
    return (parameters,) if isinstance(parameters, Mapping) else parameters


class _Ordinary:
    """Marks a statement that SQLAlchemy runs by itself."""


@dataclass(slots=True, eq=False)
class Prepared:
    """A statement as one dialect's driver takes it.

    Attributes:
        sql: its text.
        names: of its parameters, in their order.
        converters: the places of those whose values are converted for the driver, and what converts them.
        defaults: the values that the statement itself names.
        positional: parameters go by place rather than by name.
        columns: what its rows hold, where the statement tells.
    """

    sql: str
    names: Sequence[str]
    converters: Sequence[tuple[int, _Convert]]
    defaults: Parameters
    positional: bool
    columns: Sequence[Any]
    _converters: Sequence[tuple[int, _Convert]] = ()
    _make: _Make | None = None

    @classmethod
    def plain(cls, sql: str) -> Self:
        """A statement without parameters that is the same text for every driver."""
        return cls(sql=sql, names=(), converters=(), defaults={}, positional=True, columns=())

    def run(self, connection: Connection, parameters: Parameters) -> Rows:
        """The rows, with the driver's errors as SQLAlchemy tells them."""
        bound = self.bind(parameters)
        try:
            # The driver's own connection: a cursor that all rows are fetched from has nothing left to close.
            cursor: Any = connection.connection.dbapi_connection.execute(self.sql, bound)  # type: ignore[union-attr]
            make = self._make
            if make is None:
                if not cursor.description:
                    return Rows((), rowcount=cursor.rowcount)
                make = self._shape(cursor.description, connection.dialect)
            found = cursor.fetchall()
        except connection.dialect.loaded_dbapi.Error as error:
            self._fail(connection, error)
        if self._converters:
            return Rows([make(self._converted(row)) for row in found], rowcount=len(found))
        return Rows([make(row) for row in found], rowcount=len(found))

    def run_each(self, connection: Connection, several: Sequence[Parameters]) -> Rows:
        """Runs it for each of the parameters; gives how many rows were written in all."""
        bound = [self.bind(parameters) for parameters in several]
        try:
            driver = connection.connection.dbapi_connection
            run = several_rows.RUN[connection.dialect.name]
            return Rows((), rowcount=run(driver, self.sql, bound))
        except connection.dialect.loaded_dbapi.Error as error:
            self._fail(connection, error)

    def _fail(self, connection: Connection, error: Exception) -> NoReturn:
        if not connection.in_transaction():
            # Or SQLAlchemy rolled back what was begun on the driver, and whatever follows would be in no transaction.
            connection.begin()
        # Wraps it, tells the listeners, and gives up a connection that was lost.
        connection._handle_dbapi_exception(error, self.sql, None, None, None)  # noqa: SLF001

    def bind(self, parameters: Parameters) -> Any:
        """The parameters as the driver takes them."""
        given = {**self.defaults, **parameters} if self.defaults else parameters
        values = [given[name] for name in self.names]
        for place, convert in self.converters:
            values[place] = convert(values[place])
        return tuple(values) if self.positional else dict(zip(self.names, values, strict=True))

    def _shape(self, description: Sequence[Sequence[Any]], dialect: Dialect) -> _Make:
        """What makes a row, known with the first answer: some converters depend on what the driver calls a type."""
        converters = (
            (place, column.type.dialect_impl(dialect).result_processor(dialect, told[1]))
            for place, (column, told) in enumerate(zip(self.columns, description, strict=False))
        )
        self._converters = [(place, convert) for place, convert in converters if convert]
        self._make = _row_type(told[0] for told in description)
        return self._make

    def _converted(self, row: Sequence[Any]) -> Sequence[Any]:
        values = list(row)
        for place, convert in self._converters:
            if values[place] is not None:
                values[place] = convert(values[place])
        return values


_PREPARED: dict[tuple[object, ...], "Prepared | _Ordinary"] = {}


def _prepare(dialect: Dialect, statement: Any, names: tuple[str, ...]) -> Prepared | _Ordinary:
    compiled = statement.compile(dialect=dialect, column_keys=list(names))
    if compiled.post_compile_params or compiled.literal_execute_params or _has_defaults(compiled):
        return _Ordinary()
    order = compiled.positiontup
    bound = list(compiled.params if order is None else order)
    converters = (
        (place, _bind_converter(compiled, dialect, name)) for place, name in enumerate(bound)
    )
    return Prepared(
        sql=compiled.string,
        names=bound,
        converters=[(place, convert) for place, convert in converters if convert],
        defaults={
            name: value
            for name, value in compiled.params.items()
            if not compiled.binds[name].required
        },
        positional=order is not None,
        columns=tuple(getattr(statement, "exported_columns", ())),
    )


def _has_defaults(compiled: SQLCompiler) -> bool:
    return bool(compiled.insert_prefetch or compiled.update_prefetch)


def _bind_converter(compiled: SQLCompiler, dialect: Dialect, name: str) -> _Convert | None:
    return compiled.binds[name].type.dialect_impl(dialect).bind_processor(dialect)


def _row_type(names: Iterable[str]) -> _Make:
    named: Any = namedtuple  # noqa: PYI024  # its columns are known only now
    make: _Make = named("Row", list(names), rename=True)._make
    return make


def _fetched(result: CursorResult[Any]) -> Rows:
    if not result.returns_rows:
        return Rows((), rowcount=result.rowcount)
    make = _row_type(result.keys())
    rows = [make(row) for row in result]
    return Rows(rows, rowcount=len(rows))
