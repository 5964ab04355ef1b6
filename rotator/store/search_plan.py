"""How a filtered list is found: out of an index where few secrets fit, else by looking through the list's own order.

Which of the two is cheaper depends on what the store holds, so every page asks the indexes first, up to a bound.
Looking through an order is bounded too (`rotator.store.listing`), so that no page costs more than a fixed amount of
work.
"""

from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from typing import TypeAlias

from sqlalchemy import CompoundSelect, and_, func, not_, or_, select, union_all

from rotator.errors import InvalidParameter
from rotator.model.filters import Filter, FilterKey, SecretFilter
from rotator.model.words import past_prefix, prefix_words
from rotator.store.search import Place
from rotator.store.search_terms import (
    Condition,
    Ids,
    NameBegins,
    PrimaryBegins,
    TagBegins,
    TagIs,
    Term,
    WordBegins,
)
from rotator.store.store import Tx
from rotator.store.tables import secrets

FEW = 2000
"""As many secrets as are fetched and sorted for a page; where more fit, the list's order is looked through."""
MOST_TERMS = 200
"""Words and prefixes that a list may be asked for at once."""

Driver: TypeAlias = Ids | CompoundSelect[int]
"""Finds the row ids of all secrets that may pass, and few others."""


@dataclass(frozen=True, slots=True)
class Value:
    """One value of a filter: all of its terms hold, or, negated, not all of them."""

    terms: tuple[Term, ...]
    negated: bool = False

    @property
    def is_indexed(self) -> bool:
        """Whether indexes find the secrets that fit."""
        return not self.negated and all(term.ids() is not None for term in self.terms)

    def holds(self) -> Condition:
        """Whether the row of `secrets` fits."""
        fits = and_(*(term.holds() for term in self.terms))
        return not_(fits) if self.negated else fits


@dataclass(frozen=True, slots=True)
class Search:
    """A filter as SQL: of each of the clauses one value has to fit."""

    clauses: tuple[tuple[Value, ...], ...]
    include_deleted: bool

    def driver(self, tx: Tx) -> tuple[Driver | None, Sequence[Condition]]:
        """Where to find the secrets, None for the list's order; and what is left to ask of each but its deletion."""
        found = self._cheapest(tx)
        if found is None:
            return None, _conditions(self.clauses)
        clause, ways = found
        # A clause is proved by the index that finds its secrets, unless that knows only a part of a value.
        proved = all(len(value.terms) == 1 for value in clause)
        left = [other for other in self.clauses if not (proved and other is clause)]
        ids = [_bounded(way) for way in ways]
        return ids[0] if len(ids) == 1 else union_all(*ids), _conditions(left)

    def range_of_names(self) -> Sequence[Condition]:
        """Between which names all are that pass, where it tells: a list by name looks nowhere else."""
        return [condition for clause in self.clauses for condition in _range_of_names(clause)]

    def _cheapest(self, tx: Tx) -> tuple[Sequence[Value], Sequence[Ids]] | None:
        """The clause that few secrets pass, with what finds them."""
        clauses = [clause for clause in self.clauses if all(value.is_indexed for value in clause)]
        found = {
            term: ids
            for clause in clauses
            for value in clause
            for term in value.terms
            if (ids := term.ids()) is not None
        }
        if not found:
            return None
        counts = dict(zip(found, _counts(tx, found.values()), strict=True))
        best: tuple[int, Sequence[Value], Sequence[Ids]] | None = None
        for clause in clauses:
            rarest = [min(value.terms, key=counts.__getitem__) for value in clause]
            count = sum(counts[term] for term in rarest)
            if count <= FEW and (best is None or count < best[0]):
                best = count, clause, [found[term] for term in rarest]
        return None if best is None else best[1:]


def search_for(where: SecretFilter, *, account: str, region: str) -> Search | None:
    """The search that a filter asks for; None where no secret passes it, whatever the store holds.

    Raises:
        InvalidParameter: it asks for too much at once.
    """
    asked = list(_clauses(where, account=account, region=region))
    clauses = [clause for clause in asked if True not in clause]
    found = tuple(
        tuple(value for value in clause if isinstance(value, Value)) for clause in clauses
    )
    count = sum(len(value.terms) for clause in found for value in clause)
    if count > MOST_TERMS:
        raise InvalidParameter(
            f"The filters ask for {count} words at once; at most {MOST_TERMS} can be searched for. Ask for fewer."
        )
    return Search(found, where.include_deleted) if all(found) else None


def _conditions(clauses: Sequence[Sequence[Value]]) -> Sequence[Condition]:
    return [or_(*(value.holds() for value in clause)) for clause in clauses]


def _bounded(ids: Ids) -> Ids:
    # PostgreSQL's statistics know little of rare words: without a limit it may expect so many that it reads the table.
    # Twice as many as were counted, so that none is cut off that another process adds meanwhile.
    found = ids.limit(2 * FEW).subquery()
    return select(*found.c)


def _counts(tx: Tx, found: Iterable[Ids]) -> Sequence[int]:
    """How many secrets each finds, as far as `FEW` and one more."""
    counts = [
        select(func.count()).select_from(ids.limit(FEW + 1).subquery()).scalar_subquery()
        for ids in found
    ]
    return tx.connection.execute(select(*counts)).one()


def _range_of_names(clause: Sequence[Value]) -> Iterator[Condition]:
    prefixes = [
        term.prefix for value in clause for term in value.terms if isinstance(term, NameBegins)
    ]
    if len(prefixes) < len(clause) or any(value.negated for value in clause):
        return
    yield secrets.c.name >= min(prefixes)
    ends = [end for prefix in prefixes if (end := past_prefix(prefix)) is not None]
    if len(ends) == len(prefixes):
        yield secrets.c.name < max(ends)


def _clauses(where: SecretFilter, *, account: str, region: str) -> Iterator[Sequence[Value | bool]]:
    """The clauses, with what holds for every secret of the list, or for none, as True or False."""
    if where.name_prefix is not None:
        yield [Value((NameBegins(where.name_prefix, account, region),))]
    for key, text in where.tags.items():
        yield [Value((TagIs(key, text),))]
    for asked in where.filters:
        yield [_value(asked, text, account=account, region=region) for text in asked.values]


def _value(asked: Filter, text: str, *, account: str, region: str) -> Value | bool:
    negated = text.startswith("!")
    terms = _terms(asked.key, text.removeprefix("!"), account=account, region=region)
    if isinstance(terms, bool):
        return terms != negated
    return Value(terms, negated)


def _terms(key: FilterKey, text: str, *, account: str, region: str) -> tuple[Term, ...] | bool:
    match key:
        case FilterKey.NAME:
            return (NameBegins(text, account, region),)
        case FilterKey.TAG_KEY:
            return (TagBegins(key=text),)
        case FilterKey.TAG_VALUE:
            return (TagBegins(value=text),)
        case FilterKey.DESCRIPTION:
            return _words(text, Place.DESCRIPTION)
        case FilterKey.ALL:
            return _words(text, *Place)
        case FilterKey.PRIMARY_REGION:
            return (PrimaryBegins(text),)
        case FilterKey.OWNING_SERVICE:  # nobody but users make secrets here
            return False


def _words(text: str, *places: Place) -> tuple[Term, ...] | bool:
    # Recorded on the real service: a value without a word finds nothing.
    return tuple(WordBegins(word, places) for word in sorted(prefix_words(text))) or False
