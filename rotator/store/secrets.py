"""The secrets themselves, with their rotation settings and read barrier, as rows."""

from collections.abc import Collection, Mapping
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any, NamedTuple, Protocol, TypeVar

from sqlalchemy import and_, bindparam, delete, select
from sqlalchemy import update as sql_update

from rotator.errors import ResourceNotFound, RowAltered
from rotator.model.names import is_own_arn, parse_secret_id, split_suffix
from rotator.model.rotation import LONGEST_BARRIER
from rotator.store import search
from rotator.store.store import Tx
from rotator.store.tables import secrets


@dataclass(frozen=True, slots=True, kw_only=True)
class Barrier:
    """A raised read barrier: when it was raised, and when it falls at the latest."""

    raised_at: datetime
    until: datetime

    def remaining(self, now: datetime) -> float:
        """Seconds until it falls at the latest; 0 where it has fallen.

        A clock that was set back extends nothing: before the moment when it was raised it counts as fallen. Neither
        does a row that was altered: it falls when the longest limit that can be set is over.
        """
        until = min(self.until, self.raised_at + timedelta(seconds=LONGEST_BARRIER))
        return (until - now).total_seconds() if self.raised_at <= now < until else 0.0


class SecretRow(NamedTuple):
    """One secret: every column of its row but the resource policy, in the words of `rotator.store.tables`."""

    id: int
    account: str
    region: str
    name: str
    arn: str
    description: str | None
    kms_key_id: str | None
    created_at: datetime
    changed_at: datetime
    accessed_on: datetime | None
    deleted_at: datetime | None
    purge_at: datetime | None
    rotation_enabled: bool
    rotator: str | None
    schedule_expression: str | None
    automatically_after_days: int | None
    duration: str | None
    timezone: str | None
    missed: str | None
    rules_at: datetime | None
    rotated_at: datetime | None
    window_start: datetime | None
    window_end: datetime | None
    due_at: datetime | None
    due_basis: str | None
    authority: Mapping[str, Any] | None
    admin_arn: str | None
    rotation_options: Mapping[str, Any] | None
    barrier_raised_at: datetime | None
    barrier_until: datetime | None
    tagged: bool
    revision: int
    primary_region: str | None = None
    replicas: Mapping[str, Any] | None = None

    @property
    def barrier(self) -> Barrier | None:
        """The read barrier; None where none is raised."""
        return barrier_of(self.barrier_raised_at, self.barrier_until)


class Found(NamedTuple):
    """Of a secret what a value of it is bound to and sealed under, and whether it may be used."""

    id: int
    account: str
    region: str
    name: str
    arn: str
    kms_key_id: str | None
    deleted_at: datetime | None


def barrier_of(raised_at: datetime | None, until: datetime | None) -> Barrier | None:
    """The read barrier of a row; None where none is raised."""
    return None if raised_at is None or until is None else Barrier(raised_at=raised_at, until=until)


_SELECT = select(*(secrets.c[name] for name in SecretRow._fields))
_GLIMPSE = select(*(secrets.c[name] for name in Found._fields))
_AT_ID = secrets.c.id == bindparam("at_id")
_AT_ARN = secrets.c.arn == bindparam("at_arn")
_AT_NAME = and_(
    secrets.c.account == bindparam("at_account"),
    secrets.c.region == bindparam("at_region"),
    secrets.c.name == bindparam("at_name"),
)
_AT = {"id": _AT_ID, "arn": _AT_ARN, "name": _AT_NAME}
_BY_NAMES = _SELECT.where(
    secrets.c.account == bindparam("at_account"),
    secrets.c.region == bindparam("at_region"),
    secrets.c.name.in_(bindparam("at_names", expanding=True)),
)
_PLAIN = {key: _SELECT.where(at) for key, at in _AT.items()}
_GLIMPSES = {key: _GLIMPSE.where(at) for key, at in _AT.items()}
# NO KEY UPDATE: writers of one secret queue up, rows that merely refer to it can still be written.
_LOCKED = {key: statement.with_for_update(key_share=True) for key, statement in _PLAIN.items()}

_LOCK = (
    select(secrets.c.id).where(secrets.c.id == bindparam("at_id")).with_for_update(key_share=True)
)
_BARRIER = select(secrets.c.barrier_raised_at, secrets.c.barrier_until).where(
    secrets.c.id == bindparam("at_id")
)
_POLICY = select(secrets.c.resource_policy).where(secrets.c.id == bindparam("at_id"))
_POLICY_AND_KEY = select(secrets.c.resource_policy, secrets.c.kms_key_id).where(
    secrets.c.id == bindparam("at_id")
)
_UPDATE = sql_update(secrets).where(secrets.c.id == bindparam("at_id"))
_UPDATE_RETURNING = _UPDATE.values(revision=secrets.c.revision + 1).returning(
    *(secrets.c[name] for name in SecretRow._fields)
)
_UPDATE_KNOWN = _UPDATE.where(secrets.c.revision == bindparam("at_revision")).values(
    revision=secrets.c.revision + 1
)
_DELETE = delete(secrets).where(secrets.c.id == bindparam("at_id"))


def _one(
    tx: Tx, key: str, parameters: Mapping[str, object], *, for_update: bool
) -> SecretRow | None:
    statement = (_LOCKED if for_update else _PLAIN)[key]
    row = tx.execute(statement, parameters).one_or_none()
    return None if row is None else in_its_place(SecretRow._make(row))


class _Place(Protocol):
    """The columns that say which secret a row is of."""

    @property
    def account(self) -> str: ...
    @property
    def region(self) -> str: ...
    @property
    def name(self) -> str: ...
    @property
    def arn(self) -> str: ...


