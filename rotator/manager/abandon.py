"""What a change from outside does to a rotation that is under way."""

from rotator.manager.call import Call
from rotator.model.rotation import Status
from rotator.store import changes, rotations, secrets, versions, waking
from rotator.store.rotation_row import RotationRow
from rotator.store.secrets import SecretRow
from rotator.store.store import Tx

ABANDONED = "RotationAbandoned"


def abandon_rotation(
    tx: Tx, *, call: Call, secret: SecretRow, rotation: RotationRow | None, reason: str
) -> None:
    """Marks the active rotation of a secret abandoned: its owner is fenced out with this transaction's commit.

    Where its target may have changed, its version is pinned until a probe has settled which value lives. The
    temporary version of a test goes with its run, or with the next that looks. The read
    barrier falls, since what is AWSCURRENT from now on is not the rotation's to hold back. Labels are the caller's
    affair: PutSecretValue drops AWSPENDING, CancelRotateSecret and UpdateSecretVersionStage leave it. So is the change
    of the secret, whose record is of the same revision as the one that is left here.

    In the grace period nothing is abandoned: the rotation has done its work but for the old credential, and whoever
    retires that looks at the labels first (`rotation.admission`).

    Args:
        secret: its row, locked by this transaction.
        rotation: what `rotations.active` gave, locked too; None does nothing.
        reason: what was done from outside, for `status` and the audit record.
    """
    if rotation is None or (rotation.status == Status.GRACE and not rotation.touched):
        return
    rotations.abandon(tx, rotation, reason=reason)
    waking.wake(tx)
    in_doubt = rotation.touched or rotation.dirty
    left = changes.left(
        {}, pinned=[rotation.token] if in_doubt else (), ended=not rotation.unsettled
    )
    if in_doubt:
        versions.set_pinned(tx, secret_id=secret.id, version_id=rotation.token, pinned=True)
    if secret.barrier_until is not None:
        secrets.update(tx, secret.id, barrier_raised_at=None, barrier_until=None)
    if rotation.status != Status.ABANDONING:
        call.record(
            tx,
            secret.arn,
            version_id=rotation.token,
            event=ABANDONED,
            detail={"rotation": rotation.id, "reason": reason, "left": left},
            revision=secret.revision + 1,
        )
