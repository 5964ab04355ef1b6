"""One run of a rotation in simulated time: performs the machine's actions, and may stop for ever at each `yield`."""

from collections.abc import Callable, Generator
from dataclasses import replace
from typing import Protocol, TypeVar

from rotator.errors import FencedOut, StoreUnavailable
from rotator.model.rotation import Failure, InUse, MachineState, Phase, Status
from rotator.rotation import machine
from rotator.rotation.actions import Act, Action, Done, Facts, Failed, Outcome, Proved
from rotator.sdk import Candidate, FailureKind, Proof
from tests.simulation.faults import Faults
from tests.simulation.rotator import Refusal
from tests.simulation.rows import Claim, Secret
from tests.simulation.store import POLICY, Store
from tests.simulation.target import Credential, Session

_LEASE_MARGIN = 1.0
_INSTANT = 0.0001
_CHANGES = {Act.SET, Act.REVERT, Act.RETIRE}
_UNCERTAIN = {FailureKind.UNKNOWN, FailureKind.BUG}
_MOST_ACTIONS = 200

T = TypeVar("T")
Waits = Generator[float, None, None]


class Host(Protocol):
    """The process that a run is in."""

    @property
    def reaches_store(self) -> bool: ...

    @property
    def ends_older_sessions(self) -> bool: ...

    def new_owner(self) -> str: ...


