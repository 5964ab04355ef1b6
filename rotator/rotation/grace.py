"""What a claim makes of a rotation whose old credential has not been retired yet.

Its labels are over and done with, so nobody from outside abandons it. Whoever claims it looks here, in the claim's
transaction, whether the version to retire is still one that no label needs, and with the values in hand, whether no
label needs its credential.
"""

from dataclasses import replace

from rotator.errors import RotationInProgress
from rotator.manager.call import Call
from rotator.model import labels as names
from rotator.model.labels import Labels
from rotator.model.rotation import MachineState, Phase, Status
from rotator.rotation import machine
from rotator.rotation.actions import Facts
from rotator.rotation.claim import Claim, Purpose
from rotator.rotation.kinship import Kinship
from rotator.rotation.moves import end
from rotator.rotation.reasons import SHARED, VOID, not_begun
from rotator.rotation.values import Values
from rotator.rotation.waits import NO_LEASE
from rotator.sdk import Overlap
from rotator.store import changes, rotation_row, rotations
from rotator.store.rotation_row import RotationRow
from rotator.store.secrets import SecretRow
from rotator.store.tx import Tx

_LEFT = {Status.UNRETIRED, Status.ABANDONED}
_LOOKED_AT = 100  # rotations: more than fail one after the other without being looked after


def is_left_alone(
    tx: Tx, secret: SecretRow, row: RotationRow, at: Labels, purpose: Purpose
) -> bool:
    """Whether a run of this purpose finds nothing to do in a rotation in its grace period.

    Raises:
        RotationInProgress: it was to rotate, and the grace period lasts.
    """
    over = row.next_attempt_at is None or row.next_attempt_at <= tx.now
    if purpose is Purpose.ABORT:
        return True
    if over or purpose in {Purpose.RETIRE, Purpose.END_GRACE, Purpose.COMPROMISED}:
        return False
    if purpose is not Purpose.ROTATE:
        return True
    if is_void(row, at):
        return False
    raise RotationInProgress(
        f"{secret.name} was rotated at {row.created_at:%Y-%m-%d %H:%M:%S} UTC, and the old credential stays valid "
        f"until {row.next_attempt_at:%Y-%m-%d %H:%M:%S} UTC, for clients that still use it. Rotate again after that, "
        f"or end it now: rotate now {secret.name} --end-grace"
    )


def is_void(row: RotationRow, at: Labels) -> bool:
    """Whether a label is on the version that was replaced; whether one needs its credential tells `judged`."""
    return row.current_version in {at.version(names.CURRENT), at.version(names.PENDING), None}


def taken_state(before: MachineState, facts: Facts, *, void: bool, fresh: bool) -> MachineState:
    """The state from which the old credential is retired, or the rotation ends because it must not be.

    Args:
        fresh: with a budget of its own.
    """
    if not void:
        state = machine.resumed(before, facts=facts, taken_over=False)
        return replace(state, attempt=1) if fresh else state
    if before.touched:
        return machine.settling(replace(before, failure=VOID), facts=facts)
    return end(replace(before, failure=VOID), Status.ABANDONED)


def given_up(before: MachineState, reason: str, *, old: str | None) -> MachineState:
    """The end of a retirement that can't be begun.

    Args:
        old: the version whose credential is left.
    """
    return end(replace(before, failure=not_begun(reason, old=old)), Status.UNRETIRED)


def give_up(tx: Tx, call: Call, secret: SecretRow, row: RotationRow, reason: str) -> SecretRow:
    """Ends a retirement whose rotator can't be had any more, so that another one can rotate on."""
    state = given_up(row.state, reason, old=row.current_version)
    over = {"ended_at": tx.now, "next_attempt_at": None}
    rotations.take(tx, row, columns=rotation_row.state_columns(state) | over | NO_LEASE)
    detail = {"rotation": row.id, "unretired": reason}
    call.change(tx, secret, {}, version_id=row.token, detail=detail, ended=True)
    return secret._replace(revision=secret.revision + 1)


def judged(claim: Claim, values: Values) -> MachineState:
    """The state from which the retirement goes on when the values can be compared.

    Where a value from outside is AWSCURRENT, it takes the place of the new one, unless it needs what is to be retired.
    """
    at, state = claim.labels, claim.state
    moved = at.version(names.CURRENT) != claim.token
    kin = values.kinship(of_current=moved)
    if Kinship.SAME in kin.values():
        return end(replace(state, touched=False, failure=VOID), Status.ABANDONED)
    if kin.get(names.CURRENT) is Kinship.MIXED:
        return end(replace(state, touched=False, failure=SHARED), Status.UNRETIRED)
    return state


def reopened(
    tx: Tx, call: Call, secret: SecretRow, last: RotationRow | None, at: Labels
) -> RotationRow | None:
    """The last rotation that moved AWSCURRENT, active again, where its old credential still logs in; None where it has
    none, or where a later one left doubt.

    That is one whose retirement failed or was abandoned, and one of two users that take turns, where no grace period
    was set.
    """
    row = _last_finished(tx, secret)
    if last is None or row is None or is_void(row, at) or row.retired:
        return None
    takes_turns = row.status == Status.SUCCEEDED and row.overlap == Overlap.ALTERNATING
    if not takes_turns and row.status not in _LEFT:
        return None
    above, last = last.fencing, row
    state = replace(last.state, status=Status.GRACE, phase=Phase.RETIRE, touched=False)
    rotations.reopen(
        tx,
        last,
        above=above,
        columns=rotation_row.state_columns(state)
        | {"next_attempt_at": tx.now, "deadline_at": tx.now},
    )
    call.record(
        tx,
        secret.arn,
        version_id=last.token,
        event=changes.BEGUN,
        detail={"rotation": last.id, "left": changes.begun(last.id, last.token)},
        revision=secret.revision,
    )
    return rotations.active(tx, secret.id)


def _last_finished(tx: Tx, secret: SecretRow) -> RotationRow | None:
    for row in rotations.history(tx, secret.id, limit=_LOOKED_AT):
        if row.only_tests:
            continue
        if row.finished:
            return row
        if row.status not in {Status.FAILED, Status.ABANDONED}:
            return None
    return None
