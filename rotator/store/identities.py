"""Principals, groups and access keys, as rows that are authenticated together.

Whoever has the store but not the audit key must not be able to give anyone rights: the code in `access_state` covers
every row and its revision, and where it doesn't fit, nobody is let in. What is read is kept in memory for as long as
the revision stays.
"""

import hashlib
import json
from collections.abc import Mapping, Sequence
from typing import Any

from sqlalchemy import bindparam, delete, insert, select, text, update

from rotator.crypto import aead
from rotator.crypto.envelope import Sealed
from rotator.errors import RowAltered, StoreUnavailable
from rotator.store.principal_rows import AccessKey, Identities, Kind, Principal
from rotator.store.tables import access_keys, access_state, principals
from rotator.store.tx import Tx

_FORMAT = b"rotator:access:1"
_LOOKS = 5
_CODE_LENGTH = 16
_ALTERED = (
    "The rows of principals and access keys in the store are not as rotator wrote them, so nobody is let in by them. "
    "Restore them from a backup of the store. See which ones, and how they count again where they are right: "
    "rotate principal review. Callers with the store and its keys, such as the command line on this machine, go on. "
    "What else was altered: rotate audit verify"
)
_UNREADABLE = (
    "The rows of principals and access keys in the store hold what rotator never writes, so they can't even be shown. "
    "Nobody is let in by them. Restore them from a backup of the store."
)
_STATE = select(access_state.c.revision, access_state.c.mac).where(access_state.c.id == 1)
_PRINCIPALS = select(*principals.columns).order_by(principals.c.id)
_KEYS = select(*access_keys.columns).order_by(access_keys.c.access_key_id)
_LOCK = text("LOCK TABLE access_state IN SHARE ROW EXCLUSIVE MODE")
_BEGIN = insert(access_state).values(id=1, revision=bindparam("new"), mac=bindparam("code"))
_FORGET = delete(access_state)
_ADVANCE = (
    update(access_state)
    .where(access_state.c.id == 1)
    .values(revision=bindparam("new"), mac=bindparam("code"))
)
_ADD = insert(principals).inline()
_UPDATE = update(principals).where(principals.c.id == bindparam("at_id"))
_REMOVE = delete(principals).where(principals.c.id == bindparam("at_id"))
_REMOVE_KEYS = delete(access_keys).where(access_keys.c.principal_id == bindparam("at_id"))


def load(tx: Tx) -> Identities:
    """All principals and access keys as they are in this transaction.

    Raises:
        KeyUnavailable: there is no audit key, or it can't be used.
        RowAltered: they are not as they were written.
    """
    if isinstance(tx.identities, Identities):
        return tx.identities
    found = _loaded(tx)
    if tx.dialect == "sqlite":
        tx.identities = found
    return found


def _loaded(tx: Tx) -> Identities:
    for _ in range(_LOOKS):
        revision, mac = _state(tx)
        kept = tx.memory.identities
        if isinstance(kept, Identities) and (kept.revision, kept.mac) == (revision, mac):
            return kept
        found = _read(tx, revision=revision, mac=mac)
        if found is not None:
            if not isinstance(kept, Identities) or kept.revision <= revision:
                tx.memory.identities = found
            return found
        # On PostgreSQL each statement sees what was committed before it: a change may have come in between.
        if _state(tx) == (revision, mac):
            break
    raise RowAltered(_ALTERED)


def as_they_stand(tx: Tx, *, for_update: bool = False) -> Identities:
    """What the rows say, authentic or not: for people to look at, never to decide by.

    Raises:
        RowAltered: they can't be read, or one has the name of another and would be taken for it.
    """
    if tx.dialect == "postgresql" and for_update:
        tx.execute(_LOCK)
    revision, mac = _state(tx)
    try:
        people, keys = _rows(tx)
        _message(revision, people, keys)
    except (ValueError, TypeError, OverflowError, AttributeError):
        raise RowAltered(_UNREADABLE) from None
    found = Identities(revision=revision, mac=mac, principals=people, keys=keys)
    if len(digests(found)) < len(people) + len(keys):
        raise RowAltered(_UNREADABLE)
    return found


def shown_code(tx: Tx, found: Identities) -> str:
    """A code for exactly these rows, which nobody without the audit key can make."""
    message = _message(found.revision, found.principals, found.keys)
    return bytes(_key(tx).mac(aead.encode(b"shown", message, found.mac))).hex()[:_CODE_LENGTH]


def authenticate_as_they_stand(tx: Tx, *, revision: int) -> Identities:
    """Has the rows count again, as this revision."""
    tx.execute(_FORGET)
    tx.memory.identities = None
    people, keys = _rows(tx)
    mac = _key(tx).mac(_message(revision, people, keys))
    tx.execute(_BEGIN, {"new": revision, "code": mac})
    return Identities(revision=revision, mac=mac, principals=people, keys=keys)


