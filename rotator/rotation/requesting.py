"""A rotation that somebody asks for and doesn't wait for: it is begun with a token of theirs, and left to be taken up.

It is like one that was parked: nobody's, with its next attempt due now. A daemon takes it up at once, `rotate now` does
too, and what becomes of it survives the process that was asked.
"""

from dataclasses import replace

from rotator.errors import InvalidRequest, ResourceExists, RotationInProgress
from rotator.manager.call import Call
from rotator.model.labels import CURRENT
from rotator.model.rotation import Status
from rotator.rotation.beginning import begin
from rotator.rotation.claim import Purpose
from rotator.rotation.owner import Owner
from rotator.rotation.policy import EnginePolicy
from rotator.rotation.situation import Found, admin_value, check_rotatable, left_token
from rotator.sdk import clock
from rotator.store import labels, rotation_row, rotations, versions, waking
from rotator.store.secrets import SecretRow
from rotator.store.tx import Tx

_INCOMPLETE = (
    "A previous rotation isn't complete. That rotation will be reattempted."  # AWS's own words
)


def request(
    tx: Tx, call: Call, secret: SecretRow, *, rotation_id: str, token: str, policy: EnginePolicy
) -> None:
    """Begins the rotation with this token, for whoever looks first what is due; nothing, where it was begun before.

    Args:
        secret: its row as it is now, locked by this transaction.

    Raises:
        InvalidRequest: another rotation isn't over, or AWSPENDING is on another version.
        ResourceExists: the token is that of a version which has a value already.
        RotationInProgress: the old credential of the last rotation has its grace period.
    """
    last = rotations.latest(tx, secret.id)
    if last is not None and last.token == token and last.state.status.active:
        return
    if last is not None and last.state.status is Status.GRACE:
        raise RotationInProgress(
            f"{secret.name} is not rotated: the credential that the last rotation replaced still has its grace period, "
            f"until {last.next_attempt_at:%Y-%m-%d %H:%M} UTC. Ask again after that, or end it: rotate now "
            f"{secret.name} --end-grace"
        )
    if last is not None and last.state.status.active:
        raise InvalidRequest(_INCOMPLETE)
    at = labels.load(tx, secret.id)
    if token == at.version(CURRENT):
        return
    left = left_token(at)
    if left not in (None, token):
        raise InvalidRequest(_INCOMPLETE)
    if left is None and versions.get(tx, secret_id=secret.id, version_id=token) is not None:
        raise ResourceExists(
            f"You can't use ClientRequestToken {token} because that value is already in use for a version of secret "
            f"{secret.arn}."
        )
    claim = begin(
        tx,
        call,
        Found(
            secret=secret, labels=at, admin=admin_value(tx, secret, for_update=True), asked=clock()
        ),
        rotation_id=rotation_id,
        new_token=token,
        owner=Owner.me(),
        rotator=check_rotatable(secret, None),
        last=last,
        purpose=Purpose.ROTATE,
        policy=policy,
    )
    waiting = replace(claim.state, status=Status.WAITING)
    rotations.update_fenced(
        tx,
        claim.rotation_id,
        fencing=claim.fencing,
        columns=rotation_row.state_columns(waiting)
        | {
            "next_attempt_at": tx.now,
            "owner": None,
            "lease_expires": None,
            "lease_epoch": None,
        },
    )
    waking.wake(tx)
