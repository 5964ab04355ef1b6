"""One run of a rotation: performs the machine's actions on the store and on the target."""

from collections.abc import Callable
from contextlib import suppress
from dataclasses import dataclass, replace

from rotator.crypto.envelope import Sealed, Sealer
from rotator.errors import FencedOut, ResourceNotFound, RotationInProgress, RotatorError
from rotator.model.rotation import Failure, Goal, MachineState, Phase, Status
from rotator.rotation import machine
from rotator.rotation.actions import Act, Action, Done, Facts, Failed, Outcome, Proved
from rotator.rotation.admission import Admission, when_free
from rotator.rotation.claim import Claim, seal_context
from rotator.rotation.journal import Journal
from rotator.rotation.lease import Lease, LeaseKeeper
from rotator.rotation.owner import Owner
from rotator.rotation.report import Observer, Progress, ProgressKind, Report, StepRecord
from rotator.rotation.scrub import scrub
from rotator.rotation.values import Values
from rotator.sdk import (
    AdminLoginRefused,
    Candidate,
    FailureKind,
    LoginRefused,
    Preflight,
    Rotation,
    Rotator,
    SecretValue,
    StepError,
)

_ON_TARGET = {Act.PREFLIGHT, Act.SET, Act.TEST, Act.PROBE, Act.REVERT}
_LEASE_MARGIN = 1.0  # seconds between a step's deadline and the end of the lease


@dataclass(frozen=True, slots=True, kw_only=True)
class Parts:
    """What a run is made of; effects come in here.

    Attributes:
        make_rotator: an instance for one attempt.
        chance: a random number from 0 to 1.
        sleep: waits for some seconds.
    """

    journal: Journal
    admission: Admission
    leases: LeaseKeeper
    sealer: Sealer
    make_rotator: Callable[[], Rotator]
    trust: str | None
    chance: Callable[[], float]
    sleep: Callable[[float], None]
    observer: Observer


