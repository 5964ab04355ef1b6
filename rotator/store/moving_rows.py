"""Copies and compares the rows of one table between two stores, in batches along its primary key.

Each store is read in its own order, and the rows of the other are looked up by their keys: the two engines sort texts
differently, and only numbers alike.
"""

from collections.abc import Callable, Iterator, Sequence
from contextlib import AbstractContextManager
from dataclasses import dataclass
from functools import cached_property
from itertools import takewhile
from typing import Any

from sqlalchemy import Column, Integer, Table, and_, delete, func, insert, select, tuple_

from rotator.errors import StoreUnavailable
from rotator.store.tx import Tx

_Key = tuple[Any, ...]
_Row = tuple[Any, ...]
_Counted = Callable[[int], None]

Writing = Callable[[], AbstractContextManager[Tx]]
"""Begins a transaction on the store that is filled."""


@dataclass(frozen=True)
class Copying:
    """One table on its way.

    Attributes:
        batch: rows in one transaction.
        counted: told how many rows each batch had.
    """

    table: Table
    batch: int
    counted: _Counted

    def discard(self, source: Tx, writing: Writing) -> bool:
        """Removes from the copy what is not, column by column, the source's row; tells whether any row is left.

        What refers to a removed row goes with it. What is left can't stand in the way of a row that comes.
        """
        left, last = False, None
        while True:
            with writing() as copy:
                found = self._following(copy, last)
                if not found:
                    return left
                wanted = self._by_key(source, [self._key(row) for row in found])
                stray = [key for row in found if wanted.get(key := self._key(row)) != row]
                if stray:
                    copy.connection.execute(delete(self.table).where(self._keyed(stray)))
            left = left or len(stray) < len(found)
            last = self._key(found[-1])

    def fill(self, source: Tx, writing: Writing, *, partly: bool) -> None:
        """Adds the rows that the copy lacks; `partly` says that it may have some.

        Raises:
            IntegrityError, DataError: the other engine can't hold a row.
        """
        names = self.table.columns.keys()
        for rows in self._batches(source):
            with writing() as copy:
                there = self._by_key(copy, [self._key(row) for row in rows]) if partly else {}
                missing = [
                    dict(zip(names, row, strict=True))
                    for row in rows
                    if self._key(row) not in there
                ]
                if missing:
                    copy.connection.execute(insert(self.table), missing)
            self.counted(len(rows))

    def compare(self, source: Tx, copy: Tx) -> int:
        """How many rows there are; every column of each is the same in both stores.

        Raises:
            StoreUnavailable: a row differs.
        """
        compared = 0
        for rows in self._batches(source):
            copied = self._by_key(copy, [self._key(row) for row in rows])
            for row in rows:
                if copied.get(self._key(row)) != row:
                    raise self._differs()
            compared += len(rows)
            self.counted(len(rows))
        if count(copy, self.table) != compared:
            raise self._differs()
        return compared

    def _differs(self) -> StoreUnavailable:
        return StoreUnavailable(
            f"The copy of the table {self.table.name} is not what the source holds: something else writes "
            "there. End it, then run the command again: it mends what differs. The source is unchanged."
        )

    def _batches(self, tx: Tx) -> Iterator[Sequence[_Row]]:
        last = None
        while rows := self._following(tx, last):
            yield rows
            last = self._key(rows[-1])

    def _following(self, tx: Tx, last: _Key | None) -> Sequence[_Row]:
        key = self.table.primary_key.columns
        query = select(self.table).order_by(*key).limit(self.batch)
        if last is not None:
            query = query.where(tuple_(*key) > last)
        return [tuple(row) for row in tx.connection.execute(query)]

    def _by_key(self, tx: Tx, keys: Sequence[_Key]) -> dict[_Key, _Row]:
        """The rows of these keys, which follow each other in the order of one of the stores."""
        wanted = set(keys)
        found = tx.connection.execute(select(self.table).where(self._covering(keys)))
        return {key: tuple(row) for row in found if (key := self._key(row)) in wanted}

    def _covering(self, keys: Sequence[_Key]) -> Any:
        # A range of numbers is one look into the index, and numbers have the same order everywhere.
        numbers = list(takewhile(_is_number, self.table.primary_key.columns))
        if not numbers:
            return self._keyed(keys)
        first, last = (key[: len(numbers)] for key in (keys[0], keys[-1]))
        return and_(tuple_(*numbers) >= first, tuple_(*numbers) <= last)

    def _keyed(self, keys: Sequence[_Key]) -> Any:
        return tuple_(*self.table.primary_key.columns).in_(keys)

    def _key(self, row: Sequence[Any]) -> _Key:
        return tuple(row[place] for place in self._places)

    @cached_property
    def _places(self) -> tuple[int, ...]:
        names = self.table.columns.keys()
        return tuple(names.index(column.key) for column in self.table.primary_key.columns)


def _is_number(column: Column[Any]) -> bool:
    return isinstance(column.type, Integer)


def count(tx: Tx, table: Table) -> int:
    """How many rows a table has."""
    return tx.connection.execute(select(func.count()).select_from(table)).scalar_one()
