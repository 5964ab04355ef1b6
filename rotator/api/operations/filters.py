"""The filters and orders of lists, as requests give them."""

from rotator.api.operations.operation import Given
from rotator.errors import InvalidParameter
from rotator.manager import limits
from rotator.model.filters import Filter, FilterKey, SortBy, SortOrder


def filters_of(given: Given, *, operation: str) -> tuple[Filter, ...] | None:
    """The filters in a request, None where there are none.

    Raises:
        InvalidParameter: a filter lacks its key or its values.
        ValidationError: a key is none that there is, or the filters are too many.
    """
    filters = given.get("Filters")
    if filters is None:
        return None
    limits.check(operation, Filters=filters)
    for asked in filters:
        if not asked.get("Key") or not asked.get("Values"):
            raise InvalidParameter("A filter has a Key and at least one of Values. Give both.")
    return tuple(Filter(FilterKey(asked["Key"]), tuple(asked["Values"])) for asked in filters)


def order_of(given: Given) -> SortOrder:
    """The order that a request asks for.

    Raises:
        ValidationError: it is none that there is.
    """
    by, order = given.get("SortBy"), given.get("SortOrder")
    limits.check("ListSecrets", SortBy=by, SortOrder=order)
    return SortOrder(by=SortBy.CREATED if by is None else SortBy(by), descending=order == "desc")