class Run:
    """Goes from a claim to the end of the rotation."""

    def __init__(self, claim: Claim, parts: Parts) -> None:
        self._parts = parts
        self._journal = parts.journal
        self._claim = claim
        self._state = claim.state
        self._values = Values(claim, sealer=parts.sealer, trust=parts.trust)
        self._lease: Lease
        self._rotator: Rotator | None = None
        self._older_sessions = claim.state.taken_over
        self._steps: list[StepRecord] = []
        self._unwritten: list[StepRecord] = []
        self._sealed: Sealed | None = None
        self._drain = False
        self._just_opened = False
        self._admin_read_again = False
        self._labels = claim.labels

    def go(self) -> Report:
        """Runs to the end.

        Raises:
            RotationInProgress: another process took the rotation over.
            StoreUnavailable: the store went away; a later run resumes.
        """
        try:
            with self._parts.leases.hold(self._claim) as self._lease:
                if self._state.phase is Phase.ENDED:
                    self._labels = self._journal.end(self._claim, self._state, steps=())
                while machine.next_action(self._state).act is not Act.END:
                    if not self._step():
                        return self._report_of_others()
                return self._report(self._state)
        finally:
            self._close()

    def _step(self) -> bool:
        """One action; False where the rotation is no longer ours."""
        try:
            self._one(machine.next_action(self._state))
            return True
        except FencedOut:
            return self._after_fencing()

    def _one(self, action: Action) -> None:
        match action.act:
            case Act.WAIT:
                self._wait()
            case Act.OPEN:
                self._open()
            case Act.FINISH:
                self._finish()
            case _:
                self._advance(self._timed(action))

    def _advance(self, outcome: Outcome) -> None:
        before = self._state
        after = machine.advance(
            before, outcome, facts=self._facts(), policy=self._journal.policy.retry
        )
        if after.phase is Phase.ENDED:
            self._labels = self._journal.end(self._claim, after, steps=self._take_unwritten())
        elif after.goal is not before.goal:
            self._journal.save(self._claim, after, steps=self._take_unwritten())
        self._state = after

    def _facts(self) -> Facts:
        return Facts(
            candidates=self._values.candidates,
            has_admin=self._values.has_admin,
            out_of_time=self._journal.clock() >= self._claim.deadline,
            chance=self._parts.chance(),
        )

    # The store's actions

    def _open(self) -> None:
        after = machine.advance(
            self._state, Done(), facts=self._facts(), policy=self._journal.policy.retry
        )
        self._drain = self._journal.open(self._claim, after, sealed=self._sealed)
        if self._drain:
            self._claim = replace(self._claim, barrier_raised=True)
        self._sealed = None
        self._just_opened = True
        self._state = after

    def _finish(self) -> None:
        started = self._journal.clock()
        self._show(ProgressKind.STARTED)
        after = machine.advance(
            self._state, Done(), facts=self._facts(), policy=self._journal.policy.retry
        )
        steps = [*self._take_unwritten(), self._step_record("ok", 0.0)]
        self._labels = self._journal.finish(self._claim, after, steps=steps)
        seconds = self._journal.clock() - started
        self._steps.append(self._step_record("ok", seconds))
        self._show(ProgressKind.DONE, seconds=seconds)
        self._state = after

    def _wait(self) -> None:
        self._close()
        delay = self._state.delay
        failure = self._state.failure
        self._journal.park(self._claim, self._state, steps=self._take_unwritten())
        self._show(
            ProgressKind.WAITING, seconds=delay, message=failure.message if failure else None
        )
        self._parts.sleep(delay)
        if not self._adopt_again():
            raise FencedOut("the rotation was taken up by another process while it waited")

    def _adopt_again(self) -> bool:
        again = when_free(
            lambda: self._parts.admission.reclaim(self._claim),
            patience=self._journal.policy.lease,
            sleep=self._parts.sleep,
        )
        if again is not None:
            self._adopt(again)
        return again is not None

    def _adopt(self, claim: Claim) -> None:
        self._claim = self._lease.change(lambda _: claim)
        self._state = claim.state
        self._values = Values(claim, sealer=self._parts.sealer, trust=self._parts.trust)
        self._older_sessions = True
        self._sealed = None

    # The target's actions

    def _timed(self, action: Action) -> Outcome:
        """Performs an action of the rotator, and records how it went."""
        shown = self._state.phase
        self._lease.show(str(shown))
        started = self._journal.clock()
        self._show(ProgressKind.STARTED)
        outcome = self._perform(action)
        seconds = self._journal.clock() - started
        self._note(self._describe(action, outcome, seconds))
        if isinstance(outcome, Failed):
            self._after_failure(action, outcome.failure)
            self._show(
                ProgressKind.FAILED,
                seconds=seconds,
                message=outcome.failure.message,
                hint=outcome.failure.hint,
            )
        else:
            message = (
                f"{action.candidate}: {outcome.proof}" if isinstance(outcome, Proved) else None
            )
            self._show(ProgressKind.DONE, seconds=seconds, message=message)
        return outcome

    def _perform(self, action: Action) -> Outcome:
        try:
            rotator = self._instance()
            self._values.agree(rotator)
            if action.act in _ON_TARGET:
                self._end_older_sessions(rotator)
            return self._call(rotator, action)
        except StepError as error:
            if isinstance(error, AdminLoginRefused) and self._read_admin_again():
                return self._perform(action)
            return Failed(self._failure(error.kind, error.message, error.hint))
        except RotatorError:
            raise
        except Exception as error:  # noqa: BLE001  # the plugin's bug; its outcome is unknown
            message = f"the rotator failed with {type(error).__name__}: {error}"
            return Failed(
                self._failure(FailureKind.BUG, message, "report it to the rotator's author")
            )

    def _call(self, rotator: Rotator, action: Action) -> Outcome:
        match action.act:
            case Act.PREFLIGHT:
                return self._preflight(rotator.preflight(self._request()))
            case Act.CREATE:
                return self._create(rotator.create_secret(self._request()))
            case Act.SET:
                self._before_change()
                rotator.set_secret(self._request())
            case Act.TEST:
                rotator.test_secret(self._request())
            case Act.REVERT:
                self._journal.check(self._claim)
                rotator.revert(self._request())
            case _:
                candidate = action.candidate or Candidate.PENDING
                return Proved(rotator.probe(self._request(), candidate))
        return Done()

    def _preflight(self, found: Preflight) -> Outcome:
        refusals = found.refusals
        if not refusals:
            return Done(overlap=found.overlap)
        remedies = [finding.remedy for finding in refusals if finding.remedy]
        message = "; ".join(finding.message for finding in refusals)
        return Failed(
            self._failure(FailureKind.MISCONFIGURED, message, "; ".join(remedies) or None)
        )

    def _create(self, value: SecretValue) -> Outcome:
        self._sealed = self._parts.sealer.seal(
            value, context=seal_context(self._claim.secret, self._claim.token)
        )
        self._values.add_pending(value)
        self._values.agree(self._instance())
        return Done()

    def _before_change(self) -> None:
        """Lets the clients that fetched just before log in, then makes sure that nobody has abandoned the rotation."""
        waits = self._drain and self._journal.policy.drain > 0
        if waits:
            self._parts.sleep(self._journal.policy.drain)
        if waits or not self._just_opened:
            self._journal.check(self._claim)
        self._drain = self._just_opened = False

    def _request(self) -> Rotation:
        limit = self._journal.policy.step_limit
        self._lease.ensure(limit + _LEASE_MARGIN)
        deadline = min(self._journal.clock() + limit, self._lease.until - _LEASE_MARGIN)
        return self._values.request(self._claim, self._state, deadline=deadline)

    def _instance(self) -> Rotator:
        if self._rotator is None:
            self._rotator = self._parts.make_rotator()
        return self._rotator

    def _end_older_sessions(self, rotator: Rotator) -> None:
        if not self._older_sessions:
            return
        # With no value that logs in nobody can look for sessions. The probes say so next, and an older owner can't
        # change anything either: its deadline has passed.
        with suppress(LoginRefused):
            rotator.end_older_sessions(self._request())
        self._older_sessions = False

    def _read_admin_again(self) -> bool:
        if self._admin_read_again:
            return False
        self._admin_read_again = True
        self._close()
        return self._values.replace_admin(self._parts.admission.read_admin(self._claim))

    def _after_failure(self, action: Action, failure: Failure) -> None:
        """A session that was lost may still be at work on the target: it counts as an older owner's from now on."""
        self._close()
        uncertain = failure.kind in {FailureKind.UNKNOWN, FailureKind.BUG}
        if uncertain and action.act in {Act.SET, Act.REVERT}:
            self._claim = self._lease.change(self._journal.supersede)
            self._older_sessions = True

    def _close(self) -> None:
        if self._rotator is not None:
            self._rotator.close()
            self._rotator = None

    # What others did meanwhile

    def _after_fencing(self) -> bool:
        """The store refused a write: settle what was abandoned under us, or leave the rotation to its new owner."""
        self._close()
        row = self._journal.row(self._claim.rotation_id)
        if row is not None and row.status == Status.ABANDONING:
            return self._adopt_again()
        return False

    def _report_of_others(self) -> Report:
        row = self._journal.row(self._claim.rotation_id)
        if row is None:
            raise ResourceNotFound(
                f"{self._claim.secret.name} was deleted while it was being rotated. Its target may have got the new "
                "password: set a password there by hand if it is still needed."
            )
        if row.state.status.active:
            owner = Owner.parse(row.owner or "")
            raise RotationInProgress(
                f"The rotation of {self._claim.secret.name} was taken over by "
                f"{owner.shown if owner else 'another process'}. `rotate status` shows how it goes on."
            )
        self._labels = self._journal.labels(self._claim)
        return self._report(row.state)

    # Records

    def _failure(self, kind: FailureKind, message: str, hint: str | None) -> Failure:
        plaintexts = list(self._values.all())
        return Failure(
            phase=self._state.phase,
            kind=kind,
            message=scrub(message, plaintexts),
            hint=None if hint is None else scrub(hint, plaintexts),
        )

    def _describe(self, action: Action, outcome: Outcome, seconds: float) -> StepRecord:
        match outcome:
            case Failed(failure):
                return self._step_record(str(failure.kind), seconds, failure.message)
            case Proved(proof):
                return self._step_record(str(proof), seconds, f"{action.candidate} {proof}")
            case _:
                return self._step_record("ok", seconds)

    def _step_record(self, outcome: str, seconds: float, detail: str | None = None) -> StepRecord:
        state = self._state
        return StepRecord(
            phase=state.phase,
            attempt=state.attempt,
            outcome=outcome,
            seconds=seconds,
            detail=detail,
        )

    def _note(self, record: StepRecord) -> None:
        self._steps.append(record)
        self._unwritten.append(record)

    def _take_unwritten(self) -> list[StepRecord]:
        taken, self._unwritten = self._unwritten, []
        return taken

    def _show(
        self,
        kind: ProgressKind,
        *,
        seconds: float | None = None,
        message: str | None = None,
        hint: str | None = None,
    ) -> None:
        self._parts.observer(
            Progress(
                secret_name=self._claim.secret.name,
                rotation_id=self._claim.rotation_id,
                phase=self._state.phase,
                attempt=self._state.attempt,
                kind=kind,
                seconds=seconds,
                message=message,
                hint=hint,
            )
        )

    def _report(self, state: MachineState) -> Report:
        succeeded = state.status is Status.SUCCEEDED
        return Report(
            secret_arn=self._claim.secret.arn,
            secret_name=self._claim.secret.name,
            rotation_id=self._claim.rotation_id,
            token=self._claim.token,
            status=state.status,
            attempts=state.attempt,
            overlap=state.overlap,
            failure=None if succeeded else state.failure or _aborted(state),
            steps=tuple(self._steps),
            labels_before=dict(self._claim.labels.at),
            labels_after=dict(self._labels.at),
            resumed=self._claim.resumed,
        )


def _aborted(state: MachineState) -> Failure | None:
    if state.goal is not Goal.REVERT:
        return None
    return Failure(
        phase=state.phase,
        kind=FailureKind.REFUSED,
        message="aborted on request; the target is as before",
    )
