"""The tables of the store. Times are UTC, kept as whole microseconds since the epoch: exact and ordered everywhere."""

from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from functools import lru_cache
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
    false,
)
from sqlalchemy.types import TypeEngine

_EPOCH = datetime(1970, 1, 1, tzinfo=UTC)
_MICROSECOND = timedelta(microseconds=1)
_Process = Callable[[Any], Any]


class Instant(TypeDecorator[datetime]):
    """An aware datetime, stored as microseconds since the epoch."""

    impl = BigInteger
    cache_ok = True

    def bind_processor(self, dialect: Dialect) -> _Process:  # noqa: ARG002, D102  # SQLAlchemy's
        return _microseconds

    def result_processor(self, dialect: Dialect, coltype: object) -> _Process:  # noqa: ARG002, D102  # SQLAlchemy's
        return _moment


class JsonText(TypeDecorator[str]):
    """What a JSON column gets, where it is text already."""

    impl = JSON(none_as_null=True)
    cache_ok = True

    def bind_processor(self, dialect: Dialect) -> None:  # noqa: ARG002, D102  # SQLAlchemy's
        return None


def _microseconds(value: datetime | None) -> int | None:
    return None if value is None else (value - _EPOCH) // _MICROSECOND


@lru_cache(4096)  # days, most of all
def _moment(value: Any | None) -> datetime | None:
    return None if value is None else _EPOCH + timedelta(microseconds=int(value))


_Id = BigInteger().with_variant(Integer, "sqlite")


def _bytewise(length: int) -> TypeEngine[str]:
    """A text that is compared byte by byte on every engine: a prefix is a range of the index in every locale."""
    return String(length).with_variant(String(length, collation="C"), "postgresql")


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
    Column("name", _bytewise(512), nullable=False),
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
    Column("duration", String(8).with_variant(String(3), "sqlite")),  # SQLite minds no length
    Column("timezone", String(64)),  # None: UTC
    Column("missed", String(8)),  # rotator.model.rules.Missed; None: as the configuration says
    Column("rules_at", Instant),  # rules changed or value put by hand: a rate's anchor
    Column("rotated_at", Instant),
    Column("window_start", Instant),
    Column("window_end", Instant),  # NextRotationDate
    Column("due_at", Instant),  # the planned moment in the window
    Column("due_basis", String(160)),  # what it was worked out from; None where there are no rules
    Column("authority", JSON(none_as_null=True)),  # pinned: {"host", "port", "admin", "users"}
    Column("admin_arn", String(640)),  # pinned, repeated here for its index
    # require_overlap, allow_privileged, allow_other_server, settings:
    Column("rotation_options", JSON(none_as_null=True)),
    # Read barrier of a gap rotation.
    Column("barrier_raised_at", Instant),
    Column("barrier_until", Instant),
    Column("resource_policy", Text),  # as it was given
    Column("tagged", Boolean, nullable=False, server_default=false()),  # ever: Tags is [] then
    Column(
        "revision", BigInteger, nullable=False, server_default="0"
    ),  # of its last recorded change
    Column("primary_region", String(64)),  # of a replica: where its primary is; None: it is none
    Column("replicas", JSON(none_as_null=True)),  # region -> kms_key_id, status, message
    UniqueConstraint("account", "region", "name"),
    Index("ix_secrets_listing", "account", "region", "created_at", "id"),
    Index("ix_secrets_changed", "account", "region", "changed_at", "id"),
    Index("ix_secrets_accessed", "account", "region", "accessed_on", "id"),
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
    Column(
        "bound_key_id", String(256)
    ),  # of the first release's rows: the key that their value is bound to
    Column("wrapped_key", LargeBinary),
    Column("nonce", LargeBinary),
    Column("ciphertext", LargeBinary),
    Index("ix_versions_created", "secret_id", "created_at"),
    Index("ix_versions_key_id", "key_id", "secret_id", "version_id"),
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
    Column("key", _bytewise(128), primary_key=True),
    Column("value", _bytewise(256), nullable=False),
    Index("ix_tags_key_value", "key", "value", "secret_id"),
    Index("ix_tags_value", "value", "secret_id"),
)

# The words of each secret, so that a filter finds the secrets of a word: kept by `rotator.store.search`.
words = Table(
    "words",
    metadata,
    Column("secret_id", _Id, ForeignKey("secrets.id", ondelete="CASCADE"), primary_key=True),
    Column("place", String(1), primary_key=True),  # where it stands: `rotator.store.search.Place`
    Column("word", _bytewise(512), primary_key=True),
    Index("ix_words_word", "place", "word", "secret_id"),
    sqlite_with_rowid=False,  # the key is all of the row
)

