"""The simulated store: each method is one transaction, checked against the fencing number as the real one's are."""

from collections.abc import Callable
from dataclasses import replace
from datetime import datetime, timedelta

from rotator.errors import FencedOut, RotatorError
from rotator.model import labels as names
from rotator.model.rotation import Failure, MachineState, Phase, Status
from rotator.model.rules import Missed
from rotator.rotation import grace, machine
from rotator.rotation.actions import Facts
from rotator.rotation.policy import EnginePolicy
from rotator.schedule import Due, due_after_missing, next_due
from rotator.sdk import Candidate, FailureKind, Overlap
from tests.simulation.rows import Claim, Plan, Rotation, Secret, stored
from tests.simulation.target import Credential
from tests.simulation.timeline import Timeline, instant, seconds

POLICY = EnginePolicy()
UNSETTLED = {Status.DIVERGED, Status.UNVERIFIED, Status.DEGRADED, Status.UNRETIRED}
_SETTLED = {Status.SUCCEEDED, Status.FAILED, Status.ABANDONED}
_OLD_LIVES = {Overlap.DUAL, Overlap.ALTERNATING}
_ABANDONED = Failure(
    phase=Phase.SET, kind=FailureKind.REFUSED, message="abandoned: a value was put"
)


class Held(RotatorError):
    """Another process has the rotation."""


