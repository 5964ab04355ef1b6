"""A statement that is run for many sets of parameters, as each driver does it best.

Rows that are inserted go several to a statement; whatever else is written goes through the driver's own executemany.
"""

import re
from collections.abc import Callable, Mapping, Sequence
from contextlib import closing
from functools import cache
from itertools import chain
from typing import Any, Final

_VARIABLES = (
    999  # of a statement, in SQLite before 3.32: https://sqlite.org/limits.html#max_variable_number
)
_FEW = 16  # rows, which cost a round trip each
_ONE_ROW = re.compile(
    r"(?P<into>INSERT INTO .* VALUES )(?P<row>\(.*\))(?P<conflict> ON CONFLICT \(.*\) DO UPDATE SET [^()]*)?"
)
_PARAMETER = re.compile(r"%\((\w+)\)s")


def on_sqlite(driver: Any, sql: str, bound: Sequence[Sequence[Any]]) -> int:
    """Runs a statement for each of the parameters; gives how many rows were written in all.

    sqlite3 gives up Python's lock at each statement, executemany at each row, and whoever takes it may keep it for
    milliseconds while the store is locked for writing. The rows go by powers of two, so that their texts are few: the
    driver keeps what it has compiled.
    """
    most = _VARIABLES // max(len(bound[0]), 1)
    if most < 2 or _of_several_places(sql, 2) is None:
        with closing(driver.cursor()) as cursor:
            cursor.executemany(sql, bound)
            counted: int = cursor.rowcount
        return counted
    written = first = 0
    while first < len(bound):
        count = _power_of_two(min(len(bound) - first, most))
        together = sql if count == 1 else _of_several_places(sql, count)
        values = tuple(chain.from_iterable(bound[first : first + count]))
        written += driver.execute(together, values).rowcount
        first += count
    return written


def on_postgresql(driver: Any, sql: str, bound: Sequence[Mapping[str, Any]]) -> int:
    """Runs a statement for each of the parameters; gives how many rows were written in all.

    psycopg's executemany sends a pipeline, whose last message stops the server's clock for transactions that stand
    still (idle_in_transaction_session_timeout): the row locks of a process that is frozen or cut off then would stay.
    So only many rows are sent so, and the statement that follows starts the clock again.
    """
    if len(bound) <= _FEW:
        together = _of_several_names(sql, len(bound))
        if together is not None:
            values = {f"{name}__{row}": one[name] for row, one in enumerate(bound) for name in one}
            inserted: int = driver.execute(together, values).rowcount
            return inserted
        return sum(driver.execute(sql, one).rowcount for one in bound)
    with closing(driver.cursor()) as cursor:
        cursor.executemany(sql, bound)
        written: int = cursor.rowcount
    driver.execute("SELECT 1")
    return written


RUN: Final[Mapping[str, Callable[[Any, str, Sequence[Any]], int]]] = {
    "sqlite": on_sqlite,
    "postgresql": on_postgresql,
}
"""By the name of a dialect. The driver's connection, a statement of one row, what is bound to it each time."""


def _power_of_two(most: int) -> int:
    return 1 << (most.bit_length() - 1)


@cache
def _of_several_places(sql: str, count: int) -> str | None:
    """The insertion of one row as that of so many at once, for SQLite; None for another statement.

    Where one is refused, those before it stay until the transaction is rolled back, as they do with a statement for
    each. Otherwise SQLite would note how to undo each page: "Statement Journal Files" on https://sqlite.org/tempfiles.html.
    """
    found = _insertion(sql)
    if found is None:
        return None
    into = found["into"].replace("INSERT", "INSERT OR FAIL", 1)
    return f"{into}{', '.join([found['row']] * count)}{found['conflict'] or ''}"


@cache
def _of_several_names(sql: str, count: int) -> str | None:
    """The insertion of one row as that of so many at once, for PostgreSQL; None for another statement."""
    found = _insertion(sql)
    if found is None:
        return None
    rows = (_PARAMETER.sub(rf"%(\1__{row})s", found["row"]) for row in range(count))
    return f"{found['into']}{', '.join(rows)}{found['conflict'] or ''}"


def _insertion(sql: str) -> re.Match[str] | None:
    """The parts of the insertion of one row; None for another statement.

    A value that is looked up may depend on the row before it.
    """
    found = _ONE_ROW.fullmatch(sql)
    return None if found is None or "SELECT" in found["row"] else found
