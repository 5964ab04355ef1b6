"""The orders of lists, each as stretches of an index that a page goes on in where the one before it ended.

An order by creation or name never changes, so a list that is read in it misses and repeats nothing. In the others a
secret moves as it changes, always towards the later end. Ascending, that is ahead of the reader: it is met again.
Descending, it is behind: so the list ends with a last stretch over what has changed since it began. Either way nothing
that is there all the time is missed, and what changes meanwhile may come twice. (What another process had under way
when a descending list began, and commits later with an earlier time, counts as changed before: PostgreSQL only.)
"""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import datetime
from operator import ge, gt, le, lt
from typing import Any, TypeGuard

from sqlalchemy import Column, ColumnElement, tuple_

from rotator.model.filters import SortBy, SortOrder
from rotator.store.search_terms import Condition
from rotator.store.tables import secrets

Key = tuple[datetime | int | str, ...]


@dataclass(frozen=True, slots=True, kw_only=True)
class Position:
    """Where a list goes on.

    Attributes:
        stretch: the number of the stretch in its order.
        after: the key there of the secret before the first one wanted; empty for its beginning.
        began: the latest key that there was when the list began, where its last stretch needs it.
    """

    stretch: int = 0
    after: Key = ()
    began: datetime | None = None

    def parts(self) -> tuple[datetime | int | str | None, ...]:
        """All of it in a row, for a cursor."""
        return (self.stretch, self.began, *self.after)


@dataclass(frozen=True, slots=True, kw_only=True)
class Stretch:
    """A part of an order that one index has in one piece.

    Attributes:
        columns: what it is ordered by, after account and region.
        key: those of the columns that tell two of its secrets apart, and where one of them is.
        within: which secrets are in it.
        reach: how many of its secrets a page looks at, at most, for those that pass the filter.
        since: of the moment when a list began: which of them come again as the list ends.
    """

    columns: tuple[Column[Any], ...]
    key: tuple[Column[Any], ...]
    descending: bool
    reach: int
    within: tuple[Condition, ...] = ()
    since: Callable[[datetime], Condition] | None = None

    def order(self) -> Sequence[ColumnElement[Any]]:
        """What ORDER BY takes."""
        return [column.desc() if self.descending else column.asc() for column in self.columns]

    def beyond(self, key: Key) -> Condition:
        """That a secret comes after the one with this key."""
        return self._compared(lt if self.descending else gt, key)

    def up_to(self, key: Key) -> Condition:
        """That a secret comes before the one with this key, or is it."""
        return self._compared(ge if self.descending else le, key)

    def has(self, key: tuple[object, ...]) -> TypeGuard[Key]:
        """Whether a key can be one of this stretch, or the empty one of its beginning."""
        kinds = tuple(_KINDS[column] for column in self.key)
        return not key or tuple(type(part) for part in key) == kinds

    def _compared(self, compare: Callable[[Any, Any], Condition], key: Key) -> Condition:
        if len(self.key) == 1:
            return compare(self.key[0], key[0])
        return compare(tuple_(*self.key), key)


_KINDS: Mapping[Column[Any], type] = {
    secrets.c.id: int,
    secrets.c.name: str,
    secrets.c.created_at: datetime,
    secrets.c.changed_at: datetime,
    secrets.c.accessed_on: datetime,
}


def stretches(order: SortOrder) -> Sequence[Stretch]:
    """An order from its beginning to its end."""
    ascending = _ASCENDING[order.by]
    if not order.descending:
        return ascending
    turned = [replace(stretch, descending=True) for stretch in reversed(ascending)]
    return [*turned, *_AGAIN.get(order.by, ())]


def place(order: SortOrder, parts: Sequence[object]) -> Position | None:
    """The inverse of `Position.parts`; None where they are of no place in this order."""
    match parts:
        case [int(number), datetime() | None as began, *rest]:
            after = tuple(rest)
            path = stretches(order)
            if (began is None) != (moving(order) is None) or not 0 <= number < len(path):
                return None
            if path[number].has(after):
                return Position(stretch=number, began=began, after=after)
    return None


def moving(order: SortOrder) -> Column[datetime] | None:
    """What a list in this order has to know the latest of as it begins; None where it need not."""
    return _AGAIN[order.by][0].columns[0] if order.descending and order.by in _AGAIN else None


# What was made together lies together on the disk; in every other order the next secret is anywhere.
_FAR, _NEAR = 2000, 250


def _by(*columns: Column[Any], reach: int = _NEAR) -> Stretch:
    return Stretch(columns=columns, key=columns, descending=False, reach=reach)


_CHANGED = _by(secrets.c.changed_at, secrets.c.id)
_ACCESSED = _by(secrets.c.accessed_on, secrets.c.id)
_READ = replace(_ACCESSED, within=(secrets.c.accessed_on.is_not(None),))
_NEVER_READ = replace(_READ, key=(secrets.c.id,), within=(secrets.c.accessed_on.is_(None),))
_ASCENDING: Mapping[SortBy, tuple[Stretch, ...]] = {
    SortBy.CREATED: (_by(secrets.c.created_at, secrets.c.id, reach=_FAR),),
    SortBy.CHANGED: (_CHANGED,),
    SortBy.ACCESSED: (_NEVER_READ, _READ),
    SortBy.NAME: (_by(secrets.c.name),),
}
_AGAIN: Mapping[SortBy, tuple[Stretch]] = {
    SortBy.CHANGED: (replace(_CHANGED, since=lambda began: secrets.c.changed_at > began),),
    # It is a day, so that what was read on that day already can't be told from what was read since.
    SortBy.ACCESSED: (replace(_READ, since=lambda began: secrets.c.accessed_on >= began),),
}
