"""Which secrets are administered with which: a rotation changes a secret's target as the user of its admin secret."""

from sqlalchemy import bindparam, select, text

from rotator.store.tables import secrets
from rotator.store.tx import Tx

_chain = (
    select(secrets.c.arn, secrets.c.admin_arn)
    .where(secrets.c.arn == bindparam("at_arn"))
    .cte("chain", recursive=True)
)
_ADMIN_CHAIN = select(
    _chain.union(
        select(secrets.c.arn, secrets.c.admin_arn).join(_chain, secrets.c.arn == _chain.c.admin_arn)
    ).c.arn
)
_ADMINISTERED = (
    select(secrets.c.name)
    .where(secrets.c.admin_arn == bindparam("admin"), secrets.c.deleted_at.is_(None))
    .limit(bindparam("most"))
)
_LOCK_AUTHORITY = text("SELECT pg_advisory_xact_lock(hashtext('rotator authority'))")


def admin_chain(tx: Tx, arn: str) -> frozenset[str]:
    """The ARNs of a secret, of its admin secret, of that one's admin secret, and so on."""
    return frozenset(tx.execute(_ADMIN_CHAIN, {"at_arn": arn}).scalars())


def administered(tx: Tx, arn: str, *, limit: int) -> tuple[str, ...]:
    """Names of secrets, not marked for deletion, whose pinned admin secret this is; at most `limit`."""
    return tuple(tx.execute(_ADMINISTERED, {"admin": arn, "most": limit}).scalars())


def lock_authority(tx: Tx) -> None:
    """Lets one transaction at a time change who administers whom, so that no two close a cycle together.

    On SQLite every write transaction is alone anyhow.
    """
    if tx.dialect == "postgresql":
        tx.execute(_LOCK_AUTHORITY)
