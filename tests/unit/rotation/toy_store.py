"""A store of a few lines, with the engine's own commits: at OPEN, at a wait, at a turn, at FINISH and at the end."""

from dataclasses import dataclass, field, replace

from rotator.model.rotation import Failure, InUse, MachineState, Phase, RetireStep, Status
from rotator.rotation import machine
from rotator.rotation.actions import Facts
from rotator.rotation.moves import end
from rotator.rotation.reasons import VOID
from rotator.sdk import Candidate, FailureKind, Overlap
from tests.unit.rotation.toy_target import Credential

_ABANDONED = Failure(phase=Phase.SET, kind=FailureKind.REFUSED, message="abandoned: cancelled")
DOUBTFUL = {Status.DIVERGED, Status.UNVERIFIED, Status.DEGRADED, Status.UNRETIRED}


@dataclass(frozen=True)
class Row:
    """The active rotation as it is stored."""

    token: str
    state: MachineState
    current: str
    previous: str | None
    owned: bool
    patient: bool = True  # with clients that use the old credential


@dataclass(frozen=True)
class Claimed:
    """What a run goes on with."""

    token: str
    state: MachineState
    values: dict[Candidate, Credential]


@dataclass
class ToyStore:
    """Versions, labels and the rotation of one secret."""

    has_admin: bool
    versions: dict[str, Credential]
    labels: dict[str, str]
    pinned: set[str] = field(default_factory=set)
    row: Row | None = None
    last: tuple[str, Status, Overlap | None] | None = None
    tokens: int = 0
    grace: float | None = None
    in_use: InUse = InUse.WARN
    waits: bool = False  # for clients, where they are waited for
    compromised: bool = False
    retired: set[str] = field(default_factory=set)
    staged: set[str] = field(default_factory=set)

    @property
    def kept(self) -> set[str]:
        """The versions that nothing may prune."""
        row = self.row
        used = {row.token, row.current, row.previous} if row is not None else set()
        return {v for v in {*self.labels.values(), *self.pinned, *used} if v in self.versions}

    # Claims

    def facts(self, values: dict[Candidate, Credential]) -> Facts:
        return Facts(
            candidates=frozenset(values),
            has_admin=self.has_admin,
            grace=self.grace,
            in_use=self.in_use,
            patience=10.0 if self.waits and self.row is not None and self.row.patient else 0.0,
        )

    def start(self, *, abort: bool = False) -> Claimed:
        assert self.row is None
        pending = self.labels.get("PENDING")
        if pending is None:
            self.tokens += 1
        token = pending or f"token-{self.tokens}"
        previous = self.labels.get("PREVIOUS")
        previous = None if previous in self.retired else previous
        row = Row(token, MachineState(), self.labels["CURRENT"], previous, True)
        values = self.values(row)
        created = Candidate.PENDING in values
        doubtful = self.last is not None and self.last[1] in DOUBTFUL
        state = machine.begin(
            created=created,
            uncertain=created or doubtful or Candidate.PINNED in values,
            facts=self.facts(values),
            overlap=self.last[2] if self.last is not None and self.last[0] == token else None,
        )
        if abort:
            state = machine.aborted(state, facts=self.facts(values), taken_over=False)
        return self._claimed(row, replace(state, compromised=self.compromised), values)

    def take(self, *, fresh: bool, abort: bool = False) -> Claimed:
        """The active rotation, taken up by a run that has just begun (`fresh`), or by the one that waited."""
        row = self.row
        assert row is not None
        values = self.values(row)
        facts = self.facts(values)
        taken_over = fresh and row.owned
        if row.state.status is Status.ABANDONING:
            state = machine.settling(row.state, facts=facts)
            state = replace(state, attempt=1) if fresh else state
        elif row.state.status is Status.GRACE and self.labels["CURRENT"] != row.token:
            state = end(replace(row.state, failure=VOID), Status.ABANDONED)
        elif abort:
            state = machine.aborted(row.state, facts=facts, taken_over=taken_over)
        else:
            state = machine.resumed(row.state, facts=facts, taken_over=taken_over)
            state = replace(state, attempt=1, reverts=0) if fresh else state
        return self._claimed(row, state, values)

    def _claimed(
        self, row: Row, state: MachineState, values: dict[Candidate, Credential]
    ) -> Claimed:
        active = state if state.status.active else row.state
        self.row = replace(row, state=_stored(active), owned=True)
        return Claimed(row.token, state, values)

    def values(self, row: Row) -> dict[Candidate, Credential]:
        settling = row.state.status is Status.ABANDONING
        wanted = {
            Candidate.CURRENT: self.labels["CURRENT"] if settling else row.current,
            Candidate.PREVIOUS: self.labels.get("PREVIOUS") if settling else row.previous,
            Candidate.PINNED if settling else Candidate.PENDING: row.token,
        }
        found = {c: self.versions[v] for c, v in wanted.items() if v in self.versions and v}
        strangers = sorted(self.pinned - set(wanted.values()))
        if strangers and not settling:
            found[Candidate.PINNED] = self.versions[strangers[-1]]
        return found

    # What a run commits

    def save(self, state: MachineState) -> None:
        assert self.row is not None
        self.row = replace(self.row, state=_stored(state))

    def open(self, state: MachineState, value: Credential | None) -> None:
        self.save(state)
        assert self.row is not None
        if value is not None:
            assert self.row.token not in self.versions, "a second value for the same token"
            self.versions[self.row.token] = value
            self.labels["PENDING"] = self.row.token

    def give_up_value(self, state: MachineState) -> None:
        assert self.row is not None
        assert self.row.token not in self.staged, "a value of somebody else is given up"
        self.save(state)
        del self.versions[self.row.token]

    def park(self, state: MachineState) -> None:
        running = state.status is Status.RUNNING
        self.save(replace(state, status=Status.WAITING) if running else state)
        assert self.row is not None
        self.row = replace(self.row, owned=False)

    def rest(self, state: MachineState) -> None:
        self.save(state)
        assert self.row is not None
        self.row = replace(self.row, owned=False)

    def end_wait(self, state: MachineState) -> None:
        self.save(state)
        assert self.row is not None
        self.row = replace(self.row, patient=False)

    def finish(self, state: MachineState) -> None:
        assert self.row is not None
        token = self.row.token
        if self.labels["CURRENT"] != token:
            self.labels |= {"PREVIOUS": self.labels["CURRENT"], "CURRENT": token}
        if self.labels.get("PENDING") == token:
            del self.labels["PENDING"]
        self.save(state)
        if not state.status.active:
            self._over(state)

    def end(self, state: MachineState) -> None:
        assert self.row is not None
        if state.status is Status.FAILED and self.labels.get("PENDING") == self.row.token:
            del self.labels["PENDING"]
        self._over(state)

    def _over(self, state: MachineState) -> None:
        assert self.row is not None
        if state.status in {Status.SUCCEEDED, Status.FAILED, Status.ABANDONED}:
            self.pinned.clear()
        if state.retired:
            self.retired.add(self.row.current)
        self.last = (self.row.token, state.status, state.overlap)
        self.row = None

    # What others do to it

    def cancel(self) -> None:
        """Abandons the active rotation from outside, as CancelRotateSecret does."""
        row = self.row
        if row is None or (row.state.status is Status.GRACE and not row.state.touched):
            return
        if row.state.touched or row.state.dirty:
            if row.token in self.versions:
                self.pinned.add(row.token)
            state = replace(row.state, status=Status.ABANDONING, failure=_ABANDONED)
            self.row = replace(row, state=state)
        else:
            self.last = (row.token, Status.ABANDONED, row.state.overlap)
            self.row = None

    def put(self, value: Credential) -> None:
        """Stores a new AWSCURRENT from outside."""
        self.cancel()
        self.tokens += 1
        token = f"token-{self.tokens}"
        self.versions[token] = value
        self.labels |= {"PREVIOUS": self.labels["CURRENT"], "CURRENT": token}
        self.labels.pop("PENDING", None)

    def roll_back(self) -> None:
        """Makes the version before AWSCURRENT again, in the grace period."""
        assert self.row is not None
        self.labels |= {"CURRENT": self.row.current, "PREVIOUS": self.row.token}

    def stage(self, value: Credential) -> None:
        """Stores an AWSPENDING from outside, with no rotation under way."""
        self.tokens += 1
        self.labels["PENDING"] = f"token-{self.tokens}"
        self.versions[self.labels["PENDING"]] = value
        self.staged.add(self.labels["PENDING"])


def _stored(state: MachineState) -> MachineState:
    """What the row's columns keep of a state."""
    return replace(state, delay=0.0, probes=(), retire=RetireStep.REST)
