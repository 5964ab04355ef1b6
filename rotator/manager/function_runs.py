"""What belongs to a rotation that is under way: the writes of its function, and none of an earlier run's."""

from collections.abc import Sequence

from rotator.errors import InvalidRequest
from rotator.model.caller import Caller, CallerKind, RotationRun
from rotator.model.labels import CURRENT, PENDING, PREVIOUS, Labels
from rotator.model.rotation import Phase, Status
from rotator.sdk.rotation_token import RunNumber, run_of
from rotator.store import rotations
from rotator.store.rotation_row import RotationRow
from rotator.store.tx import Tx

_LATE = (
    "The rotation that this function was invoked for was taken over, abandoned or has ended, so nothing was changed. "
    "This invocation can stop: a later one does what is left."
)


def owns(rotation: RotationRow | None, token: str | None) -> bool:
    """Whether a version is the one that the rotation under way makes."""
    return (
        rotation is not None
        and rotation.status not in {Status.ABANDONING, Status.GRACE}
        and rotation.token == token
    )


def refuse_late(
    rotation: RotationRow | None, *, caller: Caller, rotation_token: str | None
) -> None:
    """Nothing, where the caller names no run of a rotation, or the one that is under way.

    Args:
        rotation: the secret's, locked by this transaction.
        rotation_token: what a function has passed on of what it was invoked with.

    Raises:
        InvalidRequest: the run is over, or another has taken its place.
    """
    named: list[RunNumber | None] = []
    if caller.run is not None:
        named.append(RunNumber(caller.run.rotation_id, caller.run.fencing))
    if rotation_token is not None:
        named.append(run_of(rotation_token))
    if not named:
        return
    now = None
    if rotation is not None and owns(rotation, rotation.token):
        now = RunNumber(rotation.id, rotation.fencing)
    if any(run != now or now is None for run in named):
        raise InvalidRequest(_LATE)


def refuse_over(tx: Tx, run: RotationRun) -> None:
    """Nothing, while a run of a rotation is under way: its credentials end with it.

    Raises:
        InvalidRequest: it is over, or another has taken its place.
    """
    row = rotations.get(tx, run.rotation_id)
    goes_on = row is not None and Status(row.status).active and owns(row, run.token)
    if row is None or not goes_on or row.fencing != run.fencing:
        raise InvalidRequest(_LATE)


def refuse_foreign_put(caller: Caller, *, token: str, stages: Sequence[str] | None) -> None:
    """Nothing, unless a function stores anything but the value of its rotation's version.

    Raises:
        InvalidRequest: it does.
    """
    if caller.run is None or (token == caller.run.token and set(stages or ()) == {PENDING}):
        return
    raise InvalidRequest(
        "A rotation function may store the value of its rotation's own version and no other: call PutSecretValue with "
        f"the ClientRequestToken of the event, {caller.run.token}, and VersionStages {PENDING}."
    )


def is_of_rotation(
    rotation: RotationRow | None, *, caller: Caller, stage: str, before: Labels, after: Labels
) -> bool:
    """Whether a move of a label is what the rotation's own finishSecret does: AWSCURRENT goes to its version, from the
    one that it was on when the rotation began; or AWSPENDING is taken off after that.

    Raises:
        InvalidRequest: AWSCURRENT would go to a version that has not passed testSecret yet, or a function moves what
            is not its rotation's.
    """
    networked = caller.kind in {CallerKind.PRINCIPAL, CallerKind.FUNCTION}
    if rotation is not None and owns(rotation, rotation.token):
        token = rotation.token
        if stage == CURRENT and after.version(CURRENT) == token:
            if rotation.phase == Phase.FINISH or before.version(CURRENT) == token:
                return True
            if networked:
                raise InvalidRequest(
                    f"Version {token} can't be AWSCURRENT yet: it is the new version of a rotation that is at "
                    f"{rotation.phase}, and has not passed testSecret. A rotation function moves AWSCURRENT in "
                    "finishSecret; anybody else cancels the rotation first: CancelRotateSecret."
                )
        ends = (
            stage == PENDING and before.version(PENDING) == token and after.version(PENDING) is None
        )
        if ends and before.version(CURRENT) == token:
            return True
    own_label = stage not in {CURRENT, PENDING, PREVIOUS}
    if caller.run is not None and not own_label:
        raise InvalidRequest(
            f"A rotation function may move AWSCURRENT to its rotation's own version, {caller.run.token}, in "
            f"finishSecret, and take AWSPENDING off it then. It can't move {stage} like this."
        )
    return False
