"""The versions of secrets, with their sealed values, as rows."""

from collections import defaultdict
from collections.abc import Collection, Mapping, Sequence
from datetime import datetime, timedelta
from typing import Any, NamedTuple

from sqlalchemy import (
    BigInteger,
    bindparam,
    case,
    delete,
    exists,
    func,
    select,
    type_coerce,
    update,
)
from sqlalchemy import insert as sql_insert

from rotator.crypto.envelope import Sealed
from rotator.model.labels import CURRENT
from rotator.store.store import Tx
from rotator.store.tables import Instant, labels, versions

TICK = timedelta(milliseconds=1)
"""The API shows creation times in milliseconds, and those of a secret's versions are distinct."""
_TICK = TICK // timedelta(microseconds=1)


class VersionRow(NamedTuple):
    """One version.

    Attributes:
        accessed_on: midnight UTC of the last read.
        pinned: never pruned or purged while True.
        sealed: the value, None for a version without one.
    """

    secret_id: int
    version_id: str
    created_at: datetime
    accessed_on: datetime | None = None
    pinned: bool = False
    sealed: Sealed | None = None


COLUMNS = (
    versions.c.secret_id,
    versions.c.version_id,
    versions.c.created_at,
    versions.c.accessed_on,
    versions.c.pinned,
    versions.c.key_id,
    versions.c.bound_key_id,
    versions.c.wrapped_key,
    versions.c.nonce,
    versions.c.ciphertext,
    versions.c.binary,
)
_THIS_SECRET = versions.c.secret_id == bindparam("at_secret")
_THIS = _THIS_SECRET & (versions.c.version_id == bindparam("at_version"))

_GET = select(*COLUMNS).where(_THIS)
_MANY = select(*COLUMNS).where(
    _THIS_SECRET, versions.c.version_id.in_(bindparam("at_versions", expanding=True))
)

_wanted = labels.alias("wanted")
_all = labels.alias("all_labels")
_AT_LABEL = (
    select(*COLUMNS, _all.c.label)
    .select_from(_wanted)
    .join(
        versions,
        (versions.c.secret_id == _wanted.c.secret_id)
        & (versions.c.version_id == _wanted.c.version_id),
    )
    .join(
        _all,
        (_all.c.secret_id == _wanted.c.secret_id) & (_all.c.version_id == _wanted.c.version_id),
    )
    .where(_wanted.c.secret_id == bindparam("at_secret"), _wanted.c.label == bindparam("at_label"))
    .order_by(_all.c.label)
)

_CURRENT_OF = (
    select(*COLUMNS)
    .join(
        labels,
        (labels.c.secret_id == versions.c.secret_id)
        & (labels.c.version_id == versions.c.version_id),
    )
    .where(
        labels.c.secret_id.in_(bindparam("at_secrets", expanding=True)), labels.c.label == CURRENT
    )
)
_ALL_OF = (
    select(*COLUMNS)
    .where(versions.c.secret_id.in_(bindparam("at_secrets", expanding=True)))
    .order_by(versions.c.secret_id, versions.c.created_at)
)

_latest = (
    select(type_coerce(func.max(versions.c.created_at), BigInteger))
    .where(_THIS_SECRET)
    .scalar_subquery()
)
_now = bindparam("now", type_=Instant)
_INSERT = sql_insert(versions).values(
    secret_id=bindparam("at_secret"),
    version_id=bindparam("at_version"),
    created_at=case((_latest > type_coerce(_now, BigInteger) - _TICK, _latest + _TICK), else_=_now),
    pinned=False,
    key_id=bindparam("key_id"),
    bound_key_id=bindparam("bound_key_id"),
    wrapped_key=bindparam("wrapped_key"),
    nonce=bindparam("nonce"),
    ciphertext=bindparam("ciphertext"),
    binary=bindparam("binary"),
)
_COPY = sql_insert(versions)
_SET_VALUE = (
    update(versions)
    .where(_THIS)
    .values(
        key_id=bindparam("to_key_id"),
        bound_key_id=bindparam("to_bound_key_id"),
        wrapped_key=bindparam("to_wrapped_key"),
        nonce=bindparam("to_nonce"),
        ciphertext=bindparam("to_ciphertext"),
        binary=bindparam("to_binary"),
    )
)
_REMOVE_TEMPORARY = delete(versions).where(
    _THIS,
    ~versions.c.pinned,
    ~exists().where(
        labels.c.secret_id == bindparam("at_secret"), labels.c.version_id == bindparam("at_version")
    ),
)
_SET_PINNED = update(versions).where(_THIS).values(pinned=bindparam("to_pinned"))
_ANY_PINNED = select(exists().where(_THIS_SECRET, versions.c.pinned))
_PLACES = ("at_version_1", "at_version_2", "at_version_3")
_NAMED_OR_PINNED = (
    select(*COLUMNS)
    .where(
        _THIS_SECRET,
        versions.c.version_id.in_([bindparam(place) for place in _PLACES]) | versions.c.pinned,
    )
    .order_by(versions.c.created_at)
)
_RELEASE = update(versions).where(_THIS_SECRET, versions.c.pinned).values(pinned=False)


