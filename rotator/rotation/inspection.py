"""Looks at a secret and its target without changing either: `rotate plan` and `rotate verify`."""

from collections.abc import Callable
from dataclasses import dataclass

from rotator.crypto.envelope import Sealer
from rotator.model import labels as names
from rotator.model.caller import Caller
from rotator.model.rotation import MachineState
from rotator.rotation.claim import Claim
from rotator.rotation.policy import EnginePolicy
from rotator.rotation.scrub import scrub
from rotator.rotation.situation import admin_value, candidates_of, check_rotatable
from rotator.rotation.values import Values
from rotator.rotation.verdicts import LabelProof, Plan, Verification
from rotator.sdk import (
    Candidate,
    Finding,
    Level,
    Overlap,
    Preflight,
    Proof,
    Rotator,
    StepError,
    clock,
)
from rotator.store import labels, rotations, secrets
from rotator.store.store import Store

_LABELS = {
    Candidate.CURRENT: names.CURRENT,
    Candidate.PENDING: names.PENDING,
    Candidate.PREVIOUS: names.PREVIOUS,
    Candidate.PINNED: "pinned",
}


@dataclass(frozen=True, slots=True)
class Inspector:
    """Reads a secret once and asks its rotator."""

    store: Store
    sealer: Sealer
    policy: EnginePolicy
    trust: str | None
    new_id: Callable[[], str]

    def look(self, secret_id: str, *, caller: Caller) -> Claim:
        """What a run would work on, with no lease and nothing written.

        Raises:
            ResourceNotFound: no such secret.
            InvalidRequest: it can't be rotated as it is.
        """
        with self.store.read() as tx:
            secret = secrets.find(
                tx, account=caller.account, region=caller.region, secret_id=secret_id
            )
            row = rotations.active(tx, secret.id)
            check_rotatable(secret, row)
            at = labels.load(tx, secret.id)
            pending = at.version(names.PENDING)
            token = row.token if row is not None else pending
            candidates = candidates_of(tx, secret, at, row=row, token=token)
            return Claim(
                secret=secret,
                rotation_id=self.new_id(),
                token=token or "",
                fencing=0,
                state=MachineState() if row is None else row.state,
                candidates=candidates,
                admin=admin_value(tx, secret),
                labels=at,
                deadline=clock() + self.policy.deadline,
                lease_until=clock() + self.policy.lease,
                barrier_raised=False,
                resumed=row is not None
                or (token is not None and token != at.version(names.CURRENT)),
                abandoned=False,
                new_token=False,
            )

    def plan(self, claim: Claim, rotator: Rotator) -> Plan:
        """What `rotate now` would do."""
        values = Values(claim, sealer=self.sealer, trust=self.trust)
        try:
            values.agree(rotator)
            request = values.request(
                claim, MachineState(), deadline=clock() + self.policy.step_limit
            )
            preflight = rotator.preflight(request)
        except StepError as error:
            refusal = Finding(
                level=Level.REFUSAL,
                message=scrub(error.message, values.all()),
                remedy=None if error.hint is None else scrub(error.hint, values.all()),
            )
            return self._plan(claim, rotator, None, findings=(refusal,))
        return self._plan(claim, rotator, preflight, findings=preflight.findings)

    def _plan(
        self,
        claim: Claim,
        rotator: Rotator,
        preflight: Preflight | None,
        *,
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
            steps=() if overlap is None else self._sentences(claim, overlap),
            refused=any(finding.level is Level.REFUSAL for finding in findings),
        )

    def _sentences(self, claim: Claim, overlap: Overlap) -> tuple[str, ...]:
        create = (
            f"createSecret: take up version {claim.token}, which is AWSPENDING already."
            if claim.resumed
            else "createSecret: make a new value, seal it and commit it as AWSPENDING."
        )
        barrier = (
            f" Readers wait from {self.policy.drain * 1000:.0f} ms before the change until the label has moved, "
            f"{self.policy.barrier_limit:g} s at most."
            if overlap is Overlap.GAP and self.policy.barrier_limit > 0
            else ""
        )
        test = {
            Overlap.GAP: "; the old one must be refused.",
            Overlap.ALTERNATING: "; the current user keeps its password.",
            Overlap.DUAL: "; the old one keeps working until it is retired.",
            Overlap.NONE: ".",
        }[overlap]
        return (
            create,
            f"setSecret: make the target accept it.{barrier}",
            f"testSecret: log in with it{test}",
            "finishSecret: move AWSCURRENT to it, AWSPREVIOUS to the version before, in one transaction.",
        )

    def verify(self, claim: Claim, rotator: Rotator) -> Verification:
        """Whether AWSCURRENT logs in; if not, which stored value does."""
        values = Values(claim, sealer=self.sealer, trust=self.trust)
        order = [c for c in _LABELS if c in claim.candidates]
        proofs: list[LabelProof] = []
        for candidate in order:
            proofs.append(self._probe(claim, rotator, values, candidate))
            if proofs[-1].outcome != Proof.REFUSED:
                break  # it logs in, or nobody can tell: no further failed login is risked
        message, hint = _verdict(proofs)
        return Verification(
            secret_arn=claim.secret.arn,
            secret_name=claim.secret.name,
            proofs=tuple(proofs),
            drift=not proofs or proofs[0].outcome != Proof.ACCEPTED,
            message=message,
            hint=hint,
        )

    def _probe(
        self, claim: Claim, rotator: Rotator, values: Values, candidate: Candidate
    ) -> LabelProof:
        version = claim.candidates[candidate].version_id
        try:
            values.agree(rotator)
            request = values.request(
                claim, MachineState(), deadline=clock() + self.policy.step_limit
            )
            outcome, message = str(rotator.probe(request, candidate)), None
        except StepError as error:
            outcome, message = "error", scrub(error.message, values.all())
        return LabelProof(
            label=_LABELS[candidate], version_id=version, outcome=outcome, message=message
        )


def _verdict(proofs: list[LabelProof]) -> tuple[str, str | None]:
    if not proofs:
        return "there is no value to verify", "store one: rotate secret put"
    first, last = proofs[0], proofs[-1]
    if first.outcome == Proof.ACCEPTED:
        return f"{first.label} logs in", None
    if last.outcome == "error":
        return f"{last.label} could not be tried: {last.message}", "mend that, then verify again"
    if last.outcome == Proof.ACCEPTED:
        return (
            f"the target refuses {first.label}, but accepts {last.label}",
            "run `rotate now`: it starts from the value that logs in",
        )
    return (
        f"the target refuses {first.label} and every other stored value: somebody changed the password there",
        "store the password that works with `rotate secret put`, or run `rotate now` where an admin secret is set",
    )
