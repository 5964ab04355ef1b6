"""The daemon: looks what is due, starts it within the caps, looks again at the next due moment.

One thread decides. Each look at the store and each task has a thread of its own, so that it decides on whatever comes
while the store or a target keeps one of them waiting.
"""

import random
from collections.abc import Callable
from dataclasses import asdict
from functools import partial

from rotator import telemetry
from rotator.daemon import agenda, drift, telling
from rotator.daemon.agenda import Agenda
from rotator.daemon.board import Board
from rotator.daemon.chores import CHORES_EVERY, Chores
from rotator.daemon.clock_watch import CLOCK_EVERY, ClockWatch
from rotator.daemon.drift import DriftChecks, Findings
from rotator.daemon.health import Condition
from rotator.daemon.looking import Looking
from rotator.daemon.loop import Loop
from rotator.daemon.monitor import Monitor
from rotator.daemon.parts import Parts
from rotator.daemon.planner import Task
from rotator.daemon.reach import Reach, caller_for
from rotator.daemon.refusals import Refusals
from rotator.daemon.reloading import Reloaded, Reloading
from rotator.daemon.rounds import Rounds
from rotator.daemon.turn import Turn
from rotator.daemon.wakeup import wake_on_change
from rotator.daemon.work import work
from rotator.errors import StoreUnavailable
from rotator.rotation.owner import Owner
from rotator.rotation.report import Report
from rotator.sdk import Notice, clock
from rotator.store.store import Store

_TURN_EVERY = 1.0  # seconds between two looks whether another daemon has ended
_LISTEN_EVERY = 5.0  # seconds between two attempts to get an address that another process has
_AWAY_AT_MOST = 10.0  # seconds between two looks at a store that is away
_STALE_AFTER = (
    1.0  # seconds; a list that is older is read again where another daemon has done what it says
)
_JITTER = 0.2  # seconds, so that several daemons don't all look at the same instant

_log = telemetry.logger("daemon")


