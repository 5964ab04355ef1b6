"""Where there are secrets: accounts and regions."""

from collections.abc import Iterator

from sqlalchemy import bindparam, select

from rotator.store.tables import secrets
from rotator.store.tx import Tx

_S = secrets.c
_PLACES = select(_S.account, _S.region).order_by(_S.account, _S.region).limit(1)
# Two statements: in one, with OR or a row comparison, SQLite reads all of an account to find what is after it.
_NEXT_REGION = _PLACES.where(_S.account == bindparam("account"), _S.region > bindparam("region"))
_NEXT_ACCOUNT = _PLACES.where(_S.account > bindparam("account"))


def places(tx: Tx) -> Iterator[tuple[str, str]]:
    """Each account and region that a secret is in, once and in order; it costs what there are different ones."""
    account = region = ""
    while True:
        at = {"account": account}
        found = tx.execute(_NEXT_REGION, at | {"region": region}).one_or_none()
        found = found or tx.execute(_NEXT_ACCOUNT, at).one_or_none()
        if found is None:
            return
        account, region = found
        yield account, region
