"""A list of secrets as a caller asks for it, page after page: what ListSecrets, batches and exports share."""

from dataclasses import dataclass, replace
from typing import Self

from rotator.manager.call import Call
from rotator.manager.checks import check_filters
from rotator.manager.cursor import Cursors, refused
from rotator.model.caller import Caller
from rotator.model.filters import SecretFilter, SortOrder
from rotator.store import listing, listing_orders
from rotator.store.listing import Found
from rotator.store.listing_orders import Position
from rotator.store.store import Tx


@dataclass(frozen=True, slots=True, kw_only=True)
class SecretList:
    """The secrets of the caller's account and region that pass a filter, in an order, from a place on.

    Attributes:
        operation: whose list it is; no other takes its cursors.
    """

    operation: str
    caller: Caller
    where: SecretFilter
    order: SortOrder
    cursors: Cursors
    after: Position | None = None

    @classmethod
    def asked_for(
        cls,
        operation: str,
        *,
        caller: Caller,
        where: SecretFilter | None,
        order: SortOrder | None = None,
        cursor: str | None,
        cursors: Cursors,
    ) -> Self:
        """The list, from the place that a cursor names.

        Raises:
            InvalidNextToken: the cursor is none of this list.
            ValidationError: a filter is out of its limits.
        """
        where, order = where or SecretFilter(), order or SortOrder()
        check_filters("ListSecrets", where.filters)
        this = cls(operation=operation, caller=caller, where=where, order=order, cursors=cursors)
        if cursor is None:
            return this
        after = listing_orders.place(order, cursors.decode(cursor, of=this._bound_to()))
        if after is None:
            raise refused()
        return replace(this, after=after)

    def page(self, tx: Tx, call: Call, *, limit: int) -> Found:
        """The next secrets, at most `limit` of them.

        Raises:
            AccessDenied: the caller may not list them.
            InvalidParameter: the filter asks for too much at once.
        """
        account, region = self.caller.account, self.caller.region
        call.permit(tx, account=account, region=region)
        return listing.list_secrets(
            tx,
            account=account,
            region=region,
            where=self.where,
            order=self.order,
            after=self.after,
            limit=limit,
        )

    def cursor(self, following: Position | None) -> str | None:
        """What names the place where a page ended; None for the last page."""
        if following is None:
            return None
        return self.cursors.encode(following.parts(), of=self._bound_to())

    def _bound_to(self) -> list[object]:
        filters = [[asked.key, *asked.values] for asked in self.where.filters]
        tags = sorted(self.where.tags.items())
        where = [filters, self.where.name_prefix, tags, self.where.include_deleted]
        order = [self.order.by, self.order.descending]
        return [self.operation, self.caller.account, self.caller.region, *where, *order]
