"""What a change of a secret means to its replicas: they follow in the same transaction, each with a record of its own.

Versions, labels, rotation settings and the read barrier are read from the primary, so that they can't lag. What lists
find secrets by is written to the replica's row too.
"""

from collections.abc import Collection, Mapping
from typing import Protocol

from rotator.errors import ResourceNotFound, RowAltered
from rotator.model.replication import in_sync
from rotator.store import changes, replicas, secrets
from rotator.store.notes import AuditEntry
from rotator.store.secrets import SecretRow
from rotator.store.tx import Tx

FOLLOWED = "ReplicationSucceeded"
"""The event of a replica's record, as the real service has it."""


class Entry(Protocol):
    """Makes a record of whoever changed the primary."""

    def __call__(
        self,
        secret_arn: str | None,
        *,
        event: str | None,
        detail: Mapping[str, object],
        revision: int,
    ) -> AuditEntry:
        """The record."""
        ...


def follow(
    tx: Tx,
    entry: Entry,
    primary: SecretRow,
    columns: Mapping[str, object],
    *,
    tags: Mapping[str, str] | None = None,
    untagged: Collection[str] = (),
) -> None:
    """Has the replicas of a secret, which this transaction has locked, follow what was just written to it."""
    for region in in_sync(primary.replicas):
        try:
            replica = secrets.find(
                tx, account=primary.account, region=region, secret_id=primary.name, for_update=True
            )
            replicas.follows(replica, primary)
        except (ResourceNotFound, RowAltered):
            continue  # the store was altered, which a verification of the audit tells: the primary goes on
        put, gone = dict(tags or {}), sorted(untagged)
        copied = replicas.follow(tx, replica, columns, tagged=put, untagged=gone)
        left = changes.left(copied, tags=put, untagged=gone)
        tx.record(
            entry(
                replica.arn,
                event=FOLLOWED,
                detail={"primary": primary.arn, "left": left},
                revision=replica.revision + 1,
            )
        )
