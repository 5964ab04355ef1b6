"""The indexes that cover a part of a table, and the metadata with them: what migrations have to produce.

They stand apart from `tables` because naming an engine's option loads that engine's dialect, PostgreSQL's too, which
takes longer than all other start-up of a command on a SQLite store.
"""

from sqlalchemy import Column, Index, text

from rotator.store.tables import ACTIVE_ROTATION, audit, metadata, rotations, secrets

__all__ = ["metadata"]

_ACTIVE = ACTIVE_ROTATION.removeprefix("rotations.")  # an index's condition names columns alone


def _partial(name: str, *columns: Column[object], condition: str, unique: bool = False) -> None:
    where = text(condition)
    Index(name, *columns, unique=unique, sqlite_where=where, postgresql_where=where)


_partial(
    "ix_secrets_due_basis", secrets.c.due_basis, secrets.c.id, condition="due_basis IS NOT NULL"
)
_partial("ix_secrets_due", secrets.c.due_at, condition="due_at IS NOT NULL")
_partial(
    "ix_secrets_kms_key", secrets.c.kms_key_id, secrets.c.id, condition="kms_key_id IS NOT NULL"
)
_partial("ix_secrets_purge", secrets.c.purge_at, condition="purge_at IS NOT NULL")
_partial("uq_rotations_active", rotations.c.secret_id, condition=_ACTIVE, unique=True)
_partial("ix_rotations_admin", rotations.c.admin_arn, condition=_ACTIVE)
_partial(
    "ix_audit_revision",
    audit.c.secret_arn,
    audit.c.revision,
    condition="revision IS NOT NULL",
)
_partial("ix_audit_trouble", audit.c.at, condition="outcome <> 'succeeded'")
