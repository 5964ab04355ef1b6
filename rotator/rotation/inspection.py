"""Looks at a secret and its target without changing either: `rotate plan` and `rotate verify`."""

from collections.abc import Callable
from dataclasses import dataclass, replace

from rotator.crypto.envelope import Sealer
from rotator.manager.call import Call
from rotator.manager.settings import rotation_options
from rotator.model import labels as names
from rotator.model.caller import Caller
from rotator.model.lengths import shown_length
from rotator.model.rotation import Goal, InUse, MachineState, Status
from rotator.rotation.claim import Claim
from rotator.rotation.owner import Owner
from rotator.rotation.policy import EnginePolicy
from rotator.rotation.situation import admin_value, candidates_of, check_rotatable, pinned_beside
from rotator.rotation.values import Values
from rotator.rotation.verdicts import UNSUPPORTED, LabelProof, Plan, Verification
from rotator.sdk import (
    Candidate,
    Finding,
    Level,
    LoginRefused,
    NotSupported,
    Overlap,
    Preflight,
    Proof,
    Rotator,
    StepError,
    clock,
)
from rotator.sdk.scrub import scrub
from rotator.store import labels, rotations
from rotator.store.store import Store

_OLD_LEFT = {Status.GRACE, Status.UNRETIRED}  # there is an old credential that should be retired
_LABELS = {
    Candidate.CURRENT: names.CURRENT,
    Candidate.PENDING: names.PENDING,
    Candidate.PREVIOUS: names.PREVIOUS,
    Candidate.PINNED: "pinned",
}
_FINISH = (
    "finishSecret: move AWSCURRENT to it, AWSPREVIOUS to the version before, in one transaction."
)


