"""Lists of secrets and of versions, a page at a time, at the same cost however many there are.

A page goes on after the last row that the page before it looked at, so that what comes and goes in between neither
repeats a row nor hides one; `rotator.store.listing_orders` says what holds where the order itself changes.
"""

from collections.abc import Sequence
from dataclasses import dataclass, fields, replace
from datetime import UTC, datetime
from typing import Any

from sqlalchemy import Column, Select, bindparam, literal, select, tuple_

from rotator.model.filters import SecretFilter, SortBy, SortOrder
from rotator.store.listing_orders import Key, Position, Stretch, moving, stretches
from rotator.store.search_plan import Driver, Search, search_for
from rotator.store.search_terms import Condition
from rotator.store.secrets import SecretRow
from rotator.store.store import Tx
from rotator.store.tables import labels, secrets, versions


@dataclass(frozen=True, slots=True, kw_only=True)
class Found:
    """A page of secrets.

    Attributes:
        rows: perhaps fewer than were asked for, or none, although others follow.
        following: where the next page goes on, None where there is none.
    """

    rows: Sequence[SecretRow] = ()
    following: Position | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class VersionEntry:
    """A version without its value."""

    version_id: str
    created_at: datetime
    accessed_on: datetime | None
    pinned: bool


_shown = secrets.alias("shown")
_COLUMNS = SecretRow._fields
_SECRETS = select(*(secrets.c[name] for name in _COLUMNS))
_SHOWN = select(*(_shown.c[name] for name in _COLUMNS))
_ALIVE = secrets.c.deleted_at.is_(None)
_same = secrets.alias("same")
# What an index tells of a secret is asked first: of those that don't pass, the row itself is never read.
_ALIVE_AT_LAST = (
    select(literal(1))
    .where(_same.c.id == secrets.c.id, _same.c.deleted_at.is_(None))
    .correlate(secrets)
    .scalar_subquery()
    .is_not(None)
)
_DUE = (
    select(secrets.c.arn)
    .where(secrets.c.due_at <= bindparam("now"))
    .order_by(secrets.c.due_at)
    .limit(bindparam("most"))
)
_VERSIONS = (
    select(*(versions.c[f.name] for f in fields(VersionEntry)))
    .where(versions.c.secret_id == bindparam("at_secret"))
    .order_by(versions.c.created_at, versions.c.version_id)
    .limit(bindparam("most"))
)
_LABELLED = _VERSIONS.where(
    versions.c.version_id.in_(
        select(labels.c.version_id).where(labels.c.secret_id == bindparam("at_secret"))
    )
)
_BEYOND = tuple_(versions.c.created_at, versions.c.version_id) > tuple_(
    bindparam("after_time", type_=versions.c.created_at.type), bindparam("after_version")
)
_VERSION_PAGES = {
    (deprecated, goes_on): base.where(_BEYOND) if goes_on else base
    for deprecated, base in ((True, _VERSIONS), (False, _LABELLED))
    for goes_on in (True, False)
}


def list_secrets(
    tx: Tx,
    *,
    account: str,
    region: str,
    where: SecretFilter,
    order: SortOrder,
    after: Position | None,
    limit: int,
) -> Found:
    """The next secrets that pass the filter.

    Args:
        after: `following` of the page before, of a list with the same parameters.
        limit: secrets of the page, at most.

    Raises:
        InvalidParameter: the filter asks for too much at once.
    """
    search = search_for(where, account=account, region=region)
    if search is None:
        return Found()
    page = _Page.plan(tx, search, account=account, region=region, by_name=order.by is SortBy.NAME)
    position = after or _beginning(tx, order, account=account, region=region)
    rows: list[SecretRow] = []
    for number, stretch in enumerate(stretches(order)):
        if number < position.stretch or (stretch.since is not None and after is None):
            continue  # a list that ends on its first page has missed nothing
        start = position.after if number == position.stretch else ()
        more, end = page.read(stretch, start, began=position.began, limit=limit - len(rows))
        rows += more
        if end is not None:
            return Found(rows=rows, following=replace(position, stretch=number, after=end))
    return Found(rows=rows)


def due(tx: Tx, *, limit: int) -> Sequence[str]:
    """ARNs of the secrets whose planned moment has come, the longest waiting first."""
    return list(tx.execute(_DUE, {"now": tx.now, "most": limit}).scalars())


