"""The grace period: a rotation stays its secret's own until the old credential is retired."""

import sqlalchemy as sa
from alembic import op

revision = "0003"
down_revision = "0002"
branch_labels = None
depends_on = None

_ACTIVE = "status IN ('running', 'waiting', 'abandoning', 'grace')"


def upgrade() -> None:
    """From the schema in which a rotation ended with finishSecret."""
    for column in ("retired", "compromised"):
        op.add_column(
            "rotations", sa.Column(column, sa.Boolean(), nullable=False, server_default=sa.false())
        )
    _index_again("uq_rotations_active", "secret_id", unique=True)
    _index_again("ix_rotations_admin", "admin_arn", unique=False)


def _index_again(name: str, column: str, *, unique: bool) -> None:
    active = sa.text(_ACTIVE)
    op.drop_index(name, "rotations")
    op.create_index(
        name, "rotations", [column], unique=unique, sqlite_where=active, postgresql_where=active
    )
