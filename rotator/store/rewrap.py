"""The data keys of versions, as rows: under which sealing key they are, and how they get under another one.

Neither ciphertext nor nonce is ever read or written here.
"""

from collections.abc import Collection, Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, TypeAlias

from sqlalchemy import Executable, bindparam, func, select, tuple_, update

from rotator.crypto.envelope import SealContext, Wrapped
from rotator.model.labels import CURRENT, PENDING, PREVIOUS
from rotator.store.store import Tx
from rotator.store.tables import labels, secrets, versions

_STAGES = (CURRENT, PENDING, PREVIOUS)


Place: TypeAlias = tuple[int, str]
"""A secret's row id and a version id: where a batch begins is after the last one of the batch before."""

START: Place = (0, "")


@dataclass(frozen=True, slots=True, kw_only=True)
class Misplaced:
    """A version that is sealed under another key than its secret asks for now."""

    place: Place
    context: SealContext
    wrapped: Wrapped


@dataclass(frozen=True, slots=True, kw_only=True)
class Move:
    """A version whose data key changes from one sealing key to another."""

    secret_id: int
    version_id: str
    before: Wrapped
    after: Wrapped


_DATA_KEY = (
    versions.c.version_id,
    versions.c.key_id,
    versions.c.wrapped_key,
    versions.c.binary,
    versions.c.bound_key_id,
)
_joined = versions.join(secrets, secrets.c.id == versions.c.secret_id)
_MISPLACED = (
    versions.c.secret_id,
    *_DATA_KEY,
    secrets.c.account,
    secrets.c.region,
    secrets.c.arn,
)
_OF_DEFAULT = (versions.c.key_id == bindparam("at_key"), secrets.c.kms_key_id.is_(None))
_OF_NAME = (
    secrets.c.kms_key_id == bindparam("at_name"),
    versions.c.key_id != bindparam("at_key"),
)
_COUNT_OF_DEFAULT = select(func.count()).select_from(_joined).where(*_OF_DEFAULT)
_COUNT_OF_NAME = select(func.count()).select_from(_joined).where(*_OF_NAME)
_COUNT_BY_KEY = (
    select(versions.c.key_id, func.count().label("versions"))
    .select_from(_joined)
    .where(*_OF_NAME)
    .group_by(versions.c.key_id)
    .order_by(versions.c.key_id)
)
_BATCH_OF_DEFAULT = (
    select(*_MISPLACED)
    .select_from(_joined)
    .where(
        *_OF_DEFAULT,
        tuple_(versions.c.secret_id, versions.c.version_id)
        > tuple_(bindparam("after_secret"), bindparam("after_version")),
    )
    .order_by(versions.c.secret_id, versions.c.version_id)
    .limit(bindparam("most"))
)
_BATCH_OF_NAME = (
    select(*_MISPLACED)
    .select_from(_joined)
    .where(
        *_OF_NAME,
        secrets.c.id >= bindparam("after_secret"),
        (secrets.c.id > bindparam("after_secret"))
        | (versions.c.version_id > bindparam("after_version")),
    )
    .order_by(secrets.c.id, versions.c.version_id)
    .limit(bindparam("most"))
)
_LOCK = (
    select(secrets.c.id)
    .where(secrets.c.id.in_(bindparam("ids", expanding=True)))
    .order_by(secrets.c.id)
    .with_for_update()
)

# The next of few distinct values, by one look into the index for each.
_NEXT_KEY = select(func.min(versions.c.key_id)).where(versions.c.key_id > bindparam("after"))
_NEXT_NAME = select(func.min(secrets.c.kms_key_id)).where(secrets.c.kms_key_id > bindparam("after"))
_COUNT_UNDER = (
    select(func.count()).select_from(versions).where(versions.c.key_id == bindparam("at_key"))
)
_secrets_under = (
    select(versions.c.secret_id)
    .distinct()
    .where(versions.c.key_id == bindparam("at_key"), versions.c.secret_id > bindparam("after"))
    .order_by(versions.c.secret_id)
)
_COUNT_SECRETS_UNDER = select(func.count()).select_from(_secrets_under.subquery())
_page = _secrets_under.limit(bindparam("most")).subquery()
_SECRETS_UNDER = (
    select(secrets.c.id, secrets.c.name, secrets.c.arn)
    .join(_page, _page.c.secret_id == secrets.c.id)
    .order_by(secrets.c.id)
)
_ASKING_FOR = (
    select(secrets.c.name)
    .where(secrets.c.kms_key_id == bindparam("at_name"))
    .order_by(secrets.c.id)
    .limit(bindparam("most"))
)
_COUNT_ASKING_FOR = (
    select(func.count(), func.count(secrets.c.primary_region))
    .select_from(secrets)
    .where(secrets.c.kms_key_id == bindparam("at_name"))
)
_LABELLED = (
    select(*_DATA_KEY)
    .distinct()
    .select_from(labels)
    .join(
        versions,
        (versions.c.secret_id == labels.c.secret_id)
        & (versions.c.version_id == labels.c.version_id),
    )
    .where(
        labels.c.secret_id == bindparam("at_secret"),
        labels.c.label.in_(_STAGES),
        versions.c.wrapped_key.is_not(None),
    )
)
_REPLACE = (
    update(versions)
    .where(
        versions.c.secret_id == bindparam("at_secret"),
        versions.c.version_id == bindparam("at_version"),
        versions.c.wrapped_key == bindparam("before"),
    )
    .values(key_id=bindparam("to_key_id"), wrapped_key=bindparam("to_wrapped_key"))
)


