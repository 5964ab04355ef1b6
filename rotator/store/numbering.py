"""Which number the next row of a table gets: a number that was used once is never given to another row."""

from sqlalchemy import Column, Table, func, select, text

from rotator.store.moves import TABLES
from rotator.store.tx import Tx

_SQLITE_LAST = text("SELECT seq FROM sqlite_sequence WHERE name = :table")
_SQLITE_RAISE = text("UPDATE sqlite_sequence SET seq = :last WHERE name = :table")
_SQLITE_BEGIN = text("INSERT INTO sqlite_sequence (name, seq) VALUES (:table, :last)")
_POSTGRESQL_LAST = text(
    "SELECT pg_sequence_last_value(CAST(pg_get_serial_sequence(:table, :column) AS regclass))"
)
_POSTGRESQL_RAISE = text(
    "SELECT setval(CAST(pg_get_serial_sequence(:table, :column) AS regclass), :last)"
)


def carry_on(source: Tx, copy: Tx) -> None:
    """Lets the copy go on numbering where the source stopped, past the numbers of rows that are gone too."""
    for table in TABLES:
        column = table.autoincrement_column
        if column is not None and (last := _last(source, table, column)):
            _raise_to(copy, table, column, last=last)


def _last(tx: Tx, table: Table, column: Column[int]) -> int:
    highest = tx.connection.execute(select(func.max(column))).scalar_one()
    names = {"table": table.name}
    if tx.dialect == "sqlite":
        given = tx.connection.execute(_SQLITE_LAST, names).scalar_one_or_none()
    else:
        given = tx.connection.execute(
            _POSTGRESQL_LAST, names | {"column": column.name}
        ).scalar_one()
    return max(highest or 0, given or 0)


def _raise_to(tx: Tx, table: Table, column: Column[int], *, last: int) -> None:
    names = {"table": table.name, "last": last}
    if tx.dialect == "postgresql":
        tx.connection.execute(_POSTGRESQL_RAISE, names | {"column": column.name})
    elif table.dialect_options["sqlite"]["autoincrement"]:
        raised = tx.connection.execute(_SQLITE_RAISE, names)
        if not raised.rowcount:
            tx.connection.execute(_SQLITE_BEGIN, names)