class Run:
    """A run for one secret.

    Attributes:
        failure: why its last step failed; None where it did not.
        begun: whether there was something to do.
    """

    def __init__(
        self, secret: Secret, store: Store, faults: Faults, host: Host, now: Callable[[], float]
    ) -> None:
        self._secret = secret
        self._store = store
        self._faults = faults
        self._host = host
        self._now = now
        self.begun = False
        self.failure: Failure | None = None
        self._over = False
        self._actions = 0

    def go(self) -> Waits:
        """Everything from the claim to the end; gives the seconds that each wait takes.

        Raises:
            StoreUnavailable: the store is away, or its answer was lost.
            Held: another process has the rotation.
        """
        secret, owner = self._secret, self._host.new_owner()
        claim = yield from self._commit(lambda: self._store.claim(secret, owner))
        if claim is None:
            return
        self.begun = True
        yield from self._enter(claim)
        while not self._over:
            try:
                yield from self._act(machine.next_action(self._state))
            except FencedOut:
                yield from self._after_fencing()

    def _commit(self, act: Callable[[], T]) -> Generator[float, None, T]:
        yield self._faults.latency()
        if not self._host.reaches_store:
            raise StoreUnavailable("the store can't be reached")
        result = act()
        if self._faults.hits(self._faults.rates.lost_commit):
            raise StoreUnavailable("the answer to a commit was lost")
        yield self._faults.latency()
        return result

    def _enter(self, claim: Claim) -> Waits:
        self._claim: Claim = claim
        self._state: MachineState = claim.state
        self._values = dict(claim.values)
        self._older_sessions = claim.older_sessions
        self._new_value: Credential | None = None
        self._drain = self._opened = False
        self._dead_pin: str | None = None
        self._session: Session | None = None
        if self._state.phase is Phase.ENDED:
            yield from self._end(self._state)

    def _after_fencing(self) -> Waits:
        row = self._secret.row
        ours = row is not None and row.id == self._claim.rotation
        if row is None or not ours or row.state.status is not Status.ABANDONING:
            self._over = True
            return
        again = yield from self._commit(lambda: self._store.reclaim(self._secret, self._claim))
        if again is None:
            self._over = True
            return
        yield from self._enter(replace(again, older_sessions=True))

    # Actions

    def _act(self, action: Action) -> Waits:
        self._actions += 1
        assert self._actions <= _MOST_ACTIONS, f"no end in sight: {self._state}"
        match action.act:
            case Act.WAIT:
                yield from self._write(self._store.park, self._state)
                self._over = True
            case Act.OPEN:
                yield from self._open()
            case Act.FINISH:
                yield from self._finish(action)
            case Act.REST | Act.END:
                self._over = True
            case _:
                outcome = yield from self._outcome(action)
                yield from self._take(action, outcome)

    def _write(
        self, method: Callable[[Secret, Claim, MachineState], T], state: MachineState
    ) -> Generator[float, None, T]:
        result = yield from self._commit(lambda: method(self._secret, self._claim, state))
        return result

    def _open(self) -> Waits:
        after = self._advanced(Done())
        value, self._new_value = self._new_value, None
        raised = yield from self._commit(
            lambda: self._store.open(self._secret, self._claim, after, value)
        )
        self._opened, self._drain = True, raised
        self._state = after

    def _finish(self, action: Action) -> Waits:
        outcome = yield from self._outcome(action)
        if isinstance(outcome, Failed):
            yield from self._take(action, outcome)
            return
        after = self._advanced(Done())
        yield from self._write(self._store.finish, after)
        self._state = after

    def _take(self, action: Action, outcome: Outcome) -> Waits:
        if isinstance(outcome, Failed):
            self.failure = outcome.failure
            if outcome.failure.kind in _UNCERTAIN and action.act in _CHANGES:
                self._claim = yield from self._commit(
                    lambda: self._store.supersede(self._secret, self._claim)
                )
                self._older_sessions = True
        before, after = self._state, self._advanced(outcome)
        if after.phase is Phase.ENDED:
            yield from self._end(after)
        elif machine.is_resting(after):
            yield from self._write(self._store.rest, after)
        elif after.strictness != before.strictness:
            yield from self._write(self._store.give_up_value, after)
            del self._values[Candidate.PENDING]
        elif after.status is not before.status or after.goal is not before.goal:
            yield from self._write(self._store.save, after)
        self._state = after

    def _end(self, state: MachineState) -> Waits:
        yield from self._commit(
            lambda: self._store.end(self._secret, self._claim, state, dead_pin=self._dead_pin)
        )
        self._state, self._over = state, True

    def _advanced(self, outcome: Outcome) -> MachineState:
        patience = 0.0
        if self._claim.waits_until is not None:
            patience = max(0.0, self._claim.waits_until - self._now())
        facts = Facts(
            candidates=frozenset(self._values),
            has_admin=self._secret.rotator.has_admin,
            out_of_time=self._now() >= self._claim.deadline,
            chance=self._faults.chance(),
            grace=self._secret.grace,
            in_use=InUse.WAIT,
            patience=patience,
        )
        return machine.advance(self._state, outcome, facts=facts, policy=POLICY.retry)

    # Steps

    def _outcome(self, action: Action) -> Generator[float, None, Outcome]:
        try:
            done = yield from self._step(action)
        except Refusal as refusal:
            message = f"{refusal.kind} in the simulation"
            return Failed(Failure(phase=self._state.phase, kind=refusal.kind, message=message))
        return done

    def _step(self, action: Action) -> Generator[float, None, Outcome]:
        act, rotator, target = action.act, self._secret.rotator, self._secret.rotator.target
        if act is Act.CREATE:
            self._new_value = rotator.create(self._values, token=self._token())
            self._values[Candidate.PENDING] = self._new_value
            return Done()
        if self._older_sessions and self._host.ends_older_sessions:
            yield from self._request()
            self._reach()
            target.end_older(self._claim.fencing)
        self._older_sessions = False
        if act in _CHANGES:
            yield from self._before_change(act)
        deadline = yield from self._request()
        failure = self._faults.of_step(act)
        if failure is not None:
            raise Refusal(failure)
        self._reach()
        match act:
            case Act.PREFLIGHT:
                rotator.check_login(self._values, self._state.live)
                return Done(overlap=rotator.overlap)
            case Act.TEST:
                rotator.test(self._values)
                self._secret.tested.add(self._claim.rotation)
            case Act.PROBE:
                return Proved(self._probe(action.candidate))
            case Act.IN_USE:
                return Done(uses=rotator.in_use())
            case Act.SET | Act.REVERT | Act.RETIRE:
                yield from self._change(act, deadline)
        return Done()

    def _token(self) -> str:
        """Another one's value for the same token would be another value."""
        return f"{self._claim.token}#{self._claim.fencing}.{self._actions}"

    def _reach(self) -> None:
        if self._secret.rotator.target.down:
            raise Refusal(FailureKind.UNREACHABLE)

    def _probe(self, candidate: Candidate | None) -> Proof:
        assert candidate is not None
        if candidate not in self._values:
            return Proof.REFUSED
        proof = self._secret.rotator.probe(self._values, candidate)
        if candidate is Candidate.PINNED and proof is Proof.REFUSED:
            self._dead_pin = self._claim.ids[candidate]
        return proof

    def _before_change(self, act: Act) -> Waits:
        waits = self._drain and act is Act.SET
        if waits:
            yield POLICY.drain
        if waits or not (self._opened and act is Act.SET):
            yield from self._commit(lambda: self._store.check(self._secret, self._claim))
        self._drain = self._opened = False

    def _request(self) -> Generator[float, None, float]:
        limit = POLICY.step_limit
        if self._claim.lease_until - self._now() < limit + _LEASE_MARGIN:
            asked = self._now()
            yield from self._commit(lambda: self._store.renew(self._secret, self._claim))
            self._claim = replace(self._claim, lease_until=asked + POLICY.lease)
        yield self._faults.latency()
        return min(self._now() + limit, self._claim.lease_until - _LEASE_MARGIN)

    def _change(self, act: Act, deadline: float) -> Waits:
        """Looks at the target, then changes it: with a session that a successor can end, and up to the deadline."""
        target = self._secret.rotator.target
        session = target.log_in(self._claim.fencing)
        plan = self._secret.rotator.plan(act, self._values, self._state.live)
        yield self._faults.latency()
        if plan is None:
            target.close(session)
            return
        if self._now() >= deadline:
            raise Refusal(FailureKind.UNREACHABLE)
        yield _INSTANT
        arrival = self._now() + self._faults.server_time()
        lost = self._faults.hits(self._faults.rates.unknown)
        if lost and self._faults.hits(0.5):
            raise Refusal(FailureKind.UNKNOWN)
        if arrival >= deadline:  # the server's own time limit
            yield max(0.0, deadline - self._now())
            raise Refusal(FailureKind.UNKNOWN)
        sent = target.send(session, plan, arrival=arrival)
        if lost:
            raise Refusal(FailureKind.UNKNOWN)
        yield arrival - self._now() + _INSTANT
        if not sent.applied:
            raise Refusal(FailureKind.UNKNOWN)
        target.close(session)
