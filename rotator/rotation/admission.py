"""How a run comes to own a rotation: a new one, one that was left unfinished, or one that was abandoned."""

from collections.abc import Callable
from dataclasses import dataclass, replace
from enum import StrEnum
from typing import Any

from rotator.errors import InvalidRequest, RotationInProgress
from rotator.model import labels as names
from rotator.model.caller import Caller
from rotator.model.labels import Labels
from rotator.model.rotation import MachineState, Status
from rotator.rotation import machine
from rotator.rotation.actions import Facts
from rotator.rotation.claim import Claim
from rotator.rotation.journal import Journal, lease_columns
from rotator.rotation.owner import Owner
from rotator.rotation.patience import AdminSecretBusy
from rotator.rotation.situation import admin_value, candidates_of, check_rotatable
from rotator.sdk import Candidate
from rotator.store import audit, labels, rotations, secrets
from rotator.store.audit import Outcome
from rotator.store.rotations import RotationRow
from rotator.store.secrets import SecretRow
from rotator.store.tx import Tx
from rotator.store.versions import VersionRow

_DOUBTFUL = {Status.DIVERGED, Status.UNVERIFIED, Status.DEGRADED}


class Purpose(StrEnum):
    """What a run is for."""

    ROTATE = "rotate"
    RESUME = "resume"
    ABORT = "abort"


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
        ready: Callable[[SecretRow], object],
    ) -> Claim | None:
        """The rotation of a secret, leased to this process with a fresh budget.

        None where RESUME or ABORT finds nothing.

        Args:
            ready: raises where the secret's rotator can't be had, so that nothing is left behind then.

        Raises:
            ResourceNotFound: no such secret.
            InvalidRequest: it is marked for deletion, or has no rotator.
            RotationInProgress: another process holds the lease.
            AdminSecretBusy: it has to wait for another secret's rotation.
        """
        asked = self.journal.clock()
        with self.journal.store.write() as tx:
            secret = secrets.find(
                tx,
                account=caller.account,
                region=caller.region,
                secret_id=secret_id,
                for_update=True,
            )
            last = rotations.latest(tx, secret.id)
            row = last if last is not None and last.state.status.active else None
            if row is None and purpose is Purpose.RESUME:
                return None
            if row is not None:
                self._refuse_leased(tx, secret, row)
            check_rotatable(secret, row)
            ready(secret)
            admin = self._admin(tx, secret)
            at = labels.load(tx, secret.id)
            if row is not None:
                return self._take(tx, secret, row, at, admin, asked, purpose=purpose)
            if purpose is Purpose.ABORT and not _left_behind(at, last):
                return None
            return self._start(
                tx,
                secret,
                at,
                admin,
                asked,
                caller=caller,
                request_id=request_id,
                last=last,
                purpose=purpose,
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
            if row is None or row.id != claim.rotation_id or self._held_by_other(tx, row):
                return None
            at = labels.load(tx, secret.id)
            admin = self._admin(tx, secret)
            again = self._take(tx, secret, row, at, admin, asked, purpose=None)
        return replace(again, deadline=claim.deadline, labels=claim.labels, resumed=claim.resumed)

    def read_admin(self, claim: Claim) -> tuple[SecretRow, VersionRow] | None:
        """The admin secret as it is now: it may have been rotated since the claim."""
        with self.journal.store.read() as tx:
            return admin_value(tx, claim.secret)

    def _held_by_other(self, tx: Tx, row: RotationRow) -> bool:
        return row.leased(tx) and row.owner != str(self.journal.owner)

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

    def _take(
        self,
        tx: Tx,
        secret: SecretRow,
        row: RotationRow,
        at: Labels,
        admin: tuple[SecretRow, VersionRow] | None,
        asked: float,
        *,
        purpose: Purpose | None,
    ) -> Claim:
        candidates = candidates_of(tx, secret, at, row=row, token=row.token)
        facts = Facts(candidates=frozenset(candidates), has_admin=admin is not None)
        state = _taken_state(row, facts, taken_over=row.owner is not None, purpose=purpose)
        columns = self._leased_state(tx, state)
        columns |= {"next_attempt_at": None, "admin_arn": secret.admin_arn}
        if purpose is not None:
            columns["deadline_at"] = rotations.deadline(tx, self.journal.policy.deadline)
        fencing = rotations.take(tx, row, columns=columns)
        return Claim(
            secret=secret,
            rotation_id=row.id,
            token=row.token,
            fencing=fencing,
            state=state,
            candidates=candidates,
            admin=admin,
            labels=at,
            deadline=asked + self.journal.policy.deadline,
            lease_until=asked + self.journal.policy.lease,
            barrier_raised=row.barrier_raised_at is not None,
            resumed=True,
            abandoned=row.status == Status.ABANDONING,
            new_token=False,
        )

    def _start(
        self,
        tx: Tx,
        secret: SecretRow,
        at: Labels,
        admin: tuple[SecretRow, VersionRow] | None,
        asked: float,
        *,
        caller: Caller,
        request_id: str,
        last: RotationRow | None,
        purpose: Purpose,
    ) -> Claim:
        pending = at.version(names.PENDING)
        left = pending is not None and pending != at.version(names.CURRENT)
        token = pending if left and pending is not None else self.new_token()
        candidates = candidates_of(tx, secret, at, row=None, token=token)
        facts = Facts(candidates=frozenset(candidates), has_admin=admin is not None)
        created = Candidate.PENDING in candidates
        doubtful = last is not None and last.status in _DOUBTFUL
        state = machine.begin(
            created=created,
            uncertain=created or doubtful or Candidate.PINNED in candidates,
            facts=facts,
            overlap=last.state.overlap if last is not None and last.token == token else None,
        )
        if purpose is Purpose.ABORT:
            state = machine.aborted(state, facts=facts, taken_over=False)
        rotation_id = self.new_id()
        rotations.insert_rotation(
            tx,
            self._leased_state(tx, state)
            | {
                "id": rotation_id,
                "secret_id": secret.id,
                "token": token,
                "requested_by": caller.principal,
                "request_id": request_id,
                "created_at": tx.now,
                "updated_at": tx.now,
                "deadline_at": rotations.deadline(tx, self.journal.policy.deadline),
                "current_version": at.version(names.CURRENT),
                "previous_version": at.version(names.PREVIOUS),
                "admin_arn": secret.admin_arn,
                "fencing": 1,
            },
        )
        audit.record(
            tx, caller=caller, request_id=request_id, event="RotationStarted", secret_arn=secret.arn,
            version_id=token, outcome=Outcome.SUCCEEDED, detail={"rotation": rotation_id},
        )  # fmt: skip
        return Claim(
            secret=secret,
            rotation_id=rotation_id,
            token=token,
            fencing=1,
            state=state,
            candidates=candidates,
            admin=admin,
            labels=at,
            deadline=asked + self.journal.policy.deadline,
            lease_until=asked + self.journal.policy.lease,
            barrier_raised=False,
            resumed=created,
            abandoned=False,
            new_token=not left,
        )

    def _leased_state(self, tx: Tx, state: MachineState) -> dict[str, Any]:
        """The row stays active until the run has written its end, even where the state is at its end already."""
        active = state if state.status.active else replace(state, status=Status.RUNNING)
        lease = lease_columns(tx, owner=self.journal.owner, seconds=self.journal.policy.lease)
        return rotations.state_columns(active) | lease


def _taken_state(
    row: RotationRow, facts: Facts, *, taken_over: bool, purpose: Purpose | None
) -> MachineState:
    if row.status == Status.ABANDONING:
        state = machine.settling(row.state, facts=facts)
        return state if purpose is None else replace(state, attempt=1)
    if purpose is Purpose.ABORT:
        if row.finished:
            raise InvalidRequest(
                "The new value is AWSCURRENT already, so there is nothing to abort. "
                "`rotate resume` completes the rotation."
            )
        return machine.aborted(row.state, facts=facts, taken_over=taken_over)
    state = machine.resumed(row.state, facts=facts, taken_over=taken_over)
    return state if purpose is None else replace(state, attempt=1, reverts=0)


def _left_behind(at: Labels, last: RotationRow | None) -> bool:
    pending = at.version(names.PENDING)
    return (pending is not None and pending != at.version(names.CURRENT)) or (
        last is not None and last.status in _DOUBTFUL
    )
