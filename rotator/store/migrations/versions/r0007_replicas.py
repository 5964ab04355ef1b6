"""Replicas of secrets in other regions."""

import sqlalchemy as sa
from alembic import op

revision = "0007"
down_revision = "0006"
branch_labels = None
depends_on = None


def upgrade() -> None:
    """The secrets that are there have no replicas and are none."""
    op.add_column("secrets", sa.Column("primary_region", sa.String(length=64)))
    op.add_column("secrets", sa.Column("replicas", sa.JSON(none_as_null=True)))
