"""A claim that begins a new rotation."""

from dataclasses import replace
from typing import Any

from sqlalchemy.exc import IntegrityError

from rotator.manager.call import Call
from rotator.model import labels as names
from rotator.model.labels import Labels
from rotator.model.rotation import Status
from rotator.rotation import machine
from rotator.rotation.actions import Facts
from rotator.rotation.claim import Claim, Purpose
from rotator.rotation.owner import Owner
from rotator.rotation.policy import EnginePolicy
from rotator.rotation.situation import Found, candidates_of, left_token, pinned_beside
from rotator.rotation.taking_up import leased_state
from rotator.sdk import Candidate
from rotator.store import changes, labels, left_over, rotation_row, rotations
from rotator.store.rotation_row import RotationRow
from rotator.store.secrets import SecretRow
from rotator.store.tx import Tx

_UNSETTLED = {  # the next rotation asks first which value lives
    Status.DIVERGED,
    Status.UNVERIFIED,
    Status.DEGRADED,
    Status.UNRETIRED,
}


def begin(
    tx: Tx,
    call: Call,
    found: Found,
    *,
    rotation_id: str,
    new_token: str,
    owner: Owner,
    rotator: str,
    newest: RotationRow | None,
    last: RotationRow | None,
    purpose: Purpose,
    policy: EnginePolicy,
) -> Claim:
    """Stores a new rotation and claims it. A version that AWSPENDING was left on is taken up with its token.

    Args:
        new_token: of the version that is made where none was left.
        owner: the run that holds the lease.
        newest: the secret's last rotation or test.
        last: its last rotation.

    Raises:
        RowAltered: another rotation owns the secret.
    """
    secret, at = found.secret, found.labels
    left = left_token(at)
    reverts = purpose is Purpose.ABORT
    if purpose is Purpose.COMPROMISED and left is not None:
        # Whoever knows the old credential may have staged this one: it is no value to rotate to.
        reverts = last is not None and last.token == left
        if not reverts:
            secret, at = _unstaged(tx, call, secret, at)
            left = None
    token = left or new_token
    candidates = candidates_of(tx, secret, at, row=None, token=token)
    previous = at.version(names.PREVIOUS)
    if last is not None and previous and left_over.was_given_up(tx, secret.id, previous):
        # The target refuses it, or should, and nothing may give it back.
        given_up = candidates.pop(Candidate.PREVIOUS, None)
        if given_up is not None and given_up.pinned:
            candidates.setdefault(Candidate.PINNED, given_up)
        previous = None
    facts = Facts(candidates=frozenset(candidates), has_admin=found.admin is not None)
    created = Candidate.PENDING in candidates
    unsettled = last is not None and last.status in _UNSETTLED
    state = machine.begin(
        created=created,
        uncertain=created or unsettled or Candidate.PINNED in candidates,
        facts=facts,
        overlap=last.state.overlap if last is not None and last.token == token else None,
    )
    if reverts:
        state = machine.aborted(state, facts=facts, taken_over=False)
    elif purpose is Purpose.COMPROMISED:
        state = replace(state, compromised=True)
    elif purpose is Purpose.TEST:
        state = machine.testing()
    fencing = 1 if newest is None else newest.fencing + 1
    _insert(
        tx,
        leased_state(tx, state, owner, seconds=policy.lease, otherwise=Status.RUNNING)
        | {
            "id": rotation_id,
            "secret_id": secret.id,
            "token": token,
            "rotator": rotator,
            "requested_by": call.caller.principal,
            "request_id": call.request_id,
            "created_at": tx.now,
            "updated_at": tx.now,
            "deadline_at": rotations.deadline(tx, policy.deadline),
            "current_version": at.version(names.CURRENT),
            "previous_version": previous,
            "admin_arn": secret.admin_arn,
            "fencing": fencing,
        },
    )
    call.record(
        tx,
        secret.arn,
        version_id=token,
        event=changes.TEST_BEGUN if purpose is Purpose.TEST else changes.BEGUN,
        detail={
            "rotation": rotation_id,
            "purpose": str(purpose),
            "left": changes.begun(rotation_id, token),
        },
        revision=secret.revision,
    )
    return Claim(
        secret=secret,
        rotation_id=rotation_id,
        token=token,
        rotator=rotator,
        owner=owner,
        fencing=fencing,
        state=state,
        candidates=candidates,
        pinned=pinned_beside(tx, secret, candidates),
        admin=found.admin,
        labels=at,
        deadline=found.asked + policy.deadline,
        lease_until=found.asked + policy.lease,
        barrier_raised=False,
        resumed=created,
        abandoned=False,
        reverts=reverts,
        new_token=left is None,
    )


def _insert(tx: Tx, columns: dict[str, Any]) -> None:
    try:
        rotations.add(tx, columns)
    except IntegrityError:
        how = "an earlier rotation of the secret owns it, but has not the highest fencing number"
        raise rotation_row.altered(columns["id"], how) from None


def _unstaged(tx: Tx, call: Call, secret: SecretRow, at: Labels) -> tuple[SecretRow, Labels]:
    """The secret and its labels after AWSPENDING was taken off a version that no rotation has set."""
    after = at.without_pending()
    labels.save(tx, secret.id, before=at, after=after)
    call.change(tx, secret, {"changed_at": tx.now}, labels=after.at)
    return secret._replace(changed_at=tx.now, revision=secret.revision + 1), after
