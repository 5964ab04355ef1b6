"""Queries over secrets: whose rotation is not over, and what it waits for."""

from sqlalchemy import bindparam, or_, select, text

from rotator.model.rotation import Status
from rotator.store import tables
from rotator.store.rotation_row import RotationRow, is_leased
from rotator.store.rotations import COLUMNS
from rotator.store.tx import Tx

_R = tables.rotations.c
_ACTIVE = text(tables.ACTIVE_ROTATION)
_BY_ADMIN = (
    select(tables.secrets.c.arn, _R.owner, _R.lease_expires, _R.lease_epoch, _R.updated_at)
    .join(tables.secrets, tables.secrets.c.id == _R.secret_id)
    .where(_R.admin_arn == bindparam("admin_arn"), _ACTIVE)
)
_OWNED = (
    select(tables.secrets.c.arn, *COLUMNS)
    .join(tables.secrets, tables.secrets.c.id == _R.secret_id)
    .where(_ACTIVE, _R.owner.is_not(None))
    .order_by(_R.created_at)
)
_UNFINISHED = (
    select(tables.secrets.c.arn)
    .join(tables.rotations, tables.secrets.c.id == _R.secret_id)
    .where(
        _ACTIVE,
        or_(_R.status != str(Status.GRACE), _R.touched),  # a retirement that was interrupted
        tables.secrets.c.account == bindparam("account"),
        tables.secrets.c.region == bindparam("region"),
    )
    .order_by(_R.created_at)
)
_RETIRABLE = (
    select(tables.secrets.c.arn, *COLUMNS)
    .join(tables.secrets, tables.secrets.c.id == _R.secret_id)
    .where(
        _R.status == str(Status.GRACE),
        _R.next_attempt_at <= bindparam("at_time", type_=tables.Instant),
        tables.secrets.c.account == bindparam("account"),
        tables.secrets.c.region == bindparam("region"),
    )
    .order_by(_R.next_attempt_at)
)
_RETIRABLE_OF_DELETED = _RETIRABLE.where(
    tables.secrets.c.purge_at <= bindparam("at_time", type_=tables.Instant)
)


def unfinished(tx: Tx, *, account: str, region: str) -> tuple[str, ...]:
    """ARNs of the secrets with a rotation that has not ended, oldest first."""
    return tuple(tx.execute(_UNFINISHED, {"account": account, "region": region}).scalars())


def retirable(tx: Tx, *, account: str, region: str, of_deleted: bool = False) -> tuple[str, ...]:
    """ARNs of the secrets whose old credential has had its grace, earliest first, but for those at work now.

    Args:
        of_deleted: only of those whose recovery window is over.
    """
    of = {"account": account, "region": region, "at_time": tx.now}
    statement = _RETIRABLE_OF_DELETED if of_deleted else _RETIRABLE
    found = (
        (mapping.pop("arn"), RotationRow(**mapping))
        for mapping in tx.execute(statement, of).mappings()
    )
    return tuple(arn for arn, row in found if not row.leased(tx))


def leased(tx: Tx) -> tuple[tuple[str, RotationRow], ...]:
    """Every rotation of the store whose lease is running, each after its secret's ARN, oldest first."""
    found = (
        (mapping.pop("arn"), RotationRow(**mapping)) for mapping in tx.execute(_OWNED).mappings()
    )
    return tuple((arn, row) for arn, row in found if row.leased(tx))


def users_of_admin(tx: Tx, admin_arn: str) -> tuple[str, ...]:
    """ARNs of the secrets whose running rotation holds a lease and uses this admin secret."""
    return tuple(
        row.arn for row in tx.execute(_BY_ADMIN, {"admin_arn": admin_arn}) if is_leased(tx, row)
    )
