"""The engine's run in a few lines: performs the machine's actions on the toys, and fails where it is told to."""

from dataclasses import dataclass, field, replace
from enum import Enum, auto

from rotator.model.rotation import Failure, Goal, InUse, MachineState, Phase, Status
from rotator.rotation import machine
from rotator.rotation.actions import Act, Action, Done, Failed, Outcome, Proved
from rotator.rotation.policy import RetryPolicy
from rotator.rotation.reasons import VOID
from rotator.sdk import Candidate, FailureKind, Overlap, Proof
from tests.unit.rotation.toy_store import Claimed, ToyStore
from tests.unit.rotation.toy_target import Credential, Refusal, ToyRotator, ToyTarget

POLICY = RetryPolicy(attempts=3, reverts=2, base=1.0, jitter=0.0)
ON_TARGET = {Act.PREFLIGHT, Act.SET, Act.TEST, Act.PROBE, Act.REVERT}
BEFORE_EFFECT = {
    FailureKind.REFUSED,
    FailureKind.POLICY,
    FailureKind.BUSY,
    FailureKind.UNREACHABLE,
    FailureKind.MISCONFIGURED,
}
EITHER_WAY = {FailureKind.UNKNOWN, FailureKind.BUG}
# Each attempt: four probes, seven steps, a wait; each revert: four probes, revert, verify, a wait; each attempt to
# retire: seven probes, steps and commits, a wait.
MOST_ACTIONS = POLICY.attempts * (12 + 8) + POLICY.reverts * 7 + 2
COMMITS = {Act.OPEN, Act.FINISH, Act.WAIT, Act.REST, Act.END_WAIT}


class Crash(Enum):
    """Where the process is killed in an action."""

    BEFORE = auto()
    AFTER_EFFECT = auto()


@dataclass(frozen=True)
class Injected:
    """What goes wrong in one action; nothing where all is None."""

    kind: FailureKind | None = None
    with_effect: bool = False
    crash: Crash | None = None
    out_of_time: bool = False


SMOOTH = Injected()


