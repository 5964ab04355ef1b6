"""A simulated daemon: looks what is due, starts it within the caps, and may die, freeze or lose the store meanwhile."""

from collections.abc import Callable, Generator, Sequence
from functools import partial
from typing import Protocol

from rotator.daemon.backoff import Breakers, Holds
from rotator.daemon.planner import Caps, Running, Task, Waiting
from rotator.errors import RotatorError, StoreUnavailable
from rotator.sdk import FailureKind
from tests.simulation.faults import Fate, Faults
from tests.simulation.rows import Secret
from tests.simulation.run import Run
from tests.simulation.store import Store
from tests.simulation.timeline import Timeline

_RETRY_STORE = 20.0  # seconds between two looks at a store that is away
_CAPS = Caps(workers=8, per_target=2, per_rotator=8)


class Surroundings(Protocol):
    """What a daemon asks of the world that it is in."""

    def store_is_there(self, daemon: str) -> bool: ...

    def due(self) -> Sequence[Task]: ...

    def next_moment(self) -> float | None: ...

    def secret(self, arn: str) -> Secret: ...

    def troubled(self, seconds: float) -> None: ...


class Daemon:
    """One process after another under the same name.

    Attributes:
        restarts: how often it died.
        ends_older_sessions: as every rotator does; a test turns it off to see that this is found.
    """

    def __init__(
        self,
        name: str,
        *,
        timeline: Timeline,
        store: Store,
        faults: Faults,
        world: Surroundings,
        ends_older_sessions: bool = True,
    ) -> None:
        self.name = name
        self.restarts = 0
        self.freezes = 0
        self.ends_older_sessions = ends_older_sessions
        self.alive = False
        self.frozen = False
        self._timeline = timeline
        self._store = store
        self._faults = faults
        self._world = world
        self._runs = 0
        self._start()

    @property
    def reaches_store(self) -> bool:
        return self._world.store_is_there(self.name)

    def new_owner(self) -> str:
        self._runs += 1
        return f"{self.name}/{self._runs}"

    def wake_at(self, moment: float) -> None:
        """Something becomes due then."""
        if self.alive and moment < self._next_look:
            self._look_at(moment)

    def _start(self) -> None:
        self.alive = True
        self._life = object()
        self._deferred: list[Callable[[], None]] = []
        self._running: dict[str, Task] = {}
        self._breakers, self._holds = Breakers(), Holds()
        self._next_look = float("inf")
        self._look_at(self._timeline.now)

    def _die(self) -> None:
        self.alive = self.frozen = False
        self._life = object()
        self._deferred = []
        away = self._faults.between(0.5, 200.0)
        self._world.troubled(away)
        self._timeline.after(away, self._restart)

    def _restart(self) -> None:
        self.restarts += 1
        self._start()

    def _freeze(self) -> None:
        self.frozen = True
        self.freezes += 1
        away = self._faults.between(0.5, 300.0)
        self._world.troubled(away)
        self._timeline.after(away, self._thaw)

    def _thaw(self) -> None:
        self.frozen = False
        deferred, self._deferred = self._deferred, []
        for act in deferred:
            act()

    def _later(self, moment: float, act: Callable[[], None]) -> None:
        """Does something then; after a freeze where it is frozen, never where it has died."""
        life = self._life

        def when_running() -> None:
            if self._life is not life:
                return
            if self.frozen:
                self._deferred.append(when_running)
            else:
                act()

        self._timeline.at(moment, when_running)

    def _look_at(self, moment: float) -> None:
        self._next_look = moment
        self._later(moment, partial(self._look, moment))

    def _look(self, planned: float) -> None:
        if planned != self._next_look:
            return
        self._next_look = float("inf")
        if not self.reaches_store:
            self._look_at(self._timeline.now + _RETRY_STORE)
            return
        now = self._timeline.now
        due = self._world.due()
        moment = self._world.next_moment()
        if moment is not None:
            self.wake_at(moment)
        if not due:
            return
        held, targets = self._holds.held(now), self._breakers.caps(now)
        waiting = Waiting(
            task for task in due if task.arn not in held and task.arn not in self._running
        )
        chosen = waiting.take(Running(self._running.values()), caps=_CAPS, targets=targets)
        for task in chosen:
            self._running[task.arn] = task
            self._work(task)
        if len(chosen) < sum(task.arn not in self._running for task in due) + len(chosen):
            self.wake_at(now + _RETRY_STORE)  # for what is left, or held back

    def _work(self, task: Task) -> None:
        secret = self._world.secret(task.arn)
        run = Run(secret, self._store, self._faults, self, lambda: self._timeline.now)
        self._go_on(task, run, run.go())

    def _go_on(self, task: Task, run: Run, going: Generator[float, None, None]) -> None:
        error: RotatorError | None = None
        try:
            wait = next(going)
        except StopIteration:
            wait = None
        except RotatorError as raised:
            wait, error = None, raised
        if wait is None:
            self._finished(task, run, error)
            return
        match self._faults.fate():
            case Fate.DIES:
                self._die()
                return
            case Fate.FREEZES if not self.frozen:
                self._freeze()
        self._later(self._timeline.now + wait, partial(self._go_on, task, run, going))

    def _finished(self, task: Task, run: Run, error: RotatorError | None) -> None:
        del self._running[task.arn]
        now = self._timeline.now
        if run.begun and error is None:
            self._holds.begun(task.arn)
        else:
            self.wake_at(now + self._holds.refused(task.arn, now=now))
        if isinstance(error, StoreUnavailable):
            self.wake_at(now + _RETRY_STORE)
        elif run.begun and task.target is not None:
            unreached = run.failure is not None and run.failure.kind is FailureKind.UNREACHABLE
            pause = self._breakers.note(task.target, reached=not unreached, now=now)
            if pause is not None:
                self.wake_at(now + pause)
        self.wake_at(now)
