"""Queries on rotations and their events. Every write of a running rotation carries its fencing number."""

from collections.abc import Sequence
from dataclasses import asdict, dataclass, fields
from datetime import datetime, timedelta
from typing import Any, Protocol

from sqlalchemy import and_, bindparam, insert, or_, select, text, update

from rotator.errors import FencedOut, RowAltered
from rotator.model.rotation import LONGEST_LEASE, Failure, Goal, MachineState, Phase, Status
from rotator.sdk import Candidate, FailureKind, Overlap
from rotator.store import tables
from rotator.store.statements import Rows
from rotator.store.store import Tx

_R = tables.rotations.c
_ACTIVE = text(tables.ACTIVE_ROTATION)
# What was written meanwhile may be a little newer than the time that a transaction has read before.
_CLOCKS_APART = timedelta(seconds=5)


class _Lease(Protocol):
    """The columns of a rotation that tell whether its lease is running."""

    @property
    def owner(self) -> str | None: ...
    @property
    def lease_expires(self) -> float | None: ...
    @property
    def lease_epoch(self) -> str | None: ...
    @property
    def updated_at(self) -> datetime: ...


def is_leased(tx: Tx, row: _Lease) -> bool:
    """Whether a lease is still running by the store's clock.

    A lease is counted from the row's last write. Where that lies in the future by PostgreSQL's clock, which leases
    are counted on there, the clock was set back since, and the lease is over: nothing may extend it. A machine's
    own lease clock never jumps. A lease that lasts longer than any that can be set was never taken.
    """
    set_back = tx.dialect == "postgresql" and tx.now < row.updated_at - _CLOCKS_APART
    return (
        row.owner is not None
        and row.lease_expires is not None
        and row.lease_epoch == tx.lease_epoch
        and tx.lease_now < row.lease_expires <= tx.lease_now + LONGEST_LEASE
        and not set_back
    )


@dataclass(frozen=True, slots=True, kw_only=True)
class RotationRow:
    """One rotation as it is stored; the columns are explained in `tables.rotations`."""

    id: str
    secret_id: int
    token: str
    rotator: str
    requested_by: str
    request_id: str
    created_at: datetime
    deadline_at: datetime
    updated_at: datetime
    ended_at: datetime | None
    status: str
    phase: str
    goal: str
    attempt: int
    reverts: int
    overlap: str | None
    created: bool
    touched: bool
    dirty: bool
    finished: bool
    retired: bool
    compromised: bool
    strictness: int
    taken_over: bool
    live: str
    next_attempt_at: datetime | None
    failure: dict[str, Any] | None
    current_version: str | None
    previous_version: str | None
    admin_arn: str | None
    barrier_raised_at: datetime | None
    fencing: int
    owner: str | None
    lease_expires: float | None
    lease_epoch: str | None

    @property
    def state(self) -> MachineState:
        """The machine's state as it was committed last.

        Raises:
            RowAltered: it is none that was ever committed.
        """
        try:
            return self._state()
        except (ValueError, KeyError, TypeError) as error:
            raise altered(self.id, f"it says {error}") from None

    def _state(self) -> MachineState:
        return MachineState(
            phase=Phase(self.phase),
            goal=Goal(self.goal),
            status=Status(self.status),
            attempt=self.attempt,
            reverts=self.reverts,
            overlap=None if self.overlap is None else Overlap(self.overlap),
            created=self.created,
            touched=self.touched,
            dirty=self.dirty,
            finished=self.finished,
            retired=self.retired,
            compromised=self.compromised,
            strictness=self.strictness,
            taken_over=self.taken_over,
            live=Candidate(self.live),
            failure=failure_from_row(self.failure),
        )

    def leased(self, tx: Tx) -> bool:
        """Whether its lease is still running by the store's clock."""
        return is_leased(tx, self)


@dataclass(frozen=True, slots=True, kw_only=True)
class EventRow:
    """One step of a rotation as it went.

    Attributes:
        seconds: how long it took; None for the step that is a commit itself.
    """

    at: datetime
    phase: str
    attempt: int
    outcome: str
    seconds: float | None = None
    detail: str | None = None


IN_USE = "in-use"
"""The outcome of the step that found sessions with the old credential; its detail names them."""


