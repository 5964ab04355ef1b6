"""The first schema."""

from typing import Any

import sqlalchemy as sa
from alembic import op

revision = "0001"
down_revision = None
branch_labels = None
depends_on = None

# SQLite numbers rows by itself only in an INTEGER column.
_ID = sa.BigInteger().with_variant(sa.Integer(), "sqlite")
_ACTIVE = "status IN ('running', 'waiting', 'abandoning')"


def upgrade() -> None:
    """From an empty database."""
    _create_secrets()
    _create_versions()
    _create_labels()
    _create_tags()
    _create_rotations()
    _create_rotation_events()
    _create_audit()
    _create_sealing_check()


def _where(condition: str) -> dict[str, Any]:
    return {"sqlite_where": sa.text(condition), "postgresql_where": sa.text(condition)}


def _create_secrets() -> None:
    op.create_table(
        "secrets",
        sa.Column("id", _ID, autoincrement=True, nullable=False),
        sa.Column("account", sa.String(length=12), nullable=False),
        sa.Column("region", sa.String(length=64), nullable=False),
        sa.Column(
            "name",
            sa.String(length=512).with_variant(sa.String(length=512, collation="C"), "postgresql"),
            nullable=False,
        ),
        sa.Column("arn", sa.String(length=640), nullable=False),
        sa.Column("description", sa.Text()),
        sa.Column("kms_key_id", sa.String(length=2048)),
        sa.Column("created_at", sa.BigInteger(), nullable=False),
        sa.Column("changed_at", sa.BigInteger(), nullable=False),
        sa.Column("accessed_on", sa.BigInteger()),
        sa.Column("deleted_at", sa.BigInteger()),
        sa.Column("purge_at", sa.BigInteger()),
        sa.Column("rotation_enabled", sa.Boolean(), nullable=False),
        sa.Column("rotator", sa.String(length=2048)),
        sa.Column("schedule_expression", sa.String(length=256)),
        sa.Column("automatically_after_days", sa.Integer()),
        sa.Column("duration", sa.String(length=3)),
        sa.Column("rules_at", sa.BigInteger()),
        sa.Column("rotated_at", sa.BigInteger()),
        sa.Column("window_start", sa.BigInteger()),
        sa.Column("window_end", sa.BigInteger()),
        sa.Column("due_at", sa.BigInteger()),
        sa.Column("authority", sa.JSON(none_as_null=True)),
        sa.Column("admin_arn", sa.String(length=640)),
        sa.Column("rotation_options", sa.JSON(none_as_null=True)),
        sa.Column("barrier_raised_at", sa.BigInteger()),
        sa.Column("barrier_until", sa.BigInteger()),
        sa.PrimaryKeyConstraint("id", name="pk_secrets"),
        sa.UniqueConstraint("account", "region", "name", name="uq_secrets_account_region_name"),
        sa.UniqueConstraint("arn", name="uq_secrets_arn"),
        sqlite_autoincrement=True,
    )
    op.create_index("ix_secrets_admin_arn", "secrets", ["admin_arn"])
    op.create_index("ix_secrets_due", "secrets", ["due_at"], **_where("due_at IS NOT NULL"))
    op.create_index("ix_secrets_listing", "secrets", ["account", "region", "created_at", "id"])
    op.create_index("ix_secrets_purge", "secrets", ["purge_at"], **_where("purge_at IS NOT NULL"))


def _create_versions() -> None:
    op.create_table(
        "versions",
        sa.Column("secret_id", _ID, nullable=False),
        sa.Column("version_id", sa.String(length=64), nullable=False),
        sa.Column("created_at", sa.BigInteger(), nullable=False),
        sa.Column("accessed_on", sa.BigInteger()),
        sa.Column("pinned", sa.Boolean(), nullable=False),
        sa.Column("binary", sa.Boolean()),
        sa.Column("key_id", sa.String(length=256)),
        sa.Column("wrapped_key", sa.LargeBinary()),
        sa.Column("nonce", sa.LargeBinary()),
        sa.Column("ciphertext", sa.LargeBinary()),
        sa.ForeignKeyConstraint(
            ["secret_id"], ["secrets.id"], name="fk_versions_secret_id", ondelete="CASCADE"
        ),
        sa.PrimaryKeyConstraint("secret_id", "version_id", name="pk_versions"),
    )
    op.create_index("ix_versions_created", "versions", ["secret_id", "created_at"])
    op.create_index("ix_versions_key_id", "versions", ["key_id"])


def _create_labels() -> None:
    op.create_table(
        "labels",
        sa.Column("secret_id", _ID, nullable=False),
        sa.Column("label", sa.String(length=256), nullable=False),
        sa.Column("version_id", sa.String(length=64), nullable=False),
        sa.ForeignKeyConstraint(
            ["secret_id"], ["secrets.id"], name="fk_labels_secret_id", ondelete="CASCADE"
        ),
        sa.PrimaryKeyConstraint("secret_id", "label", name="pk_labels"),
    )


def _create_tags() -> None:
    op.create_table(
        "tags",
        sa.Column("secret_id", _ID, nullable=False),
        sa.Column("key", sa.String(length=128), nullable=False),
        sa.Column("value", sa.String(length=256), nullable=False),
        sa.ForeignKeyConstraint(
            ["secret_id"], ["secrets.id"], name="fk_tags_secret_id", ondelete="CASCADE"
        ),
        sa.PrimaryKeyConstraint("secret_id", "key", name="pk_tags"),
    )
    op.create_index("ix_tags_key_value", "tags", ["key", "value", "secret_id"])


