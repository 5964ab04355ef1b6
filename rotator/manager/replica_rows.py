"""The rows of replicas: how they come, change their key and go, each with its record."""

from collections.abc import Mapping, Sequence
from typing import Any

from rotator.errors import ResourceNotFound
from rotator.manager.call import Call
from rotator.model.replication import ReplicaRegion, ReplicaStatus, in_sync, replica_arn
from rotator.store import administration, creation, replicas, rotations, secrets, tags, versions
from rotator.store.changes import GONE
from rotator.store.creation import NewSecret
from rotator.store.secrets import SecretRow
from rotator.store.store import Tx

STARTED = "ReplicationStarted"
FAILED = "ReplicationFailed"
REMOVED = "EndSecretVersionDelete"


def replicate(
    tx: Tx,
    call: Call,
    secret: SecretRow,
    wanted: Sequence[ReplicaRegion],
    *,
    closed: Mapping[str, str],
    force: bool,
) -> Mapping[str, Any]:
    """Makes the replicas of a secret that this transaction has locked; gives what its row keeps of all of them.

    Args:
        closed: of `closed_keys`.
    """
    kept: dict[str, Any] = dict(secret.replicas or {})
    there = in_sync(secret.replicas)
    for one in {region.region: region for region in wanted}.values():
        made, why = one, closed.get(one.region)
        if why is None and one.region in there:
            _change_key(tx, call, replica_of(tx, secret, one.region), one)
        elif why is None:
            why = _why_not(tx, call, secret, one.region, force=force)
            if why is None:
                _add(tx, call, secret, one)
        if why is not None:
            message = f"Replication failed: {why}"
            made = ReplicaRegion(
                region=one.region,
                kms_key_id=one.kms_key_id,
                status=ReplicaStatus.FAILED,
                message=message,
            )
            call.record(
                tx, secret.arn, event=FAILED, detail={"region": one.region, "reason": message}
            )
        if made.status is ReplicaStatus.IN_SYNC or one.region not in there:
            kept[one.region] = made.row()
    call.change(
        tx,
        secret,
        {"changed_at": tx.now, "replicas": kept},
        detail={"regions": sorted({one.region for one in wanted})},
    )
    return kept


def rekeyed(tx: Tx, call: Call, key: str | None) -> SecretRow | None:
    """The replica that the call is on, with another key from here on; None where it is on no replica.

    "A replica secret can't be updated independently from its primary secret, except for its encryption key":
    https://docs.aws.amazon.com/secretsmanager/latest/userguide/standalone-secret.html
    """
    if call.find_usable(tx).primary_region is None:
        return None
    replicas.lock(tx)
    replica = call.find_usable(tx)  # a promotion or a removal may have come first
    if replica.primary_region is None:
        return None
    primary = secrets.by_id(tx, replicas.origin(tx, replica).id, for_update=True)
    wanted = ReplicaRegion(region=replica.region, kms_key_id=key)
    _change_key(tx, call, replica_of(tx, primary, replica.region), wanted)
    kept = {**(primary.replicas or {}), replica.region: wanted.row()}
    call.change(
        tx,
        primary,
        {"changed_at": tx.now, "replicas": kept},
        detail={"regions": [replica.region]},
    )
    return replica


def remove(tx: Tx, call: Call, secret: SecretRow) -> None:
    """Removes a secret, or a replica, at once."""
    secrets.remove(tx, secret.id)
    gone = secret.revision + 1
    call.record(tx, secret.arn, event=REMOVED, detail={"left": GONE}, revision=gone)


def _why_not(tx: Tx, call: Call, secret: SecretRow, region: str, *, force: bool) -> str | None:
    """Why there can be no replica in a region; None where there is room, also by overwriting."""
    try:
        there = secrets.find(
            tx, account=secret.account, region=region, secret_id=secret.name, for_update=True
        )
    except ResourceNotFound:
        return None
    exists = f"Secret name {secret.name} already exists in region {region}."
    if not force:
        return exists
    if there.primary_region is not None or there.replicas:
        return f"{exists} It is replicated itself, so it can't be overwritten."
    in_use = rotations.active(tx, there.id, for_update=True) is not None
    if (
        in_use
        or versions.any_pinned(tx, there.id)
        or administration.administered(tx, there.arn, limit=1)
    ):
        return f"{exists} It is in use by a rotation, so it can't be overwritten."
    remove(tx, call, there)
    return None


def _add(tx: Tx, call: Call, secret: SecretRow, wanted: ReplicaRegion) -> None:
    arn = replica_arn(secret.arn, region=wanted.region, account=secret.account, name=secret.name)
    made = NewSecret(
        account=secret.account,
        region=wanted.region,
        name=secret.name,
        arn=arn,
        description=secret.description,
        kms_key_id=wanted.kms_key_id,
        tags=tags.load_many(tx, [secret.id]).get(secret.id, {}),
        primary_region=secret.region,
        resource_policy=secrets.resource_policy(tx, secret.id),
    )
    creation.add(tx, [made])
    left = {"primary": secret.arn, "left": creation.left(tx, made)}
    call.record(tx, arn, event=STARTED, detail=left, revision=creation.REVISION)


def _change_key(tx: Tx, call: Call, replica: SecretRow, wanted: ReplicaRegion) -> None:
    if replica.kms_key_id != wanted.kms_key_id:
        call.change(tx, replica, {"kms_key_id": wanted.kms_key_id})


def replica_of(tx: Tx, primary: SecretRow, region: str) -> SecretRow:
    """The replica of a secret in a region, locked.

    Raises:
        ResourceNotFound: there is none.
        RowAltered: what is there is another secret's.
    """
    found = secrets.find(
        tx, account=primary.account, region=region, secret_id=primary.name, for_update=True
    )
    replicas.follows(found, primary)
    return found
