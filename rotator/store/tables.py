"""The tables of the store. Times are UTC, kept as whole microseconds since the epoch: exact and ordered everywhere."""

from datetime import UTC, datetime, timedelta
from typing import Any

from sqlalchemy import (
    JSON,
    BigInteger,
    Boolean,
    Column,
    Dialect,
    Float,
    ForeignKey,
    Index,
    Integer,
    LargeBinary,
    MetaData,
    String,
    Table,
    Text,
    TypeDecorator,
    UniqueConstraint,
)

_EPOCH = datetime(1970, 1, 1, tzinfo=UTC)
_MICROSECOND = timedelta(microseconds=1)


class Instant(TypeDecorator[datetime]):
    """An aware datetime, stored as microseconds since the epoch."""

    impl = BigInteger
    cache_ok = True

    def process_bind_param(self, value: datetime | None, dialect: Dialect) -> int | None:  # noqa: ARG002, D102  # SQLAlchemy's
        return None if value is None else (value - _EPOCH) // _MICROSECOND

    def process_result_value(self, value: Any | None, dialect: Dialect) -> datetime | None:  # noqa: ARG002, D102  # SQLAlchemy's
        return None if value is None else _EPOCH + timedelta(microseconds=int(value))


_Id = BigInteger().with_variant(Integer, "sqlite")

# Compared byte by byte on every engine: a prefix is a range of the index in every locale.
_Name = String(512).with_variant(String(512, collation="C"), "postgresql")

metadata = MetaData(
    naming_convention={
        "ix": "ix_%(table_name)s_%(column_0_N_name)s",
        "uq": "uq_%(table_name)s_%(column_0_N_name)s",
        "fk": "fk_%(table_name)s_%(column_0_name)s",
        "pk": "pk_%(table_name)s",
    }
)

secrets = Table(
    "secrets",
    metadata,
    Column("id", _Id, primary_key=True, autoincrement=True),
    Column("account", String(12), nullable=False),
    Column("region", String(64), nullable=False),
    Column("name", _Name, nullable=False),
    Column("arn", String(640), nullable=False, unique=True),
    Column("description", Text),
    Column("kms_key_id", String(2048)),  # None: the default key
    Column("created_at", Instant, nullable=False),
    Column("changed_at", Instant, nullable=False),
    Column("accessed_on", Instant),  # midnight UTC of the last read
    Column("deleted_at", Instant),  # marked for deletion
    Column("purge_at", Instant),  # end of the recovery window
    # Rotation settings.
    Column("rotation_enabled", Boolean, nullable=False, default=False),
    Column("rotator", String(2048)),  # name or RotationLambdaARN; None: never configured
    Column("schedule_expression", String(256)),
    Column(
        "automatically_after_days", Integer
    ),  # the other way to give the rules; one of the two at most
    Column("duration", String(3)),
    Column("rules_at", Instant),  # rules changed or value put by hand: a rate's anchor
    Column("rotated_at", Instant),
    Column("window_start", Instant),
    Column("window_end", Instant),  # NextRotationDate
    Column("due_at", Instant),  # the planned moment in the window
    Column("authority", JSON(none_as_null=True)),  # pinned: {"host", "port", "admin", "users"}
    Column("admin_arn", String(640)),  # pinned, repeated here for its index
    # require_overlap, allow_privileged, allow_other_server, settings:
    Column("rotation_options", JSON(none_as_null=True)),
    # Read barrier of a gap rotation.
    Column("barrier_raised_at", Instant),
    Column("barrier_until", Instant),
    UniqueConstraint("account", "region", "name"),
    Index("ix_secrets_listing", "account", "region", "created_at", "id"),
    Index("ix_secrets_admin_arn", "admin_arn"),
    sqlite_autoincrement=True,  # an id is never used again: sealed rows are bound to their secret for ever
)

versions = Table(
    "versions",
    metadata,
    Column("secret_id", _Id, ForeignKey("secrets.id", ondelete="CASCADE"), primary_key=True),
    Column("version_id", String(64), primary_key=True),
    Column("created_at", Instant, nullable=False),
    Column("accessed_on", Instant),
    Column("pinned", Boolean, nullable=False, default=False),  # never pruned or purged while True
    # The sealed value; all None for a version without one.
    Column("binary", Boolean),
    Column("key_id", String(256)),
    Column("wrapped_key", LargeBinary),
    Column("nonce", LargeBinary),
    Column("ciphertext", LargeBinary),
    Index("ix_versions_created", "secret_id", "created_at"),
    Index("ix_versions_key_id", "key_id"),
)

