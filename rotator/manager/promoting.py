"""What becomes of a replica that is to be a secret of its own."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from rotator.crypto.envelope import Sealed
from rotator.manager.call import Call
from rotator.model.labels import Labels
from rotator.store import labels, replicas, secrets, versions
from rotator.store.secrets import SecretRow
from rotator.store.store import Tx
from rotator.store.versions import VersionRow


@dataclass(frozen=True, slots=True, kw_only=True)
class Promotion:
    """What a replica becomes a secret of its own with.

    Attributes:
        before: the primary's versions as they were read; `after` are theirs, sealed for the replica's place.
    """

    primary: SecretRow
    before: Sequence[VersionRow]
    labels: Labels
    after: Mapping[str, Sealed]


def promote(tx: Tx, call: Call, seen: SecretRow, promotion: Promotion) -> bool:
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
