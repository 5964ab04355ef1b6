"""Time zones, missed windows, and what due times were worked out from."""

import sqlalchemy as sa
from alembic import op

revision = "0004"
down_revision = "0003"
branch_labels = None
depends_on = None


def upgrade() -> None:
    """The due times that are there were worked out in UTC and without calendars."""
    op.add_column("secrets", sa.Column("timezone", sa.String(length=64)))
    op.add_column("secrets", sa.Column("missed", sa.String(length=8)))
    op.add_column("secrets", sa.Column("due_basis", sa.String(length=160)))
    if op.get_bind().dialect.name == "postgresql":  # SQLite minds no length
        op.alter_column("secrets", "duration", type_=sa.String(length=8))
    op.execute("UPDATE secrets SET due_basis = '1|window|-|-' WHERE due_at IS NOT NULL")
    planned = sa.text("due_basis IS NOT NULL")
    op.create_index(
        "ix_secrets_due_basis",
        "secrets",
        ["due_basis", "id"],
        sqlite_where=planned,
        postgresql_where=planned,
    )