@dataclass
class ToyRun:
    """One process at work on one rotation."""

    store: ToyStore
    rotator: ToyRotator
    claimed: Claimed
    aborting: bool = False
    state: MachineState = field(init=False)
    value: Credential | None = None
    fenced: bool = False
    actions: int = 0
    last_act: Act | None = None
    proved: bool = field(default=False)  # the pending value logged in, and nobody meddled since

    confirmed: bool = False
    must_probe: bool = False  # a change may have begun before this process came

    def __post_init__(self) -> None:
        self._enter(self.claimed)

    def _enter(self, claimed: Claimed) -> None:
        self.claimed, self.state = claimed, claimed.state
        self.must_probe = self.state.touched and self.state.overlap is not Overlap.NONE
        if self.ended:
            self.store.end(self.state)
            self._check_end()

    @property
    def ended(self) -> bool:
        return self.state.phase is Phase.ENDED

    @property
    def over(self) -> bool:
        return self.ended or machine.is_resting(self.state)

    @property
    def target(self) -> ToyTarget:
        return self.rotator.target

    @property
    def values(self) -> dict[Candidate, Credential]:
        return self.claimed.values

    def step(self, injected: Injected = SMOOTH) -> bool:
        """One action. False where this process is gone or has lost the rotation."""
        self.actions += 1
        assert self.actions <= MOST_ACTIONS, f"no end in sight: {self.state}"
        action = machine.next_action(self.state)
        if injected.crash is Crash.BEFORE:
            return False
        if self.fenced and action.act in COMMITS | {Act.SET, Act.REVERT, Act.RETIRE, Act.END_USE}:
            return self._settle()
        self._check_order(action)
        match action.act:
            case Act.WAIT:
                self.store.park(self.state)
                if injected.crash is None:
                    self._adopt(self.store.take(fresh=False))
            case Act.OPEN:
                self.state = self._advanced(Done(), injected)
                self.store.open(self.state, self.value)
                self.value = None
            case Act.END_WAIT:
                self.store.end_wait(self.state)
                self.state = self._advanced(Done(), injected)
            case Act.FINISH:
                self.state = self._advanced(Done(), injected)
                self.store.finish(self.state)
                self._check_end()
            case _:
                outcome = self._outcome(action, injected)
                if injected.crash is None and not self._take_in(outcome, injected):
                    return self._settle()
        self.last_act = action.act
        return injected.crash is None

    def _take_in(self, outcome: Outcome, injected: Injected) -> bool:
        """Advances and commits what has to be; False where the store refuses the write."""
        before, after = self.state, self._advanced(outcome, injected)
        if isinstance(outcome, Failed) and before.phase is Phase.SET:
            unknown = outcome.failure.kind in EITHER_WAY
            self.must_probe = unknown and before.overlap is not Overlap.NONE
        turns = after.goal is not before.goal or after.status is not before.status
        renews = after.strictness != before.strictness
        commits = after.phase is Phase.ENDED or machine.is_resting(after) or turns or renews
        if self.fenced and commits:
            return False
        self.state = after
        if after.phase is Phase.ENDED:
            self.store.end(after)
            self._check_end()
        elif machine.is_resting(after):
            self.store.rest(after)
        elif renews:
            self._give_up_value(after)
        elif turns:
            self.store.save(after)
        return True

    def _give_up_value(self, state: MachineState) -> None:
        refused = self.values.pop(Candidate.PENDING)
        assert not self.target.accepts(refused), "the target has a value that is given up"
        assert refused.password not in self.rotator.sent, (
            "a change was sent with the value that is given up"
        )
        self.store.give_up_value(state)

    def _advanced(self, outcome: Outcome, injected: Injected) -> MachineState:
        facts = replace(self.store.facts(self.values), out_of_time=injected.out_of_time)
        return machine.advance(self.state, outcome, facts=facts, policy=POLICY)

    def _settle(self) -> bool:
        if self.store.row is None:
            return False
        self._adopt(self.store.take(fresh=False))
        return True

    def _adopt(self, claimed: Claimed) -> None:
        assert claimed.token == self.claimed.token, "a resumed rotation keeps its token"
        self.value, self.fenced, self.proved = None, False, False
        self._enter(claimed)

    # Performing

    def _outcome(self, action: Action, injected: Injected) -> Outcome:
        if action.act is Act.CREATE:
            return self._create(injected)
        kind = injected.kind
        if kind in BEFORE_EFFECT or (kind in EITHER_WAY and not injected.with_effect):
            return self._failed(kind)
        if action.act is Act.IN_USE and kind is None:
            return self._uses()
        try:
            proof = self.rotator.perform(action.act, action.candidate, self.values, self.state.live)
        except Refusal as refusal:
            return self._failed(refusal.kind)
        if kind is FailureKind.DEGRADED and action.act is not Act.REVERT:
            kind = FailureKind.BUG
        if kind is not None:
            return self._failed(kind)
        self._note_proof(action, proof)
        if proof is not None:
            return Proved(proof)
        return Done(self.rotator.overlap if action.act is Act.PREFLIGHT else None)

    def _uses(self) -> Outcome:
        try:
            return Done(uses=self.rotator.in_use())
        except Refusal as refusal:
            return self._failed(refusal.kind)

    def _create(self, injected: Injected) -> Outcome:
        assert self.claimed.token not in self.store.versions, "a second value for the same token"
        if injected.kind is not None:
            return self._failed(injected.kind)
        self.value = self.rotator.create(self.values)
        self.values[Candidate.PENDING] = self.value
        return Done()

    def _failed(self, kind: FailureKind) -> Failed:
        return Failed(Failure(phase=self.state.phase, kind=kind, message=f"{kind} in the toy"))

    def _note_proof(self, action: Action, proof: Proof | None) -> None:
        pending = action.candidate is Candidate.PENDING and proof is Proof.ACCEPTED
        self.proved = self.proved or action.act is Act.TEST or pending
        self.confirmed = self.confirmed or (
            pending and self.state.phase in {Phase.CONFIRM, Phase.RETIRE}
        )

    # What must hold

    def _check_order(self, action: Action) -> None:
        row = self.store.row
        assert row is not None or self.fenced
        if action.act is Act.PROBE:
            self.must_probe = False
        assert not self.must_probe or action.act is Act.WAIT, "acted on an unknown outcome"
        match action.act:
            case Act.SET:
                assert row is not None
                assert row.state.touched, "the target is changed before the journal was opened"
                assert row.token in self.store.versions, "a value is set that is not stored"
                assert self.state.overlap is not None
            case Act.REVERT:
                assert row is not None
                assert row.state.goal is Goal.REVERT
            case Act.RETIRE:
                assert row is not None
                assert row.state.status is Status.GRACE
                assert row.state.touched, "the old credential dies before that was journalled"
                assert self.store.labels["CURRENT"] == row.token, "what is retired is AWSCURRENT"
                assert not row.patient, "whoever goes on may rest after this"
            case Act.FINISH:
                assert self.last_act is Act.TEST, "finished without a test"
            case Act.TEST:
                assert self.state.overlap is not None, (
                    "tested before preflight resolved the overlap"
                )
            case Act.PROBE if self.state.phase is Phase.PROBE:
                settling = self.state.goal is Goal.SETTLE
                assert self.state.touched or self.state.dirty or self.state.finished or settling
            case _:
                pass

    def _check_end(self) -> None:
        state = self.state
        if not self.ended:
            return
        assert not state.status.active
        if state.status is Status.SUCCEEDED:
            self._check_success()
        else:
            plain_abort = self.aborting and state.status is Status.FAILED
            assert state.failure is not None or plain_abort, "an end without a reason"
        if state.status is Status.FAILED:
            assert state.goal is not Goal.SETTLE
            assert not state.finished, "AWSCURRENT has moved, so the target is not as before"
        if state.status is Status.ABANDONED:
            assert state.goal is Goal.SETTLE or state.failure == VOID
        if state.status is Status.DEGRADED:
            assert state.failure is not None
            assert self.last_act is not Act.FINISH

    def _check_success(self) -> None:
        ends_sessions = self.state.compromised or self.store.in_use is InUse.TERMINATE
        untold = ends_sessions and self.rotator.using is None
        assert self.state.failure is None or untold
        assert self.state.finished
        if self.state.compromised and untold and self.state.overlap is not Overlap.NONE:
            assert self.state.failure is not None, "sessions may live, and nobody is told"
        token = self.claimed.token
        assert self.store.labels["CURRENT"] == token
        if self.state.retired:
            assert self.state.overlap in {Overlap.DUAL, Overlap.ALTERNATING}
        if self.proved and self.rotator.overlap is not Overlap.NONE:
            assert self.target.accepts(self.store.versions[token])
        confirmed = self.state.taken_over and self.rotator.can_probe
        if confirmed and self.rotator.overlap is not Overlap.NONE:
            assert self.confirmed, "success was not confirmed after a takeover"
