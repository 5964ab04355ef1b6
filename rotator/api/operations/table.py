"""Every operation of the API by its name."""

from rotator.api.operations import descriptions, policies, replicas, rotation, secrets, values
from rotator.api.operations.operation import Operation

OPERATIONS: dict[str, Operation] = {
    operation.name: operation
    for family in (secrets, values, descriptions, policies, rotation, replicas)
    for operation in family.OPERATIONS
}
