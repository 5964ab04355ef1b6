"""CreateSecret, DeleteSecret, RestoreSecret, UpdateSecret, TagResource, UntagResource."""

from rotator.api.operations.operation import (
    Given,
    Operation,
    Rooms,
    Structure,
    Who,
    named,
    refuse,
    tags_of,
    value_of,
)
from rotator.api.operations.replicas import regions_of, statuses
from rotator.api.wire import moment, present
from rotator.manager.results import StoredVersion

_NO_PARTNERS = "secrets of other vendors are not managed by this service. Leave it out."
_NO_OTHER_PRIMARY = "a secret is not copied from another account here. Leave it out."


def _create_secret(rooms: Rooms, who: Who, given: Given) -> Structure:
    refuse(given, "Type", because=_NO_PARTNERS)
    refuse(given, "CrossAccountPrimaryARN", because=_NO_OTHER_PRIMARY)
    made = rooms.manager.create_secret(
        **who,
        name=given["Name"],
        value=value_of(given),
        client_request_token=given["ClientRequestToken"],
        description=given.get("Description"),
        kms_key_id=given.get("KmsKeyId"),
        tags=tags_of(given),
        add_replica_regions=regions_of(given),
        force_overwrite=given.get("ForceOverwriteReplicaSecret", False),
    )
    replicas = statuses(made.replication)
    return _stored(made) | ({"ReplicationStatus": replicas} if replicas else {})


def _update_secret(rooms: Rooms, who: Who, given: Given) -> Structure:
    refuse(given, "Type", because=_NO_PARTNERS)
    changed = rooms.manager.update_secret(
        **who,
        secret_id=given["SecretId"],
        value=value_of(given),
        client_request_token=given["ClientRequestToken"],
        description=given.get("Description"),
        kms_key_id=given.get("KmsKeyId"),
    )
    return _stored(changed)


def _stored(version: StoredVersion) -> Structure:
    return present(ARN=version.arn, Name=version.name, VersionId=version.version_id)


def _delete_secret(rooms: Rooms, who: Who, given: Given) -> Structure:
    gone = rooms.manager.delete_secret(
        **who,
        secret_id=given["SecretId"],
        recovery_window_in_days=given.get("RecoveryWindowInDays"),
        force_without_recovery=given.get("ForceDeleteWithoutRecovery", False),
    )
    return {"ARN": gone.arn, "Name": gone.name, "DeletionDate": moment(gone.deletion_date)}


def _restore_secret(rooms: Rooms, who: Who, given: Given) -> Structure:
    return named(rooms.manager.restore_secret(**who, secret_id=given["SecretId"]))


def _tag_resource(rooms: Rooms, who: Who, given: Given) -> Structure:
    tags = tags_of(given) or {}
    rooms.manager.tag_resource(**who, secret_id=given["SecretId"], tags=tags)
    return {}


def _untag_resource(rooms: Rooms, who: Who, given: Given) -> Structure:
    rooms.manager.untag_resource(**who, secret_id=given["SecretId"], tag_keys=given["TagKeys"])
    return {}


OPERATIONS = (
    Operation("CreateSecret", _create_secret, takes_token=True),
    Operation("UpdateSecret", _update_secret, takes_token=True),
    Operation("DeleteSecret", _delete_secret),
    Operation("RestoreSecret", _restore_secret),
    Operation("TagResource", _tag_resource),
    Operation("UntagResource", _untag_resource),
)
