"""Lists of secrets and of versions, a page at a time.

A page begins after the last row of the page before it (creation time, then row id or version id), so that what
comes and goes in between neither repeats a row nor hides one.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, fields
from datetime import datetime
from typing import Any

from sqlalchemy import Select, bindparam, exists, select, tuple_

from rotator.store.secrets import SecretRow
from rotator.store.store import Tx
from rotator.store.tables import labels, secrets, tags, versions


@dataclass(frozen=True, slots=True, kw_only=True)
class SecretFilter:
    """Which secrets to list.

    Attributes:
        name_prefix: what the name begins with, case-sensitive.
        tags: key → value, all of which a secret must have.
        include_deleted: those marked for deletion too.
    """

    name_prefix: str | None = None
    tags: Mapping[str, str] = field(default_factory=dict)
    include_deleted: bool = False


@dataclass(frozen=True, slots=True, kw_only=True)
class VersionEntry:
    """A version without its value."""

    version_id: str
    created_at: datetime
    accessed_on: datetime | None
    pinned: bool


_SECRETS = (
    select(*(secrets.c[f.name] for f in fields(SecretRow)))
    .where(secrets.c.account == bindparam("at_account"), secrets.c.region == bindparam("at_region"))
    .order_by(secrets.c.created_at, secrets.c.id)
    .limit(bindparam("most"))
)
_VERSIONS = (
    select(*(versions.c[f.name] for f in fields(VersionEntry)))
    .where(versions.c.secret_id == bindparam("at_secret"))
    .order_by(versions.c.created_at, versions.c.version_id)
    .limit(bindparam("most"))
)
_LABELLED = exists().where(
    labels.c.secret_id == versions.c.secret_id, labels.c.version_id == versions.c.version_id
)
_PAST_THE_ALPHABET = "\x7f"


def list_secrets(
    tx: Tx,
    *,
    account: str,
    region: str,
    where: SecretFilter,
    after: tuple[datetime, int] | None,
    limit: int,
) -> Sequence[SecretRow]:
    """The first secrets that pass the filter, in the order of their creation.

    Args:
        after: creation time and row id of the secret before the first one wanted.
    """
    statement = _filtered(where)
    if after is not None:
        statement = statement.where(tuple_(secrets.c.created_at, secrets.c.id) > after)
    found = tx.connection.execute(
        statement, {"at_account": account, "at_region": region, "most": limit}
    )
    return [SecretRow(*row) for row in found]


def _filtered(where: SecretFilter) -> Select[*tuple[Any, ...]]:
    statement = _SECRETS
    if not where.include_deleted:
        statement = statement.where(secrets.c.deleted_at.is_(None))
    if where.name_prefix is not None:
        # A range, not LIKE: names hold `_`, and the index on names can be used. They are ASCII.
        end = where.name_prefix + _PAST_THE_ALPHABET
        statement = statement.where(secrets.c.name >= where.name_prefix, secrets.c.name < end)
    for key, value in where.tags.items():
        tagged = select(tags.c.secret_id).where(tags.c.key == key, tags.c.value == value)
        statement = statement.where(secrets.c.id.in_(tagged))
    return statement


def list_versions(
    tx: Tx,
    secret_id: int,
    *,
    include_deprecated: bool,
    after: tuple[datetime, str] | None,
    limit: int,
) -> Sequence[VersionEntry]:
    """The first versions of a secret in the order of their creation; by default those with a label.

    Args:
        after: creation time and version id of the version before the first one wanted.
    """
    statement = _VERSIONS if include_deprecated else _VERSIONS.where(_LABELLED)
    if after is not None:
        statement = statement.where(tuple_(versions.c.created_at, versions.c.version_id) > after)
    found = tx.connection.execute(statement, {"at_secret": secret_id, "most": limit})
    return [VersionEntry(**row) for row in found.mappings()]
