"""The durable side of a rotation: one transaction a method, each checked against the fencing number.

What is about to be done is committed here before it is done (DESIGN, invariants 2 and 4).
"""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from datetime import UTC, datetime
from typing import Any

from rotator.crypto.envelope import Sealed
from rotator.errors import FencedOut
from rotator.manager import following
from rotator.manager.next_due import Planner, anchor_of
from rotator.model.labels import PENDING, Labels
from rotator.model.rotation import Goal, MachineState, Phase, Status
from rotator.rotation import audited, pending, pinning
from rotator.rotation.claim import Claim
from rotator.rotation.owner import Owner
from rotator.rotation.policy import EnginePolicy
from rotator.rotation.report import StepRecord
from rotator.rotation.waits import NO_LEASE, grace_columns, lease_columns
from rotator.sdk import Overlap, clock
from rotator.store import (
    changes,
    labels,
    rotation_events,
    rotation_row,
    rotations,
    secrets,
    versions,
)
from rotator.store.rotation_events import EventRow
from rotator.store.rotation_row import RotationRow
from rotator.store.secrets import SecretRow
from rotator.store.store import Store
from rotator.store.tx import Tx

_SETTLED = frozenset({Status.SUCCEEDED, Status.FAILED, Status.ABANDONED})
_LONG_OVER = datetime.fromtimestamp(0, UTC)  # whatever a clock does
_NO_BARRIER: dict[str, Any] = {"barrier_raised_at": None, "barrier_until": None}


