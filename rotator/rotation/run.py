"""One run of a rotation: performs the machine's actions, from a claim to the end."""

from collections.abc import Callable
from dataclasses import replace
from datetime import datetime
from functools import partial

from rotator.errors import (
    FencedOut,
    ResourceNotFound,
    RotationInProgress,
    RotatorError,
    StoreUnavailable,
)
from rotator.model.labels import CURRENT
from rotator.model.rotation import Failure, Goal, MachineState, Phase, Status
from rotator.rotation import machine
from rotator.rotation.actions import Act, Action, Done, Failed, Outcome
from rotator.rotation.chronicle import Chronicle
from rotator.rotation.claim import Claim
from rotator.rotation.laying_down import lay_down
from rotator.rotation.lease import Lease, LeaseKeeper
from rotator.rotation.owner import Owner
from rotator.rotation.patience import when_free
from rotator.rotation.report import Observer, Report
from rotator.rotation.steps import StepParts, Steps
from rotator.sdk import FailureKind, Use

_OVER = frozenset({Act.END, Act.REST})


def run(claim: Claim, *, leases: LeaseKeeper, parts: StepParts, observer: Observer) -> Report:
    """Goes from a claim to the end of its rotation.

    Raises:
        RotationInProgress: another process took the rotation over.
        ResourceNotFound: the secret was deleted meanwhile.
        StoreUnavailable: the store went away; a later run resumes.
    """
    older_sessions = claim.state.taken_over or claim.resumed
    with leases.hold(claim) as lease:
        try:
            steps = Steps(claim, lease, parts, older_sessions=older_sessions)
        except RotatorError as error:
            lay_down(parts.journal, claim, claim.state, error)
            raise
        return _Run(claim, lease, parts, steps, Chronicle(claim, observer)).go()


