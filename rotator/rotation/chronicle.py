"""What a run tells: to its observer at once, to the store with the next commit, to its caller at the end."""

from rotator.model.rotation import Failure, MachineState, Phase
from rotator.rotation.actions import Act, Action, Done, Failed, Outcome, Proved
from rotator.rotation.claim import Claim
from rotator.rotation.reasons import SESSIONS_ENDED, users
from rotator.rotation.report import Observer, Progress, ProgressKind, StepRecord
from rotator.rotation.retiring import skips
from rotator.sdk import Candidate, FailureKind, Proof
from rotator.store.rotation_events import IN_USE

_DETAILS = {
    Act.IN_USE: "nobody is known to use the old credential",
    Act.RETIRE: "the target was told to refuse the old credential",
    Act.END_USE: SESSIONS_ENDED,
}


class Chronicle:
    """The steps of one run, in order."""

    def __init__(self, claim: Claim, observer: Observer) -> None:
        self._secret_name = claim.secret.name
        self._rotation_id = claim.rotation_id
        self._observer = observer
        self._steps: list[StepRecord] = []
        self._unwritten: list[StepRecord] = []

    @property
    def steps(self) -> tuple[StepRecord, ...]:
        """All that this run did."""
        return tuple(self._steps)

    def take_unwritten(self) -> list[StepRecord]:
        """What no commit has written yet; the caller's writes it."""
        taken, self._unwritten = self._unwritten, []
        return taken

    def started(self, state: MachineState) -> None:
        """A step begins."""
        self._show(state, ProgressKind.STARTED)

    def waiting(self, state: MachineState) -> None:
        """The run waits for its next attempt."""
        message = state.failure.message if state.failure else None
        self._show(state, ProgressKind.WAITING, seconds=state.delay, message=message)

    def finished(self, state: MachineState, *, seconds: float) -> None:
        """The step of the store's own, finishSecret, is done; its commit has recorded it."""
        self._note(state, "ok", seconds, detail=None, written=True)
        self._show(state, ProgressKind.DONE, seconds=seconds)

    def performed(
        self, state: MachineState, action: Action, outcome: Outcome, *, seconds: float
    ) -> None:
        """A step of the rotator is over."""
        match outcome:
            case Failed(failure):
                self._note(state, str(failure.kind), seconds, detail=failure.message)
                self._show(
                    state,
                    ProgressKind.SKIPPED if _is_skipped(state, failure) else ProgressKind.FAILED,
                    seconds=seconds,
                    message=failure.message,
                    hint=failure.hint,
                )
            case Proved(proof):
                message = _told(state, action, proof)
                retires = state.phase is Phase.RETIRE
                shown = message if retires else f"{action.candidate} {proof}"
                self._note(state, str(proof), seconds, detail=shown)
                self._show(state, ProgressKind.DONE, seconds=seconds, message=message)
            case Done(uses=uses) if uses:
                message = f"still in use by {users(uses)}"
                self._note(state, IN_USE, seconds, detail=message)
                self._show(state, ProgressKind.DONE, seconds=seconds, message=message)
            case _:
                detail = _DETAILS.get(action.act)
                self._note(state, "ok", seconds, detail=detail)
                self._show(state, ProgressKind.DONE, seconds=seconds, message=detail)

    def _note(
        self,
        state: MachineState,
        outcome: str,
        seconds: float,
        *,
        detail: str | None,
        written: bool = False,
    ) -> None:
        record = StepRecord(
            phase=state.phase,
            attempt=state.attempt,
            outcome=outcome,
            seconds=seconds,
            detail=detail,
        )
        self._steps.append(record)
        if not written:
            self._unwritten.append(record)

    def _show(
        self,
        state: MachineState,
        kind: ProgressKind,
        *,
        seconds: float | None = None,
        message: str | None = None,
        hint: str | None = None,
    ) -> None:
        self._observer(
            Progress(
                secret_name=self._secret_name,
                rotation_id=self._rotation_id,
                phase=state.phase,
                attempt=state.attempt,
                kind=kind,
                seconds=seconds,
                message=message,
                hint=hint,
            )
        )


def _is_skipped(state: MachineState, failure: Failure) -> bool:
    """Whether the rotation goes on without what has failed like this."""
    unasked = state.phase is Phase.PROBE and failure.kind is FailureKind.UNSUPPORTED
    return unasked or skips(state, failure)


def _told(state: MachineState, action: Action, proof: Proof) -> str:
    """What a probe showed; while the old credential is retired it is the one that was current."""
    if state.phase is not Phase.RETIRE:
        return f"{action.candidate}: {proof}"
    which = "old" if action.candidate is Candidate.CURRENT else "new"
    return f"the {which} credential is {proof}"