def _create_rotations() -> None:
    op.create_table(
        "rotations",
        sa.Column("id", sa.String(length=32), nullable=False),
        sa.Column("secret_id", _ID, nullable=False),
        sa.Column("token", sa.String(length=64), nullable=False),
        sa.Column("rotator", sa.String(length=2048), nullable=False),
        sa.Column("requested_by", sa.String(length=256), nullable=False),
        sa.Column("request_id", sa.String(length=64), nullable=False),
        sa.Column("created_at", sa.BigInteger(), nullable=False),
        sa.Column("deadline_at", sa.BigInteger(), nullable=False),
        sa.Column("updated_at", sa.BigInteger(), nullable=False),
        sa.Column("ended_at", sa.BigInteger()),
        sa.Column("status", sa.String(length=16), nullable=False),
        sa.Column("phase", sa.String(length=16), nullable=False),
        sa.Column("goal", sa.String(length=8), nullable=False),
        sa.Column("attempt", sa.Integer(), nullable=False),
        sa.Column("reverts", sa.Integer(), nullable=False),
        sa.Column("overlap", sa.String(length=16)),
        sa.Column("created", sa.Boolean(), nullable=False),
        sa.Column("touched", sa.Boolean(), nullable=False),
        sa.Column("dirty", sa.Boolean(), nullable=False),
        sa.Column("finished", sa.Boolean(), nullable=False),
        sa.Column("taken_over", sa.Boolean(), nullable=False),
        sa.Column("live", sa.String(length=16), nullable=False),
        sa.Column("next_attempt_at", sa.BigInteger()),
        sa.Column("failure", sa.JSON(none_as_null=True)),
        sa.Column("current_version", sa.String(length=64)),
        sa.Column("previous_version", sa.String(length=64)),
        sa.Column("admin_arn", sa.String(length=640)),
        sa.Column("barrier_raised_at", sa.BigInteger()),
        sa.Column("fencing", sa.Integer(), nullable=False),
        sa.Column("owner", sa.String(length=256)),
        sa.Column("lease_expires", sa.Float()),
        sa.Column("lease_epoch", sa.String(length=64)),
        sa.ForeignKeyConstraint(
            ["secret_id"], ["secrets.id"], name="fk_rotations_secret_id", ondelete="CASCADE"
        ),
        sa.PrimaryKeyConstraint("id", name="pk_rotations"),
    )
    op.create_index("ix_rotations_admin", "rotations", ["admin_arn"], **_where(_ACTIVE))
    op.create_index("ix_rotations_history", "rotations", ["secret_id", "fencing"])
    op.create_index("ix_rotations_next_attempt", "rotations", ["status", "next_attempt_at"])
    op.create_index(
        "uq_rotations_active", "rotations", ["secret_id"], unique=True, **_where(_ACTIVE)
    )


def _create_rotation_events() -> None:
    op.create_table(
        "rotation_events",
        sa.Column("id", _ID, autoincrement=True, nullable=False),
        sa.Column("rotation_id", sa.String(length=32), nullable=False),
        sa.Column("at", sa.BigInteger(), nullable=False),
        sa.Column("phase", sa.String(length=16), nullable=False),
        sa.Column("attempt", sa.Integer(), nullable=False),
        sa.Column("outcome", sa.String(length=32), nullable=False),
        sa.Column("seconds", sa.Float()),
        sa.Column("detail", sa.Text()),
        sa.ForeignKeyConstraint(
            ["rotation_id"],
            ["rotations.id"],
            name="fk_rotation_events_rotation_id",
            ondelete="CASCADE",
        ),
        sa.PrimaryKeyConstraint("id", name="pk_rotation_events"),
    )
    op.create_index("ix_rotation_events_rotation", "rotation_events", ["rotation_id", "id"])


def _create_audit() -> None:
    op.create_table(
        "audit",
        sa.Column("id", _ID, autoincrement=True, nullable=False),
        sa.Column("at", sa.BigInteger(), nullable=False),
        sa.Column("request_id", sa.String(length=64), nullable=False),
        sa.Column("account", sa.String(length=12), nullable=False),
        sa.Column("region", sa.String(length=64), nullable=False),
        sa.Column("principal", sa.String(length=256), nullable=False),
        sa.Column("event", sa.String(length=64), nullable=False),
        sa.Column("secret_arn", sa.String(length=640)),
        sa.Column("version_id", sa.String(length=64)),
        sa.Column("outcome", sa.String(length=16), nullable=False),
        sa.Column("detail", sa.JSON(none_as_null=True)),
        sa.PrimaryKeyConstraint("id", name="pk_audit"),
        sqlite_autoincrement=True,
    )
    op.create_index("ix_audit_at", "audit", ["at"])
    op.create_index("ix_audit_secret", "audit", ["secret_arn", "id"])


def _create_sealing_check() -> None:
    op.create_table(
        "sealing_check",
        sa.Column("key_id", sa.String(length=256), nullable=False),
        sa.Column("wrapped_key", sa.LargeBinary(), nullable=False),
        sa.PrimaryKeyConstraint("key_id", name="pk_sealing_check"),
    )