class _Run:
    def __init__(
        self, claim: Claim, lease: Lease, parts: StepParts, steps: Steps, told: Chronicle
    ) -> None:
        self._parts = parts
        self._journal = parts.journal
        self._lease = lease
        self._told = told
        self._claim = claim
        self._state = steps.first_state()
        self._steps = steps
        self._labels_before = self._labels = claim.labels
        self._retire_at: datetime | None = None
        self._in_use: tuple[Use, ...] = ()
        self._parked = False

    def go(self) -> Report:
        try:
            if self._state.phase is Phase.ENDED and not self._is_ours(self._end_at_once):
                return self._report_of_others()
            while (action := machine.next_action(self._state)).act not in _OVER:
                if not self._is_ours(partial(self._step, action)):
                    return self._report_of_others()
                if self._parked:
                    return self._report(self._state)
            return self._report(self._state)
        except (StoreUnavailable, RotationInProgress, ResourceNotFound):
            raise
        except RotatorError as error:
            lay_down(self._journal, self._claim, self._state, error)
            raise
        finally:
            self._steps.close()

    def _is_ours(self, act: Callable[[], None]) -> bool:
        """Does `act`; False where the rotation is no longer ours."""
        try:
            act()
        except FencedOut:
            return self._after_fencing()
        return True

    def _end_at_once(self) -> None:
        self._end(self._state)

    def _step(self, action: Action) -> None:
        match action.act:
            case Act.WAIT:
                self._wait()
            case Act.OPEN:
                self._open()
            case Act.FINISH:
                self._finish(action)
            case Act.END_WAIT:
                self._end_wait()
            case _:
                self._perform(action)

    def _advanced(self, outcome: Outcome) -> MachineState:
        return machine.advance(
            self._state, outcome, facts=self._steps.facts(), policy=self._journal.policy.retry
        )

    def _perform(self, action: Action) -> None:
        self._lease.show(str(self._state.phase))
        self._told.started(self._state)
        started = self._journal.clock()
        outcome = self._steps.perform(action, self._state)
        self._take(action, outcome, seconds=self._journal.clock() - started)

    def _take(self, action: Action, outcome: Outcome, *, seconds: float) -> None:
        """Goes on from what the rotator made of an action."""
        self._told.performed(self._state, action, outcome, seconds=seconds)
        if isinstance(outcome, Failed):
            self._claim = self._steps.after_failure(action, outcome.failure)
        after = self._advanced(outcome)
        if isinstance(outcome, Done) and outcome.uses:
            self._in_use = outcome.uses
        if after.phase is Phase.ENDED:
            self._end(after)
        elif machine.is_resting(after):
            self._rest(after)
        elif after.strictness != self._state.strictness:
            self._give_up_value(after)
        elif after.status is not self._state.status or after.goal is not self._state.goal:
            self._journal.save(self._claim, after, steps=self._told.take_unwritten())
        self._state = after

    def _open(self) -> None:
        after = self._advanced(Done())
        rotates = self._state.goal is not Goal.TEST  # which brings its value along
        prepares = self._parts.invokes and self._state.phase is Phase.INTENT and rotates
        raised = self._journal.open(
            self._claim, after, sealed=self._steps.take_sealed(), prepares=prepares
        )
        if raised:
            self._claim = replace(self._claim, barrier_raised=True)
        self._steps.opened(self._claim, drain=raised)
        self._state = after

    def _end_wait(self) -> None:
        steps = self._told.take_unwritten()
        self._claim = self._journal.end_wait(self._claim, self._state, steps=steps)
        self._steps.waits_no_more(self._claim)
        self._state = self._advanced(Done())

    def _give_up_value(self, after: MachineState) -> None:
        """Whoever takes the rotation up from here makes a stricter one."""
        steps = self._told.take_unwritten()
        self._journal.give_up_value(self._claim, after, steps=steps)
        self._claim = replace(self._claim, new_token=False)
        self._steps.gave_up_value(self._claim)

    def _finish(self, action: Action) -> None:
        self._told.started(self._state)
        started = self._journal.clock()
        if self._parts.invokes:
            # That testSecret has passed has to be known before the function moves AWSCURRENT.
            self._lease.show(str(self._state.phase))
            self._journal.save(self._claim, self._state, steps=self._told.take_unwritten())
        outcome = self._steps.perform(action, self._state)
        if isinstance(outcome, Failed):
            if self._parts.invokes:
                moved = self._journal.labels(self._claim).version(CURRENT) == self._claim.token
                self._state = replace(self._state, finished=moved)
            self._take(action, outcome, seconds=self._journal.clock() - started)
            return
        after = self._advanced(Done())
        if machine.is_resting(after):
            self._lease.give_back(lambda: self._commit_finish(after))
        else:
            self._commit_finish(after)
        seconds = self._journal.clock() - started
        self._told.finished(self._state, seconds=seconds)
        self._state = after

    def _commit_finish(self, after: MachineState) -> None:
        self._labels, self._retire_at = self._journal.finish(
            self._claim, after, attempt=self._state.attempt, steps=self._told.take_unwritten()
        )

    def _rest(self, state: MachineState) -> None:
        """Leaves the retirement to a later run."""
        steps = self._told.take_unwritten()

        def commit() -> None:
            self._retire_at = self._journal.rest(self._claim, state, steps=steps)

        self._lease.give_back(commit)

    def _end(self, state: MachineState) -> None:
        self._labels = self._journal.end(
            self._claim, state, steps=self._told.take_unwritten(), dead_pin=self._steps.dead_pin
        )

    def _wait(self) -> None:
        self._steps.close()
        steps = self._told.take_unwritten()
        self._lease.give_back(lambda: self._journal.park(self._claim, self._state, steps=steps))
        self._told.waiting(self._state)
        if self._parts.parks:
            self._parked = True
            if self._state.status is Status.RUNNING:
                self._state = replace(self._state, status=Status.WAITING)
            return
        self._parts.sleep(self._state.delay)
        if not self._take_again():
            raise FencedOut("the rotation was taken up by another process while it waited")

    def _take_again(self) -> bool:
        """Claims the rotation once more, after waiting or when it was abandoned; False where it is another's."""
        again = when_free(
            lambda: self._parts.admission.reclaim(self._claim),
            patience=self._journal.policy.lease,
            sleep=self._parts.sleep,
        )
        if again is None:
            return False
        self._claim = self._lease.change(lambda _: again)
        self._state = again.state
        self._steps.close()
        self._steps = Steps(again, self._lease, self._parts, older_sessions=True)
        self._state = self._steps.first_state()
        if self._state.phase is Phase.ENDED:
            self._end(self._state)
        return True

    def _after_fencing(self) -> bool:
        """The store refused a write: settle what was abandoned under us, or leave the rotation to its new owner."""
        self._steps.close()
        row = self._journal.row(self._claim.rotation_id)
        return row is not None and row.status == Status.ABANDONING and self._take_again()

    def _report_of_others(self) -> Report:
        name = self._claim.secret.name
        row = self._journal.row(self._claim.rotation_id)
        if row is None:
            raise ResourceNotFound(
                f"{name} was deleted while it was being rotated. Its target may have got the new "
                "password: set a password there by hand if it is still needed."
            )
        if row.state.status.active:
            owner = Owner.parse(row.owner or "")
            raise RotationInProgress(
                f"The rotation of {name} was taken over by "
                f"{owner.shown if owner else 'another process'}. `rotate status` shows how it goes on."
            )
        self._labels = self._journal.labels(self._claim)
        return self._report(row.state)

    def _report(self, state: MachineState) -> Report:
        done = state.status is Status.SUCCEEDED
        return Report(
            secret_arn=self._claim.secret.arn,
            secret_name=self._claim.secret.name,
            rotation_id=self._claim.rotation_id,
            token=self._claim.token,
            status=state.status,
            attempts=state.attempt,
            overlap=state.overlap,
            failure=state.failure or (None if done else _aborted(state)),
            steps=self._told.steps,
            labels_before=dict(self._labels_before.at),
            labels_after=dict(self._labels.at),
            resumed=self._claim.resumed,
            retire_at=self._retire_at if state.status is Status.GRACE else None,
            in_use=self._in_use,
            only_tested=state.goal is Goal.TEST,
        )


def _aborted(state: MachineState) -> Failure | None:
    if state.goal is not Goal.REVERT:
        return None
    return Failure(
        phase=state.phase,
        kind=FailureKind.REFUSED,
        message="aborted on request; the target is as before",
    )
