"""Where there are secrets: accounts and regions."""

from collections.abc import Iterator

from sqlalchemy import and_, bindparam, or_, select

from rotator.store.tables import secrets
from rotator.store.tx import Tx

_S = secrets.c
_NEXT = (
    select(_S.account, _S.region)
    .where(
        or_(
            _S.account > bindparam("account"),
            and_(_S.account == bindparam("account"), _S.region > bindparam("region")),
        )
    )
    .order_by(_S.account, _S.region)
    .limit(1)
)


def places(tx: Tx) -> Iterator[tuple[str, str]]:
    """Each account and region that a secret is in, once and in order; it costs what there are different ones."""
    account = region = ""
    while (
        found := tx.execute(_NEXT, {"account": account, "region": region}).one_or_none()
    ) is not None:
        account, region = found
        yield account, region
