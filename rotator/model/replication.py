"""Replicas: the same secret in another region, read-only there."""

from collections.abc import Mapping
from dataclasses import dataclass
from enum import StrEnum
from typing import Any

from rotator.model.names import SUFFIX_LENGTH, secret_arn

REPLICA_REFUSED = (
    "Operation not permitted on a replica secret. Call must be made in primary secret's region."
)
"""Seen on the real service, as InvalidParameterException."""

SUCCEEDED = "Replication succeeded"


class ReplicaStatus(StrEnum):
    """How a replica stands. It is never InProgress: a replica is written in the transaction that it follows."""

    IN_SYNC = "InSync"
    FAILED = "Failed"


@dataclass(frozen=True, slots=True, kw_only=True)
class ReplicaRegion:
    """A region that a secret is replicated to.

    Attributes:
        kms_key_id: the sealing key as it was named; None for the default one.
    """

    region: str
    kms_key_id: str | None = None
    status: ReplicaStatus = ReplicaStatus.IN_SYNC
    message: str = SUCCEEDED

    def row(self) -> dict[str, Any]:
        """What the primary's row keeps of it."""
        return {"kms_key_id": self.kms_key_id, "status": str(self.status), "message": self.message}


def replica_regions(rows: Mapping[str, Any] | None) -> tuple[ReplicaRegion, ...]:
    """What the primary's row keeps, in the order of the regions. What isn't of that form was altered and is left out:
    it must not keep the primary from rotating, and a verification of the audit tells of it.
    """
    found = (_replica_region(region, row) for region, row in sorted((rows or {}).items()))
    return tuple(one for one in found if one is not None)


def _replica_region(region: str, row: object) -> ReplicaRegion | None:
    match row:
        case {"kms_key_id": str() | None as key, "status": str(status), "message": str(message)}:
            if status in set(ReplicaStatus):
                return ReplicaRegion(
                    region=region, kms_key_id=key, status=ReplicaStatus(status), message=message
                )
    return None


def in_sync(rows: Mapping[str, Any] | None) -> tuple[str, ...]:
    """The regions in which there is a replica."""
    found = replica_regions(rows)
    return tuple(one.region for one in found if one.status is ReplicaStatus.IN_SYNC)


def replica_arn(arn: str, *, region: str, account: str, name: str) -> str:
    """The ARN that a replica has in a region: the primary's, six characters included, but for the region."""
    return secret_arn(region=region, account=account, name=name, suffix=arn[-SUFFIX_LENGTH:])