@dataclass(frozen=True, slots=True)
class Inspector:
    """Reads a secret once and asks its rotator."""

    store: Store
    sealer: Sealer
    policy: EnginePolicy
    trust: str | None
    new_id: Callable[[], str]

    def look(self, secret_id: str, *, caller: Caller, request_id: str, purpose: str) -> Claim:
        """What a run would work on, without a lease. That the values were read is in the audit.

        Args:
            purpose: what they are read for, as the audit record says it.

        Raises:
            AccessDenied: the caller may not, there.
            ResourceNotFound: no such secret.
            InvalidRequest: it can't be rotated as it is.
        """
        call = Call(
            event="GetSecretValue", caller=caller, request_id=request_id, secret_id=secret_id
        )
        with call.watched(self.store), self.store.read() as tx:
            secret = call.find(tx)
            row = rotations.active(tx, secret.id)
            at = labels.load(tx, secret.id)
            if row is not None and row.only_tests:
                at, row = at.without_pending(row.token), None  # its version goes before a rotation
            last = rotations.before_tests(
                tx, rotations.latest(tx, secret.id) if row is None else row
            )
            resting = last if last is not None and last.status in _OLD_LEFT else None
            if resting is not None:
                row = None  # its labels are over and done with
            rotator = check_rotatable(secret, row)
            pending = at.version(names.PENDING)
            token = row.token if row is not None else pending
            candidates = candidates_of(tx, secret, at, row=row, token=token)
            admin = admin_value(tx, secret)
            call.record(tx, secret.arn, detail={"for": purpose})
            if admin is not None:
                call.record(tx, admin[0].arn, detail={"for": purpose, "of": secret.arn})
            return Claim(
                secret=secret,
                rotation_id=self.new_id(),
                rotator=rotator if row is None else row.rotator,
                owner=Owner.me(),
                token=token or "",
                fencing=0,
                state=MachineState() if row is None else row.state,
                candidates=candidates,
                pinned=pinned_beside(tx, secret, candidates),
                admin=admin,
                labels=at,
                deadline=clock() + self.policy.deadline,
                lease_until=clock() + self.policy.lease,
                barrier_raised=False,
                resumed=row is not None
                or (token is not None and token != at.version(names.CURRENT)),
                abandoned=False,
                new_token=False,
                retires=resting is not None,
                retire_at=resting.next_attempt_at if resting is not None else None,
            )

    def plan(self, claim: Claim, rotator: Rotator, *, invokes: bool = False) -> Plan:
        """What `rotate now` would do.

        Args:
            invokes: the steps are those of a rotation function.
        """
        values = Values(claim, sealer=self.sealer, trust=self.trust)
        try:
            values.agree(rotator, goal=Goal.ROTATE)
            preflight = self._preflight(claim, rotator, values)
        except StepError as error:
            refusal = Finding(
                level=Level.REFUSAL,
                message=scrub(error.message, values.all()),
                remedy=None if error.hint is None else scrub(error.hint, values.all()),
            )
            return self._plan(claim, rotator, None, invokes=invokes, findings=(refusal,))
        return self._plan(claim, rotator, preflight, invokes=invokes, findings=preflight.findings)

    def _preflight(self, claim: Claim, rotator: Rotator, values: Values) -> Preflight:
        """Preflight by the current value; by the pending one where an unfinished rotation may have set it already."""
        state = MachineState()
        deadline = clock() + self.policy.step_limit
        try:
            request = values.request(claim, state, rotator=rotator, deadline=deadline)
            return rotator.preflight(request)
        except LoginRefused:
            if Candidate.PENDING not in values.candidates:
                raise
            state = replace(state, live=Candidate.PENDING)
            request = values.request(claim, state, rotator=rotator, deadline=deadline)
            return rotator.preflight(request)

    def _plan(
        self,
        claim: Claim,
        rotator: Rotator,
        preflight: Preflight | None,
        *,
        invokes: bool,
        findings: tuple[Finding, ...],
    ) -> Plan:
        overlap = None if preflight is None else preflight.overlap
        return Plan(
            secret_arn=claim.secret.arn,
            secret_name=claim.secret.name,
            rotator=rotator.name,
            token=claim.token if claim.resumed else None,
            resumes=claim.resumed,
            overlap=overlap,
            findings=findings,
            changes=() if preflight is None else preflight.changes,
            steps=()
            if overlap is None
            else (*_first(claim), *self._sentences(claim, overlap, rotator, invokes=invokes)),
            refused=any(finding.level is Level.REFUSAL for finding in findings),
        )

    def _sentences(
        self, claim: Claim, overlap: Overlap, rotator: Rotator, *, invokes: bool
    ) -> tuple[str, ...]:
        create = "createSecret: make a new value, seal it and commit it as AWSPENDING."
        if rotator.issues_value:
            create = (
                "createSecret: commit the intent, have the target issue a value under the rotation's token, seal it "
                "and commit it as AWSPENDING."
            )
        if claim.resumed:
            create = f"createSecret: take up version {claim.token}, which is AWSPENDING already."
        barrier = (
            f" Readers wait from {self.policy.wait_before_change * 1000:.0f} ms before the change until the label has "
            f"moved, {self.policy.barrier_limit:g} s at most."
            if overlap is Overlap.GAP and self.policy.barrier_limit > 0
            else ""
        )
        if invokes:
            return (
                "createSecret: make a version without a value at AWSPENDING; the function stores the value.",
                f"setSecret: the function makes the target accept it.{barrier}",
                "testSecret: the function tries it.",
                "finishSecret: the function, or else rotator, moves AWSCURRENT to it; AWSPENDING goes.",
            )
        if overlap is Overlap.NONE:
            return (
                create,
                "setSecret: nothing outside changes.",
                "testSecret: see whether it is of the form that it has to have.",
                _FINISH,
            )
        test = {
            Overlap.GAP: "the old one must be refused",
            Overlap.ALTERNATING: "the current user keeps its password",
            Overlap.DUAL: "the old one keeps working until it is retired",
        }[overlap]
        return (
            create,
            f"setSecret: make the target accept it.{barrier}",
            f"testSecret: log in with it; {test}.",
            _FINISH,
            *self._last(claim, overlap, rotator.name),
        )

    def _last(self, claim: Claim, overlap: Overlap, rotator: str) -> tuple[str, ...]:
        """What becomes of the old credential."""
        options = rotation_options(claim.secret)
        if overlap in {Overlap.GAP, Overlap.NONE}:
            return ()
        seconds = self.policy.chosen_grace(options.grace, rotator=rotator)
        if seconds is None and overlap is Overlap.ALTERNATING:
            return ("retire: nothing; the old user keeps its password until the next rotation.",)
        seconds = self.policy.grace if seconds is None else seconds
        when = f"{shown_length(seconds)} later" if seconds > 0 else "at once"
        in_use = {
            InUse.WARN: "who still uses it is reported",
            InUse.WAIT: f"who still uses it is waited for, {shown_length(seconds)} at most",
            InUse.TERMINATE: "sessions that still use it are ended",
        }[options.in_use or self.policy.in_use]
        return (
            f"retire: {when} the target is told to refuse the old credential; {in_use}, as far as the target tells.",
        )

    def verify(self, claim: Claim, rotator: Rotator) -> Verification:
        """Whether AWSCURRENT logs in; if not, which stored value does."""
        values = Values(claim, sealer=self.sealer, trust=self.trust)
        proofs: list[LabelProof] = []
        for candidate in _LABELS:
            if candidate not in claim.candidates:
                continue
            proof = self._probe(claim, rotator, values, candidate)
            if candidate is not Candidate.CURRENT and candidate not in values.candidates:
                continue  # it can't be opened, or names another server or user: nobody logs in with it
            proofs.append(proof)
            if proofs[-1].outcome != Proof.REFUSED:
                break  # it logs in, or nobody can tell: no further failed login is risked
        message, hint = _verdict(proofs)
        return Verification(
            secret_arn=claim.secret.arn,
            secret_name=claim.secret.name,
            proofs=tuple(proofs),
            drift=not proofs or proofs[0].outcome not in {Proof.ACCEPTED, UNSUPPORTED},
            message=message,
            hint=hint,
        )

    def _probe(
        self, claim: Claim, rotator: Rotator, values: Values, candidate: Candidate
    ) -> LabelProof:
        version = claim.candidates[candidate].version_id
        try:
            values.agree(rotator, goal=Goal.SETTLE)
            deadline = clock() + self.policy.step_limit
            request = values.request(claim, MachineState(), rotator=rotator, deadline=deadline)
            outcome, message = str(rotator.probe(request, candidate)), None
        except NotSupported as error:
            outcome, message = UNSUPPORTED, scrub(error.message, values.all())
        except StepError as error:
            outcome, message = "error", scrub(error.message, values.all())
        return LabelProof(
            label=_LABELS[candidate], version_id=version, outcome=outcome, message=message
        )


