"""What the audit says of a rotation."""

from collections.abc import Mapping
from typing import Any

from rotator.manager import following
from rotator.manager.call import Call
from rotator.model.caller import rotation_service
from rotator.model.rotation import Goal, MachineState, Status
from rotator.rotation.claim import Claim
from rotator.store import audit
from rotator.store.audit import Outcome
from rotator.store.tx import Tx

_AUDITED = {
    Status.SUCCEEDED: ("RotationSucceeded", Outcome.SUCCEEDED),
    Status.GRACE: ("RotationSucceeded", Outcome.SUCCEEDED),
    Status.UNRETIRED: ("CredentialRetireFailed", Outcome.FAILED),
    Status.ABANDONED: ("RotationAbandoned", Outcome.SUCCEEDED),
}
_TESTED = {Status.SUCCEEDED: ("TestRotationSucceeded", Outcome.SUCCEEDED)}
VALUE_REFUSED = "PendingValueRefused"
_RETIRED = ("CredentialRetired", Outcome.SUCCEEDED)
CURRENT_MOVED = "AWSCURRENTMoved"


def record(
    tx: Tx,
    claim: Claim,
    state: MachineState,
    *,
    event: str | None = None,
    left: Mapping[str, Any] | None,
    revision: int | None,
) -> None:
    """Records how far the rotation is, or `event` where that is what happened."""
    ending, outcome = _AUDITED.get(state.status, ("RotationFailed", Outcome.FAILED))
    if state.goal is Goal.TEST:
        ending, outcome = _TESTED.get(state.status, ("TestRotationFailed", Outcome.FAILED))
    if state.retired:
        ending, outcome = _RETIRED
    if event is not None:
        outcome = Outcome.FAILED if event == VALUE_REFUSED else Outcome.SUCCEEDED
    audit.record(
        tx,
        caller=rotation_service(account=claim.secret.account, region=claim.secret.region),
        request_id=claim.rotation_id,
        event=event or ending,
        secret_arn=claim.secret.arn,
        version_id=claim.token,
        outcome=outcome,
        detail={"status": str(state.status), "attempt": state.attempt}
        | ({} if left is None else {"left": left})
        | (
            {}
            if state.failure is None
            else {"kind": str(state.failure.kind), "reason": state.failure.message}
        ),
        revision=revision,
    )


def entry_of(claim: Claim) -> following.Entry:
    """Makes further records in the name of the rotation."""
    caller = rotation_service(account=claim.secret.account, region=claim.secret.region)
    return Call(event="RotateSecret", caller=caller, request_id=claim.rotation_id).entry