# Word for word in the partial indexes and in each query that they are for: SQLite proves nothing from bound parameters.
ACTIVE_ROTATION = "rotations.status IN ('running', 'waiting', 'abandoning', 'grace')"

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
    Column(
        "deadline_at", Instant, nullable=False
    ),  # in the grace period: of the wait that may follow it
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
    Column("retired", Boolean, nullable=False, server_default=false()),
    Column("compromised", Boolean, nullable=False, server_default=false()),
    Column("strictness", Integer, nullable=False, server_default="0"),
    Column("taken_over", Boolean, nullable=False),
    Column("live", String(16), nullable=False),
    Column("next_attempt_at", Instant),  # in the grace period: its end
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
    # Its place in the chains. Shard -1: a record of an earlier release, in no chain.
    Column("shard", Integer, primary_key=True, autoincrement=False),
    Column("seq", BigInteger, primary_key=True, autoincrement=False),
    Column("at", Instant, nullable=False),
    Column("request_id", String(64), nullable=False),
    Column("account", String(12), nullable=False),
    Column("region", String(64), nullable=False),
    Column("principal", String(256), nullable=False),
    Column("event", String(64), nullable=False),
    Column("secret_arn", _bytewise(640)),
    Column("version_id", String(64)),
    Column("outcome", String(16), nullable=False),
    Column("detail", JSON(none_as_null=True)),
    Column(
        "revision", BigInteger
    ),  # that the secret has with this change; None: nothing was changed
    Column("mac", LargeBinary),  # of this row and the one before it; None where it is in no chain
    Index("ix_audit_at", "at"),
    Index("ix_audit_secret", "secret_arn", "at"),
    Index("ix_audit_principal", "principal", "at"),
    Index("ix_audit_event", "event", "at"),
)

audit_heads = Table(
    "audit_heads",
    metadata,
    Column("shard", Integer, primary_key=True, autoincrement=False),  # -2: the checkpoints' own
    Column("seq", BigInteger, nullable=False),  # of the last record
    Column("mac", LargeBinary, nullable=False),  # of the last record
    Column("seal", LargeBinary, nullable=False),  # of this row
)

audit_checkpoints = Table(
    "audit_checkpoints",
    metadata,
    Column("seq", BigInteger, primary_key=True, autoincrement=False),
    Column("at", Instant, nullable=False),
    Column("reason", String(16), nullable=False),
    Column("fingerprint", String(32), nullable=False),  # of the audit key
    Column("heads", JSON, nullable=False),  # shard -> [seq, mac] of its last record
    Column(
        "bases", JSON, nullable=False
    ),  # shard -> [seq, mac] before its first record that is kept
    # The records that are in no chain.
    Column("unchained", BigInteger, nullable=False),
    Column("unchained_digest", LargeBinary, nullable=False),
    Column("mac", LargeBinary, nullable=False),  # of this row and the one before it
)

sealing_check = Table(
    "sealing_check",
    metadata,
    # A known text sealed under each key that the store has used: a wrong key is refused before it seals anything.
    Column("key_id", String(256), primary_key=True),
    Column("wrapped_key", LargeBinary, nullable=False),
)

# Who may: the three below are authenticated together, by `access_state.mac` (`rotator.store.identities`).
principals = Table(
    "principals",
    metadata,
    Column("id", _Id, primary_key=True, autoincrement=True),
    Column("account", String(12), nullable=False),
    Column("kind", String(8), nullable=False),  # user or group
    Column("name", _bytewise(128), nullable=False),
    Column("unique_id", String(32), nullable=False, unique=True),  # never given to another
    Column("disabled", Boolean, nullable=False, default=False),
    Column("created_at", Instant, nullable=False),
    Column("groups", JSON, nullable=False),  # names of a user's groups
    Column("policies", JSON, nullable=False),  # name -> document as it was given
    UniqueConstraint("account", "kind", "name"),
    sqlite_autoincrement=True,
)

access_keys = Table(
    "access_keys",
    metadata,
    Column("access_key_id", _bytewise(128), primary_key=True),
    Column("principal_id", _Id, ForeignKey("principals.id", ondelete="CASCADE"), nullable=False),
    Column("disabled", Boolean, nullable=False, default=False),
    Column("created_at", Instant, nullable=False),
    Column("used_on", Instant),  # midnight UTC of the last request; not authenticated
    # The sealed secret, bound to the access key id. Its wrapping changes by a rewrap and authenticates itself.
    Column("key_id", String(256), nullable=False),
    Column("wrapped_key", LargeBinary, nullable=False),
    Column("nonce", LargeBinary, nullable=False),
    Column("ciphertext", LargeBinary, nullable=False),
    Index("ix_access_keys_principal", "principal_id"),
    Index("ix_access_keys_key_id", "key_id", "access_key_id"),
)

access_state = Table(
    "access_state",
    metadata,
    Column("id", Integer, primary_key=True, autoincrement=False),  # one row: 1
    Column("revision", BigInteger, nullable=False),
    Column(
        "mac", LargeBinary, nullable=False
    ),  # of all principals and access keys at this revision
)

moves = Table(
    "moves",
    metadata,
    # One row in a store that was moved, or that is being filled from another; which of both, its revision says.
    Column("other", Text, primary_key=True),  # the other store's URL, without a password
    Column("run", String(32), nullable=False),  # the process that may fill it
    Column("at", Instant, nullable=False),
)
