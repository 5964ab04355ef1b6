"""The tags of secrets, as rows."""

from collections import defaultdict
from collections.abc import Collection, Mapping

from sqlalchemy import bindparam, insert, select

from rotator.store.store import Tx
from rotator.store.tables import tags

_INSERT = insert(tags)
_LOAD_MANY = (
    select(tags.c.secret_id, tags.c.key, tags.c.value)
    .where(tags.c.secret_id.in_(bindparam("at_secrets", expanding=True)))
    .order_by(tags.c.secret_id, tags.c.key)
)


def add(tx: Tx, secret_id: int, tags: Mapping[str, str]) -> None:
    """Puts tags on a secret that has none of these keys yet."""
    if tags:
        rows = [{"secret_id": secret_id, "key": key, "value": tags[key]} for key in tags]
        tx.connection.execute(_INSERT, rows)


def load_many(tx: Tx, secret_ids: Collection[int]) -> Mapping[int, Mapping[str, str]]:
    """The tags of several secrets; a secret without one is left out."""
    found: defaultdict[int, dict[str, str]] = defaultdict(dict)
    if secret_ids:
        for row in tx.connection.execute(_LOAD_MANY, {"at_secrets": list(secret_ids)}):
            found[row.secret_id][row.key] = row.value
    return found
