"""What the simulated store keeps of a secret."""

from dataclasses import dataclass, field

from rotator.model.labels import Labels
from rotator.model.rotation import MachineState, RetireStep, Status
from rotator.schedule import Timetable, Window
from rotator.sdk import Candidate
from tests.simulation.rotator import SimRotator
from tests.simulation.target import Credential


@dataclass(kw_only=True)
class Rotation:
    """A rotation's row; the attributes are those of `rotator.store.tables.rotations`."""

    id: int
    token: str
    state: MachineState
    current: str
    previous: str | None
    fencing: int
    owner: str | None
    lease_until: float
    deadline: float
    next_attempt: float | None = None
    barrier: bool = False


@dataclass(frozen=True, kw_only=True)
class Plan:
    """When a secret rotates next."""

    window: Window
    moment: float
    closes: float


@dataclass(kw_only=True)
class Secret:
    """A secret with all that belongs to it.

    Attributes:
        grace: seconds that were chosen for it.
        tested: ids of the rotations whose new value passed testSecret, and nobody meddled since.
        windows: what became of each planned window, in order.
        ends: how each rotation ended, in order.
        meddled: somebody has changed the password by hand.
        busy_until: when its last rotation ended, or its target was there again.
    """

    arn: str
    rotator: SimRotator
    timetable: Timetable
    versions: dict[str, Credential]
    labels: Labels
    grace: float | None
    rotated_at: float = 0.0
    plan: Plan | None = None
    row: Rotation | None = None
    last: Rotation | None = None
    rotations: int = 0
    pinned: set[str] = field(default_factory=set)
    given_up: set[str] = field(default_factory=set)
    unretired: set[str] = field(default_factory=set)
    barrier_until: float = 0.0
    tested: set[int] = field(default_factory=set)
    windows: list[tuple[Plan, str]] = field(default_factory=list)
    ends: list[Status] = field(default_factory=list)
    meddled: bool = False
    busy_until: float = 0.0

    @property
    def needed(self) -> set[str]:
        """The versions that a label or the running rotation is on."""
        used = set(self.labels.at.values())
        if self.row is not None:
            used |= {self.row.token, self.row.current, self.row.previous or self.row.current}
        return used


@dataclass(frozen=True, kw_only=True)
class Claim:
    """What a run goes on with; the attributes are those of `rotator.rotation.claim.Claim`."""

    rotation: int
    token: str
    owner: str
    fencing: int
    state: MachineState
    values: dict[Candidate, Credential]
    ids: dict[Candidate, str]
    deadline: float
    lease_until: float
    older_sessions: bool
    waits_until: float | None
    barrier: bool


def stored(state: MachineState) -> MachineState:
    """What the row's columns keep of a state."""
    return MachineState(
        phase=state.phase,
        goal=state.goal,
        status=state.status,
        attempt=state.attempt,
        reverts=state.reverts,
        overlap=state.overlap,
        created=state.created,
        touched=state.touched,
        dirty=state.dirty,
        finished=state.finished,
        retired=state.retired,
        compromised=state.compromised,
        strictness=state.strictness,
        taken_over=state.taken_over,
        live=state.live,
        failure=state.failure,
        retire=RetireStep.REST,
    )
