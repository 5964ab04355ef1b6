"""ReplicateSecretToRegions, RemoveRegionsFromReplication, StopReplicationToReplica."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from rotator.crypto.envelope import Sealed
from rotator.errors import InvalidParameter, ResourceNotFound
from rotator.manager import limits
from rotator.manager.asked import asked
from rotator.manager.call import Call
from rotator.manager.checks import checked_key
from rotator.manager.operations import Operations, seal_context
from rotator.manager.refusals import audited
from rotator.manager.results import ReplicaDescription, Replication, SecretName
from rotator.model.caller import Caller
from rotator.model.labels import Labels
from rotator.model.replication import (
    REPLICA_REFUSED,
    ReplicaRegion,
    ReplicaStatus,
    in_sync,
    replica_arn,
    replica_regions,
)
from rotator.sdk import KeyProvider
from rotator.store import creation, labels, replicas, rotations, secrets, tags, versions
from rotator.store.changes import GONE
from rotator.store.creation import NewSecret
from rotator.store.secrets import SecretRow
from rotator.store.store import Tx
from rotator.store.versions import VersionRow

STARTED = "ReplicationStarted"
FAILED = "ReplicationFailed"
REMOVED = "EndSecretVersionDelete"


@dataclass(frozen=True, slots=True, kw_only=True)
class _Promotion:
    """What a replica becomes a secret of its own with.

    Attributes:
        before: the primary's versions as they were read; `after` are theirs, sealed for the replica's place.
    """

    primary: SecretRow
    before: Sequence[VersionRow]
    labels: Labels
    after: Mapping[str, Sealed]


class Replicating(Operations):
    """How secrets are replicated among the regions that are served.

    A replica is a row of its own, with neither versions nor labels: both are read from the primary, as is the read
    barrier, so that nothing lags. Its KmsKeyId must be usable when it is read, and seals its values after a promotion.
    """

    @audited("ReplicateSecretToRegions")
    def replicate_secret_to_regions(
        self,
        *,
        caller: Caller,
        request_id: str,
        secret_id: str,
        add_replica_regions: Sequence[ReplicaRegion],
        force_overwrite: bool = False,
    ) -> Replication:
        """Makes read-only replicas of a secret; one that can't be made is Failed, says why, and can be tried again.

        Args:
            force_overwrite: a secret of the same name there is replaced, unless it is in use.

        Raises:
            InvalidParameter: a region isn't served or is the secret's own, or the secret is a replica itself.
            InvalidRequest: the secret is marked for deletion.
            ResourceNotFound: no such secret.
            ValidationError: a parameter is out of its limits.
        """
        checked_regions(
            "ReplicateSecretToRegions", add_replica_regions, own=caller.region, served=self._regions
        )
        call = Call(
            event="ReplicateSecretToRegions",
            caller=caller,
            request_id=request_id,
            secret_id=secret_id,
            asked=asked_regions(add_replica_regions, force=force_overwrite),
        )
        closed = closed_keys(self._sealer.provider, add_replica_regions)
        with self._store.write() as tx:
            replicas.lock(tx)
            secret = call.find_usable(tx, for_update=True)
            kept = replicate(
                tx, call, secret, add_replica_regions, closed=closed, force=force_overwrite
            )
            return replication(tx, secret._replace(replicas=kept))

    @audited("RemoveRegionsFromReplication")
    def remove_regions_from_replication(
        self,
        *,
        caller: Caller,
        request_id: str,
        secret_id: str,
        remove_replica_regions: Sequence[str],
    ) -> Replication:
        """Removes replicas; a region that has none is passed over.

        Raises:
            InvalidParameter: the secret is a replica itself.
            InvalidRequest, ResourceNotFound, ValidationError: as `replicate_secret_to_regions` does.
        """
        limits.check("RemoveRegionsFromReplication", RemoveReplicaRegions=remove_replica_regions)
        call = Call(
            event="RemoveRegionsFromReplication",
            caller=caller,
            request_id=request_id,
            secret_id=secret_id,
        )
        with self._store.write() as tx:
            replicas.lock(tx)
            secret = call.find_usable(tx, for_update=True)
            gone = set(remove_replica_regions)
            for region in in_sync(secret.replicas):
                if region in gone:
                    _remove(tx, call, _replica(tx, secret, region))
            rows = secret.replicas or {}
            left = {region: row for region, row in rows.items() if region not in gone} or None
            removed = sorted(gone & rows.keys())
            call.change(
                tx,
                secret._replace(replicas=left),
                {"changed_at": tx.now, "replicas": left},
                detail={"regions": removed},
            )
            return replication(tx, secret._replace(replicas=left))

    @audited("StopReplicationToReplica")
    def stop_replication_to_replica(
        self, *, caller: Caller, request_id: str, secret_id: str
    ) -> SecretName:
        """Makes a replica a secret of its own, with the primary's versions and labels, but AWSPENDING and its rotation.

        Called in the replica's region. Values are opened and sealed again for their new place, outside of transactions.

        Raises:
            DecryptionFailure, KeyUnavailable: a value can't be opened, or not sealed under the replica's key.
            InvalidParameter: the secret is no replica.
            ResourceNotFound: no such secret.
        """
        call = Call(
            event="StopReplicationToReplica",
            caller=caller,
            request_id=request_id,
            secret_id=secret_id,
        )
        while True:
            with self._store.read() as tx:
                secret = _checked_replica(call.find(tx))
                primary = replicas.origin(tx, secret)
                before = versions.all_of(tx, [primary.id]).get(primary.id, ())
                at = labels.load(tx, primary.id)
            after = {
                version.version_id: self._sealer.seal(
                    self._open(call, primary, version),
                    context=seal_context(secret, version.version_id),
                    key=secret.kms_key_id,
                )
                for version in before
                if version.sealed is not None
            }
            promotion = _Promotion(primary=primary, before=before, labels=at, after=after)
            with self._store.write() as tx:
                if _promote(tx, call, secret, promotion):
                    return SecretName(arn=secret.arn, name=secret.name)


def asked_regions(
    regions: Sequence[ReplicaRegion] | None, *, force: bool
) -> dict[str, Sequence[str]]:
    """What policies may ask of a call that replicates. No right in the other regions is asked for, as on AWS."""
    names = [each.region for each in regions or ()]
    return asked(AddReplicaRegions=names or None, ForceOverwriteReplicaSecret=force)


def checked_regions(
    operation: str,
    regions: Sequence[ReplicaRegion],
    *,
    own: str,
    served: frozenset[str],
) -> None:
    """Nothing, where a secret of the region `own` can be replicated there.

    Raises:
        InvalidParameter: one isn't served or is `own`.
        ValidationError: a parameter is out of its limits.
    """
    given = [{"Region": one.region, "KmsKeyId": one.kms_key_id} for one in regions]
    limits.check(operation, AddReplicaRegions=given)
    for one in regions:
        if one.region == own:
            raise InvalidParameter("Invalid replica region.")
        if one.region not in served:
            raise InvalidParameter(
                f"Invalid replica region. {one.region} is not served here: the setting `regions` names those that are."
            )


def closed_keys(provider: KeyProvider, wanted: Sequence[ReplicaRegion]) -> Mapping[str, str]:
    """Region → why its key can't be used; asked outside of transactions, since a provider may be a network away.

    Raises:
        KeyUnavailable: the provider has no keys to give.
    """
    closed: dict[str, str] = {}
    for one in wanted:
        try:
            checked_key(provider, one.kms_key_id)
        except InvalidParameter as error:
            closed[one.region] = str(error)
        else:
            closed.pop(one.region, None)  # of a region that is named twice the last one counts
    return closed


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
            _change_key(tx, call, _replica(tx, secret, one.region), one)
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
    _change_key(tx, call, _replica(tx, primary, replica.region), wanted)
    kept = {**(primary.replicas or {}), replica.region: wanted.row()}
    call.change(
        tx,
        primary,
        {"changed_at": tx.now, "replicas": kept},
        detail={"regions": [replica.region]},
    )
    return replica


def replication(tx: Tx, secret: SecretRow) -> Replication:
    """Where a secret is replicated to."""
    return Replication(
        arn=secret.arn,
        name=secret.name,
        regions=described(secret, replicas.accesses(tx, [secret])),
    )


def described(
    primary: SecretRow, accesses: Mapping[tuple[str, str, str], Any]
) -> tuple[ReplicaDescription, ...]:
    """The replicas of a primary, with when each was last read."""
    return tuple(
        ReplicaDescription(
            region=one.region,
            kms_key_id=one.kms_key_id,
            status=one.status,
            message=one.message,
            accessed_on=accesses.get((primary.account, primary.name, one.region)),
        )
        for one in replica_regions(primary.replicas)
    )


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
    if in_use or versions.any_pinned(tx, there.id) or secrets.administered(tx, there.arn, limit=1):
        return f"{exists} It is in use by a rotation, so it can't be overwritten."
    _remove(tx, call, there)
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


def _replica(tx: Tx, primary: SecretRow, region: str) -> SecretRow:
    found = secrets.find(
        tx, account=primary.account, region=region, secret_id=primary.name, for_update=True
    )
    replicas.follows(found, primary)
    return found


def _remove(tx: Tx, call: Call, secret: SecretRow) -> None:
    secrets.remove(tx, secret.id)
    gone = secret.revision + 1
    call.record(tx, secret.arn, event=REMOVED, detail={"left": GONE}, revision=gone)


def _checked_replica(secret: SecretRow) -> SecretRow:
    if secret.primary_region is None:
        raise InvalidParameter(
            f"{secret.name} in {secret.region} is no replica. Call this in the region of the replica."
        )
    return secret


def refuse_replica(secret: SecretRow) -> SecretRow:
    """The secret itself, which is no replica.

    Raises:
        InvalidParameter: it is one.
    """
    if secret.primary_region is not None:
        raise InvalidParameter(REPLICA_REFUSED)
    return secret


def _promote(tx: Tx, call: Call, seen: SecretRow, promotion: _Promotion) -> bool:
    """False, with nothing written, where the replica or its primary's versions have changed since they were read."""
    replicas.lock(tx)
    if call.find(tx).id != seen.id:  # what the caller may is decided on the row that is changed
        return False
    primary = secrets.by_id(tx, promotion.primary.id, for_update=True)
    replica = secrets.by_id(tx, seen.id, for_update=True)
    if replica.primary_region is None or replica.kms_key_id != seen.kms_key_id:
        return False
    before = versions.all_of(tx, [primary.id]).get(primary.id, ())
    if _sealed(before) != _sealed(promotion.before):
        return False
    at = labels.load(tx, primary.id)
    if at != promotion.labels:
        return False
    kept = at.without_pending()
    made = [version for version in before if version.version_id in promotion.after]
    versions.copy(tx, made, to=replica.id, sealed=promotion.after)
    labels.save(tx, replica.id, before=Labels(), after=kept)
    alone = {"changed_at": tx.now, "primary_region": None}
    call.change(tx, replica, alone, detail={"primary": primary.arn}, labels=kept.at)
    left = {
        region: row for region, row in (primary.replicas or {}).items() if region != seen.region
    }
    call.change(
        tx,
        primary._replace(replicas=left),
        {"changed_at": tx.now, "replicas": left or None},
        detail={"promoted": replica.arn},
    )
    return True


def _sealed(found: Sequence[VersionRow]) -> Mapping[str, Sealed | None]:
    return {version.version_id: version.sealed for version in found}
