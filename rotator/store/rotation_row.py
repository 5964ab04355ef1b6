"""A rotation as its row has it: the machine's state in columns, and whether its lease is running."""

from dataclasses import asdict, dataclass
from datetime import datetime, timedelta
from typing import Any, Protocol

from rotator.errors import RowAltered
from rotator.model.rotation import LONGEST_LEASE, Failure, Goal, MachineState, Phase, Status
from rotator.sdk import Candidate, FailureKind, Overlap
from rotator.store.tx import Tx

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
    def only_tests(self) -> bool:
        """Whether it is no rotation, but testSecret alone, on a temporary version."""
        return self.goal == Goal.TEST

    @property
    def unsettled(self) -> bool:
        """Whether something is left to be done where it is abandoned: the target may have changed, or the temporary
        version of a test is there.
        """
        return self.touched or self.dirty or (self.only_tests and self.phase != Phase.INTENT)

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
