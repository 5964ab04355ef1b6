"""The store in full: what came after the first release."""

from collections.abc import Mapping
from itertools import groupby
from operator import attrgetter
from typing import Any

import sqlalchemy as sa
from alembic import op

from rotator.store.search import Texts

revision = "0002"
down_revision = "0001"
branch_labels = None
depends_on = None


# SQLite numbers rows by itself only in an INTEGER column.
_ID = sa.BigInteger().with_variant(sa.Integer(), "sqlite")
_BATCH = 1000


def upgrade() -> None:
    """From the first release's schema, with its data."""
    _order_lists()
    _create_words()
    _fill_words()
    _extend_secrets()
    _prepare_rewrapping()
    _chain_audit()
    _create_moves()


def _bytewise(length: int) -> sa.types.TypeEngine[str]:
    return sa.String(length).with_variant(sa.String(length, collation="C"), "postgresql")


def _order_lists() -> None:
    columns = ["account", "region"]
    op.create_index("ix_secrets_changed", "secrets", [*columns, "changed_at", "id"])
    op.create_index("ix_secrets_accessed", "secrets", [*columns, "accessed_on", "id"])
    if op.get_bind().dialect.name == "postgresql":
        op.alter_column("tags", "key", type_=_bytewise(128))
        op.alter_column("tags", "value", type_=_bytewise(256))
    op.create_index("ix_tags_value", "tags", ["value", "secret_id"])


def _create_words() -> None:
    op.create_table(
        "words",
        sa.Column("secret_id", _ID, nullable=False),
        sa.Column("place", sa.String(length=1), nullable=False),
        sa.Column("word", _bytewise(512), nullable=False),
        sa.ForeignKeyConstraint(
            ["secret_id"], ["secrets.id"], name="fk_words_secret_id", ondelete="CASCADE"
        ),
        sa.PrimaryKeyConstraint("secret_id", "place", "word", name="pk_words"),
        sqlite_with_rowid=False,
    )
    op.create_index("ix_words_word", "words", ["place", "word", "secret_id"])


def _fill_words() -> None:
    """The words of the secrets that are there, a batch at a time: a store may be larger than memory."""
    secrets = sa.table("secrets", sa.column("id"), sa.column("name"), sa.column("description"))
    tags = sa.table("tags", sa.column("secret_id"), sa.column("key"), sa.column("value"))
    words = sa.table("words", sa.column("secret_id"), sa.column("place"), sa.column("word"))
    batch = sa.select(secrets).where(secrets.c.id > sa.bindparam("last"))
    batch = batch.order_by(secrets.c.id).limit(_BATCH)
    tagged = sa.select(tags).where(
        tags.c.secret_id.between(sa.bindparam("first"), sa.bindparam("last"))
    )
    tagged = tagged.order_by(tags.c.secret_id)
    store = op.get_bind()
    last = 0
    while rows := store.execute(batch, {"last": last}).all():
        first, last = rows[0].id, rows[-1].id
        found = store.execute(tagged, {"first": first, "last": last})
        tags_of = {
            secret_id: {tag.key: tag.value for tag in of_secret}
            for secret_id, of_secret in groupby(found, key=attrgetter("secret_id"))
        }
        entries = [
            {"secret_id": row.id, "place": str(place), "word": word}
            for row in rows
            for place, word in _texts(row, tags_of.get(row.id, {})).words()
        ]
        if entries:
            store.execute(sa.insert(words), entries)


def _texts(row: sa.Row[Any], tags: Mapping[str, str]) -> Texts:
    return Texts(name=row.name, description=row.description, tags=tags)


def _extend_secrets() -> None:
    op.add_column("secrets", sa.Column("resource_policy", sa.Text()))
    op.add_column(
        "secrets", sa.Column("tagged", sa.Boolean(), nullable=False, server_default=sa.false())
    )
    op.add_column(
        "secrets", sa.Column("revision", sa.BigInteger(), nullable=False, server_default="0")
    )
    op.execute("UPDATE secrets SET tagged = true WHERE id IN (SELECT secret_id FROM tags)")