class Daemon:
    """Does what is due until it is stopped.

    Args:
        regions: in which it works, for every account.
        parts: what the configuration makes of it.
        read_again: reads the configuration anew.
        monitor: who is told how the daemon is.
        chance: a random number from 0 to 1.
    """

    def __init__(
        self,
        *,
        store: Store,
        regions: frozenset[str],
        turn: Turn,
        parts: Parts,
        read_again: Callable[[], Reloaded],
        monitor: Monitor,
        chance: Callable[[], float] = random.random,
    ) -> None:
        self._store = store
        self._turn = turn
        self._parts = parts
        self._monitor = monitor
        self._metrics = monitor.metrics
        self._chance = chance
        self._loop = Loop()
        reach = Reach(store, regions)
        self._looking = Looking(
            self._loop,
            read=partial(agenda.read_all, store, reach, me=Owner.me()),
            looked=self._looked,
        )
        self._chores = Rounds(self._loop, "chores", Chores(reach.callers).do, done=self._look)
        findings = Findings(
            count=self._metrics.checked, notify=self._notify, stopped=lambda: self._stopping
        )
        self._drift = DriftChecks(store, reach.callers, findings)
        watch = ClockWatch(store, reach.callers)
        self._clock_watch = Rounds(self._loop, "clock", lambda _: watch.go_on(), done=lambda: None)
        self._drift_checks = Rounds(self._loop, "drift", self._check_drift, done=lambda: None)
        self._reloading = Reloading(
            self._loop, read=read_again, take=self._take_parts, over=monitor.reloaded
        )
        self._next_beat = clock()
        self._board = Board(
            Refusals(self._notify),
            self._metrics,
            shares=store.dialect != "sqlite",
            chance=chance,
        )
        self._stands_by = False
        self._has_turn = False
        self._stopping = False
        self._waited_enough = False

    def run(self) -> None:
        """Works until `stop`.

        Raises:
            ConfigurationError: the address of its endpoints can't be had.
            StoreUnavailable: whether another daemon is at the store can't be told.
        """
        _log.info("daemon.started", store=self._store.url_shown, **asdict(self._parts.caps))
        try:
            with self._loop:
                self._open_endpoints()
                self._begin()
                while not self._is_over():
                    self._loop.turn(seconds=self._monitor.beat_every)
                    self._beat()
        finally:
            self._monitor.close()
            self._turn.give_back()
            self._parts.notices.close()
        left = sorted(task.name for task in self._board.running)
        if left:
            _log.warning("daemon.left", secret_names=left, seconds=self._parts.shutdown)
        _log.info("daemon.stopped")

    def stop(self) -> None:
        """Starts nothing more, and waits for what runs; called again, it waits no longer. For signal handlers too."""
        self._loop.put(self._stop)

    def reload(self) -> None:
        """Reads the configuration anew. For signal handlers too."""
        self._loop.put(self._reload)

    def _beat(self) -> None:
        """What the loop does again and again, by a clock that is never set."""
        now = clock()
        if now < self._next_beat:
            return
        self._next_beat = now + self._monitor.beat_every
        self._monitor.beat(now)
        self._loop.follow_clock()
        if now - self._looking.at > 2 * self._parts.poll:
            # Whatever kept the ticker from ticking.
            self._look()

    def _reload(self) -> None:
        if not self._stopping:
            self._monitor.reloading()
            self._reloading.start()

    def _take_parts(self, parts: Parts) -> None:
        self._parts = parts
        self._monitor.use(parts.rooms)
        if self._has_turn:
            self._set_ticks()
            self._chores.start(parts)  # calendars may be others

    def _set_ticks(self) -> None:
        self._loop.every("chores", self._start_chores, seconds=CHORES_EVERY)
        self._loop.every("clock", self._start_clock_watch, seconds=CLOCK_EVERY)
        if self._parts.drift_every > 0:
            tick = drift.tick(self._parts.drift_every)
            self._loop.every("drift", self._start_drift_checks, seconds=tick)

    def _is_over(self) -> bool:
        return self._stopping and (self._waited_enough or not self._board.running)

    def _stop(self) -> None:
        if self._stopping:
            self._waited_enough = True
            return
        self._stopping = True
        self._monitor.note(Condition.STOPPING)
        _log.info("daemon.stopping", running=len(self._board.running))
        self._loop.once("stop", self._stop, seconds=self._parts.shutdown)

    def _begin(self) -> None:
        """Begins to work once no other daemon is at the store."""
        if self._stopping:
            return
        if not self._turn.take():
            if not self._stands_by:
                _log.warning(
                    "daemon.stands_by",
                    reason="another daemon works on this SQLite store; this one takes its place when it ends",
                )
            self._stands_by = True
            self._monitor.note(Condition.STANDS_BY)
            self._loop.once("begin", self._begin_later, seconds=_TURN_EVERY)
            return
        self._has_turn = True
        _log.info("daemon.ready")
        wake_on_change(self._store, partial(self._loop.put, self._look))
        self._monitor.note(Condition.READY)
        self._set_ticks()
        self._start_chores()
        self._start_clock_watch()
        self._start_drift_checks()
        self._look()

    def _open_endpoints(self) -> None:
        if not self._monitor.open():
            self._loop.once("listen", self._open_endpoints, seconds=_LISTEN_EVERY)

    def _begin_later(self) -> None:
        try:
            self._begin()
        except StoreUnavailable as error:
            _log.warning("daemon.stands_by", reason=str(error))
            self._loop.once("begin", self._begin_later, seconds=_TURN_EVERY)

    def _look(self) -> None:
        if not self._stopping and self._has_turn:
            self._looking.start()

    def _looked(self, found: Agenda | None, error: Exception | None) -> None:
        """Starts what may be, and sets when to look again."""
        self._monitor.looked(found, error)
        wait = min(self._parts.poll, _AWAY_AT_MOST)
        if found is not None:
            wait = self._parts.poll
            self._board.see(self._looking.still_due(found), caps=self._parts.caps)
            if found.next_in is not None:
                wait = min(wait, max(found.next_in, 0.0) + _JITTER * self._chance())
            held_for = self._board.next_in(clock())
            wait = wait if held_for is None else min(wait, held_for)
        self._loop.once("look", self._look, seconds=wait)
        self._fill()

    def _fill(self) -> None:
        if self._stopping:
            return
        for task in self._board.take(caps=self._parts.caps):
            self._loop.in_thread(
                f"rotator-{task.name}",
                partial(self._work, task, self._looking.lateness(task)),
                failed=partial(self._loop.put, partial(self._finished, task, None, None, None)),
            )

    def _work(self, task: Task, late: float) -> None:
        """One task, in its thread."""
        self._metrics.started(task, late=late)
        engine = self._parts.engine
        ended = work(task, engine=engine, caller=caller_for(task.arn), metrics=self._metrics)
        self._loop.put(partial(self._finished, task, *ended))

    def _finished(
        self, task: Task, report: Report | None, error: Exception | None, rotation: str | None
    ) -> None:
        had_more = self._board.has_more
        self._board.ended(task, report, error, rotation)
        self._looking.ended(task)
        now = clock()
        if report is not None:
            self._notify(telling.notice_of(task, report))
        else:
            # What is held back is not looked at again by what else ends.
            again_in = self._board.next_in(now)
            if again_in is not None:
                self._loop.once("held", self._look, seconds=again_in)
        if had_more:
            self._fill()
        if not had_more or (report is None and now - self._looking.at > _STALE_AFTER):
            self._look()

    def _start_chores(self) -> None:
        if not self._stopping:
            self._chores.start(self._parts)

    def _start_clock_watch(self) -> None:
        if not self._stopping:
            self._clock_watch.start(self._parts)

    def _start_drift_checks(self) -> None:
        if not self._stopping:
            self._drift_checks.start(self._parts)

    def _check_drift(self, parts: Parts) -> None:
        self._drift.go_on(parts.engine, every=parts.drift_every)

    def _notify(self, notice: Notice | None) -> None:
        if notice is not None:
            self._parts.notices.send(notice, counted=self._metrics.notified)