def _first(claim: Claim) -> tuple[str, ...]:
    if not claim.retires:
        return ()
    if claim.retire_at is None:
        how = "could not be retired and may still log in (try again: rotate retire)"
        return (f"before: the old credential of the last rotation {how}.",)
    until = f"{claim.retire_at:%Y-%m-%d %H:%M:%S} UTC"
    how = f"before {until}, when its grace period ends, nothing is rotated unless with --end-grace"
    return (f"before: retire the old credential of the last rotation; {how}.",)


def _verdict(proofs: list[LabelProof]) -> tuple[str, str | None]:
    if not proofs:
        return "there is no value to verify", "store one: rotate secret put"
    first, last = proofs[0], proofs[-1]
    if first.outcome == Proof.ACCEPTED:
        return f"{first.label} logs in", None
    if first.outcome == UNSUPPORTED:
        return f"nothing to check: {first.message}", None
    if last.outcome == "error":
        return f"{last.label} could not be tried: {last.message}", "mend that, then verify again"
    if last.outcome == Proof.ACCEPTED:
        return (
            f"the target refuses {first.label}, but accepts {last.label} (version {last.version_id})",
            (
                "make that version current again with `rotate secret stage`, or, where an admin secret is set, "
                "set a new value: rotate now"
            ),
        )
    return (
        f"the target refuses {first.label} and every other stored value: somebody changed the password there",
        "store the password that works with `rotate secret put`, or run `rotate now` where an admin secret is set",
    )