def _prepare_rewrapping() -> None:
    """The values that are there are bound to the id of their sealing key, which stays so when they get another."""
    op.add_column("versions", sa.Column("bound_key_id", sa.String(length=256)))
    versions = sa.table("versions", sa.column("key_id"), sa.column("bound_key_id"))
    op.execute(versions.update().values(bound_key_id=versions.c.key_id))
    op.drop_index("ix_versions_key_id", "versions")
    op.create_index("ix_versions_key_id", "versions", ["key_id", "secret_id", "version_id"])
    named = sa.text("kms_key_id IS NOT NULL")
    op.create_index(
        "ix_secrets_kms_key",
        "secrets",
        ["kms_key_id", "id"],
        sqlite_where=named,
        postgresql_where=named,
    )


def _chain_audit() -> None:
    """The records that are there are in no chain: shard -1, in their order."""
    op.drop_index("ix_audit_at", "audit")
    op.drop_index("ix_audit_secret", "audit")
    op.rename_table("audit", "audit_r0001")
    if op.get_bind().dialect.name == "postgresql":
        op.execute("ALTER TABLE audit_r0001 DROP CONSTRAINT pk_audit")
    op.create_table(
        "audit",
        sa.Column("shard", sa.Integer(), autoincrement=False, nullable=False),
        sa.Column("seq", sa.BigInteger(), autoincrement=False, nullable=False),
        sa.Column("at", sa.BigInteger(), nullable=False),
        sa.Column("request_id", sa.String(length=64), nullable=False),
        sa.Column("account", sa.String(length=12), nullable=False),
        sa.Column("region", sa.String(length=64), nullable=False),
        sa.Column("principal", sa.String(length=256), nullable=False),
        sa.Column("event", sa.String(length=64), nullable=False),
        sa.Column("secret_arn", _bytewise(640)),
        sa.Column("version_id", sa.String(length=64)),
        sa.Column("outcome", sa.String(length=16), nullable=False),
        sa.Column("detail", sa.JSON(none_as_null=True)),
        sa.Column("revision", sa.BigInteger()),
        sa.Column("mac", sa.LargeBinary()),
        sa.PrimaryKeyConstraint("shard", "seq", name="pk_audit"),
    )
    op.execute(
        "INSERT INTO audit (shard, seq, at, request_id, account, region, principal, event, secret_arn, version_id, "
        "outcome, detail) SELECT -1, id, at, request_id, account, region, principal, event, secret_arn, version_id, "
        "outcome, detail FROM audit_r0001"
    )
    op.drop_table("audit_r0001")
    op.create_index("ix_audit_at", "audit", ["at"])
    op.create_index("ix_audit_secret", "audit", ["secret_arn", "at"])
    op.create_index("ix_audit_principal", "audit", ["principal", "at"])
    op.create_index("ix_audit_event", "audit", ["event", "at"])
    changes = sa.text("revision IS NOT NULL")
    op.create_index(
        "ix_audit_revision",
        "audit",
        ["secret_arn", "revision"],
        sqlite_where=changes,
        postgresql_where=changes,
    )
    trouble = sa.text("outcome <> 'succeeded'")
    op.create_index(
        "ix_audit_trouble", "audit", ["at"], sqlite_where=trouble, postgresql_where=trouble
    )
    op.create_table(
        "audit_heads",
        sa.Column("shard", sa.Integer(), autoincrement=False, nullable=False),
        sa.Column("seq", sa.BigInteger(), nullable=False),
        sa.Column("mac", sa.LargeBinary(), nullable=False),
        sa.Column("seal", sa.LargeBinary(), nullable=False),
        sa.PrimaryKeyConstraint("shard", name="pk_audit_heads"),
    )
    op.create_table(
        "audit_checkpoints",
        sa.Column("seq", sa.BigInteger(), autoincrement=False, nullable=False),
        sa.Column("at", sa.BigInteger(), nullable=False),
        sa.Column("reason", sa.String(length=16), nullable=False),
        sa.Column("fingerprint", sa.String(length=32), nullable=False),
        sa.Column("heads", sa.JSON(), nullable=False),
        sa.Column("bases", sa.JSON(), nullable=False),
        sa.Column("unchained", sa.BigInteger(), nullable=False),
        sa.Column("unchained_digest", sa.LargeBinary(), nullable=False),
        sa.Column("mac", sa.LargeBinary(), nullable=False),
        sa.PrimaryKeyConstraint("seq", name="pk_audit_checkpoints"),
    )


def _create_moves() -> None:
    op.create_table(
        "moves",
        sa.Column("other", sa.Text(), nullable=False),
        sa.Column("run", sa.String(length=32), nullable=False),
        sa.Column("at", sa.BigInteger(), nullable=False),
        sa.PrimaryKeyConstraint("other", name="pk_moves"),
    )
