"""What a run owns: the rotation, its fencing number, and the versions that may be the ones that log in."""

from collections.abc import Mapping
from dataclasses import dataclass, replace

from rotator.crypto.envelope import SealContext
from rotator.errors import RotatorError
from rotator.model import labels as names
from rotator.model.labels import Labels
from rotator.model.rotation import MachineState, Status
from rotator.sdk import Candidate
from rotator.store import versions
from rotator.store.rotations import RotationRow
from rotator.store.secrets import SecretRow
from rotator.store.tx import Tx
from rotator.store.versions import VersionRow


class AdminSecretBusy(RotatorError):
    """A rotation waits for another: an admin secret is in use, or is being rotated itself."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Claim:
    """A rotation that this process owns as long as its lease lasts.

    Attributes:
        state: where the machine goes on.
        deadline: when the rotation must be over, a reading of `rotator.sdk.clock`.
        lease_until: when the lease ends, counted from before it was asked for, on the same clock.
        admin: the admin secret with its current version, where one is pinned.
        abandoned: the rotation was abandoned from outside and is only settled now.
        new_token: the token was made for this claim, so that there is no such version yet.
    """

    secret: SecretRow
    rotation_id: str
    token: str
    fencing: int
    state: MachineState
    candidates: Mapping[Candidate, VersionRow]
    admin: tuple[SecretRow, VersionRow] | None
    labels: Labels
    deadline: float
    lease_until: float
    barrier_raised: bool
    resumed: bool
    abandoned: bool
    new_token: bool

    @property
    def any_pinned(self) -> bool:
        """Whether a version is pinned that the end of this rotation releases."""
        return any(version.pinned for version in self.candidates.values())

    def with_fencing(self, fencing: int, *, lease_until: float) -> "Claim":
        """The same claim after its fencing number grew."""
        return replace(self, fencing=fencing, lease_until=lease_until)


def seal_context(secret: SecretRow, version_id: str) -> SealContext:
    """What the sealed value of a version is bound to."""
    return SealContext(
        account=secret.account, region=secret.region, secret_arn=secret.arn, version_id=version_id
    )


def candidates_of(
    tx: Tx, secret: SecretRow, labels: Labels, *, row: RotationRow | None, token: str | None
) -> dict[Candidate, VersionRow]:
    """The versions with a value that a probe may be about, by what they were when the rotation began."""
    settling = row is not None and row.status == Status.ABANDONING
    wanted: dict[Candidate, str | None]
    if row is None or settling:
        wanted = {
            Candidate.CURRENT: labels.version(names.CURRENT),
            Candidate.PREVIOUS: labels.version(names.PREVIOUS),
        }
    else:
        wanted = {Candidate.CURRENT: row.current_version, Candidate.PREVIOUS: row.previous_version}
    wanted[Candidate.PINNED if settling else Candidate.PENDING] = token
    ids = {
        candidate: version_id for candidate, version_id in wanted.items() if version_id is not None
    }
    rows = versions.named_or_pinned(tx, secret.id, set(ids.values()))
    found = {c: rows[v] for c, v in ids.items() if v in rows and rows[v].sealed is not None}
    strangers = [row for version_id, row in rows.items() if version_id not in ids.values()]
    if strangers and not settling:
        found[Candidate.PINNED] = strangers[-1]
    return found
