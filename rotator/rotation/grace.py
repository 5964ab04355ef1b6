"""What a claim makes of a rotation whose old credential has not been retired yet.

Its labels are over and done with, so nobody from outside abandons it. Whoever claims it looks here, in the claim's
transaction, whether the version to retire is still one that no label needs.
"""

from dataclasses import replace

from rotator.errors import RotationInProgress
from rotator.manager.call import Call
from rotator.model import labels as names
from rotator.model.labels import Labels
from rotator.model.rotation import MachineState, Phase, Status
from rotator.rotation import machine
from rotator.rotation.actions import Facts
from rotator.rotation.claim import Purpose
from rotator.rotation.moves import end
from rotator.rotation.reasons import VOID
from rotator.sdk import Overlap
from rotator.store import changes, rotations
from rotator.store.rotations import RotationRow
from rotator.store.secrets import SecretRow
from rotator.store.tx import Tx


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
    """Whether a label needs the old credential, or something else than this rotation's version is AWSCURRENT."""
    needed = {at.version(names.CURRENT), at.version(names.PENDING)}
    return at.version(names.CURRENT) != row.token or row.current_version in needed | {None}


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


def reopened(
    tx: Tx, call: Call, secret: SecretRow, last: RotationRow | None, at: Labels
) -> RotationRow | None:
    """The last rotation, active again, where its old credential still logs in; None where it has none.

    That is one whose retirement failed, and one of two users that take turns, where no grace period was set.
    """
    if last is None or is_void(last, at) or last.retired:
        return None
    takes_turns = last.status == Status.SUCCEEDED and last.overlap == Overlap.ALTERNATING
    if not takes_turns and last.status != Status.UNRETIRED:
        return None
    state = replace(last.state, status=Status.GRACE, phase=Phase.RETIRE, touched=False)
    rotations.reopen(
        tx,
        last,
        columns=rotations.state_columns(state) | {"next_attempt_at": tx.now, "deadline_at": tx.now},
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
