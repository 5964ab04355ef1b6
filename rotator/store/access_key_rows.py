"""Rows of access keys: made, switched, used and sealed anew, one at a time.

What a change of who may what leaves is authenticated by `rotator.store.identities`.
"""

from collections.abc import Mapping
from datetime import datetime

from sqlalchemy import bindparam, delete, func, insert, select, update

from rotator.crypto.envelope import SealContext, Sealed, Wrapped
from rotator.store.tables import access_keys
from rotator.store.tx import Tx

_PLACE = "access-key"

_ADD_KEY = insert(access_keys).inline()
_SWITCH_KEY = (
    update(access_keys)
    .where(access_keys.c.access_key_id == bindparam("at_key"))
    .values(disabled=bindparam("off"))
)
_REMOVE_KEY = delete(access_keys).where(access_keys.c.access_key_id == bindparam("at_key"))
_USED = (
    update(access_keys)
    .where(access_keys.c.access_key_id == bindparam("at_key"))
    .values(used_on=bindparam("day"))
)
_KEYS_UNDER_OTHERS = (
    select(access_keys.c.access_key_id, access_keys.c.key_id, access_keys.c.wrapped_key)
    .where(
        access_keys.c.key_id != bindparam("at_key"),
        access_keys.c.access_key_id > bindparam("after"),
    )
    .order_by(access_keys.c.access_key_id)
    .limit(bindparam("most"))
)
_COUNT_UNDER_OTHERS = (
    select(func.count()).select_from(access_keys).where(access_keys.c.key_id != bindparam("at_key"))
)
_COUNTS_UNDER = select(access_keys.c.key_id, func.count().label("found")).group_by(
    access_keys.c.key_id
)
_REWRAP = (
    update(access_keys)
    .where(
        access_keys.c.access_key_id == bindparam("at_key"),
        access_keys.c.wrapped_key == bindparam("before"),
    )
    .values(key_id=bindparam("to_key_id"), wrapped_key=bindparam("to_wrapped_key"))
)


def seal_context(access_key_id: str) -> SealContext:
    """What the secret of an access key is bound to: no secret's place looks like this one."""
    return SealContext(account="", region="", secret_arn=_PLACE, version_id=access_key_id)


def add_key(tx: Tx, principal_id: int, access_key_id: str, sealed: Sealed) -> None:
    """A new access key of a principal."""
    tx.execute(
        _ADD_KEY,
        {
            "access_key_id": access_key_id,
            "principal_id": principal_id,
            "disabled": False,
            "created_at": tx.now,
            "key_id": sealed.key_id,
            "wrapped_key": sealed.wrapped_key,
            "nonce": sealed.nonce,
            "ciphertext": sealed.ciphertext,
        },
    )


def switch_key(tx: Tx, access_key_id: str, *, disabled: bool) -> None:
    """Lets an access key be used, or not."""
    tx.execute(_SWITCH_KEY, {"at_key": access_key_id, "off": disabled})


def remove_key(tx: Tx, access_key_id: str) -> None:
    """Removes an access key."""
    tx.execute(_REMOVE_KEY, {"at_key": access_key_id})


def note_use(tx: Tx, access_key_id: str, *, day: datetime) -> None:
    """Notes the day on which an access key was used last."""
    tx.execute(_USED, {"at_key": access_key_id, "day": day})


def keys_under_others(tx: Tx, key_id: str, *, after: str, limit: int) -> Mapping[str, Wrapped]:
    """Access keys that are sealed under other sealing keys than this one, in the order of their ids."""
    rows = tx.execute(_KEYS_UNDER_OTHERS, {"at_key": key_id, "after": after, "most": limit})
    return {
        row.access_key_id: Wrapped(key_id=row.key_id, wrapped_key=row.wrapped_key, binary=False)
        for row in rows
    }


def count_under_others(tx: Tx, key_id: str) -> int:
    """How many access keys are sealed under other sealing keys than this one."""
    return int(tx.execute(_COUNT_UNDER_OTHERS, {"at_key": key_id}).scalar_one())


def counts_under(tx: Tx) -> Mapping[str, int]:
    """Sealing key → how many access keys are sealed under it."""
    return {row.key_id: row.found for row in tx.execute(_COUNTS_UNDER)}


def rewrap_key(tx: Tx, access_key_id: str, *, before: Wrapped, after: Wrapped) -> bool:
    """Whether the data key of an access key was the one from before, and is the new one now."""
    where = {
        "at_key": access_key_id,
        "before": before.wrapped_key,
        "to_key_id": after.key_id,
        "to_wrapped_key": after.wrapped_key,
    }
    return bool(tx.execute(_REWRAP, where).rowcount)