def digests(found: Identities) -> Mapping[str, str]:
    """ARN of a principal or group, or id of an access key → a digest of its row, without how a secret is wrapped."""
    made = {each.arn: _digest(_principal_said(each)) for each in found.principals.values()}
    return made | {key.access_key_id: _digest(*_key_said(key)) for key in found.keys.values()}


def begin_change(tx: Tx) -> Identities:
    """What is there, with all other writers of it kept waiting.

    Raises:
        KeyUnavailable, RowAltered: as `load` does.
    """
    if tx.dialect == "postgresql":
        tx.execute(_LOCK)
    # The rows, not what was kept of them: whoever altered one meanwhile would have it authenticated with the change.
    tx.memory.identities = None
    return load(tx)


def end_change(tx: Tx, before: Identities) -> Identities:
    """Authenticates what a change left, as the next revision."""
    revision = before.revision + 1
    people, keys = _rows(tx)
    mac = _key(tx).mac(_message(revision, people, keys))
    tx.identities = None
    statement = _ADVANCE if before.revision else _BEGIN
    tx.execute(statement, {"new": revision, "code": mac})
    return Identities(revision=revision, mac=mac, principals=people, keys=keys)


def add(
    tx: Tx, *, account: str, kind: Kind, name: str, unique_id: str, policies: Mapping[str, str]
) -> None:
    """A new principal or group."""
    tx.execute(
        _ADD,
        {
            "account": account,
            "kind": str(kind),
            "name": name,
            "unique_id": unique_id,
            "disabled": False,
            "created_at": tx.now,
            "groups": [],
            "policies": dict(policies),
        },
    )


def write(tx: Tx, principal: Principal, **columns: Any) -> None:
    """Writes some columns of a principal or group."""
    tx.execute(_UPDATE, columns | {"at_id": principal.id})


def remove(tx: Tx, principal: Principal) -> None:
    """Removes a principal or group, with its keys."""
    tx.execute(_REMOVE_KEYS, {"at_id": principal.id})
    tx.execute(_REMOVE, {"at_id": principal.id})


def _state(tx: Tx) -> tuple[int, bytes]:
    row = tx.execute(_STATE).one_or_none()
    return (0, b"") if row is None else (row.revision, bytes(row.mac))


def _read(tx: Tx, *, revision: int, mac: bytes) -> Identities | None:
    """What is there, None where it isn't what the code is of."""
    try:
        people, keys = _rows(tx)
        message = _message(revision, people, keys)
    except (ValueError, TypeError, OverflowError, AttributeError):
        return None
    authentic = not (people or keys) if not revision else _key(tx).verifies(message, mac)
    if not authentic:
        return None
    return Identities(revision=revision, mac=mac, principals=people, keys=keys)


def _rows(tx: Tx) -> tuple[Mapping[int, Principal], Mapping[str, AccessKey]]:
    people = {
        row.id: Principal._make(row)._replace(groups=tuple(row.groups), policies=dict(row.policies))
        for row in tx.execute(_PRINCIPALS)
    }
    keys = {row.access_key_id: _access_key(row) for row in tx.execute(_KEYS)}
    return people, keys


def _access_key(row: Any) -> AccessKey:
    return AccessKey(
        row.access_key_id,
        row.principal_id,
        row.disabled,
        row.created_at,
        row.used_on,
        Sealed(
            key_id=row.key_id,
            wrapped_key=row.wrapped_key,
            binary=False,
            nonce=row.nonce,
            ciphertext=row.ciphertext,
        ),
    )


def _message(
    revision: int, people: Mapping[int, Principal], keys: Mapping[str, AccessKey]
) -> bytes:
    """What the code is of. How a secret is wrapped isn't part of it: that is tied to the key's id by itself."""
    said: list[bytes] = [_FORMAT, str(revision).encode()]
    said += map(_principal_said, people.values())
    said.append(b"keys")
    for key in keys.values():
        said += _key_said(key)
    return aead.encode(*said)


def _principal_said(each: Principal) -> bytes:
    row = [*each[:6], each.created_at.isoformat(), each.groups, each.policies]
    return json.dumps(row, sort_keys=True).encode()


def _key_said(key: AccessKey) -> Sequence[bytes]:
    row = [*key[:3], key.created_at.isoformat()]
    return json.dumps(row).encode(), key.sealed.nonce, key.sealed.ciphertext


def _digest(*said: bytes) -> str:
    return hashlib.sha256(aead.encode(*said)).hexdigest()


def _key(tx: Tx) -> Any:
    if tx.memory.key is None:
        raise StoreUnavailable("There is no audit key to authenticate principals with.")
    return tx.memory.key()
