"""How a run comes to own a rotation: a new one, one that was left unfinished, or one that was abandoned."""

from collections.abc import Callable
from dataclasses import dataclass, replace
from typing import Any

from sqlalchemy.exc import IntegrityError

from rotator.errors import (
    ConfigurationError,
    InvalidRequest,
    ResourceNotFound,
    RotationInProgress,
)
from rotator.manager.call import Call
from rotator.model import labels as names
from rotator.model.caller import Caller
from rotator.model.labels import Labels
from rotator.model.rotation import MachineState, Status
from rotator.rotation import machine
from rotator.rotation.actions import Facts
from rotator.rotation.belief import believed
from rotator.rotation.claim import Claim, Purpose
from rotator.rotation.journal import Journal, lease_columns
from rotator.rotation.owner import Owner
from rotator.rotation.patience import AdminSecretBusy
from rotator.rotation.situation import admin_value, candidates_of, check_rotatable
from rotator.sdk import Candidate
from rotator.store import changes, labels, rotations, secrets, versions
from rotator.store.rotations import RotationRow
from rotator.store.secrets import SecretRow
from rotator.store.tx import Tx
from rotator.store.versions import VersionRow

_RUN_LENGTH = 12
_DOUBTFUL = {Status.DIVERGED, Status.UNVERIFIED, Status.DEGRADED}
_UNSETTLED = _DOUBTFUL | {Status.UNRETIRED}  # the next rotation asks first which value lives
_RETIRING = {Purpose.RETIRE, Purpose.RETIRE_DUE}
_ROTATING = {Purpose.ROTATE, Purpose.END_GRACE, Purpose.COMPROMISED}
_PATIENT = {
    Purpose.ROTATE,
    Purpose.RESUME,
    Purpose.RETIRE_DUE,
    Purpose.DUE,
}  # with those who use an old credential


