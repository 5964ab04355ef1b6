"""Lists, descriptions and the due query of a store with a million secrets, against one with ten thousand.

What is measured is the reading transaction: the commit of a call's audit record, which costs both the same, would hide
the difference.
"""

from collections.abc import Callable, Iterator, Mapping
from contextlib import closing
from dataclasses import dataclass
from pathlib import Path

from sqlalchemy import select

from benchmarks import secret_store
from benchmarks.house import CALLER
from benchmarks.measure import Ratio, alternate
from rotator.manager.describing import describe_all
from rotator.manager.next_due import Planner
from rotator.model.filters import Filter, FilterKey, SecretFilter, SortBy, SortOrder
from rotator.store import listing, secrets
from rotator.store.listing_orders import Position, stretches
from rotator.store.store import Store
from rotator.store.tables import secrets as rows
from rotator.testing.postgres_server import PostgresServer

_FEW, _MANY = 10_000, 1_000_000
_ROUNDS = 15
_PAGE = 100
_MOST = 1.5
_EVERYTHING = SecretFilter()
_PLACES: Mapping[str, Callable[[int], int | None]] = {
    "first": lambda _: None,
    "middle": lambda count: count // 2,
    "last": lambda count: count - _PAGE - 1,
}
"""Which page: after how many secrets of the order's last stretch it begins."""

# What few pass, whatever the store holds; what a fortieth, a third, or all pass; and what is negated.
_VALUES: Mapping[FilterKey, tuple[str, ...]] = {
    FilterKey.NAME: ("rare", "team-07", "team-", "!team-07"),
    FilterKey.DESCRIPTION: ("rarely", "database pass", "pay", "!payment"),
    FilterKey.TAG_KEY: ("rare", "environment", "!rare"),
    FilterKey.TAG_VALUE: ("rarely", "team-07", "prod", "!team-07"),
    FilterKey.ALL: ("rarely", "prod 07", "gateway prod", "!payment"),
}


@dataclass(frozen=True, slots=True)
class _Stores:
    many: Store
    few: Store

    def ratio(self, name: str, act: Callable[[Store, int], Callable[[], object]]) -> Ratio:
        """What it costs at a million secrets against what it costs at ten thousand."""
        ours, floor = alternate(act(self.many, _MANY), act(self.few, _FEW), rounds=_ROUNDS)
        return Ratio(name=name, unit="ms", ours=ours * 1e3, floor=floor * 1e3, most=_MOST)


def measured(_: PostgresServer, folder: Path) -> Iterator[Ratio]:
    """The ratios, one after the other."""
    with (
        closing(secret_store.build(folder, _MANY)) as many,
        closing(secret_store.build(folder, _FEW)) as few,
    ):
        stores = _Stores(many, few)
        for order in (SortOrder(by=by, descending=down) for by in SortBy for down in (False, True)):
            yield from _pages(stores, _EVERYTHING, order)
        for key, values in _VALUES.items():
            for value in values:
                where = SecretFilter(filters=(Filter(key, (value,)),))
                yield from _pages(stores, where, SortOrder())
        # What a third passes is found everywhere in each order.
        for by in (SortBy.NAME, SortBy.CHANGED, SortBy.ACCESSED):
            where = SecretFilter(filters=(Filter(FilterKey.TAG_VALUE, ("prod",)),))
            yield from _pages(stores, where, SortOrder(by=by))
        # By name, a fortieth comes together: before and after them a page finds nothing, wherever it looks.
        where = SecretFilter(filters=(Filter(FilterKey.TAG_VALUE, ("team-07",)),))
        yield from _pages(stores, where, SortOrder(by=SortBy.NAME))
        yield stores.ratio("describe", _description)
        yield stores.ratio("due", _due)


def _pages(stores: _Stores, where: SecretFilter, order: SortOrder) -> Iterator[Ratio]:
    asked = "".join(f", {one.key} {one.values[0]}" for one in where.filters)
    way = "desc" if order.descending else "asc"
    for place, after in _PLACES.items():

        def page(
            store: Store, count: int, after: Callable[[int], int | None] = after
        ) -> Callable[[], object]:
            position = _position(store, order, after, count)
            return lambda: _list(store, where, order, position)

        yield stores.ratio(f"list by {order.by} {way}{asked}, {place} page", page)


def _list(store: Store, where: SecretFilter, order: SortOrder, after: Position | None) -> None:
    with store.read() as tx:
        found = listing.list_secrets(
            tx,
            account=CALLER.account,
            region=CALLER.region,
            where=where,
            order=order,
            after=after,
            limit=_PAGE,
        )
        describe_all(tx, found.rows, planner=Planner())


def _position(
    store: Store, order: SortOrder, after: Callable[[int], int | None], count: int
) -> Position | None:
    path = [stretch for stretch in stretches(order) if stretch.since is None]
    number, stretch = len(path) - 1, path[-1]
    share = 5 if len(path) == 1 else 1 if order.descending else 4  # fifths that the stretch has
    offset = after(count * share // 5)
    if offset is None:
        return None
    here = (rows.c.account == CALLER.account, rows.c.region == CALLER.region)
    keys = select(*stretch.key).where(*here, *stretch.within).order_by(*stretch.order())
    with store.read() as tx:
        key = tuple(tx.connection.execute(keys.limit(1).offset(offset)).one())
    began = None if not order.descending else secret_store.BEGAN
    moves = order.by in {SortBy.CHANGED, SortBy.ACCESSED}
    return Position(stretch=number, after=key, began=began if moves else None)


def _description(store: Store, count: int) -> Callable[[], object]:
    with store.read() as tx:
        name = secrets.by_id(tx, count // 2).name

    def describe() -> None:
        with store.read() as tx:
            found = secrets.find(tx, account=CALLER.account, region=CALLER.region, secret_id=name)
            describe_all(tx, [found], planner=Planner())

    return describe


def _due(store: Store, _: int) -> Callable[[], object]:
    def ask() -> None:
        with store.read() as tx:
            listing.due(tx, limit=_PAGE)

    return ask