def altered(rotation_id: str, how: str) -> RowAltered:
    """The refusal to go by the row of a rotation."""
    return RowAltered(
        f"The row of rotation {rotation_id} in the store was altered or damaged: {how}. Nothing was changed, neither "
        "in the store nor on the target. Restore the row from a backup of the store, then: rotate resume. "
        "What else was altered: rotate audit verify"
    )


def failure_from_row(stored: dict[str, Any] | None) -> Failure | None:
    """The failure that a row keeps as JSON."""
    if stored is None:
        return None
    return Failure(
        phase=Phase(stored["phase"]),
        kind=FailureKind(stored["kind"]),
        message=stored["message"],
        hint=stored.get("hint"),
    )


def failure_to_row(failure: Failure | None) -> dict[str, Any] | None:
    """The JSON form of a failure."""
    return None if failure is None else asdict(failure)


def state_columns(state: MachineState) -> dict[str, Any]:
    """The columns that hold a machine state."""
    return {
        "status": str(state.status),
        "phase": str(state.phase),
        "goal": str(state.goal),
        "attempt": state.attempt,
        "reverts": state.reverts,
        "overlap": None if state.overlap is None else str(state.overlap),
        "created": state.created,
        "touched": state.touched,
        "dirty": state.dirty,
        "finished": state.finished,
        "retired": state.retired,
        "compromised": state.compromised,
        "strictness": state.strictness,
        "taken_over": state.taken_over,
        "live": str(state.live),
        "failure": failure_to_row(state.failure),
    }


UNRETIRED = and_(
    _R.finished,
    ~_R.retired,
    or_(_R.status == str(Status.UNRETIRED), and_(_R.status == str(Status.ABANDONED), _R.touched)),
)
"""The old credential of the rotation may still log in, and nobody is about to retire it."""

_COLUMNS = [tables.rotations.c[field.name] for field in fields(RotationRow)]
_OF_SECRET = select(*_COLUMNS).where(_R.secret_id == bindparam("secret_id"))
_ACTIVE_OF_SECRET = _OF_SECRET.where(_ACTIVE)
_ACTIVE_OF_SECRET_LOCKED = _ACTIVE_OF_SECRET.with_for_update(key_share=True)
_BY_ID = select(*_COLUMNS).where(_R.id == bindparam("rotation_id"))
# Fencing numbers grow over all rotations of a secret; a clock may jump back.
_HISTORY = _OF_SECRET.order_by(_R.fencing.desc()).limit(bindparam("most"))
_BY_ADMIN = (
    select(tables.secrets.c.arn, _R.owner, _R.lease_expires, _R.lease_epoch, _R.updated_at)
    .join(tables.secrets, tables.secrets.c.id == _R.secret_id)
    .where(_R.admin_arn == bindparam("admin_arn"), _ACTIVE)
)
_OWNED = (
    select(tables.secrets.c.arn, *_COLUMNS)
    .join(tables.secrets, tables.secrets.c.id == _R.secret_id)
    .where(_ACTIVE, _R.owner.is_not(None))
    .order_by(_R.created_at)
)
_UNFINISHED = (
    select(tables.secrets.c.arn)
    .join(tables.rotations, tables.secrets.c.id == _R.secret_id)
    .where(
        _ACTIVE,
        or_(_R.status != str(Status.GRACE), _R.touched),  # a retirement that was interrupted
        tables.secrets.c.account == bindparam("account"),
        tables.secrets.c.region == bindparam("region"),
    )
    .order_by(_R.created_at)
)
_RETIRABLE = (
    select(tables.secrets.c.arn, *_COLUMNS)
    .join(tables.secrets, tables.secrets.c.id == _R.secret_id)
    .where(
        _R.status == str(Status.GRACE),
        _R.next_attempt_at <= bindparam("at_time", type_=tables.Instant),
        tables.secrets.c.account == bindparam("account"),
        tables.secrets.c.region == bindparam("region"),
    )
    .order_by(_R.next_attempt_at)
)
_GIVEN_UP = select(
    select(_R.id)
    .where(
        _R.secret_id == bindparam("secret_id"),
        _R.current_version == bindparam("version_id"),
        or_(_R.retired, _R.compromised, UNRETIRED),
    )
    .exists()
)
_LEFT_OVER = (
    select(_R.current_version)
    .distinct()
    .join(
        tables.versions,
        and_(
            tables.versions.c.secret_id == _R.secret_id,
            tables.versions.c.version_id == _R.current_version,
        ),
    )
    .where(_R.secret_id == bindparam("secret_id"), tables.versions.c.pinned, UNRETIRED)
)
_FENCED = and_(_R.id == bindparam("fenced_id"), _R.fencing == bindparam("fenced_number"), _ACTIVE)
_UPDATE_FENCED = update(tables.rotations).where(_FENCED)
_REOPEN = update(tables.rotations).where(
    _R.id == bindparam("fenced_id"),
    _R.fencing == bindparam("fenced_number"),
    _R.ended_at.is_not(None),
)
_INSERT = insert(tables.rotations)
_INSERT_EVENTS = insert(tables.rotation_events)
_EVENTS = (
    select(*[tables.rotation_events.c[field.name] for field in fields(EventRow)])
    .where(tables.rotation_events.c.rotation_id == bindparam("rotation_id"))
    .order_by(tables.rotation_events.c.id)
)