labels = Table(
    "labels",
    metadata,
    Column("secret_id", _Id, ForeignKey("secrets.id", ondelete="CASCADE"), primary_key=True),
    Column("label", String(256), primary_key=True),
    Column("version_id", String(64), nullable=False),
)

tags = Table(
    "tags",
    metadata,
    Column("secret_id", _Id, ForeignKey("secrets.id", ondelete="CASCADE"), primary_key=True),
    Column("key", String(128), primary_key=True),
    Column("value", String(256), nullable=False),
    Index("ix_tags_key_value", "key", "value", "secret_id"),
)

rotations = Table(
    "rotations",
    metadata,
    Column("id", String(32), primary_key=True),  # uuid4().hex: short enough for a session tag
    Column("secret_id", _Id, ForeignKey("secrets.id", ondelete="CASCADE"), nullable=False),
    Column("token", String(64), nullable=False),
    Column("rotator", String(2048), nullable=False),  # the one that began it also ends it
    Column("requested_by", String(256), nullable=False),
    Column("request_id", String(64), nullable=False),
    Column("created_at", Instant, nullable=False),
    Column("deadline_at", Instant, nullable=False),
    Column("updated_at", Instant, nullable=False),
    Column("ended_at", Instant),
    # The machine's durable state.
    Column("status", String(16), nullable=False),
    Column("phase", String(16), nullable=False),
    Column("goal", String(8), nullable=False),
    Column("attempt", Integer, nullable=False),
    Column("reverts", Integer, nullable=False),
    Column("overlap", String(16)),
    Column("created", Boolean, nullable=False),
    Column("touched", Boolean, nullable=False),
    Column("dirty", Boolean, nullable=False),
    Column("finished", Boolean, nullable=False),
    Column("taken_over", Boolean, nullable=False),
    Column("live", String(16), nullable=False),
    Column("next_attempt_at", Instant),
    Column("failure", JSON(none_as_null=True)),  # phase, kind, message, hint
    # What the labels were when it began.
    Column("current_version", String(64)),
    Column("previous_version", String(64)),
    Column("admin_arn", String(640)),  # in use while it runs
    Column("barrier_raised_at", Instant),  # once per rotation
    # Lease.
    Column("fencing", Integer, nullable=False),
    Column("owner", String(256)),
    Column("lease_expires", Float),  # seconds on the clock that `lease_epoch` names
    Column("lease_epoch", String(64)),
    Index("ix_rotations_history", "secret_id", "fencing"),
    Index("ix_rotations_next_attempt", "status", "next_attempt_at"),
)

rotation_events = Table(
    "rotation_events",
    metadata,
    Column("id", _Id, primary_key=True, autoincrement=True),
    Column(
        "rotation_id", String(32), ForeignKey("rotations.id", ondelete="CASCADE"), nullable=False
    ),
    Column("at", Instant, nullable=False),
    Column("phase", String(16), nullable=False),
    Column("attempt", Integer, nullable=False),
    Column("outcome", String(32), nullable=False),
    Column("seconds", Float),
    Column("detail", Text),
    Index("ix_rotation_events_rotation", "rotation_id", "id"),
)

audit = Table(
    "audit",
    metadata,
    Column("id", _Id, primary_key=True, autoincrement=True),
    Column("at", Instant, nullable=False),
    Column("request_id", String(64), nullable=False),
    Column("account", String(12), nullable=False),
    Column("region", String(64), nullable=False),
    Column("principal", String(256), nullable=False),
    Column("event", String(64), nullable=False),
    Column("secret_arn", String(640)),
    Column("version_id", String(64)),
    Column("outcome", String(16), nullable=False),
    Column("detail", JSON(none_as_null=True)),
    Index("ix_audit_secret", "secret_arn", "id"),
    Index("ix_audit_at", "at"),
    sqlite_autoincrement=True,
)

sealing_check = Table(
    "sealing_check",
    metadata,
    # A known text sealed under each key that the store has used: a wrong key is refused before it seals anything.
    Column("key_id", String(256), primary_key=True),
    Column("wrapped_key", LargeBinary, nullable=False),
)