class Store:
    """Secrets, their versions and rotations.

    Args:
        changed: is told of each secret that was written.
        fences: refuses writes of older owners; a test turns it off to see that this is found.
        minds_pins: never prunes what is pinned or a rotation needs; the same.
    """

    def __init__(
        self,
        timeline: Timeline,
        changed: Callable[[Secret], None],
        *,
        fences: bool = True,
        minds_pins: bool = True,
    ) -> None:
        self._timeline = timeline
        self._changed = changed
        self._fences = fences
        self._minds_pins = minds_pins

    @property
    def now(self) -> float:
        return self._timeline.now

    # Claims

    def claim(self, secret: Secret, owner: str) -> Claim | None:
        """What is due, for `owner`; None where nothing is."""
        row = secret.row
        if row is None:
            due = secret.plan is not None and secret.plan.moment <= self.now < secret.plan.closes
            return self._start(secret, owner) if due else None
        if row.owner is not None and self.now < row.lease_until:
            raise Held(f"{row.owner} has it")
        if row.next_attempt is not None and row.next_attempt > self.now:
            return None
        retires_anew = row.state.status is Status.GRACE and not row.state.touched
        return self._take(secret, row, owner, fresh=retires_anew)

    def reclaim(self, secret: Secret, claim: Claim) -> Claim | None:
        """The same rotation after it was abandoned under its run; None where it is another's by now."""
        row = secret.row
        if row is None or row.id != claim.rotation:
            return None
        if row.owner not in {None, claim.owner} and self.now < row.lease_until:
            return None
        again = self._take(secret, row, claim.owner, fresh=False)
        return replace(again, deadline=claim.deadline, waits_until=claim.waits_until)

    def _start(self, secret: Secret, owner: str) -> Claim:
        at, last = secret.labels, secret.last
        current, pending = at.at[names.CURRENT], at.version(names.PENDING)
        secret.rotations += 1
        token = pending if pending not in {None, current} else f"{secret.arn}/{secret.rotations}"
        assert token is not None
        previous = at.version(names.PREVIOUS)
        previous = None if previous in secret.given_up else previous
        fencing = 1 if last is None else last.fencing + 1
        row = Rotation(
            id=secret.rotations,
            token=token,
            state=MachineState(),
            current=current,
            previous=previous,
            fencing=fencing,
            owner=owner,
            lease_until=self.now + POLICY.lease,
            deadline=self.now + POLICY.deadline,
        )
        ids = self._candidates(secret, row)
        created = Candidate.PENDING in ids
        doubtful = last is not None and last.state.status in UNSETTLED
        state = machine.begin(
            created=created,
            uncertain=created or doubtful or Candidate.PINNED in ids,
            facts=self._facts(secret, ids),
            overlap=last.state.overlap if last is not None and last.token == token else None,
        )
        secret.row = row
        assert secret.plan is not None
        secret.windows.append((secret.plan, "rotated"))
        return self._leased(secret, row, state, ids, older_sessions=created)

    def _take(self, secret: Secret, row: Rotation, owner: str, *, fresh: bool) -> Claim:
        ids = self._candidates(secret, row)
        facts = self._facts(secret, ids)
        before = row.state
        if before.status is Status.GRACE:
            void = secret.labels.at[names.CURRENT] == row.current
            state = grace.taken_state(before, facts, void=void, fresh=fresh)
        elif before.status is Status.ABANDONING:
            state = machine.settling(before, facts=facts)
        else:
            state = machine.resumed(before, facts=facts, taken_over=row.owner is not None)
        row.owner, row.lease_until = owner, self.now + POLICY.lease
        row.fencing += 1
        retires = before.status is Status.GRACE
        row.next_attempt = min(row.next_attempt or self.now, self.now) if retires else None
        return self._leased(secret, row, state, ids, older_sessions=True)

    def _leased(
        self,
        secret: Secret,
        row: Rotation,
        state: MachineState,
        ids: dict[Candidate, str],
        *,
        older_sessions: bool,
    ) -> Claim:
        retires = row.state.status is Status.GRACE
        active = state if state.status.active else replace(state, status=row.state.status)
        row.state = stored(active)
        assert row.owner is not None
        claim = Claim(
            rotation=row.id,
            token=row.token,
            owner=row.owner,
            fencing=row.fencing,
            state=state,
            values={candidate: secret.versions[version] for candidate, version in ids.items()},
            ids=ids,
            deadline=self.now + POLICY.deadline if retires else row.deadline,
            lease_until=row.lease_until,
            older_sessions=older_sessions or state.taken_over,
            waits_until=row.deadline if retires else None,
            barrier=row.barrier,
        )
        self._changed(secret)
        return claim

    def _candidates(self, secret: Secret, row: Rotation) -> dict[Candidate, str]:
        at = secret.labels
        current = at.at[names.CURRENT]
        settling = row.state.status is Status.ABANDONING
        wanted: dict[Candidate, str | None] = {
            Candidate.CURRENT: current if settling else row.current,
            Candidate.PREVIOUS: at.version(names.PREVIOUS) if settling else row.previous,
            Candidate.PINNED if settling else Candidate.PENDING: row.token,
        }
        if row.state.status is Status.GRACE and current != row.token:
            wanted = {
                Candidate.CURRENT: row.current,
                Candidate.PENDING: current,
                Candidate.PINNED: row.token,
            }
        found = {c: v for c, v in wanted.items() if v is not None and v in secret.versions}
        strangers = sorted((secret.pinned & secret.versions.keys()) - set(found.values()))
        if strangers and not settling and Candidate.PINNED not in wanted:
            found[Candidate.PINNED] = strangers[-1]
        return found

    @staticmethod
    def _facts(secret: Secret, ids: dict[Candidate, str]) -> Facts:
        return Facts(candidates=frozenset(ids), has_admin=secret.rotator.has_admin)

    # What a run commits

    def _row(self, secret: Secret, claim: Claim) -> Rotation:
        row = secret.row
        fits = row is not None and row.id == claim.rotation
        if row is None or not fits or (self._fences and row.fencing != claim.fencing):
            raise FencedOut("this rotation is no longer ours")
        return row

    def check(self, secret: Secret, claim: Claim) -> None:
        self._row(secret, claim)

    def renew(self, secret: Secret, claim: Claim) -> float:
        row = self._row(secret, claim)
        row.lease_until = self.now + POLICY.lease
        self._changed(secret)
        return row.lease_until

    def supersede(self, secret: Secret, claim: Claim) -> Claim:
        row = self._row(secret, claim)
        row.fencing, row.lease_until = row.fencing + 1, self.now + POLICY.lease
        self._changed(secret)
        return replace(claim, fencing=row.fencing, lease_until=row.lease_until)

    def open(
        self, secret: Secret, claim: Claim, state: MachineState, value: Credential | None
    ) -> bool:
        row = self._row(secret, claim)
        row.state = stored(state)
        if value is not None:
            assert row.token not in secret.versions, "a second value for the same token"
            secret.versions[row.token] = value
            secret.labels = secret.labels.put(row.token, {names.PENDING})
        raises = state.overlap is Overlap.GAP and not row.barrier
        if raises:
            row.barrier, secret.barrier_until = True, self.now + POLICY.barrier_limit
        self._changed(secret)
        return raises

    def save(self, secret: Secret, claim: Claim, state: MachineState) -> None:
        self._row(secret, claim).state = stored(state)
        self._changed(secret)

    def give_up_value(self, secret: Secret, claim: Claim, state: MachineState) -> None:
        row = self._row(secret, claim)
        row.state = stored(state)
        del secret.versions[row.token]
        self._changed(secret)

    def park(self, secret: Secret, claim: Claim, state: MachineState) -> None:
        row = self._row(secret, claim)
        running = state.status is Status.RUNNING
        row.state = stored(replace(state, status=Status.WAITING) if running else state)
        row.owner, row.next_attempt = None, self.now + state.delay
        self._changed(secret)

    def rest(self, secret: Secret, claim: Claim, state: MachineState) -> None:
        row = self._row(secret, claim)
        row.state = stored(state)
        row.owner, row.next_attempt = None, self.now + state.delay
        if claim.waits_until is None:
            row.deadline = self.now + 2 * state.delay
        self._changed(secret)

    def finish(self, secret: Secret, claim: Claim, state: MachineState) -> None:
        row = self._row(secret, claim)
        assert row.id in secret.tested, "AWSCURRENT moves to a version that passed no test"
        secret.labels = secret.labels.finish(row.token)
        secret.rotated_at, secret.barrier_until = self.now, 0.0
        secret.plan = self.planned(next_due(secret.timetable, **self._anchored(secret)))
        row.state = stored(state)
        if state.status is Status.SUCCEEDED:
            self._over(secret, row, state)
        else:
            if state.overlap in _OLD_LIVES:
                secret.pinned.add(row.current)
            if state.status is Status.GRACE and state.delay > 0:
                row.owner, row.next_attempt = None, self.now + state.delay
                row.deadline = self.now + 2 * state.delay
        self._changed(secret)

    def end(
        self, secret: Secret, claim: Claim, state: MachineState, *, dead_pin: str | None
    ) -> None:
        row = self._row(secret, claim)
        if state.status is Status.FAILED:
            secret.labels = secret.labels.without_pending(row.token)
        doubtful = state.status not in _SETTLED and state.status is not Status.UNRETIRED
        if doubtful and (state.dirty or state.touched) and row.token in secret.versions:
            secret.pinned.add(row.token)
        if state.status is Status.UNRETIRED and state.overlap in _OLD_LIVES:
            secret.pinned.add(row.current)
            secret.unretired.add(row.current)
        if state.status not in {Status.SUCCEEDED, Status.UNRETIRED}:
            secret.plan = self.planned(next_due(secret.timetable, **self._anchored(secret)))
        secret.barrier_until = 0.0
        self._over(secret, row, state)
        if dead_pin is not None:
            secret.pinned.discard(dead_pin)
        self._changed(secret)

    def _over(self, secret: Secret, row: Rotation, state: MachineState) -> None:
        if state.status in _SETTLED:
            left_over = state.status in {Status.FAILED, Status.ABANDONED}
            secret.pinned &= secret.unretired if left_over else set()
            secret.unretired &= secret.pinned
        if state.retired or state.status is Status.UNRETIRED:
            secret.given_up.add(row.current)
        row.state = stored(state)
        row.owner = row.next_attempt = None
        secret.last, secret.row = row, None
        secret.busy_until = self.now
        secret.ends.append(state.status)

    # Schedules, pruning, and what others do

    def replan(self, secret: Secret) -> bool:
        """Gives a missed window's secret another one; False where none was missed."""
        if secret.row is not None or secret.plan is None or secret.plan.closes > self.now:
            return False
        secret.windows.append((secret.plan, "missed"))
        due = due_after_missing(
            secret.timetable,
            now=instant(self.now),
            anchor=instant(secret.rotated_at),
            missed=Missed.AUTO,
            catch_up=timedelta(minutes=15),
        )
        secret.plan = self.planned(due)
        self._changed(secret)
        return True

    def prune(self, secret: Secret) -> None:
        kept = secret.needed | secret.pinned if self._minds_pins else set(secret.labels.at.values())
        secret.versions = {v: value for v, value in secret.versions.items() if v in kept}

    def put(self, secret: Secret, value: Credential) -> None:
        """PutSecretValue: the value is AWSCURRENT, and a running rotation is abandoned."""
        row = secret.row
        if row is not None and (row.state.status is not Status.GRACE or row.state.touched):
            row.fencing += 1
            row.next_attempt = None
            if row.state.touched or row.state.dirty:
                if row.token in secret.versions:
                    secret.pinned.add(row.token)
                row.state = replace(row.state, status=Status.ABANDONING, failure=_ABANDONED)
            else:
                self._over(secret, row, replace(row.state, status=Status.ABANDONED))
        secret.rotations += 1
        version = f"{secret.arn}/{secret.rotations}"
        secret.versions[version] = value
        secret.labels = secret.labels.put(version).without_pending()
        secret.rotated_at = self.now
        secret.plan = self.planned(next_due(secret.timetable, **self._anchored(secret)))
        self._changed(secret)

    def _anchored(self, secret: Secret) -> dict[str, datetime]:
        return {"after": instant(self.now), "anchor": instant(secret.rotated_at)}

    @staticmethod
    def planned(due: Due | None) -> Plan | None:
        if due is None:
            return None
        return Plan(window=due.window, moment=seconds(due.moment), closes=seconds(due.window.end))
