"""Alters a column of a store in each way that fits it, and tells what of the store's content is different then."""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from itertools import count, islice
from typing import Any

from sqlalchemy import Column, Connection, Table, and_, select, update
from sqlalchemy.exc import DBAPIError, StatementError

from rotator.model.rotation import Goal, Phase, Status
from rotator.sdk import Candidate, Overlap

Row = Mapping[str, Any]

_WORDS: Mapping[str, Sequence[str]] = {
    "rotations.status": list(Status),
    "rotations.phase": [*Phase, "nowhere"],
    "rotations.goal": [*Goal, "nothing"],
    "rotations.live": [*Candidate, "none"],
    "rotations.overlap": [*Overlap, "much"],
    "words.place": ["n", "d", "t"],
    "secrets.duration": ["1h", "2h"],
    "secrets.schedule_expression": ["rate(1000 days)", "never"],
}


@dataclass(frozen=True, slots=True, kw_only=True)
class Alteration:
    """What is done to one column of one row; where `other` is another row's key, both rows' values change places."""

    table: Table
    column: Column[Any]
    row: Row
    value: Any = None
    other: Row | None = None
    how: str

    def __str__(self) -> str:
        key = [self.row[column.name] for column in self.table.primary_key]
        before = f"{self.row[self.column.name]!r:.60}"
        return f"{self.how} in row {key}: {before} -> {self.value!r:.60}"

    def apply(self, connection: Connection) -> bool:
        """Whether the database took it."""
        try:
            with connection.begin_nested():
                if self.other is None:
                    self._set(connection, self.row, self.value)
                else:
                    self._swap(connection, self.other)
        except (DBAPIError, StatementError):
            return False
        return True

    def _swap(self, connection: Connection, other: Row) -> None:
        name = self.column.name
        mine, its = self.row[name], other[name]
        if self.column.primary_key or self.column.unique:
            between = _beside(mine)
            self._set(connection, self.row, between)
            self._set(connection, other, mine)
            self._set(connection, {**self.row, name: between}, its)
        else:
            self._set(connection, self.row, its)
            self._set(connection, other, mine)

    def _set(self, connection: Connection, row: Row, value: Any) -> None:
        key = and_(*(column == row[column.name] for column in self.table.primary_key))
        done = connection.execute(update(self.table).where(key).values({self.column.name: value}))
        assert done.rowcount == 1


def alterations(
    table: Table, column: Column[Any], rows: Sequence[Row], others: Sequence[Row]
) -> Iterator[Alteration]:
    """Every way that fits the column, on each of the rows.

    Args:
        others: all rows of the table, whose values may be put in.
    """
    for row in rows:
        here = row[column.name]
        if here is not None:
            yield Alteration(table=table, column=column, row=row, value=None, how="removed")
        for value in _other_values(column, here):
            if value != here:
                yield Alteration(table=table, column=column, row=row, value=value, how="changed")
        different = (other for other in others if other[column.name] not in [None, here])
        for other in islice(different, 2):
            copied = other[column.name]
            yield Alteration(table=table, column=column, row=row, value=copied, how="copied")
            if here is not None:
                yield Alteration(table=table, column=column, row=row, other=other, how="swapped")


def rows_of(connection: Connection, table: Table) -> list[Row]:
    """All rows of a table."""
    found = connection.execute(select(table).order_by(*table.primary_key))
    return [dict(row) for row in found.mappings()]


def _other_values(column: Column[Any], here: Any) -> Iterator[Any]:
    yield from _WORDS.get(f"{column.table.name}.{column.name}", ())
    kind = column.type.python_type if not hasattr(column.type, "impl") else datetime
    if here is None:
        yield from _first_values(column, kind)
        return
    yield from _others_than(here)


def _others_than(here: Any) -> Iterator[Any]:
    match here:
        case bool():
            yield not here
        case int():
            yield from (here - 1, here + 1, here + 1_000_000)
        case float():
            yield from (here - 3600.0, here + 3600.0, here + 1e9)
        case datetime():
            day = timedelta(days=1)
            yield from (here - 40 * day, here - day, here + day, here + 4000 * day)
        case bytes():
            for place in (0, len(here) // 2, len(here) - 1):
                yield here[:place] + bytes([here[place] ^ 1]) + here[place + 1 :]
            yield here[:-1]
        case str():
            yield from (here[:-1] + ("x" if here[-1:] != "x" else "y"), here + "x")
        case dict():
            yield from _other_mappings(here)
        case list():
            yield here[1:]


def _first_values(column: Column[Any], kind: type) -> Iterator[Any]:
    if kind is datetime:
        yield from (datetime(2020, 1, 1, tzinfo=UTC), datetime(2040, 1, 1, tzinfo=UTC))
    elif kind is str:
        yield "x" * min(3, getattr(column.type, "length", None) or 3)
    elif kind is bytes:
        yield b"\0" * 32
    elif kind is bool:
        yield True
    elif kind in {int, float}:
        yield kind(3)
    else:
        yield {"x": 1}


def _other_mappings(here: Mapping[str, Any]) -> Iterator[Any]:
    yield {}
    for key, value in here.items():
        match value:
            case bool():
                yield {**here, key: not value}
            case str():
                yield {**here, key: value + "x"}
            case int():
                yield {**here, key: value + 1}
            case list() if value:
                yield {**here, key: [*value, value[0]]}
            case dict():
                yield {**here, key: {"x": 1}}
            case None:
                yield {**here, key: "x"}


_numbers = count(1)


def _beside(value: Any) -> Any:
    """A value of the same type that no row has."""
    number = next(_numbers)
    if isinstance(value, int):
        return -number
    if isinstance(value, bytes):
        return number.to_bytes(8, "big")
    return f"x{number}"[-max(1, min(len(str(value)), 8)) :]