_LAST_IN_USE = (
    select(tables.rotation_events.c.detail)
    .where(
        tables.rotation_events.c.rotation_id == bindparam("rotation_id"),
        tables.rotation_events.c.outcome == bindparam("outcome"),
    )
    .order_by(tables.rotation_events.c.id.desc())
    .limit(1)
)


def _row(found: Rows) -> RotationRow | None:
    return next((RotationRow(**mapping) for mapping in found.mappings()), None)


def active(tx: Tx, secret_id: int, *, for_update: bool = False) -> RotationRow | None:
    """The rotation that owns the secret, or None. The caller has locked the secret's row where it means to write.

    Args:
        for_update: its owner's writes wait until this transaction ends, so that what was read still holds then.
    """
    statement = _ACTIVE_OF_SECRET_LOCKED if for_update else _ACTIVE_OF_SECRET
    return _row(tx.execute(statement, {"secret_id": secret_id}))


def get(tx: Tx, rotation_id: str) -> RotationRow | None:
    """The rotation with this id, or None."""
    return _row(tx.execute(_BY_ID, {"rotation_id": rotation_id}))


def latest(tx: Tx, secret_id: int) -> RotationRow | None:
    """The last rotation of a secret; the active one where there is one, since none begins before it has ended."""
    return next(iter(history(tx, secret_id, limit=1)), None)


def history(tx: Tx, secret_id: int, *, limit: int) -> tuple[RotationRow, ...]:
    """The latest rotations of a secret, newest first."""
    found = tx.execute(_HISTORY, {"secret_id": secret_id, "most": limit}).mappings()
    return tuple(RotationRow(**mapping) for mapping in found)


def events(tx: Tx, rotation_id: str) -> tuple[EventRow, ...]:
    """What happened in a rotation, oldest first."""
    found = tx.execute(_EVENTS, {"rotation_id": rotation_id}).mappings()
    return tuple(EventRow(**mapping) for mapping in found)


def unfinished(tx: Tx, *, account: str, region: str) -> tuple[str, ...]:
    """ARNs of the secrets with a rotation that has not ended, oldest first."""
    return tuple(tx.execute(_UNFINISHED, {"account": account, "region": region}).scalars())


def retirable(tx: Tx, *, account: str, region: str) -> tuple[str, ...]:
    """ARNs of the secrets whose old credential has had its grace, earliest first, but for those at work now."""
    of = {"account": account, "region": region, "at_time": tx.now}
    found = (
        (mapping.pop("arn"), RotationRow(**mapping))
        for mapping in tx.execute(_RETIRABLE, of).mappings()
    )
    return tuple(arn for arn, row in found if not row.leased(tx))


def reopen(tx: Tx, row: RotationRow, *, above: int, columns: dict[str, Any]) -> int:
    """Makes an ended rotation active again, for its old credential to be retired after all.

    Args:
        above: the highest fencing number of the secret's rotations.

    Returns:
        Its fencing number, the highest from now on.

    Raises:
        FencedOut: it is no longer as it was read.
    """
    written = columns | {
        "fenced_id": row.id,
        "fenced_number": row.fencing,
        "fencing": above + 1,
        "ended_at": None,
        "updated_at": tx.now,
    }
    if tx.execute(_REOPEN, written).rowcount != 1:
        raise FencedOut("the rotation was changed by another process a moment ago")
    return above + 1