def list_versions(
    tx: Tx,
    secret_id: int,
    *,
    include_deprecated: bool,
    after: tuple[datetime, str] | None,
    limit: int,
) -> Sequence[VersionEntry]:
    """The first versions of a secret in the order of their creation; by default those with a label.

    Args:
        after: creation time and version id of the version before the first one wanted.
    """
    parameters: dict[str, object] = {"at_secret": secret_id, "most": limit}
    if after is not None:
        parameters |= {"after_time": after[0], "after_version": after[1]}
    found = tx.execute(_VERSION_PAGES[include_deprecated, after is not None], parameters)
    return [VersionEntry(**row) for row in found.mappings()]


@dataclass(frozen=True, slots=True)
class _Page:
    """How a page is found: by `driver`, or else by looking through `scope` in the list's order.

    Attributes:
        conditions: what else is asked of a secret.
        deleted: whether those that are marked for deletion are wanted too.
    """

    tx: Tx
    scope: Sequence[Condition]
    driver: Driver | None
    conditions: Sequence[Condition]
    deleted: bool

    @classmethod
    def plan(cls, tx: Tx, search: Search, *, account: str, region: str, by_name: bool) -> "_Page":
        driver, conditions = search.driver(tx)
        if driver is not None:
            # As one text, which no index has: the rows are found by their ids, never by an order.
            here = secrets.c.account + "/" + secrets.c.region == f"{account}/{region}"
            return cls(tx, [here], driver, conditions, search.include_deleted)
        scope = [secrets.c.account == account, secrets.c.region == region]
        if by_name:
            scope += search.range_of_names()
        return cls(tx, scope, None, conditions, search.include_deleted)

    def read(
        self, stretch: Stretch, after: Key, *, began: datetime | None, limit: int
    ) -> tuple[Sequence[SecretRow], Key | None]:
        """What passes in a stretch, and where the next page goes on in it: None where it ends."""
        inside = [*stretch.within, *([stretch.beyond(after)] if after else [])]
        if stretch.since is not None and began is not None:
            inside.append(stretch.since(began))
        horizon = self._horizon(stretch, inside) if self.driver is None else None
        if horizon is not None:
            inside.append(stretch.up_to(horizon))
        rows = self._rows(stretch, inside, limit=limit + 1)
        if len(rows) > limit:
            return rows[:limit], _key(stretch, rows[limit - 1]) if limit else after
        return rows, horizon

    def _horizon(self, stretch: Stretch, inside: Sequence[Condition]) -> Key | None:
        """The key of the last secret that the page may look at; None where the stretch ends before."""
        keys = select(*stretch.key).where(*self.scope, *inside).order_by(*stretch.order())
        row = self.tx.connection.execute(keys.limit(1).offset(stretch.reach - 1)).one_or_none()
        return None if row is None else tuple(row)

    def _rows(
        self, stretch: Stretch, inside: Sequence[Condition], *, limit: int
    ) -> Sequence[SecretRow]:
        alive = [] if self.deleted else [_ALIVE]
        fit = [*self.scope, *inside]
        if self.driver is not None:
            ids = select(secrets.c.id).where(
                secrets.c.id.in_(self.driver), *fit, *alive, *self.conditions
            )
        elif self.conditions:
            ids = select(secrets.c.id).where(
                *fit, *self.conditions, *([] if self.deleted else [_ALIVE_AT_LAST])
            )
        else:
            plain = _SECRETS.where(*fit, *alive).order_by(*stretch.order()).limit(limit)
            return self._fetched(plain)
        first = ids.order_by(*stretch.order()).limit(limit)
        shown = replace(stretch, columns=tuple(_shown.c[c.name] for c in stretch.columns))
        return self._fetched(_SHOWN.where(_shown.c.id.in_(first)).order_by(*shown.order()))

    def _fetched(self, statement: Select[Any]) -> Sequence[SecretRow]:
        return [SecretRow._make(row) for row in self.tx.connection.execute(statement)]


def _beginning(tx: Tx, order: SortOrder, *, account: str, region: str) -> Position:
    column = moving(order)
    if column is None:
        return Position()
    return Position(began=_latest(tx, column, account=account, region=region))


def _key(stretch: Stretch, row: SecretRow) -> Key:
    return tuple(getattr(row, column.name) for column in stretch.key)


def _latest(tx: Tx, column: Column[datetime], *, account: str, region: str) -> datetime:
    """The latest moment in a column; one before all others where there is none."""
    keys = select(column).where(secrets.c.account == account, secrets.c.region == region)
    latest = keys.where(column.is_not(None)).order_by(column.desc()).limit(1)
    found: datetime | None = tx.connection.execute(latest).scalar_one_or_none()
    return found or datetime.fromtimestamp(0, UTC)
