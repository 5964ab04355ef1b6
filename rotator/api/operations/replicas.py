"""The operations on replicas within an account; those across accounts are not done here."""

from collections.abc import Sequence

from rotator.api.operations.operation import Given, Operation, Rooms, Structure, Who
from rotator.api.wire import moment, present
from rotator.errors import InvalidRequest
from rotator.manager.results import ReplicaDescription, Replication
from rotator.model.replication import ReplicaRegion

_ONE_ACCOUNT = (
    "Secrets are replicated within their own account here, with ReplicateSecretToRegions."
)


def regions_of(given: Given) -> Sequence[ReplicaRegion] | None:
    """The regions in a request, None where there are none."""
    regions = given.get("AddReplicaRegions")
    if regions is None:
        return None
    return [
        ReplicaRegion(region=one.get("Region", ""), kms_key_id=one.get("KmsKeyId"))
        for one in regions
    ]


def statuses(replicas: Sequence[ReplicaDescription]) -> list[Structure]:
    """How each of the replicas stands."""
    return [
        present(
            Region=one.region,
            KmsKeyId=one.kms_key_id or "alias/aws/secretsmanager",
            Status=str(one.status),
            StatusMessage=one.message,
            LastAccessedDate=None if one.accessed_on is None else moment(one.accessed_on),
        )
        for one in replicas
    ]


def _replicate(rooms: Rooms, who: Who, given: Given) -> Structure:
    done = rooms.manager.replicate_secret_to_regions(
        **who,
        secret_id=given["SecretId"],
        add_replica_regions=regions_of(given) or (),
        force_overwrite=given.get("ForceOverwriteReplicaSecret", False),
    )
    return _replication(done)


def _remove_regions(rooms: Rooms, who: Who, given: Given) -> Structure:
    done = rooms.manager.remove_regions_from_replication(
        **who,
        secret_id=given["SecretId"],
        remove_replica_regions=given["RemoveReplicaRegions"],
    )
    return _replication(done)


def _replication(done: Replication) -> Structure:
    return {"ARN": done.arn, "ReplicationStatus": statuses(done.regions)}


def _stop(rooms: Rooms, who: Who, given: Given) -> Structure:
    done = rooms.manager.stop_replication_to_replica(**who, secret_id=given["SecretId"])
    return {"ARN": done.arn}


def _refuse(rooms: Rooms, who: Who, given: Given) -> Structure:
    rooms.manager.describe_secret(**who, secret_id=given["SecretId"])
    raise InvalidRequest(_ONE_ACCOUNT)


OPERATIONS = (
    Operation("ReplicateSecretToRegions", _replicate),
    Operation("RemoveRegionsFromReplication", _remove_regions),
    Operation("StopReplicationToReplica", _stop),
    Operation("AssociateCrossAccountReplica", _refuse),
    Operation("DisassociateCrossAccountReplica", _refuse),
)
