"""How many values of a rotation its target has refused by its policy."""

import sqlalchemy as sa
from alembic import op

revision = "0005"
down_revision = "0004"
branch_labels = None
depends_on = None


def upgrade() -> None:
    """From the schema in which a rotation kept the value that was refused."""
    op.add_column(
        "rotations", sa.Column("strictness", sa.Integer(), nullable=False, server_default="0")
    )