def was_given_up(tx: Tx, secret_id: int, version_id: str) -> bool:
    """Whether a rotation has retired the credential of a version, was about to, or knew it to be compromised."""
    of = {"secret_id": secret_id, "version_id": version_id}
    return bool(tx.execute(_GIVEN_UP, of).scalar_one())


def left_over(tx: Tx, secret_id: int) -> frozenset[str]:
    """Pinned versions whose credential a rotation has replaced and could not retire."""
    return frozenset(tx.execute(_LEFT_OVER, {"secret_id": secret_id}).scalars())


def leased(tx: Tx) -> tuple[tuple[str, RotationRow], ...]:
    """Every rotation of the store whose lease is running, each after its secret's ARN, oldest first."""
    found = (
        (mapping.pop("arn"), RotationRow(**mapping)) for mapping in tx.execute(_OWNED).mappings()
    )
    return tuple((arn, row) for arn, row in found if row.leased(tx))


def users_of_admin(tx: Tx, admin_arn: str) -> tuple[str, ...]:
    """ARNs of the secrets whose running rotation holds a lease and uses this admin secret."""
    return tuple(
        row.arn for row in tx.execute(_BY_ADMIN, {"admin_arn": admin_arn}) if is_leased(tx, row)
    )


def insert_rotation(tx: Tx, columns: dict[str, Any]) -> None:
    """Adds a rotation; a second active one of the same secret violates the table's unique index."""
    tx.execute(_INSERT, columns)


def update_fenced(tx: Tx, rotation_id: str, *, fencing: int, columns: dict[str, Any]) -> None:
    """Writes to a rotation on behalf of the owner with this fencing number; on PostgreSQL it also locks the row.

    Raises:
        FencedOut: another owner has taken it over, or it has ended or was abandoned.
    """
    of = {"fenced_id": rotation_id, "fenced_number": fencing, "updated_at": tx.now}
    result = tx.execute(_UPDATE_FENCED, columns | of)
    if result.rowcount != 1:
        raise FencedOut(
            "this rotation is no longer ours: it was taken over by another process or abandoned from outside"
        )


def take(tx: Tx, row: RotationRow, *, columns: dict[str, Any]) -> int:
    """Writes as the successor of whoever owned the rotation: the fencing number grows by one. Returns it."""
    update_fenced(tx, row.id, fencing=row.fencing, columns=columns | {"fencing": row.fencing + 1})
    return row.fencing + 1


def abandon(tx: Tx, row: RotationRow, *, reason: str) -> None:
    """Marks an active rotation abandoned from outside; its owner is fenced out of the store at once.

    Where a change of the target may have begun the rotation stays active (`abandoning`) until a probe settles which
    value lives; its lease is left, so that the settling waits for the owner to stop.
    """
    unsettled = row.touched or row.dirty
    failure = Failure(
        phase=Phase(row.phase),
        kind=FailureKind.REFUSED,
        message=f"abandoned: {reason}",
        hint="run `rotate now` to rotate from what is AWSCURRENT now",
    )
    columns: dict[str, Any] = {
        "failure": failure_to_row(failure),
        "status": str(Status.ABANDONING if unsettled else Status.ABANDONED),
        "ended_at": None if unsettled else tx.now,
        "next_attempt_at": None,
    }
    take(tx, row, columns=columns)


def add_events(tx: Tx, rotation_id: str, records: Sequence[EventRow]) -> None:
    """Appends what happened since the last commit."""
    if records:
        tx.execute(
            _INSERT_EVENTS,
            [
                {
                    "rotation_id": rotation_id,
                    "at": record.at,
                    "phase": record.phase,
                    "attempt": record.attempt,
                    "outcome": record.outcome,
                    "seconds": record.seconds,
                    "detail": record.detail,
                }
                for record in records
            ],
        )


def last_in_use(tx: Tx, rotation_id: str) -> str | None:
    """Who used the old credential when the target was asked last; None where nobody is known to have."""
    of = {"rotation_id": rotation_id, "outcome": IN_USE}
    found: str | None = tx.execute(_LAST_IN_USE, of).scalar_one_or_none()
    return found


def deadline(tx: Tx, seconds: float) -> datetime:
    """The moment `seconds` from now by the store's clock."""
    return tx.now + timedelta(seconds=seconds)