def labelled(tx: Tx, secret_id: int) -> Mapping[str, Wrapped]:
    """The data keys of the versions that carry AWSCURRENT, AWSPENDING or AWSPREVIOUS and have a value, by id."""
    rows = tx.execute(_LABELLED, {"at_secret": secret_id})
    return {row.version_id: _wrapped(row) for row in rows}


def replace(tx: Tx, moves: Sequence[Move]) -> int:
    """Writes the new data keys; a version whose data key is not the one from before, or that is gone, is left alone.

    Returns:
        How many were written.
    """
    if not moves:
        return 0
    return tx.execute(
        _REPLACE,
        [
            {
                "at_secret": move.secret_id,
                "at_version": move.version_id,
                "before": move.before.wrapped_key,
                "to_key_id": move.after.key_id,
                "to_wrapped_key": move.after.wrapped_key,
            }
            for move in moves
        ],
    ).rowcount


def lock(tx: Tx, secret_ids: Collection[int]) -> None:
    """Locks these secrets' rows, in the order in which everyone does: other writers of them wait."""
    tx.execute(_LOCK, {"ids": sorted(secret_ids)})


def keys_used(tx: Tx) -> tuple[str, ...]:
    """The ids of the sealing keys that any version is sealed under, sorted."""
    return tuple(_distinct(tx, _NEXT_KEY))


def names_used(tx: Tx) -> tuple[str, ...]:
    """The names of keys that secrets ask for, sorted; the default key's is not among them."""
    return tuple(_distinct(tx, _NEXT_NAME))


def secrets_asking_for(tx: Tx, name: str, *, limit: int) -> tuple[str, ...]:
    """Names of the secrets that ask for a key by this name."""
    return tuple(tx.execute(_ASKING_FOR, {"at_name": name, "most": limit}).scalars())


def count_asking_for(tx: Tx, name: str) -> tuple[int, int]:
    """How many secrets ask for a key by this name, and how many replicas do besides."""
    found, replicas = next(iter(tx.execute(_COUNT_ASKING_FOR, {"at_name": name})))
    return found - replicas, replicas


def count_under(tx: Tx, key_id: str) -> int:
    """How many versions are sealed under a key."""
    return int(tx.execute(_COUNT_UNDER, {"at_key": key_id}).scalar_one())


def count_secrets_under(tx: Tx, key_id: str) -> int:
    """How many secrets have a version that is sealed under a key."""
    return int(tx.execute(_COUNT_SECRETS_UNDER, {"at_key": key_id, "after": 0}).scalar_one())


def secrets_under(tx: Tx, key_id: str, *, after: int, limit: int) -> Sequence[tuple[int, str, str]]:
    """Row id, name and ARN of the secrets that have a version under a key, in the order of their row ids."""
    rows = tx.execute(_SECRETS_UNDER, {"at_key": key_id, "after": after, "most": limit})
    return [(row.id, row.name, row.arn) for row in rows]


def count_misplaced(tx: Tx, *, name: str | None, key_id: str) -> int:
    """How many versions `misplaced` gives in all."""
    if name is None:
        return int(tx.execute(_COUNT_OF_DEFAULT, {"at_key": key_id}).scalar_one())
    return int(tx.execute(_COUNT_OF_NAME, {"at_name": name, "at_key": key_id}).scalar_one())


def count_misplaced_by_key(tx: Tx, *, name: str, key_id: str) -> Mapping[str, int]:
    """How many versions `misplaced` gives for a name, by the key that they are under now."""
    rows = tx.execute(_COUNT_BY_KEY, {"at_name": name, "at_key": key_id})
    return {row.key_id: row.versions for row in rows}


def misplaced(
    tx: Tx, *, name: str | None, key_id: str, after: Place, limit: int
) -> Sequence[Misplaced]:
    """A batch of the versions that have to get another sealing key.

    Args:
        name: the name of a key; None for the default one.
        key_id: for the default key: the other key that they are under. For a name: the key that it names, which they
            are not under.
    """
    parameters = {
        "at_key": key_id,
        "after_secret": after[0],
        "after_version": after[1],
        "most": limit,
    }
    if name is None:
        rows = tx.execute(_BATCH_OF_DEFAULT, parameters)
    else:
        rows = tx.execute(_BATCH_OF_NAME, parameters | {"at_name": name})
    return [
        Misplaced(
            place=(row.secret_id, row.version_id),
            context=SealContext(
                account=row.account,
                region=row.region,
                secret_arn=row.arn,
                version_id=row.version_id,
            ),
            wrapped=_wrapped(row),
        )
        for row in rows
    ]


def _distinct(tx: Tx, following: Executable) -> Iterator[str]:
    after = ""
    while found := tx.execute(following, {"after": after}).scalar_one():
        yield found
        after = found


def _wrapped(row: Any) -> Wrapped:
    return Wrapped(
        key_id=row.key_id,
        wrapped_key=row.wrapped_key,
        binary=row.binary,
        bound_key_id=row.bound_key_id,
    )