_Placed = TypeVar("_Placed", bound=_Place)


def in_its_place(row: _Placed) -> _Placed:
    """The row itself: its ARN agrees with its account, region and name.

    Raises:
        RowAltered: it doesn't, so it may be another secret's row.
    """
    if not is_own_arn(row.arn, region=row.region, account=row.account, name=row.name):
        raise RowAltered(
            f"The row of the secret {row.name} in the store was altered: its ARN, {row.arn}, is that of another name, "
            "account or region. Nothing of it was used. Restore the row from a backup of the store. What else was "
            "altered: rotate audit verify"
        )
    return row


def place(secret_id: str, *, account: str, region: str) -> tuple[str, Mapping[str, str]]:
    """How to look up what a SecretId names: by `arn` or by `name`, with the parameters for it.

    Raises:
        ValidationError: a bare name is malformed.
    """
    ref = parse_secret_id(secret_id)
    if ref.arn is not None and split_suffix(ref.name) is not None:
        return "arn", {"at_arn": ref.arn}
    return "name", {
        "at_account": ref.account if ref.account is not None else account,
        "at_region": ref.region if ref.region is not None else region,
        "at_name": ref.name,
    }


def find(
    tx: Tx, *, account: str, region: str, secret_id: str, for_update: bool = False
) -> SecretRow:
    """The secret that a SecretId names: its name, its ARN, or its ARN without the six characters.

    An ARN without them is taken as complete where it ends in a hyphen and six characters all the
    same; a complete ARN finds a secret of any account.

    Args:
        account: where a bare name is looked up, as `region` is.
        for_update: other writers of the secret wait until this transaction ends.

    Raises:
        ValidationError: a bare name is malformed.
        ResourceNotFound: there is no such secret.
        RowAltered: its ARN is another secret's.
    """
    key, at = place(secret_id, account=account, region=region)
    row = _one(tx, key, at, for_update=for_update)
    if row is None:
        raise ResourceNotFound("Secrets Manager can't find the specified secret.")
    return row


def glimpse(tx: Tx, *, account: str, region: str, secret_id: str) -> Found:
    """The little of a secret that its values are sealed with; arguments and errors as `find` has them."""
    key, at = place(secret_id, account=account, region=region)
    row = tx.execute(_GLIMPSES[key], at).one_or_none()
    if row is None:
        raise ResourceNotFound("Secrets Manager can't find the specified secret.")
    return in_its_place(Found._make(row))


def by_names(
    tx: Tx, *, account: str, region: str, names: Collection[str]
) -> Mapping[str, SecretRow]:
    """Those of the named secrets that exist, by name."""
    where = {"at_account": account, "at_region": region, "at_names": list(names)}
    rows = (SecretRow._make(row) for row in tx.execute(_BY_NAMES, where))
    return {row.name: row for row in rows}


def by_id(tx: Tx, secret_id: int, *, for_update: bool = False) -> SecretRow:
    """The secret with a row id.

    Raises:
        ResourceNotFound: it was deleted.
    """
    row = _one(tx, "id", {"at_id": secret_id}, for_update=for_update)
    if row is None:
        raise ResourceNotFound("Secrets Manager can't find the specified secret.")
    return row


def lock(tx: Tx, secret_id: int) -> None:
    """Makes other writers of the secret wait; on SQLite every write transaction is alone anyhow."""
    if tx.dialect == "postgresql":
        tx.execute(_LOCK, {"at_id": secret_id})


def barrier(tx: Tx, secret_id: int) -> Barrier | None:
    """The read barrier of a secret; None where none is raised or the secret is gone."""
    row = tx.execute(_BARRIER, {"at_id": secret_id}).one_or_none()
    return None if row is None else barrier_of(*row)


def update(tx: Tx, secret_id: int, **columns: object) -> None:
    """Writes some columns of a secret; with its description also the words that it is found by."""
    tx.execute(_UPDATE, columns | {"at_id": secret_id})
    if "description" in columns:
        search.refresh(tx, secret_id)


def update_returning(tx: Tx, secret_id: int, **columns: object) -> SecretRow:
    """Writes some columns of a secret, as its next revision, and gives the row as it is then; other writers wait.

    Raises:
        ResourceNotFound: it was deleted.
    """
    row = tx.execute(_UPDATE_RETURNING, columns | {"at_id": secret_id}).one_or_none()
    if row is None:
        raise ResourceNotFound("Secrets Manager can't find the specified secret.")
    return SecretRow._make(row)


def update_known(tx: Tx, known: SecretRow, **columns: object) -> SecretRow | None:
    """Writes some columns of a secret, as its next revision, where nobody has changed it since it was read.

    Returns:
        The row as it is then; None where it was changed or deleted, and so is not written.
    """
    at = {"at_id": known.id, "at_revision": known.revision}
    if tx.execute(_UPDATE_KNOWN, columns | at).rowcount != 1:
        return None
    return known._replace(revision=known.revision + 1, **columns)  # type: ignore[arg-type]


def remove(tx: Tx, secret_id: int) -> None:
    """Removes a secret with all that belongs to it."""
    tx.execute(_DELETE, {"at_id": secret_id})


def resource_policy(tx: Tx, secret_id: int) -> str | None:
    """The resource policy of a secret as it was given, None where it has none."""
    policy: str | None = tx.execute(_POLICY, {"at_id": secret_id}).scalar_one()
    return policy


def policy_and_key(tx: Tx, secret_id: int) -> tuple[str | None, str | None]:
    """The resource policy of a secret and the name of its sealing key, None where it has none."""
    row = tx.execute(_POLICY_AND_KEY, {"at_id": secret_id}).one_or_none()
    return (None, None) if row is None else (row.resource_policy, row.kms_key_id)
