"""A rotation that somebody asks for and doesn't wait for: it is begun with a token of theirs, and left to be taken up.
So is a test of a rotation function.

It is like one that was parked: nobody's, with its next attempt due now. A daemon takes it up at once, `rotate now` does
too, and what becomes of it survives the process that was asked.
"""

from dataclasses import replace

from rotator.errors import InvalidRequest, ResourceExists, RotationInProgress
from rotator.manager.call import Call
from rotator.model.labels import CURRENT, Labels
from rotator.model.rotation import Failure, Phase, Status
from rotator.rotation.beginning import begin
from rotator.rotation.claim import Purpose
from rotator.rotation.owner import Owner
from rotator.rotation.policy import EnginePolicy
from rotator.rotation.reasons import TEST_OVERTAKEN
from rotator.rotation.situation import Found, admin_value, check_rotatable, left_token
from rotator.sdk import FailureKind, clock
from rotator.store import changes, labels, rotation_row, rotations, versions, waking
from rotator.store.rotation_row import RotationRow
from rotator.store.secrets import SecretRow
from rotator.store.tx import Tx

_INCOMPLETE = (
    "A previous rotation isn't complete. That rotation will be reattempted."  # AWS's own words
)


def request(
    tx: Tx, call: Call, secret: SecretRow, *, rotation_id: str, token: str, policy: EnginePolicy
) -> None:
    """Begins the rotation with this token, for whoever looks first what is due; nothing, where it was begun before.
    It takes the place of a test that is not over.

    Args:
        secret: its row as it is now, locked by this transaction.

    Raises:
        InvalidRequest: another rotation isn't over, or AWSPENDING is on another version.
        ResourceExists: the token is that of a version which has a value already.
        RotationInProgress: the old credential of the last rotation has its grace period.
    """
    newest = rotations.latest(tx, secret.id)
    if _is_begun(newest, token, tests=False):
        return
    at = _made_way(tx, call, secret, newest)
    if token == at.version(CURRENT):
        return
    left = left_token(at)
    if left not in (None, token):
        raise InvalidRequest(_INCOMPLETE)
    if left is None:
        _refuse_used(tx, secret, token)
    _begin(
        tx,
        call,
        secret,
        at,
        newest=newest,
        rotation_id=rotation_id,
        token=token,
        purpose=Purpose.ROTATE,
        policy=policy,
    )


def request_test(
    tx: Tx, call: Call, secret: SecretRow, *, rotation_id: str, token: str, policy: EnginePolicy
) -> None:
    """Begins a test of the secret's rotation function, on a temporary version with this token; nothing, where it was
    begun before. It takes the place of an earlier one that is not over.

    Args:
        secret: its row as it is now, locked by this transaction.

    Raises:
        InvalidRequest: a rotation isn't over, or AWSPENDING is on a version that one has left; or there is no value.
        ResourceExists: the token is that of a version.
        RotationInProgress: the old credential of the last rotation has its grace period.
    """
    newest = rotations.latest(tx, secret.id)
    if _is_begun(newest, token, tests=True):
        return
    at = _made_way(tx, call, secret, newest)
    if left_token(at) is not None:
        raise InvalidRequest(_INCOMPLETE)
    if at.version(CURRENT) is None:
        raise InvalidRequest(f"{secret.name} has no value yet to test with. Put one first.")
    _refuse_used(tx, secret, token)
    _begin(
        tx,
        call,
        secret,
        at,
        newest=newest,
        rotation_id=rotation_id,
        token=token,
        purpose=Purpose.TEST,
        policy=policy,
    )


def _is_begun(newest: RotationRow | None, token: str, *, tests: bool) -> bool:
    return (
        newest is not None
        and (newest.token, newest.only_tests) == (token, tests)
        and newest.state.status.active
    )


def _made_way(tx: Tx, call: Call, secret: SecretRow, newest: RotationRow | None) -> Labels:
    """The labels, after a test was ended that is not over.

    Raises:
        InvalidRequest: it is a rotation that is not over.
        RotationInProgress: the old credential of the last rotation has its grace period.
    """
    if newest is not None and newest.state.status is Status.GRACE:
        raise RotationInProgress(
            f"{secret.name} is not rotated: the credential that the last rotation replaced still has its grace period, "
            f"until {newest.next_attempt_at:%Y-%m-%d %H:%M} UTC. Ask again after that, or end it: rotate now "
            f"{secret.name} --end-grace"
        )
    at = labels.load(tx, secret.id)
    if newest is None or not newest.state.status.active:
        return at
    if not newest.only_tests:
        raise InvalidRequest(_INCOMPLETE)
    return _test_ended(tx, call, secret, newest, at)


def _test_ended(tx: Tx, call: Call, secret: SecretRow, row: RotationRow, at: Labels) -> Labels:
    """The labels after a test was ended with its temporary version. Its run, if there is one, can't write any more."""
    failure = Failure(phase=Phase.TEST, kind=FailureKind.REFUSED, message=TEST_OVERTAKEN)
    ended = replace(row.state, status=Status.ABANDONED, phase=Phase.ENDED, failure=failure)
    rotations.take(
        tx,
        row,
        columns=rotation_row.state_columns(ended) | {"ended_at": tx.now, "next_attempt_at": None},
    )
    after = at.without_pending(row.token)
    labels.save(tx, secret.id, before=at, after=after)
    versions.remove_temporary(tx, secret_id=secret.id, version_id=row.token)
    call.record(
        tx,
        secret.arn,
        version_id=row.token,
        event="TestRotationFailed",
        detail={
            "rotation": row.id,
            "status": str(ended.status),
            "reason": failure.message,
            "left": changes.left({}, labels=after.at, ended=True),
        },
        revision=secret.revision,
    )
    return after


def _refuse_used(tx: Tx, secret: SecretRow, token: str) -> None:
    if versions.get(tx, secret_id=secret.id, version_id=token) is not None:
        raise ResourceExists(
            f"You can't use ClientRequestToken {token} because that value is already in use for a version of secret "
            f"{secret.arn}."
        )


def _begin(
    tx: Tx,
    call: Call,
    secret: SecretRow,
    at: Labels,
    *,
    newest: RotationRow | None,
    rotation_id: str,
    token: str,
    purpose: Purpose,
    policy: EnginePolicy,
) -> None:
    newest = newest and rotations.get(tx, newest.id)  # as it is by now
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
        newest=newest,
        last=rotations.before_tests(tx, newest),
        purpose=purpose,
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