@dataclass(frozen=True, slots=True)
class Journal:
    """Writes what runs do, on behalf of one process."""

    store: Store
    policy: EnginePolicy
    owner: Owner
    clock: Callable[[], float] = clock
    planner: Planner = field(default_factory=Planner)

    def open(
        self, claim: Claim, state: MachineState, *, sealed: Sealed | None, prepares: bool = False
    ) -> bool:
        """Commits the sealed new value, and that the target is about to change. Raises the read barrier where the
        overlap is `gap`, once a rotation.

        Args:
            prepares: somebody else is about to store the value: its version is made without one.

        Returns:
            Whether the barrier was raised.
        """
        raises = (
            state.overlap is Overlap.GAP
            and not prepares
            and self.policy.barrier_limit > 0
            and not claim.barrier_raised
        )

        def write(tx: Tx) -> None:
            # The secret's row before the rotation's: the same order as every other writer, so that none deadlock.
            secrets.lock(tx, claim.secret.id)
            barrier = {"barrier_raised_at": tx.now} if raises else {}
            self._write(tx, claim, state, (), barrier)
            if sealed is not None:
                pending.store(tx, claim, sealed)
            if prepares:
                pending.prepare(tx, claim)
            if raises:
                until = rotations.deadline(tx, self.policy.barrier_limit)
                secrets.update(tx, claim.secret.id, barrier_raised_at=tx.now, barrier_until=until)

        self.store.write_with_others(write)
        return raises

    def save(self, claim: Claim, state: MachineState, *, steps: Sequence[StepRecord]) -> None:
        """Commits a turn that a resume must know of."""
        with self.store.write() as tx:
            _, columns = grace_columns(tx, state)
            self._write(tx, claim, state, steps, columns)

    def give_up_value(
        self, claim: Claim, state: MachineState, *, steps: Sequence[StepRecord]
    ) -> None:
        """Commits that the target refused the pending value: the version keeps its label and gets another value."""
        with self.store.write() as tx:
            secrets.lock(tx, claim.secret.id)
            self._write(tx, claim, state, steps, {})
            versions.set_value(tx, secret_id=claim.secret.id, version_id=claim.token, sealed=None)
            audited.record(tx, claim, state, event=audited.VALUE_REFUSED, left=None, revision=None)

    def park(self, claim: Claim, state: MachineState, *, steps: Sequence[StepRecord]) -> None:
        """Commits that the rotation waits for its next attempt, and gives the lease back."""
        with self.store.write() as tx:
            waiting = {"next_attempt_at": rotations.deadline(tx, state.delay)}
            parked = (
                replace(state, status=Status.WAITING) if state.status is Status.RUNNING else state
            )
            self._write(tx, claim, parked, steps, waiting | NO_LEASE)

    def finish(
        self, claim: Claim, state: MachineState, *, attempt: int, steps: Sequence[StepRecord]
    ) -> tuple[Labels, datetime | None]:
        """Moves AWSCURRENT to the token and AWSPREVIOUS to the version that it left, takes AWSPENDING off, lets the
        barrier fall, and stores the next due time: all or nothing. The version that is retired later is pinned.

        Args:
            state: after the step, of which `attempt` tells the number.

        Returns:
            The labels as they are then, and when the grace period ends; None where there is none.
        """
        return self.store.write_with_others(
            lambda tx: self._finish(tx, claim, state, attempt=attempt, steps=steps)
        )

    def _finish(
        self,
        tx: Tx,
        claim: Claim,
        state: MachineState,
        *,
        attempt: int,
        steps: Sequence[StepRecord],
    ) -> tuple[Labels, datetime | None]:
        secret, after, due = self._move_current(tx, claim)
        succeeded = state.status is Status.SUCCEEDED
        released = succeeded and claim.any_pinned
        columns = {"rotated_at": tx.now, "changed_at": tx.now, **due}
        pinned = [] if succeeded else pinning.to_retire(claim, state)
        left = changes.left(
            columns, labels=after.at, pinned=pinned, released=released, ended=succeeded
        )
        this = EventRow(at=tx.now, phase=str(Phase.FINISH), attempt=attempt, outcome="ok")
        retire_at = None
        if succeeded:
            ended = self._ended(tx)
        else:
            retire_at, ended = grace_columns(tx, state)
        self._write(tx, claim, state, steps, ended, this)
        if released:
            versions.release(tx, claim.secret.id)
        for version_id in pinned:
            versions.set_pinned(tx, secret_id=claim.secret.id, version_id=version_id, pinned=True)
        event = audited.CURRENT_MOVED if state.status is Status.RUNNING else None
        audited.record(tx, claim, state, event=event, left=left, revision=secret.revision)
        if secret.replicas:
            following.follow(tx, audited.entry_of(claim), secret, columns)
        return after, retire_at

    def rest(
        self, claim: Claim, state: MachineState, *, steps: Sequence[StepRecord]
    ) -> datetime | None:
        """Commits that the retirement is left to a later run, and gives the lease back.

        Returns:
            When that is.
        """
        with self.store.write() as tx:
            if claim.retires:  # clients are waited for; the end of the wait stays where it is
                retire_at = rotations.deadline(tx, state.delay)
                columns: dict[str, Any] = {"next_attempt_at": retire_at, **NO_LEASE}
                self._write(tx, claim, state, steps, columns)
                return retire_at
            until, columns = grace_columns(tx, state)
            self._write(tx, claim, state, steps, columns)
            audited.record(tx, claim, state, left=None, revision=None)
        return until

    def end_wait(self, claim: Claim, state: MachineState, *, steps: Sequence[StepRecord]) -> Claim:
        """Commits that clients are not waited for any more, by whoever takes the retirement up after a crash either."""
        with self.store.write() as tx:
            self._write(tx, claim, state, steps, {"deadline_at": _LONG_OVER})
        return replace(claim, waits_until=None)

    def _move_current(self, tx: Tx, claim: Claim) -> tuple[SecretRow, Labels, Mapping[str, object]]:
        """Moves the labels, and writes the secret with its next due time: by what the claim has read where that holds.

        Returns:
            The secret and its labels as they are then, and the columns of the due time.
        """
        now: dict[str, Any] = {"rotated_at": tx.now, "changed_at": tx.now, **_NO_BARRIER}
        due = self.planner.due_columns(tx, claim.secret, rotated_at=tx.now, now=tx.now)
        secret = secrets.update_known(tx, claim.secret, **now, **due)
        if secret is not None:
            # Nobody else has moved a label either: that is a revision of the secret.
            before = claim.labels.put(claim.token, {PENDING})
        else:
            secret = secrets.update_returning(tx, claim.secret.id, **now)
            due = self.planner.due_columns(tx, secret, rotated_at=tx.now, now=tx.now)
            secrets.update(tx, secret.id, **due)
            before = labels.load(tx, secret.id)
        after = before.finish(claim.token)
        labels.save(tx, secret.id, before=before, after=after)
        return secret, after, due

    def end(
        self,
        claim: Claim,
        state: MachineState,
        *,
        steps: Sequence[StepRecord],
        dead_pin: str | None = None,
    ) -> Labels:
        """Commits the end of a rotation. After a verified revert AWSPENDING goes; where doubt is left it stays. The
        temporary version of a test goes with its label.

        Args:
            dead_pin: a pinned version that a probe has shown not to live: it is settled, the others are not.
        """
        with self.store.write() as tx:
            secret = secrets.by_id(tx, claim.secret.id, for_update=True)
            self._write(tx, claim, state, steps, self._ended(tx))
            after = before = labels.load(tx, secret.id)
            tests = state.goal is Goal.TEST
            if tests or state.status is Status.FAILED:
                after = before.without_pending(claim.token)
                labels.save(tx, secret.id, before=before, after=after)
            if tests:
                versions.remove_temporary(tx, secret_id=secret.id, version_id=claim.token)
            settled = state.status in _SETTLED and not tests
            # The target may hold it: a put that takes AWSPENDING off must not let it be pruned.
            doubtful = not (settled or tests) and state.status is not Status.UNRETIRED
            pinned = [claim.token] if doubtful and (state.dirty or state.touched) else []
            pinned += [] if tests else pinning.not_retired(tx, claim, state, after)
            if settled:
                versions.release(tx, secret.id)
            for version_id in pinned:
                versions.set_pinned(tx, secret_id=secret.id, version_id=version_id, pinned=True)
            if dead_pin is not None:
                versions.set_pinned(tx, secret_id=secret.id, version_id=dead_pin, pinned=False)
            due = (
                {}
                if tests or state.status in {Status.SUCCEEDED, Status.UNRETIRED}
                else self.planner.due_columns(
                    tx, secret, rotated_at=anchor_of(secret, now=tx.now), now=tx.now
                )
            )
            revision = secret.revision + 1
            secrets.update(tx, secret.id, **_NO_BARRIER, **due, revision=revision)
            left = changes.left(
                due,
                labels=after.at,
                pinned=pinned,
                unpinned=[] if dead_pin is None else [dead_pin],
                released=settled,
                ended=True,
            )
            audited.record(tx, claim, state, left=left, revision=revision)
        return after

    def renew(self, claim: Claim, *, fencing: int, phase: str) -> float:
        """Prolongs the lease and shows the step that runs. Gives the lease's end on the local clock."""
        asked = self.clock()
        with self.store.write() as tx:
            columns = lease_columns(tx, owner=claim.owner, seconds=self.policy.lease) | {
                "phase": phase
            }
            rotations.update_fenced(tx, claim.rotation_id, fencing=fencing, columns=columns)
        return asked + self.policy.lease

    def supersede(self, claim: Claim) -> Claim:
        """The same owner with a higher fencing number, so that its earlier sessions count as an older owner's."""
        asked = self.clock()
        with self.store.write() as tx:
            columns = lease_columns(tx, owner=claim.owner, seconds=self.policy.lease) | {
                "fencing": claim.fencing + 1
            }
            rotations.update_fenced(tx, claim.rotation_id, fencing=claim.fencing, columns=columns)
        return claim.with_fencing(claim.fencing + 1, lease_until=asked + self.policy.lease)

    def check(self, claim: Claim) -> None:
        """Looks whether the rotation is still ours, right before the target is changed.

        Raises:
            FencedOut: it was taken over or abandoned.
        """
        row = self.row(claim.rotation_id)
        if row is None or row.fencing != claim.fencing:
            raise FencedOut("this rotation was taken over or abandoned while it waited")

    def row(self, rotation_id: str) -> RotationRow | None:
        """The rotation as it is stored now, None where its secret was deleted."""
        with self.store.read() as tx:
            return rotations.get(tx, rotation_id)

    def labels(self, claim: Claim) -> Labels:
        """The labels of the secret as they are now."""
        with self.store.read() as tx:
            return labels.load(tx, claim.secret.id)

    def _write(
        self,
        tx: Tx,
        claim: Claim,
        state: MachineState,
        steps: Sequence[StepRecord],
        columns: dict[str, Any],
        *more: EventRow,
    ) -> None:
        written = rotation_row.state_columns(state) | columns
        rotations.update_fenced(tx, claim.rotation_id, fencing=claim.fencing, columns=written)
        events = [
            EventRow(
                at=tx.now,
                phase=str(step.phase),
                attempt=step.attempt,
                outcome=step.outcome,
                seconds=step.seconds,
                detail=step.detail,
            )
            for step in steps
        ]
        rotation_events.add(tx, claim.rotation_id, [*events, *more])

    def _ended(self, tx: Tx) -> dict[str, Any]:
        return {"ended_at": tx.now, "next_attempt_at": None, **NO_LEASE}