@dataclass(frozen=True, slots=True)
class Admission:
    """Hands out claims."""

    journal: Journal
    new_id: Callable[[], str]
    new_token: Callable[[], str]

    def claim(
        self,
        secret_id: str,
        *,
        caller: Caller,
        request_id: str,
        purpose: Purpose,
        ready: Callable[[str], object],
    ) -> Claim | None:
        """The rotation of a secret, leased to this process with a fresh budget.

        None where there is nothing to do, for a purpose that makes no new value.

        Args:
            ready: raises where the rotator of this name can't be had, so that nothing is left behind then.

        Raises:
            AccessDenied: the caller may not, there.
            ResourceNotFound: no such secret.
            InvalidRequest: it is marked for deletion, or has no rotator.
            RotationInProgress: another process holds the lease, or the grace period of the last rotation lasts.
            AdminSecretBusy: it has to wait for another secret's rotation.
        """
        asked = self.journal.clock()
        call = Call(event="RotateSecret", caller=caller, request_id=request_id, secret_id=secret_id)
        with call.write(self.journal.store) as tx:
            secret = call.find(tx, for_update=True)
            last = rotations.latest(tx, secret.id)
            row = last if last is not None and last.state.status.active else None
            at = labels.load(tx, secret.id)
            if purpose in _RETIRING and (row is None or row.status != Status.GRACE):
                row = (
                    None if row is not None else self._reopened(tx, call, secret, last, at, purpose)
                )
                if row is None:
                    return None
            if row is None and _nothing_left(at, last, purpose):
                return None
            if row is not None:
                self._refuse_leased(tx, secret, row)
                if row.status == Status.GRACE and _left_alone(tx, secret, row, at, purpose):
                    return None
            secret, row, last = _without_lost(tx, call, secret, row, last, purpose, ready)
            rotator = check_rotatable(secret, row)
            if purpose is Purpose.DUE and not self._is_due(tx, call, secret, row):
                return None
            if last is not None and (row is not None or _same_token(at, last)):
                rotator = last.rotator  # another one would not know what this one has done
            gone = _why_gone(last, ready)
            if gone is None:
                ready(rotator)
            admin, lost = (None, gone) if gone else self._admin_or_reason(tx, secret, row)
            if row is not None:
                call.record(
                    tx,
                    secret.arn,
                    version_id=row.token,
                    detail={"rotation": row.id, "purpose": str(purpose)},
                )
                return self._take(
                    tx,
                    secret,
                    row,
                    at,
                    admin,
                    asked,
                    owner=self._new_owner(),
                    purpose=purpose,
                    lost=lost,
                )
            return self._start(
                tx, call, secret, at, admin, asked, rotator=rotator, last=last, purpose=purpose
            )

    def reclaim(self, claim: Claim) -> Claim | None:
        """The same rotation after it waited, or after it was abandoned from outside under this run.

        None where it has ended, or is another's by now.

        Raises:
            AdminSecretBusy: it has to wait for the rotation of its admin secret.
        """
        asked = self.journal.clock()
        with self.journal.store.write() as tx:
            secret = secrets.by_id(tx, claim.secret.id, for_update=True)
            row = rotations.active(tx, secret.id)
            if row is None or row.id != claim.rotation_id or _held_by_other(tx, row, claim):
                return None
            at = labels.load(tx, secret.id)
            admin = self._admin(tx, secret)
            again = self._take(tx, secret, row, at, admin, asked, owner=claim.owner, purpose=None)
        return replace(
            again,
            deadline=claim.deadline,
            resumed=claim.resumed,
            waits_until=claim.waits_until,
        )

    def read_admin(self, claim: Claim) -> tuple[SecretRow, VersionRow] | None:
        """The admin secret as it is now: it may have been rotated since the claim."""
        with self.journal.store.read() as tx:
            return admin_value(tx, claim.secret)

    def _is_due(self, tx: Tx, call: Call, secret: SecretRow, row: RotationRow | None) -> bool:
        from rotator.rotation import due  # a rotation by hand does without it

        return due.is_due(tx, call, secret, row, planner=self.journal.planner)

    def _reopened(
        self,
        tx: Tx,
        call: Call,
        secret: SecretRow,
        last: RotationRow | None,
        at: Labels,
        purpose: Purpose,
    ) -> RotationRow | None:
        if purpose is not Purpose.RETIRE:
            return None
        from rotator.rotation import grace  # most rotations have none

        return grace.reopened(tx, call, secret, last, at)

    def _refuse_leased(self, tx: Tx, secret: SecretRow, row: RotationRow) -> None:
        holder = Owner.parse(row.owner or "")
        if row.leased(tx) and not (holder and holder.seen_dead_by(self.journal.owner)):
            who = holder.shown if holder else "another process"
            raise RotationInProgress(
                f"{secret.name} is being rotated by {who} (requested by {row.requested_by}, at {row.phase}). "
                "Wait until it is over; `rotate status` shows it. If that process is gone, its lease ends within "
                f"{self.journal.policy.lease:.0f} s."
            )

    def _admin(self, tx: Tx, secret: SecretRow) -> tuple[SecretRow, VersionRow] | None:
        users = rotations.users_of_admin(tx, secret.arn)
        if users:
            raise AdminSecretBusy(
                f"{secret.name} is the admin secret of {', '.join(users)}, which is being rotated now"
            )
        found = admin_value(tx, secret, for_update=True)
        if found is not None:
            row = rotations.active(tx, found[0].id)
            if row is not None and row.leased(tx):
                raise AdminSecretBusy(
                    f"the admin secret {found[0].name} is being rotated itself now"
                )
        return found

    def _admin_or_reason(
        self, tx: Tx, secret: SecretRow, row: RotationRow | None
    ) -> tuple[tuple[SecretRow, VersionRow] | None, str | None]:
        """The admin secret, or why the old credential of a deleted secret can't be retired: that one can't be given
        another.
        """
        try:
            return self._admin(tx, secret), None
        except InvalidRequest as error:
            if row is None or row.status != Status.GRACE or secret.deleted_at is None:
                raise
            return None, str(error)

    def _take(
        self,
        tx: Tx,
        secret: SecretRow,
        row: RotationRow,
        at: Labels,
        admin: tuple[SecretRow, VersionRow] | None,
        asked: float,
        *,
        owner: Owner,
        purpose: Purpose | None,
        lost: str | None = None,
    ) -> Claim:
        candidates = candidates_of(tx, secret, at, row=row, token=row.token)
        facts = Facts(candidates=frozenset(candidates), has_admin=admin is not None)
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
        columns = self._leased_state(tx, state, owner, otherwise=Status(row.status))
        columns["admin_arn"] = secret.admin_arn
        if retires:
            columns["next_attempt_at"] = min(row.next_attempt_at or tx.now, tx.now)
            if purpose is not None and purpose not in _PATIENT:
                # Whoever takes it up after a crash doesn't wait for clients either.
                columns["deadline_at"] = min(row.deadline_at, tx.now)
        else:
            columns["next_attempt_at"] = None
            if fresh:
                columns["deadline_at"] = rotations.deadline(tx, self.journal.policy.deadline)
        fencing = rotations.take(tx, row, columns=columns)
        return Claim(
            secret=secret,
            rotation_id=row.id,
            token=row.token,
            rotator=row.rotator,
            owner=owner,
            fencing=fencing,
            state=state,
            candidates=candidates,
            admin=admin,
            labels=at,
            deadline=asked + (self.journal.policy.deadline if fresh or retires else _left(tx, row)),
            lease_until=asked + self.journal.policy.lease,
            barrier_raised=row.barrier_raised_at is not None,
            resumed=True,
            abandoned=row.status == Status.ABANDONING,
            new_token=False,
            retires=retires,
            rival=_rival(tx, row, at) if retires else None,
            waits_until=_waits_until(tx, row, asked) if retires and purpose in _PATIENT else None,
        )

    def _start(
        self,
        tx: Tx,
        call: Call,
        secret: SecretRow,
        at: Labels,
        admin: tuple[SecretRow, VersionRow] | None,
        asked: float,
        *,
        rotator: str,
        last: RotationRow | None,
        purpose: Purpose,
    ) -> Claim:
        left = _left_token(at)
        reverts = purpose is Purpose.ABORT
        if purpose is Purpose.COMPROMISED and left is not None:
            # Whoever knows the old credential may have staged this one: it is no value to rotate to.
            reverts = last is not None and last.token == left
            if not reverts:
                secret, at = _unstaged(tx, call, secret, at)
                left = None
        token = left or self.new_token()
        candidates = candidates_of(tx, secret, at, row=None, token=token)
        previous = at.version(names.PREVIOUS)
        if last is not None and previous and rotations.was_given_up(tx, secret.id, previous):
            # The target refuses it, or should, and nothing may give it back.
            given_up = candidates.pop(Candidate.PREVIOUS, None)
            if given_up is not None and given_up.pinned:
                candidates.setdefault(Candidate.PINNED, given_up)
            previous = None
        facts = Facts(candidates=frozenset(candidates), has_admin=admin is not None)
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
        rotation_id = self.new_id()
        owner = self._new_owner()
        fencing = 1 if last is None else last.fencing + 1
        self._insert(
            tx,
            self._leased_state(tx, state, owner, otherwise=Status.RUNNING)
            | {
                "id": rotation_id,
                "secret_id": secret.id,
                "token": token,
                "rotator": rotator,
                "requested_by": call.caller.principal,
                "request_id": call.request_id,
                "created_at": tx.now,
                "updated_at": tx.now,
                "deadline_at": rotations.deadline(tx, self.journal.policy.deadline),
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
            event=changes.BEGUN,
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
            admin=admin,
            labels=at,
            deadline=asked + self.journal.policy.deadline,
            lease_until=asked + self.journal.policy.lease,
            barrier_raised=False,
            resumed=created,
            abandoned=False,
            reverts=reverts,
            new_token=left is None,
        )

    def _insert(self, tx: Tx, columns: dict[str, Any]) -> None:
        try:
            rotations.insert_rotation(tx, columns)
        except IntegrityError:
            how = (
                "an earlier rotation of the secret owns it, but has not the highest fencing number"
            )
            raise rotations.altered(columns["id"], how) from None

    def _new_owner(self) -> Owner:
        return replace(self.journal.owner, run=self.new_id()[:_RUN_LENGTH])

    def _leased_state(
        self, tx: Tx, state: MachineState, owner: Owner, *, otherwise: Status
    ) -> dict[str, Any]:
        """The row stays active until the run has written its end, even where the state is at its end already."""
        active = state if state.status.active else replace(state, status=otherwise)
        lease = lease_columns(tx, owner=owner, seconds=self.journal.policy.lease)
        return rotations.state_columns(active) | lease


def _has_fresh_budget(row: RotationRow, purpose: Purpose | None) -> bool:
    """Whether whoever takes a rotation up begins to count its attempts anew.

    A person's command does. Of what is due by itself only the retirement that has not begun yet does: attempts stay
    bounded however often a rotation is parked, or its process dies.
    """
    if purpose is Purpose.DUE:
        return row.status == Status.GRACE and not row.touched
    return purpose is not None


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


def _left_alone(tx: Tx, secret: SecretRow, row: RotationRow, at: Labels, purpose: Purpose) -> bool:
    from rotator.rotation import grace  # most rotations have none

    return grace.is_left_alone(tx, secret, row, at, purpose)


def _unstaged(tx: Tx, call: Call, secret: SecretRow, at: Labels) -> tuple[SecretRow, Labels]:
    """The secret and its labels after AWSPENDING was taken off a version that no rotation has set."""
    after = at.without_pending()
    labels.save(tx, secret.id, before=at, after=after)
    call.change(tx, secret, {"changed_at": tx.now}, labels=after.at)
    return secret._replace(changed_at=tx.now, revision=secret.revision + 1), after


def _rival(tx: Tx, row: RotationRow, at: Labels) -> VersionRow | None:
    pending = at.version(names.PENDING)
    if pending is None or pending in {row.token, row.current_version, at.version(names.CURRENT)}:
        return None
    found = versions.get(tx, secret_id=row.secret_id, version_id=pending)
    return found if found is not None and found.sealed is not None else None


def _why_gone(row: RotationRow | None, ready: Callable[[str], object]) -> str | None:
    """Why the rotator of an old credential in its grace period can't be had any more, None where it can."""
    if row is None or row.status != Status.GRACE:
        return None
    try:
        ready(row.rotator)
    except ResourceNotFound:
        return f"there is no rotator {row.rotator} any more"
    except ConfigurationError as error:
        return str(error)
    return None


def _without_lost(
    tx: Tx,
    call: Call,
    secret: SecretRow,
    row: RotationRow | None,
    last: RotationRow | None,
    purpose: Purpose,
    ready: Callable[[str], object],
) -> tuple[SecretRow, RotationRow | None, RotationRow | None]:
    """The secret, its active and its last rotation, after a retirement was ended whose rotator is gone."""
    if row is None or purpose not in _ROTATING:
        return secret, row, last
    reason = _why_gone(row, ready)
    if reason is None:
        return secret, row, last
    from rotator.rotation import grace  # most rotations have none

    secret = grace.give_up(tx, call, secret, row, reason)
    return secret, None, rotations.latest(tx, secret.id)


def _waits_until(tx: Tx, row: RotationRow, asked: float) -> float:
    """In the grace period `deadline_at` is the end of the wait that may follow it."""
    return asked + _left(tx, row)


def _held_by_other(tx: Tx, row: RotationRow, claim: Claim) -> bool:
    """Whether another run has the rotation by now, one in another thread of this process too."""
    return row.leased(tx) and row.owner != str(claim.owner)


def _left_token(at: Labels) -> str | None:
    """The version that AWSPENDING was left on, None where there is none but the current one."""
    pending = at.version(names.PENDING)
    return None if pending == at.version(names.CURRENT) else pending


def _same_token(at: Labels, last: RotationRow) -> bool:
    return last.token == _left_token(at)


def _nothing_left(at: Labels, last: RotationRow | None, purpose: Purpose) -> bool:
    """Whether a run that makes no new value finds nothing to do."""
    doubtful = last is not None and last.status in _DOUBTFUL
    match purpose:
        case Purpose.RESUME:
            return _left_token(at) is None
        case Purpose.ABORT:
            return _left_token(at) is None and not doubtful
        case _:
            return False
