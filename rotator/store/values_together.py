"""What GetSecretValue needs of many secrets, in one statement: on SQLite, where a statement costs more than its rows.

Only what is ordinary is found so, by name and label; the rest is looked up by itself (`values.find`).
"""

import json
from collections.abc import Collection, Mapping, Sequence
from functools import lru_cache
from typing import Any, NamedTuple

from sqlalchemy import bindparam, func, select

from rotator.errors import ValidationError
from rotator.store.secrets import place
from rotator.store.tables import secrets
from rotator.store.tx import Tx
from rotator.store.values import ValueRow, ordinary, ordinary_row

_KEPT = 4096

# One text for any number of names: a list of parameters would be another statement for each length.
_names = func.json_each(bindparam("names")).table_valued("value")
_FIND = ordinary(
    (secrets.c.account == bindparam("at_account"))
    & (secrets.c.region == bindparam("at_region"))
    & secrets.c.name.in_(select(_names.c.value))
)


class Wanted(NamedTuple):
    """A version by the name of its secret and a label."""

    account: str
    region: str
    stage: str
    name: str


@lru_cache(_KEPT)  # who reads a secret reads it again
def wanted(secret_id: str, *, account: str, region: str, stage: str) -> Wanted | None:
    """What a SecretId and a label want; None where it isn't to be found by a name.

    Args:
        account: where a bare name is looked up, as `region` is.
    """
    try:
        key, at = place(secret_id, account=account, region=region)
    except ValidationError:
        return None
    if key != "name":
        return None
    return Wanted(at["at_account"], at["at_region"], stage, at["at_name"])


def find(tx: Tx, sought: Collection[Wanted]) -> Mapping[Wanted, ValueRow]:
    """Those that are there and ordinary: in use, with a value, behind no barrier."""
    if tx.dialect != "sqlite":
        return {}
    names: dict[tuple[str, str, str], list[str]] = {}
    for each in sought:
        names.setdefault(each[:3], []).append(each.name)
    found: dict[Wanted, ValueRow] = {}
    for place_, named in names.items():
        account, region, stage = place_
        at = {"at_account": account, "at_region": region, "wanted": stage}
        rows = tx.execute(_FIND, at | {"names": json.dumps(named)}).all()
        for together in _by_secret(rows):
            row = ordinary_row(together, account=account, region=region)
            found[Wanted(account, region, stage, row.name)] = row
    return found


def _by_secret(rows: Sequence[Any]) -> Collection[Sequence[Any]]:
    of_one: dict[int, list[Any]] = {}
    for row in rows:
        of_one.setdefault(row[0], []).append(row)
    return of_one.values()
