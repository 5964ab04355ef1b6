"""What a run owns: the rotation, its fencing number, and the versions that may be the ones that log in."""

from collections.abc import Mapping
from dataclasses import dataclass, replace
from datetime import datetime
from enum import StrEnum

from rotator.crypto.envelope import SealContext
from rotator.model.labels import Labels
from rotator.model.rotation import MachineState
from rotator.rotation.owner import Owner
from rotator.sdk import Candidate
from rotator.store.secrets import SecretRow
from rotator.store.versions import VersionRow


class Purpose(StrEnum):
    """What a run is for."""

    ROTATE = "rotate"
    DUE = "due"  # whatever the store says is to be done by now: rotate, go on, or retire
    END_GRACE = "end-grace"  # rotate, and retire the old credential of the last rotation at once
    COMPROMISED = "compromised"  # the same, and give the one that is replaced no grace either
    RESUME = "resume"
    ABORT = "abort"
    RETIRE = "retire"
    RETIRE_DUE = "retire-due"  # only where the grace period is over
    TEST = "test"  # testSecret alone


BY_ITSELF = frozenset({Purpose.DUE, Purpose.RETIRE_DUE})
"""What nobody has asked for: it comes again, where it can't be done."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Claim:
    """A rotation that this process owns as long as its lease lasts.

    Attributes:
        rotator: the one that began the rotation.
        owner: who holds the lease: this run.
        state: where the machine goes on.
        pinned: pinned versions beyond the candidates; nobody tries them, but their credentials may log in.
        deadline: when the rotation must be over, a reading of `rotator.sdk.clock`.
        lease_until: when the lease ends, counted from before it was asked for, on the same clock.
        admin: the admin secret with its current version, where one is pinned.
        reverts: it only takes a value away that an earlier rotation has left behind.
        abandoned: the rotation was abandoned from outside and is only settled now.
        retires: AWSCURRENT has moved, and the old credential is retired now.
        rival: the version at AWSPENDING, where it was stored while the old credential had its grace.
        retire_at: when its grace period ends.
        waits_until: until when the retirement waits for those who still use it, a reading of `rotator.sdk.clock`; None
            where it doesn't wait.
        new_token: the token was made for this claim, so that there is no such version yet.
    """

    secret: SecretRow
    rotation_id: str
    token: str
    rotator: str
    owner: Owner
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
    pinned: tuple[VersionRow, ...] = ()
    reverts: bool = False
    retires: bool = False
    rival: VersionRow | None = None
    retire_at: datetime | None = None
    waits_until: float | None = None

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
