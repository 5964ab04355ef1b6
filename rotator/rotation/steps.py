"""The steps of a run that reach its rotator, and through it the target."""

from collections.abc import Callable
from contextlib import suppress
from dataclasses import dataclass

from rotator.crypto.envelope import Sealed, Sealer
from rotator.errors import RotatorError
from rotator.model.rotation import Failure, Goal, MachineState, Phase
from rotator.rotation.actions import Act, Action, Done, Facts, Failed, Outcome, Proved
from rotator.rotation.admission import Admission
from rotator.rotation.claim import Claim, seal_context
from rotator.rotation.journal import Journal
from rotator.rotation.lease import Lease
from rotator.rotation.values import Values
from rotator.sdk import (
    AdminLoginRefused,
    Candidate,
    FailureKind,
    LoginRefused,
    Preflight,
    Proof,
    Rotation,
    Rotator,
    SecretValue,
    StepError,
    Use,
)
from rotator.sdk.scrub import scrub

_LEASE_MARGIN = 1.0  # seconds between a step's deadline and the end of the lease


@dataclass(frozen=True, slots=True, kw_only=True)
class StepParts:
    """What the steps are made of; effects come in here.

    Attributes:
        rotator: its registered name.
        make_rotator: an instance for one attempt.
        trust: path of the configured CA bundle, None where there is none.
        chance: a random number from 0 to 1.
        sleep: waits for some seconds.
        parks: a rotation that has to wait for its next attempt is left to a later run.
        invokes: the rotator invokes a rotation function, which stores the new value itself.
    """

    journal: Journal
    admission: Admission
    sealer: Sealer
    rotator: str
    make_rotator: Callable[[], Rotator]
    trust: str | None
    chance: Callable[[], float]
    sleep: Callable[[float], None]
    parks: bool = False
    invokes: bool = False


