"""What a call that replicates names: regions that are served, and keys that can be used there."""

from collections.abc import Mapping, Sequence

from rotator.errors import InvalidParameter
from rotator.manager import limits
from rotator.manager.asked import asked
from rotator.manager.checks import checked_key
from rotator.model.replication import ReplicaRegion
from rotator.sdk import KeyProvider


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
