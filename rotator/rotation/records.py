"""What the store knows of a secret's rotations, for `status` and `history`."""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime

from rotator.manager.call import Call
from rotator.model.caller import Caller, rotation_service
from rotator.model.rotation import Failure, MachineState, Phase, Status
from rotator.rotation.owner import Owner
from rotator.sdk import Overlap
from rotator.store import audit_search, labels, rotation_events, rotations
from rotator.store.audit import Outcome
from rotator.store.audit_search import AuditFilter
from rotator.store.rotation_events import EventRow
from rotator.store.rotation_row import RotationRow
from rotator.store.secrets import SecretRow
from rotator.store.store import Store
from rotator.store.tx import Tx


@dataclass(frozen=True, slots=True, kw_only=True)
class RotationRecord:
    """One rotation, ended or not.

    Attributes:
        phase: where it is, or where it ended.
        owner: who runs it now, in words; None where nobody does.
        next_attempt_at: None unless it waits; in the grace period the end of that.
        waits_until: when clients are no longer waited for that use the old credential; None where they are not.
        retiring: the retirement of the old credential has begun and is not over.
        retired: the target refuses the credential that it replaced.
        in_use: who used that when it was looked at last, in words; None where nobody is known to.
        only_tested: it was no rotation, but testSecret alone, on a temporary version with the current value.
        steps: oldest first; empty where they were not asked for.
    """

    rotation_id: str
    token: str
    status: Status
    phase: Phase
    attempt: int
    overlap: Overlap | None
    requested_by: str
    owner: str | None
    created_at: datetime
    ended_at: datetime | None
    next_attempt_at: datetime | None
    failure: Failure | None
    waits_until: datetime | None = None
    retiring: bool = False
    retired: bool = False
    in_use: str | None = None
    only_tested: bool = False
    steps: tuple[EventRow, ...] = ()


@dataclass(frozen=True, slots=True, kw_only=True)
class Refused:
    """That what is due did not begin, when it was tried last.

    Attributes:
        error: the class of the refusal.
        reason: in words; None where a release that kept none has tried it.
    """

    at: datetime
    error: str
    reason: str | None


@dataclass(frozen=True, slots=True, kw_only=True)
class SecretRotations:
    """A secret with its latest rotations, newest first.

    Attributes:
        barrier_until: when the raised read barrier falls at the latest; None where none is raised.
        refused: why what is due by now does not begin; None where nothing is due, or was not tried yet.
        barrier_fallen: it was raised, fell at its limit, and the rotation still runs: readers get
            AWSCURRENT although the target may refuse it.
        tested: the test of its rotation function that was made since the last of them; None where none was.
    """

    secret_arn: str
    secret_name: str
    labels: Mapping[str, str]
    barrier_until: datetime | None
    barrier_fallen: bool
    rotations: tuple[RotationRecord, ...]
    refused: Refused | None = None
    tested: RotationRecord | None = None


def rotations_of(
    store: Store,
    secret_id: str,
    *,
    caller: Caller,
    request_id: str,
    limit: int,
    with_steps: bool = False,
) -> SecretRotations:
    """The latest rotations of a secret; with their steps, its tests are among them. The audit has the DescribeSecret
    that comes with it.

    Raises:
        ResourceNotFound: there is no such secret.
        AccessDenied: the caller may not see it.
    """
    call = Call(event="DescribeSecret", caller=caller, request_id=request_id, secret_id=secret_id)
    with call.watched(store), store.read() as tx:
        secret = call.find(tx)
        rows = rotations.history(tx, secret.id, limit=limit)
        newest = rows[0] if rows else None
        last = rotations.before_tests(tx, newest)
        if last is not newest and not with_steps:
            rows = () if last is None else (last,)
        running = bool(rows) and Status(rows[0].status).active
        raised = secret.barrier_until is not None and secret.barrier_until > tx.now
        return SecretRotations(
            secret_arn=secret.arn,
            secret_name=secret.name,
            labels=dict(labels.load(tx, secret.id).at),
            barrier_until=secret.barrier_until if raised else None,
            barrier_fallen=running and secret.barrier_until is not None and not raised,
            rotations=tuple(_record(tx, row, with_steps=with_steps) for row in rows),
            refused=_refused(tx, secret, last),
            tested=None
            if newest is last or newest is None
            else _record(tx, newest, with_steps=False),
        )


def _refused(tx: Tx, secret: SecretRow, last: RotationRow | None) -> Refused | None:
    """The last refusal of what is due by now, as the audit has it."""
    waits = last is not None and last.state.status.active and not last.leased(tx)
    moments = [secret.due_at, last.next_attempt_at if last is not None and waits else None]
    due = [moment for moment in moments if moment is not None and moment <= tx.now]
    if not due:
        return None
    tried = AuditFilter(
        secret=secret.arn,
        principal=rotation_service(account=secret.account, region=secret.region).principal,
        event="RotateSecret",
        since=min(due),
    )
    found = audit_search.page(
        tx,
        tried,
        account=secret.account,
        region=secret.region,
        after=None,
        limit=1,
        newest_first=True,
    )
    if not found or found[0].outcome == Outcome.SUCCEEDED or found[0].detail is None:
        return None
    said = found[0].detail
    return Refused(at=found[0].at, error=str(said.get("error")), reason=said.get("reason"))


def _record(tx: Tx, row: RotationRow, *, with_steps: bool) -> RotationRecord:
    state = row.state
    owner = Owner.parse(row.owner or "") if row.leased(tx) and state.status.active else None
    return RotationRecord(
        rotation_id=row.id,
        token=row.token,
        status=state.status,
        phase=state.phase,
        attempt=state.attempt,
        overlap=state.overlap,
        requested_by=row.requested_by,
        owner=None if owner is None else owner.shown,
        created_at=row.created_at,
        ended_at=row.ended_at,
        next_attempt_at=row.next_attempt_at,
        failure=state.failure,
        waits_until=row.deadline_at if _waits(state) else None,
        retiring=state.status is Status.GRACE and state.touched,
        retired=state.retired,
        in_use=rotation_events.last_in_use(tx, row.id) if _was_asked(state) else None,
        only_tested=row.only_tests,
        steps=rotation_events.load(tx, row.id) if with_steps else (),
    )


def _waits(state: MachineState) -> bool:
    """Whether its grace period is over, and clients that use the old credential are waited for."""
    return state.status is Status.GRACE and not state.touched and state.failure is not None


def _was_asked(state: MachineState) -> bool:
    """Whether somebody may have asked the target who uses the old credential."""
    return state.retired or state.status in {Status.GRACE, Status.UNRETIRED}