def from_row(row: Any) -> VersionRow:
    """The version in a row that has all of `COLUMNS`."""
    return VersionRow(
        row.secret_id,
        row.version_id,
        row.created_at,
        row.accessed_on,
        row.pinned,
        None
        if row.ciphertext is None and row.wrapped_key is None
        # What was emptied in the store doesn't open; it must not pass for a version without a value.
        else Sealed(
            key_id=row.key_id or "",
            bound_key_id=row.bound_key_id,
            wrapped_key=row.wrapped_key or b"",
            nonce=row.nonce or b"",
            ciphertext=row.ciphertext or b"",
            binary=row.binary,
        ),
    )


def sealed_columns(sealed: Sealed | None, *, prefix: str = "") -> dict[str, object]:
    """The columns of a value, all None for a version without one."""
    names = ("key_id", "bound_key_id", "wrapped_key", "nonce", "ciphertext", "binary")
    return {f"{prefix}{name}": getattr(sealed, name, None) for name in names}


def get(tx: Tx, *, secret_id: int, version_id: str) -> VersionRow | None:
    """The version, or None where there is no such."""
    row = tx.execute(_GET, {"at_secret": secret_id, "at_version": version_id}).one_or_none()
    return None if row is None else from_row(row)


def many(tx: Tx, secret_id: int, version_ids: Collection[str]) -> Mapping[str, VersionRow]:
    """Those of the named versions that exist, by id."""
    rows = tx.execute(_MANY, {"at_secret": secret_id, "at_versions": sorted(set(version_ids))})
    return {row.version_id: from_row(row) for row in rows}


def at_label(tx: Tx, *, secret_id: int, label: str) -> tuple[VersionRow | None, tuple[str, ...]]:
    """The version that carries `label`, with all of its labels sorted; (None, ()) where none does."""
    rows = tx.execute(_AT_LABEL, {"at_secret": secret_id, "at_label": label}).all()
    if not rows:
        return None, ()
    return from_row(rows[0]), tuple(row.label for row in rows)


def current_of(tx: Tx, secret_ids: Collection[int]) -> Mapping[int, VersionRow]:
    """The AWSCURRENT version of each secret that has one, by the secret's row id."""
    rows = tx.execute(_CURRENT_OF, {"at_secrets": list(secret_ids)})
    return {row.secret_id: from_row(row) for row in rows}


def all_of(tx: Tx, secret_ids: Collection[int]) -> Mapping[int, Sequence[VersionRow]]:
    """All versions of secrets, oldest first, by the secret's row id."""
    found: defaultdict[int, list[VersionRow]] = defaultdict(list)
    for row in tx.execute(_ALL_OF, {"at_secrets": list(secret_ids)}):
        found[row.secret_id].append(from_row(row))
    return found


def insert(tx: Tx, *, secret_id: int, version_id: str, sealed: Sealed | None) -> None:
    """Adds a version; its creation time is later than that of every other version of the secret.

    Raises:
        sqlalchemy.exc.IntegrityError: the secret has such a version already.
    """
    tx.execute(
        _INSERT,
        {
            "at_secret": secret_id,
            "at_version": version_id,
            "now": tx.now,
            **sealed_columns(sealed),
        },
    )


def copy(tx: Tx, found: Sequence[VersionRow], *, to: int, sealed: Mapping[str, Sealed]) -> None:
    """Adds versions of one secret to another, which has none, with their creation times, as they are sealed for it."""
    made = [
        {
            "secret_id": to,
            "version_id": version.version_id,
            "created_at": version.created_at,
            "pinned": False,
            **sealed_columns(sealed[version.version_id]),
        }
        for version in found
    ]
    if made:
        tx.execute(_COPY, made)


def set_value(tx: Tx, *, secret_id: int, version_id: str, sealed: Sealed | None) -> None:
    """Fills or replaces the sealed value of a version, or takes it away."""
    tx.execute(
        _SET_VALUE,
        {
            "at_secret": secret_id,
            "at_version": version_id,
            **sealed_columns(sealed, prefix="to_"),
        },
    )


def remove_temporary(tx: Tx, *, secret_id: int, version_id: str) -> None:
    """Removes a version that was made for a test, unless somebody has labelled or pinned it meanwhile."""
    tx.execute(_REMOVE_TEMPORARY, {"at_secret": secret_id, "at_version": version_id})


def set_pinned(tx: Tx, *, secret_id: int, version_id: str, pinned: bool) -> None:
    """Pins a version against pruning and purging, or releases it; no such version is no error."""
    tx.execute(_SET_PINNED, {"at_secret": secret_id, "at_version": version_id, "to_pinned": pinned})


def any_pinned(tx: Tx, secret_id: int) -> bool:
    """Whether a version of the secret may hold a value that its target accepts."""
    return bool(tx.execute(_ANY_PINNED, {"at_secret": secret_id}).scalar_one())


def named_or_pinned(
    tx: Tx, secret_id: int, version_ids: Collection[str]
) -> Mapping[str, VersionRow]:
    """Those of the named versions (three at most) that exist, and every pinned one, by id, oldest first."""
    padded = (*version_ids, *[None] * (len(_PLACES) - len(version_ids)))
    named = dict(zip(_PLACES, padded, strict=True))
    rows = tx.execute(_NAMED_OR_PINNED, {"at_secret": secret_id, **named})
    return {row.version_id: from_row(row) for row in rows}


def release(tx: Tx, secret_id: int) -> None:
    """Unpins all versions of a secret: a probe has settled which value lives."""
    tx.execute(_RELEASE, {"at_secret": secret_id})
