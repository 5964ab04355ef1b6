"""How a run comes to own a rotation: a new one, one that was left unfinished, or one that was abandoned."""

from collections.abc import Callable
from dataclasses import dataclass, replace

from rotator.errors import (
    ConfigurationError,
    InvalidRequest,
    ResourceNotFound,
    RotationInProgress,
)
from rotator.manager.call import Call
from rotator.model.caller import Caller
from rotator.model.labels import Labels
from rotator.model.rotation import Status
from rotator.rotation.beginning import begin
from rotator.rotation.claim import BY_ITSELF, Claim, Purpose
from rotator.rotation.journal import Journal
from rotator.rotation.own_runs import is_over
from rotator.rotation.owner import Owner
from rotator.rotation.patience import AdminSecretBusy
from rotator.rotation.situation import Found, admin_value, check_rotatable, left_token
from rotator.rotation.taking_up import take_up
from rotator.store import (
    labels,
    open_rotations,
    rotations,
    secrets,
)
from rotator.store.rotation_row import RotationRow
from rotator.store.secrets import SecretRow
from rotator.store.tx import Tx
from rotator.store.versions import VersionRow

_RUN_LENGTH = 12
_DOUBTFUL = {Status.DIVERGED, Status.UNVERIFIED, Status.DEGRADED}
_RETIRING = {Purpose.RETIRE, Purpose.RETIRE_DUE}
_ROTATING = {Purpose.ROTATE, Purpose.END_GRACE, Purpose.COMPROMISED}


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
        owner: Owner,
        ready: Callable[[str], object],
    ) -> Claim | None:
        """The rotation of a secret, leased to a run of this process with a fresh budget.

        None where there is nothing to do, for a purpose that makes no new value.

        Args:
            owner: the run.
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

        def claim(tx: Tx) -> Claim | None:
            return self._claim(tx, call, purpose=purpose, owner=owner, ready=ready, asked=asked)

        return self.journal.store.write_with_others(claim)

    def _claim(
        self,
        tx: Tx,
        call: Call,
        *,
        purpose: Purpose,
        owner: Owner,
        ready: Callable[[str], object],
        asked: float,
    ) -> Claim | None:
        secret = call.find(tx, for_update=True)
        newest = rotations.latest(tx, secret.id)
        last = rotations.before_tests(tx, newest)
        row = last if last is not None and last.state.status.active else None
        at = labels.load(tx, secret.id)
        if purpose in _RETIRING and (row is None or row.status != Status.GRACE):
            row = None if row is not None else self._reopened(tx, call, secret, last, at, purpose)
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
        admin, lost = (None, gone) if gone else self._admin_or_reason(tx, secret, row, purpose)
        found = Found(secret=secret, labels=at, admin=admin, asked=asked)
        if row is not None:
            call.record(
                tx,
                secret.arn,
                version_id=row.token,
                detail={"rotation": row.id, "purpose": str(purpose)},
            )
            return take_up(
                tx,
                found,
                row,
                owner=owner,
                purpose=purpose,
                policy=self.journal.policy,
                lost=lost,
            )
        return begin(
            tx,
            call,
            found,
            rotation_id=self.new_id(),
            new_token=self.new_token(),
            owner=owner,
            rotator=rotator,
            newest=newest,
            last=last,
            purpose=purpose,
            policy=self.journal.policy,
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
            found = Found(secret=secret, labels=at, admin=self._admin(tx, secret), asked=asked)
            again = take_up(
                tx, found, row, owner=claim.owner, purpose=None, policy=self.journal.policy
            )
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
        if row.leased(tx) and not (holder and is_over(holder, observer=self.journal.owner)):
            who = holder.shown if holder else "another process"
            raise RotationInProgress(
                f"{secret.name} is being rotated by {who} (requested by {row.requested_by}, at {row.phase}). "
                "Wait until it is over; `rotate status` shows it. If that process is gone, its lease ends within "
                f"{self.journal.policy.lease:.0f} s."
            )

    def _admin(self, tx: Tx, secret: SecretRow) -> tuple[SecretRow, VersionRow] | None:
        users = open_rotations.users_of_admin(tx, secret.arn)
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
        self, tx: Tx, secret: SecretRow, row: RotationRow | None, purpose: Purpose
    ) -> tuple[tuple[SecretRow, VersionRow] | None, str | None]:
        """The admin secret, or why the old credential can't be retired: a deleted secret can't be given another, and
        what is due by itself ends rather than being refused for ever.
        """
        try:
            return self._admin(tx, secret), None
        except InvalidRequest as error:
            if row is None or row.status != Status.GRACE:
                raise
            if secret.deleted_at is None and purpose not in BY_ITSELF:
                raise
            return None, str(error)

    def new_owner(self) -> Owner:
        """A run of this process."""
        return replace(self.journal.owner, run=self.new_id()[:_RUN_LENGTH])


def _left_alone(tx: Tx, secret: SecretRow, row: RotationRow, at: Labels, purpose: Purpose) -> bool:
    from rotator.rotation import grace  # most rotations have none

    return grace.is_left_alone(tx, secret, row, at, purpose)


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


def _held_by_other(tx: Tx, row: RotationRow, claim: Claim) -> bool:
    """Whether another run has the rotation by now, one in another thread of this process too."""
    return row.leased(tx) and row.owner != str(claim.owner)


def _same_token(at: Labels, last: RotationRow) -> bool:
    return last.token == left_token(at)


def _nothing_left(at: Labels, last: RotationRow | None, purpose: Purpose) -> bool:
    """Whether a run that makes no new value finds nothing to do."""
    doubtful = last is not None and last.status in _DOUBTFUL
    match purpose:
        case Purpose.RESUME:
            return left_token(at) is None
        case Purpose.ABORT:
            return left_token(at) is None and not doubtful
        case _:
            return False
