"""Replicas and the primaries that they follow, as rows."""

from collections import defaultdict
from collections.abc import Mapping, Sequence
from datetime import datetime
from typing import Any, Protocol

from sqlalchemy import bindparam, select, text

from rotator.errors import RowAltered
from rotator.model.replication import replica_arn
from rotator.store import search, secrets, tags
from rotator.store.secrets import SecretRow
from rotator.store.tables import secrets as rows
from rotator.store.tx import Tx

FOLLOWED = ("description", "resource_policy", "tagged", "changed_at")
"""The columns of a primary that its replicas have too, so that lists and policies find them there."""

_ACCESSES = select(rows.c.account, rows.c.name, rows.c.region, rows.c.accessed_on).where(
    rows.c.account == bindparam("at_account"),
    rows.c.name.in_(bindparam("at_names", expanding=True)),
    rows.c.primary_region.is_not(None),
)
_LOCK = text("SELECT pg_advisory_xact_lock(hashtext('rotator replication'))")


class _Replica(Protocol):
    @property
    def account(self) -> str: ...
    @property
    def region(self) -> str: ...
    @property
    def name(self) -> str: ...
    @property
    def arn(self) -> str: ...


class _Primary(Protocol):
    @property
    def arn(self) -> str: ...


def lock(tx: Tx) -> None:
    """Lets one transaction at a time change what is replicated where, so that no two wait for each other's secrets.

    On SQLite every write transaction is alone anyhow.
    """
    if tx.dialect == "postgresql":
        tx.execute(_LOCK)


def follows(replica: _Replica, primary: _Primary | None) -> None:
    """Nothing, where the one is a replica of the other.

    Raises:
        RowAltered: it isn't, so its row, or the primary's, was altered.
    """
    if primary is None or not _is_replica(replica, of=primary):
        raise RowAltered(
            f"The row of the replica {replica.name} in {replica.region} was altered: it follows no secret. "
            "Nothing of it was used. Restore the row from a backup of the store. What else was altered: "
            "rotate audit verify"
        )


def _is_replica(replica: _Replica, *, of: _Primary) -> bool:
    expected = replica_arn(
        of.arn, region=replica.region, account=replica.account, name=replica.name
    )
    return replica.arn == expected != of.arn


def origin(tx: Tx, secret: SecretRow) -> SecretRow:
    """The secret whose versions and labels a secret has: its own, or its primary's.

    Raises:
        RowAltered: as `follows` does.
    """
    return origins(tx, [secret])[secret.id]


def origins(tx: Tx, found: Sequence[SecretRow]) -> Mapping[int, SecretRow]:
    """The same of several, by their row ids."""
    origin_of = {secret.id: secret for secret in found if secret.primary_region is None}
    following: defaultdict[tuple[str, str], list[SecretRow]] = defaultdict(list)
    for secret in found:
        if secret.primary_region is not None:
            following[secret.account, secret.primary_region].append(secret)
    for (account, region), replicas in following.items():
        names = [replica.name for replica in replicas]
        primaries = secrets.by_names(tx, account=account, region=region, names=names)
        for replica in replicas:
            primary = primaries.get(replica.name)
            follows(replica, primary)
            origin_of[replica.id] = primaries[replica.name]
    return origin_of


def accesses(tx: Tx, found: Sequence[SecretRow]) -> Mapping[tuple[str, str, str], datetime | None]:
    """When the replicas of these secrets were last read, by account, name and region."""
    names: defaultdict[str, list[str]] = defaultdict(list)
    for secret in found:
        if secret.replicas:
            names[secret.account].append(secret.name)
    return {
        (row.account, row.name, row.region): row.accessed_on
        for account, named in names.items()
        for row in tx.execute(_ACCESSES, {"at_account": account, "at_names": named})
    }


def follow(
    tx: Tx,
    replica: SecretRow,
    columns: Mapping[str, object],
    *,
    tagged: Mapping[str, str],
    untagged: Sequence[str],
) -> dict[str, Any]:
    """Writes to a replica, which this transaction has locked, what was written to its primary; gives the columns."""
    if tagged or untagged:
        tags.remove(tx, replica.id, untagged)
        tags.put(tx, replica.id, tagged)
        search.refresh(tx, replica.id)
    copied = {name: columns[name] for name in FOLLOWED if name in columns}
    secrets.update(tx, replica.id, **copied, revision=replica.revision + 1)
    return copied
