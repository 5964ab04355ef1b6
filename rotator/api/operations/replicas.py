"""The operations on replicas, within an account and across accounts: none of them is done here."""

from rotator.api.operations.operation import Given, Operation, Rooms, Structure, Who
from rotator.errors import InvalidRequest

_NOT_HERE = "This server keeps no replicas of secrets. Create the secret in the other region, or read it from this one."


def _refuse(rooms: Rooms, who: Who, given: Given) -> Structure:
    rooms.manager.describe_secret(**who, secret_id=given["SecretId"])
    raise InvalidRequest(_NOT_HERE)


OPERATIONS = tuple(
    Operation(name, _refuse)
    for name in (
        "ReplicateSecretToRegions",
        "RemoveRegionsFromReplication",
        "StopReplicationToReplica",
        "AssociateCrossAccountReplica",
        "DisassociateCrossAccountReplica",
    )
)
