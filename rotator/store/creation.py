"""New secrets with all that belongs to them, as rows: one, or a whole import at once."""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any, Final

from sqlalchemy import insert

from rotator.crypto.envelope import Sealed
from rotator.model.labels import Labels
from rotator.store import changes, search
from rotator.store.changes import TRACKED
from rotator.store.search import Texts
from rotator.store.store import Tx
from rotator.store.tables import labels, secrets, tags, versions
from rotator.store.versions import TICK, sealed_columns


@dataclass(frozen=True, slots=True, kw_only=True)
class NewSecret:
    """A secret that is not there yet.

    Attributes:
        kms_key_id: None for the default key.
        versions: version id → its value, oldest first.
        labels: which of the versions carries which.
        primary_region: of a replica, where its primary is.
    """

    account: str
    region: str
    name: str
    arn: str
    description: str | None = None
    kms_key_id: str | None = None
    tags: Mapping[str, str] = field(default_factory=dict)
    versions: Mapping[str, Sealed] = field(default_factory=dict)
    labels: Labels = field(default_factory=Labels)
    primary_region: str | None = None
    resource_policy: str | None = None


_Row = dict[str, object]

REVISION: Final = 1
"""Of a new secret."""

_SECRETS = insert(secrets).returning(secrets.c.id, secrets.c.arn)
_TAGS = insert(tags)
_VERSIONS = insert(versions)
_LABELS = insert(labels)


def add(tx: Tx, new: Sequence[NewSecret]) -> None:
    """Adds secrets.

    Raises:
        sqlalchemy.exc.IntegrityError: a name is in use in its account and region.
    """
    # By name: two that add the same secrets wait for each other in the same order.
    ordered = sorted(new, key=lambda secret: secret.name)
    rows = tx.execute(_SECRETS, [_secret(tx, secret) for secret in ordered])
    id_of = {arn: secret_id for secret_id, arn in rows}
    by_id = {id_of[secret.arn]: secret for secret in ordered}
    texts = {
        secret_id: Texts(name=secret.name, description=secret.description, tags=secret.tags)
        for secret_id, secret in by_id.items()
    }
    search.add(tx, texts)
    for statement, rows_of in ((_TAGS, _tags), (_VERSIONS, _versions), (_LABELS, _labels)):
        parameters = [
            {"secret_id": secret_id} | row
            for secret_id, secret in by_id.items()
            for row in rows_of(tx, secret)
        ]
        if parameters:
            tx.execute(statement, parameters)


def left(tx: Tx, secret: NewSecret) -> dict[str, Any]:
    """What the record of a new secret says of it."""
    columns = dict.fromkeys(TRACKED) | _secret(tx, secret)
    return changes.left(columns, labels=secret.labels.at, tags=secret.tags)


def _secret(tx: Tx, secret: NewSecret) -> _Row:
    return {
        "account": secret.account,
        "region": secret.region,
        "name": secret.name,
        "arn": secret.arn,
        "description": secret.description,
        "kms_key_id": secret.kms_key_id,
        "created_at": tx.now,
        "changed_at": tx.now,
        "rotation_enabled": False,
        "tagged": bool(secret.tags),
        "primary_region": secret.primary_region,
        "resource_policy": secret.resource_policy,
        "revision": REVISION,
    }


def _tags(_tx: Tx, secret: NewSecret) -> Iterator[_Row]:
    for key, value in secret.tags.items():
        yield {"key": key, "value": value}


def _versions(tx: Tx, secret: NewSecret) -> Iterator[_Row]:
    for number, (version_id, sealed) in enumerate(secret.versions.items()):
        # No two versions of a secret are of the same millisecond, and none is of a time to come.
        age = TICK * (len(secret.versions) - 1 - number)
        row = {"version_id": version_id, "created_at": tx.now - age, "pinned": False}
        yield row | sealed_columns(sealed)


def _labels(_tx: Tx, secret: NewSecret) -> Iterator[_Row]:
    for label, version_id in secret.labels.at.items():
        yield {"label": label, "version_id": version_id}
