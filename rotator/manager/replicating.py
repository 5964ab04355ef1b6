"""ReplicateSecretToRegions, RemoveRegionsFromReplication, StopReplicationToReplica."""

from collections.abc import Mapping, Sequence
from typing import Any

from rotator.errors import InvalidParameter
from rotator.manager import limits
from rotator.manager.call import Call
from rotator.manager.operations import Operations, seal_context
from rotator.manager.promoting import Promotion, promote
from rotator.manager.refusals import audited
from rotator.manager.replica_regions import asked_regions, checked_regions, closed_keys
from rotator.manager.replica_rows import remove, replica_of, replicate
from rotator.manager.results import ReplicaDescription, Replication, SecretName
from rotator.model.caller import Caller
from rotator.model.replication import (
    REPLICA_REFUSED,
    ReplicaRegion,
    in_sync,
    replica_regions,
)
from rotator.store import labels, replicas, versions
from rotator.store.secrets import SecretRow
from rotator.store.store import Tx


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
                    remove(tx, call, replica_of(tx, secret, region))
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
            promotion = Promotion(primary=primary, before=before, labels=at, after=after)
            with self._store.write() as tx:
                if promote(tx, call, secret, promotion):
                    return SecretName(arn=secret.arn, name=secret.name)


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
