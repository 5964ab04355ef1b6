"""The tags of secrets, as rows."""

from collections import defaultdict
from collections.abc import Collection, Mapping

from sqlalchemy import bindparam, delete, func, insert, select

from rotator.store.tables import tags
from rotator.store.tx import Tx

_INSERT = insert(tags)
_REMOVE = (
    delete(tags)
    .where(
        tags.c.secret_id == bindparam("at_secret"),
        tags.c.key.in_(bindparam("at_keys", expanding=True)),
    )
    .returning(tags.c.key)
)
_COUNT = select(func.count()).where(tags.c.secret_id == bindparam("at_secret"))
_LOAD_MANY = (
    select(tags.c.secret_id, tags.c.key, tags.c.value)
    .where(tags.c.secret_id.in_(bindparam("at_secrets", expanding=True)))
    .order_by(tags.c.secret_id, tags.c.key)
)


def add(tx: Tx, secret_id: int, tags: Mapping[str, str]) -> None:
    """Puts tags on a secret that has none of these keys yet."""
    if tags:
        rows = [{"secret_id": secret_id, "key": key, "value": tags[key]} for key in tags]
        tx.execute(_INSERT, rows)


def put(tx: Tx, secret_id: int, tags: Mapping[str, str]) -> int:
    """Puts tags on a secret, over those of the same keys, and gives how many it has then."""
    remove(tx, secret_id, tags)
    add(tx, secret_id, tags)
    return int(tx.execute(_COUNT, {"at_secret": secret_id}).scalar_one())


def remove(tx: Tx, secret_id: int, keys: Collection[str]) -> tuple[str, ...]:
    """Takes the tags of these keys off a secret, and gives the sorted keys of those that it had."""
    if not keys:
        return ()
    removed = tx.execute(_REMOVE, {"at_secret": secret_id, "at_keys": sorted(keys)})
    return tuple(sorted(removed.scalars()))


def load_many(tx: Tx, secret_ids: Collection[int]) -> Mapping[int, Mapping[str, str]]:
    """The tags of several secrets; a secret without one is left out."""
    found: defaultdict[int, dict[str, str]] = defaultdict(dict)
    if secret_ids:
        for row in tx.execute(_LOAD_MANY, {"at_secrets": list(secret_ids)}):
            found[row.secret_id][row.key] = row.value
    return found