class Steps:
    """Performs the rotator's steps of one claim, with its plaintexts in hand.

    Args:
        older_sessions: an older owner may have left sessions on the target.

    Raises:
        DecryptionFailure, KeyUnavailable: a value that is needed can't be opened.
    """

    def __init__(
        self, claim: Claim, lease: Lease, parts: StepParts, *, older_sessions: bool
    ) -> None:
        self._parts = parts
        self._journal = parts.journal
        self._claim = claim
        self._lease = lease
        self._values = Values(claim, sealer=parts.sealer, trust=parts.trust)
        self._rotator: Rotator | None = None
        self._older_sessions = older_sessions
        self._sealed: Sealed | None = None
        self._opened = False
        self._drain = False
        self._admin_read_again = False
        self._issues_value = False
        self._dead_pin: str | None = None
        self._uses: tuple[Use, ...] = ()

    def first_state(self) -> MachineState:
        """Where the machine goes on, now that the values can be compared."""
        state = self._claim.state
        if state.phase is not Phase.RETIRE:
            return state
        from rotator.rotation import grace  # most rotations have none

        return grace.judged(self._claim, self._values)

    @property
    def dead_pin(self) -> str | None:
        """The pinned version that a probe has shown not to live, None where none was."""
        return self._dead_pin

    def facts(self) -> Facts:
        """What the machine has to know."""
        policy, options = self._journal.policy, self._values.options
        return Facts(
            candidates=self._values.candidates,
            has_admin=self._values.has_admin,
            issues_value=self._issues_value,
            invokes=self._parts.invokes,
            out_of_time=self._journal.clock() >= self._claim.deadline,
            chance=self._parts.chance(),
            grace=policy.chosen_grace(options.grace, rotator=self._parts.rotator),
            default_grace=policy.grace,
            in_use=options.in_use or policy.in_use,
            patience=self._patience(),
        )

    def _patience(self) -> float:
        until = self._claim.waits_until
        return 0.0 if until is None else max(0.0, until - self._journal.clock())

    def take_sealed(self) -> Sealed | None:
        """The new value as it will be stored, once; None where it is stored already. A test's is the current one.

        Raises:
            InvalidRequest: there is no current one to test with.
        """
        taken, self._sealed = self._sealed, None
        if self._claim.state.goal is Goal.TEST and Candidate.PENDING not in self._values.candidates:
            current = self._values.current
            taken = self._sealed_as_pending(current)
            self._values.add_pending(current)
        return taken

    def opened(self, claim: Claim, *, drain: bool) -> None:
        """The journal has just been opened; with `drain` a read barrier was raised for it."""
        self._claim = claim
        self._opened = True
        self._drain = drain

    def waits_no_more(self, claim: Claim) -> None:
        """Clients that use the old credential are not waited for from here on."""
        self._claim = claim

    def gave_up_value(self, claim: Claim) -> None:
        """The pending value is gone from the store: the target refused it."""
        self._claim = claim
        self._values.give_up_pending()

    def perform(self, action: Action, state: MachineState) -> Outcome:
        """Performs an action of the rotator; a failure comes back as an outcome, scrubbed of every value.

        Raises:
            FencedOut: the rotation is no longer ours.
            StoreUnavailable: the store went away.
        """
        try:
            rotator = self._instance()
            self._issues_value = rotator.issues_value
            self._values.agree(rotator, goal=state.goal)
            if action.act is not Act.CREATE or rotator.issues_value:
                self._end_older_sessions(rotator, state)
            return self._call(rotator, action, state)
        except StepError as error:
            if isinstance(error, AdminLoginRefused) and self._read_admin_again():
                return self.perform(action, state)
            return self._failed(state, error.kind, error.message, error.hint)
        except RotatorError:
            raise
        except Exception as error:  # noqa: BLE001  # the plugin's bug; its outcome is unknown
            message = f"the rotator failed with {type(error).__name__}"
            if (
                action.act is not Act.CREATE
            ):  # what it made there is unknown, so nothing would blank it
                message += f": {error}"
            return self._failed(
                state, FailureKind.BUG, message, "report it to the rotator's author"
            )

    def after_failure(self, action: Action, failure: Failure) -> Claim:
        """Closes the rotator. Gives the claim as it is from now on.

        A session that was lost in a change may still be at work on the target, so it is made an older owner's.
        """
        self.close()
        uncertain = failure.kind in {FailureKind.UNKNOWN, FailureKind.BUG}
        changing = {Act.CREATE, Act.SET, Act.REVERT, Act.RETIRE}
        if uncertain and (action.act in changing or self._parts.invokes):
            # The run's own claim: it knows what has been committed since the lease was taken.
            self._claim = self._lease.change(lambda _: self._journal.supersede(self._claim))
            self._older_sessions = True
        return self._claim

    def close(self) -> None:
        """Ends what the rotator holds open."""
        if self._rotator is not None:
            self._rotator.close()
            self._rotator = None

    def _call(self, rotator: Rotator, action: Action, state: MachineState) -> Outcome:
        match action.act:
            case Act.PREFLIGHT:
                return self._judge(rotator.preflight(self._request(rotator, state)), state)
            case Act.CREATE:
                if rotator.issues_value:
                    self._before_change()
                self._keep(rotator.create_secret(self._request(rotator, state)), rotator, state)
            case Act.SET:
                self._before_change()
                rotator.set_secret(self._request(rotator, state))
            case Act.TEST:
                rotator.test_secret(self._request(rotator, state))
            case Act.FINISH:
                rotator.finish_secret(self._request(rotator, state))
            case Act.REVERT:
                self._journal.check(self._claim)
                self._revert(rotator, state)
            case Act.IN_USE | Act.RETIRE | Act.END_USE:
                return self._retire(rotator, action.act, state)
            case _:
                return Proved(self._probe(rotator, action.candidate or Candidate.PENDING, state))
        return Done()

    def _retire(self, rotator: Rotator, act: Act, state: MachineState) -> Outcome:
        if act is Act.IN_USE:
            self._uses = rotator.in_use(self._request(rotator, state))
            return Done(uses=self._uses)
        self._journal.check(self._claim)
        if act is Act.RETIRE:
            rotator.retire_secret(self._request(rotator, state))
        else:
            rotator.end_use(self._request(rotator, state), self._uses)
        return Done()

    def _probe(self, rotator: Rotator, candidate: Candidate, state: MachineState) -> Proof:
        if candidate not in self._values.candidates:
            # It can't be opened, or disagrees with what was pinned: nobody may log in with it.
            return Proof.REFUSED
        proof = rotator.probe(self._request(rotator, state), candidate)
        if candidate is Candidate.PINNED and proof is Proof.REFUSED:
            self._dead_pin = self._claim.candidates[candidate].version_id
        return proof

    def _revert(self, rotator: Rotator, state: MachineState) -> None:
        unknown = Candidate.PENDING not in self._values.candidates
        if unknown and state.live is Candidate.CURRENT and not rotator.issues_value:
            return  # what was pending can't have been set by this rotator, and the current value logs in
        rotator.revert_secret(self._request(rotator, state))

    def _judge(self, found: Preflight, state: MachineState) -> Outcome:
        refusals = found.refusals
        if not refusals:
            return Done(overlap=found.overlap)
        message = "; ".join(finding.message for finding in refusals)
        remedies = "; ".join(finding.remedy for finding in refusals if finding.remedy)
        return self._failed(state, FailureKind.MISCONFIGURED, message, remedies or None)

    def _keep(self, value: SecretValue, rotator: Rotator, state: MachineState) -> None:
        if not self._parts.invokes:
            self._sealed = self._sealed_as_pending(value)
        self._values.add_pending(value)
        self._values.agree(rotator, goal=state.goal)

    def _sealed_as_pending(self, value: SecretValue) -> Sealed:
        secret = self._claim.secret
        context = seal_context(secret, self._claim.token)
        return self._parts.sealer.seal(value, context=context, key=secret.kms_key_id)

    def _before_change(self) -> None:
        """Lets the clients that fetched just before log in, then makes sure that nobody has abandoned the rotation.

        Where the journal was opened a moment ago and nothing was waited for, its commit has just told that.
        """
        wait = self._journal.policy.wait_before_change if self._drain else 0.0
        if wait > 0:
            self._parts.sleep(wait)
        if wait > 0 or not self._opened:
            self._journal.check(self._claim)
        self._drain = self._opened = False

    def _request(self, rotator: Rotator, state: MachineState) -> Rotation:
        limit = self._journal.policy.step_limit
        self._lease.ensure(limit + _LEASE_MARGIN)
        deadline = min(self._journal.clock() + limit, self._lease.until - _LEASE_MARGIN)
        return self._values.request(self._claim, state, rotator=rotator, deadline=deadline)

    def _instance(self) -> Rotator:
        if self._rotator is None:
            self._rotator = self._parts.make_rotator()
        return self._rotator

    def _end_older_sessions(self, rotator: Rotator, state: MachineState) -> None:
        if not self._older_sessions:
            return
        # With no value that logs in nobody can look for sessions. The probes say so next, and an older owner can't
        # change anything either: its deadline has passed.
        with suppress(LoginRefused):
            rotator.end_older_sessions(self._request(rotator, state))
        self._older_sessions = False

    def _read_admin_again(self) -> bool:
        if self._admin_read_again:
            return False
        self._admin_read_again = True
        self.close()
        return self._values.replace_admin(self._parts.admission.read_admin(self._claim))

    def _failed(
        self, state: MachineState, kind: FailureKind, message: str, hint: str | None
    ) -> Failed:
        plaintexts = list(self._values.all())
        return Failed(
            Failure(
                phase=state.phase,
                kind=kind,
                message=scrub(message, plaintexts),
                hint=None if hint is None else scrub(hint, plaintexts),
            )
        )
