"""What filters ask of a secret, as SQL: each term twice.

`holds` is a condition on the row of `secrets` that a query looks at. It is written so that no planner turns it into a
search of its own: the query then costs what the rows cost that it looks at, whatever the store holds. `ids` finds the
row ids for which it holds by an index, in every account and region where the index knows none; where there is no index
for it, rows are looked through.
"""

from dataclasses import dataclass
from typing import Protocol, TypeAlias

from sqlalchemy import ColumnElement, FromClause, Select, func, literal, select

from rotator.model.words import past_prefix
from rotator.store.search import Place
from rotator.store.tables import secrets, tags, words

Condition: TypeAlias = ColumnElement[bool]
Ids: TypeAlias = Select[tuple[int]]

_named = secrets.alias("named")


class Term(Protocol):
    """One thing that is asked of a secret."""

    def holds(self) -> Condition:
        """Whether it holds for the row of `secrets`."""
        ...

    def ids(self) -> Ids | None:
        """The row ids of the secrets for which it holds; one may come several times. None where no index has them."""
        ...


@dataclass(frozen=True, slots=True)
class NameBegins:
    """The name of a secret of this account and region begins with a text."""

    prefix: str
    account: str
    region: str

    def holds(self) -> Condition:
        """See `Term`."""
        return func.substr(secrets.c.name, 1, len(self.prefix)) == self.prefix

    def ids(self) -> Ids:
        """See `Term`."""
        here = (_named.c.account == self.account, _named.c.region == self.region)
        return select(_named.c.id).where(*here, *begins(_named.c.name, self.prefix))


@dataclass(frozen=True, slots=True)
class PrimaryBegins:
    """The region of its primary begins with a text; a secret that is no replica has its primary where it is."""

    prefix: str

    def holds(self) -> Condition:
        """See `Term`."""
        primary = func.coalesce(secrets.c.primary_region, secrets.c.region)
        return func.substr(primary, 1, len(self.prefix)) == self.prefix

    def ids(self) -> None:
        """See `Term`."""


@dataclass(frozen=True, slots=True)
class TagBegins:
    """A tag whose key and value begin with two texts."""

    key: str = ""
    value: str = ""

    def holds(self) -> Condition:
        """See `Term`."""
        return _any_of(tags, *self._fits())

    def ids(self) -> Ids:
        """See `Term`."""
        return select(tags.c.secret_id).where(*self._fits())

    def _fits(self) -> list[Condition]:
        return [*begins(tags.c.key, self.key), *begins(tags.c.value, self.value)]


@dataclass(frozen=True, slots=True)
class TagIs:
    """A tag with this key and this value."""

    key: str
    value: str

    def holds(self) -> Condition:
        """See `Term`."""
        return _any_of(tags, *self._fits())

    def ids(self) -> Ids:
        """See `Term`."""
        return select(tags.c.secret_id).where(*self._fits())

    def _fits(self) -> list[Condition]:
        return [tags.c.key == self.key, tags.c.value == self.value]


@dataclass(frozen=True, slots=True)
class WordBegins:
    """A word in one of these places begins with a text."""

    prefix: str
    places: tuple[Place, ...]

    def holds(self) -> Condition:
        """See `Term`."""
        return _any_of(words, *self._fits())

    def ids(self) -> Ids:
        """See `Term`."""
        return select(words.c.secret_id).where(*self._fits())

    def _fits(self) -> list[Condition]:
        places = [str(place) for place in self.places]
        return [words.c.place.in_(places), *begins(words.c.word, self.prefix)]


def begins(column: ColumnElement[str], prefix: str) -> list[Condition]:
    """That a column which is compared byte by byte begins with a text, as a range that an index is searched by."""
    end = past_prefix(prefix)
    from_prefix = [column >= prefix] if prefix else []
    return from_prefix if end is None else [*from_prefix, column < end]


def _any_of(table: FromClause, *fits: Condition) -> Condition:
    # A scalar, not EXISTS, which a planner may turn into a join that begins at the other end.
    one = select(literal(1)).where(table.c.secret_id == secrets.c.id, *fits).limit(1)
    return one.correlate(secrets).scalar_subquery().is_not(None)
