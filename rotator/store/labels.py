"""Which version carries which staging label, as rows."""

from collections import defaultdict
from collections.abc import Collection, Mapping

from sqlalchemy import bindparam, delete, exists, select, text

from rotator.model.labels import CURRENT, Labels
from rotator.store.tables import ACTIVE_ROTATION, labels, rotations, secrets
from rotator.store.tx import Tx

_LOAD = select(labels.c.label, labels.c.version_id).where(
    labels.c.secret_id == bindparam("at_secret")
)
_LOAD_AND_OWNED = _LOAD.add_columns(
    exists()
    .where(rotations.c.secret_id == bindparam("at_secret"), text(ACTIVE_ROTATION))
    .label("owned")
)
_LOAD_MANY = select(labels.c.secret_id, labels.c.label, labels.c.version_id).where(
    labels.c.secret_id.in_(bindparam("at_secrets", expanding=True))
)
_CURRENT = (
    select(labels.c.secret_id, labels.c.version_id)
    .join(secrets, secrets.c.id == labels.c.secret_id)
    .where(
        labels.c.secret_id.in_(bindparam("at_secrets", expanding=True)),
        labels.c.label == CURRENT,
        secrets.c.deleted_at.is_(None),
    )
)
# Text: the two dialects say it alike, and SQLAlchemy has it in each dialect apart.
_PUT = text(
    "INSERT INTO labels (secret_id, label, version_id) VALUES (:secret_id, :label, :version_id) "
    "ON CONFLICT (secret_id, label) DO UPDATE SET version_id = excluded.version_id"
)
_DELETE = delete(labels).where(
    labels.c.secret_id == bindparam("at_secret"), labels.c.label == bindparam("at_label")
)


def load(tx: Tx, secret_id: int) -> Labels:
    """The staging labels of a secret."""
    rows = tx.execute(_LOAD, {"at_secret": secret_id})
    return Labels({row.label: row.version_id for row in rows})


def load_unowned(tx: Tx, secret_id: int) -> Labels | None:
    """The staging labels of a secret that no rotation owns; None where one does, or where there is no label.

    The caller has locked the secret's row, so that no rotation begins meanwhile. Where one is active, it has to be
    locked before the labels are read, because its owner may be about to move them.
    """
    rows = tx.execute(_LOAD_AND_OWNED, {"at_secret": secret_id}).all()
    if not rows or rows[0].owned:
        return None
    return Labels({row.label: row.version_id for row in rows})


def load_many(tx: Tx, secret_ids: Collection[int]) -> Mapping[int, Labels]:
    """The staging labels of several secrets; a secret without one is left out."""
    found: defaultdict[int, dict[str, str]] = defaultdict(dict)
    if secret_ids:
        for row in tx.execute(_LOAD_MANY, {"at_secrets": list(secret_ids)}):
            found[row.secret_id][row.label] = row.version_id
    return {secret_id: Labels(at) for secret_id, at in found.items()}


def current_of(tx: Tx, secret_ids: Collection[int]) -> Mapping[int, str]:
    """The version with AWSCURRENT of each secret that has one and is not marked for deletion."""
    rows = tx.execute(_CURRENT, {"at_secrets": list(secret_ids)}) if secret_ids else ()
    return {row.secret_id: row.version_id for row in rows}


def save(tx: Tx, secret_id: int, *, before: Labels, after: Labels) -> None:
    """Writes what differs between `before`, as it was loaded in this transaction, and `after`."""
    gone = [
        {"at_secret": secret_id, "at_label": label} for label in before.at if label not in after.at
    ]
    put = [
        {"secret_id": secret_id, "label": label, "version_id": version_id}
        for label, version_id in after.at.items()
        if before.version(label) != version_id
    ]
    if gone:
        tx.execute(_DELETE, gone)
    if put:
        tx.execute(_PUT, put)
