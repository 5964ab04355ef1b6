"""A claim that goes on with a rotation that is not over: its lease, its state, and what is left of its budget."""

from dataclasses import replace
from typing import Any

from rotator.errors import InvalidRequest
from rotator.model import labels as names
from rotator.model.labels import Labels
from rotator.model.rotation import MachineState, Status
from rotator.rotation import machine
from rotator.rotation.actions import Facts
from rotator.rotation.belief import believed
from rotator.rotation.claim import Claim, Purpose
from rotator.rotation.owner import Owner
from rotator.rotation.policy import EnginePolicy
from rotator.rotation.situation import Found, candidates_of, pinned_beside
from rotator.rotation.waits import lease_columns
from rotator.store import rotation_row, rotations, versions
from rotator.store.rotation_row import RotationRow
from rotator.store.tx import Tx
from rotator.store.versions import VersionRow

_PATIENT = {
    Purpose.ROTATE,
    Purpose.RESUME,
    Purpose.RETIRE_DUE,
    Purpose.DUE,
}  # with those who use an old credential


def take_up(
    tx: Tx,
    found: Found,
    row: RotationRow,
    *,
    owner: Owner,
    purpose: Purpose | None,
    policy: EnginePolicy,
    lost: str | None = None,
) -> Claim:
    """Claims a rotation as the successor of whoever owned it.

    Args:
        owner: the run that holds the lease from now on.
        purpose: None for the run that owned it before.
        lost: why its old credential can't be retired, None where it can.

    Raises:
        InvalidRequest: it was to be aborted, and AWSCURRENT has moved already.
        RowAltered: the row is none that a rotation can have.
    """
    secret, at = found.secret, found.labels
    candidates = candidates_of(tx, secret, at, row=row, token=row.token)
    facts = Facts(candidates=frozenset(candidates), has_admin=found.admin is not None)
    before = believed(row, at=at, candidates=candidates)
    retires = row.status == Status.GRACE
    fresh = _has_fresh_budget(row, purpose)
    if retires:
        from rotator.rotation import grace  # most rotations have none

        void = grace.is_void(row, at)
        state = grace.taken_state(before, facts, void=void, fresh=fresh)
        if lost is not None and state.status.active:
            state = grace.given_up(before, lost, old=row.current_version)
    else:
        state = _taken_state(
            before, facts, taken_over=row.owner is not None, purpose=purpose, fresh=fresh
        )
    if purpose is Purpose.COMPROMISED:
        state = replace(state, compromised=True)
    columns = leased_state(tx, state, owner, seconds=policy.lease, otherwise=Status(row.status))
    columns["admin_arn"] = secret.admin_arn
    if retires:
        columns["next_attempt_at"] = min(row.next_attempt_at or tx.now, tx.now)
        if purpose is not None and purpose not in _PATIENT:
            # Whoever takes it up after a crash doesn't wait for clients either.
            columns["deadline_at"] = min(row.deadline_at, tx.now)
    else:
        columns["next_attempt_at"] = None
        if fresh:
            columns["deadline_at"] = rotations.deadline(tx, policy.deadline)
    fencing = rotations.take(tx, row, columns=columns)
    waits = retires and purpose in _PATIENT
    return Claim(
        secret=secret,
        rotation_id=row.id,
        token=row.token,
        rotator=row.rotator,
        owner=owner,
        fencing=fencing,
        state=state,
        candidates=candidates,
        pinned=pinned_beside(tx, secret, candidates),
        admin=found.admin,
        labels=at,
        deadline=found.asked + (policy.deadline if fresh or retires else _left(tx, row)),
        lease_until=found.asked + policy.lease,
        barrier_raised=row.barrier_raised_at is not None,
        resumed=True,
        abandoned=row.status == Status.ABANDONING,
        new_token=False,
        retires=retires,
        rival=_rival(tx, row, at) if retires else None,
        # In the grace period `deadline_at` is the end of the wait that may follow it.
        waits_until=found.asked + _left(tx, row) if waits else None,
    )


def leased_state(
    tx: Tx, state: MachineState, owner: Owner, *, seconds: float, otherwise: Status
) -> dict[str, Any]:
    """The columns of a claim's state and of its lease, which lasts for `seconds`.

    The row stays active until the run has written its end, even where the state is at its end already.
    """
    active = state if state.status.active else replace(state, status=otherwise)
    return rotation_row.state_columns(active) | lease_columns(tx, owner=owner, seconds=seconds)


def _has_fresh_budget(row: RotationRow, purpose: Purpose | None) -> bool:
    """Whether whoever takes a rotation up begins to count its attempts anew.

    A person's command does. Of what is due by itself only the retirement that has not begun yet does: attempts stay
    bounded however often a rotation is parked, or its process dies.
    """
    if purpose is Purpose.DUE:
        return (row.status == Status.GRACE and not row.touched) or _was_never_run(row)
    return purpose is not None


def _was_never_run(row: RotationRow) -> bool:
    """Whether it was asked for and nobody was there to begin: what it waited for that is not taken off its time."""
    return row.status == Status.WAITING and row.failure is None and not row.taken_over


def _left(tx: Tx, row: RotationRow) -> float:
    """Seconds of the time that a rotation has for all its attempts together; negative where it is over."""
    return (row.deadline_at - tx.now).total_seconds()


def _taken_state(
    before: MachineState,
    facts: Facts,
    *,
    taken_over: bool,
    purpose: Purpose | None,
    fresh: bool,
) -> MachineState:
    if before.status is Status.ABANDONING:
        state = machine.settling(before, facts=facts)
        return replace(state, attempt=1) if fresh else state
    if purpose is Purpose.ABORT:
        if before.finished:
            raise InvalidRequest(
                "The new value is AWSCURRENT already, so there is nothing to abort. "
                "`rotate resume` completes the rotation."
            )
        return machine.aborted(before, facts=facts, taken_over=taken_over)
    state = machine.resumed(before, facts=facts, taken_over=taken_over)
    return replace(state, attempt=1, reverts=0) if fresh else state


def _rival(tx: Tx, row: RotationRow, at: Labels) -> VersionRow | None:
    pending = at.version(names.PENDING)
    if pending is None or pending in {row.token, row.current_version, at.version(names.CURRENT)}:
        return None
    found = versions.get(tx, secret_id=row.secret_id, version_id=pending)
    return found if found is not None and found.sealed is not None else None
