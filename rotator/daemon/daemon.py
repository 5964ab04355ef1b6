"""The daemon: looks what is due, starts it within the caps, looks again at the next due moment.

One thread decides. Each look at the store and each task has a thread of its own, so that it decides on whatever comes
while the store or a target keeps one of them waiting.
"""

import random
import uuid
from collections.abc import Callable
from functools import partial

from rotator import telemetry
from rotator.daemon import agenda, planner, telling
from rotator.daemon.agenda import Agenda
from rotator.daemon.backoff import Breakers, Holds
from rotator.daemon.chores import CHORES_EVERY, do_chores
from rotator.daemon.loop import Loop
from rotator.daemon.parts import Parts
from rotator.daemon.planner import Task
from rotator.daemon.reloading import Reloaded, Reloading
from rotator.daemon.turn import Turn
from rotator.daemon.wakeup import wake_on_change
from rotator.errors import StoreUnavailable
from rotator.model.caller import Caller
from rotator.rotation.owner import Owner
from rotator.rotation.report import Report
from rotator.sdk import FailureKind, clock
from rotator.store.store import Store

_TURN_EVERY = 1.0  # seconds between two looks whether another daemon has ended
_BEAT_EVERY = 5.0  # seconds
_JITTER = 0.2  # seconds, so that several daemons don't all look at the same instant
_UNREACHED = frozenset({FailureKind.UNREACHABLE})

_log = telemetry.logger("daemon")


class Daemon:
    """Does what is due until it is stopped.

    Args:
        caller: in whose account and region it works, and as whom.
        parts: what the configuration makes of it.
        read_again: reads the configuration anew.
        chance: a random number from 0 to 1.
    """

    def __init__(
        self,
        *,
        store: Store,
        caller: Caller,
        turn: Turn,
        parts: Parts,
        read_again: Callable[[], Reloaded],
        chance: Callable[[], float] = random.random,
    ) -> None:
        self._store = store
        self._caller = caller
        self._turn = turn
        self._parts = parts
        self._chance = chance
        self._loop = Loop()
        self._reloading = Reloading(
            self._loop, read=read_again, take=self._take_parts, over=self._reloaded
        )
        self._next_beat = self._looked_at = clock()
        self._due: tuple[Task, ...] = ()
        self._running: dict[str, Task] = {}
        self._breakers = Breakers()
        self._holds = Holds()
        self._me = Owner.me()
        self._looks = False
        self._look_again = False
        self._ended_meanwhile: set[str] = set()
        self._at_chores = False
        self._store_is_away = False
        self._stands_by = False
        self._has_turn = False
        self._stopping = False
        self._waited_enough = False

    def run(self) -> None:
        """Works until `stop`.

        Raises:
            StoreUnavailable: whether another daemon is at the store can't be told.
        """
        _log.info("daemon.started", store=self._store.url_shown, **self._caps_shown())
        try:
            with self._loop:
                self._begin()
                while not self._is_over():
                    self._loop.turn(seconds=_BEAT_EVERY)
                    self._beat()
        finally:
            self._turn.give_back()
        left = sorted(task.name for task in self._running.values())
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
        self._next_beat = now + _BEAT_EVERY
        if now - self._looked_at > 2 * self._parts.poll:
            # The ticker counts on the wall clock, which may have been set back.
            self._look()

    def _reload(self) -> None:
        if not self._stopping:
            self._reloading.start()

    def _take_parts(self, parts: Parts) -> None:
        self._parts = parts
        self._start_chores()  # calendars may be others
        self._look()

    def _reloaded(self) -> None:
        pass

    def _is_over(self) -> bool:
        return self._stopping and (self._waited_enough or not self._running)

    def _stop(self) -> None:
        if self._stopping:
            self._waited_enough = True
            return
        self._stopping = True
        _log.info("daemon.stopping", running=len(self._running))
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
            self._loop.once("begin", self._begin_later, seconds=_TURN_EVERY)
            return
        self._has_turn = True
        _log.info("daemon.ready")
        wake_on_change(self._store, partial(self._loop.put, self._look))
        self._loop.every("chores", self._start_chores, seconds=CHORES_EVERY)
        self._start_chores()
        self._look()

    def _begin_later(self) -> None:
        try:
            self._begin()
        except StoreUnavailable as error:
            _log.warning("daemon.stands_by", reason=str(error))
            self._loop.once("begin", self._begin_later, seconds=_TURN_EVERY)

    def _look(self) -> None:
        """Has a thread read what is due."""
        if self._stopping or not self._has_turn:
            return
        if self._looks:
            self._look_again = True
            return
        self._looks = True
        self._looked_at = clock()
        self._look_again = False
        self._ended_meanwhile.clear()
        self._loop.in_thread("rotator-look", self._read_agenda, failed=self._look_failed)

    def _read_agenda(self) -> None:
        try:
            found = agenda.read(self._store, caller=self._caller, me=self._me)
        except Exception as error:  # noqa: BLE001  # whatever it is, the next look may find the store well again
            self._loop.put(partial(self._looked, None, error))
        else:
            self._loop.put(partial(self._looked, found, None))

    def _look_failed(self) -> None:
        self._looks = False
        self._loop.once("look", self._look, seconds=self._parts.poll)

    def _looked(self, found: Agenda | None, error: Exception | None) -> None:
        """Starts what may be, and sets when to look again."""
        self._looks = False
        self._note_store(error)
        wait = self._parts.poll
        if found is not None:
            # What ended after it was read would be found not due: once is enough.
            self._due = tuple(task for task in found.tasks if task.arn not in self._ended_meanwhile)
            if found.next_in is not None:
                wait = min(wait, max(found.next_in, 0.0) + _JITTER * self._chance())
        self._loop.once("look", self._look, seconds=wait)
        self._fill()
        if self._look_again:
            self._look()

    def _fill(self) -> None:
        if self._stopping:
            return
        now = clock()
        chosen = planner.to_start(
            self._due,
            self._running.values(),
            caps=self._parts.caps,
            targets=self._breakers.caps(now),
            held=self._holds.held(now),
        )
        started = {task.arn for task in chosen}
        self._due = tuple(task for task in self._due if task.arn not in started)
        for task in chosen:
            self._running[task.arn] = task
            self._loop.in_thread(
                f"rotator-{task.name}",
                partial(self._work, task),
                failed=partial(self._loop.put, partial(self._finished, task, None, None)),
            )

    def _work(self, task: Task) -> None:
        """One task, in its thread."""
        log = telling.log_of(task)
        started = clock()
        report: Report | None = None
        failure: Exception | None = None
        engine = self._parts.engine
        try:
            report = engine.run_due(
                task.arn,
                caller=self._caller,
                request_id=str(uuid.uuid4()),
                observer=partial(telling.progress, log),
            )
        except Exception as error:  # noqa: BLE001  # a fault in one task must not end the others
            failure = error
        if report is not None:
            telling.ended(log, task, report, seconds=clock() - started)
        self._loop.put(partial(self._finished, task, report, failure))

    def _finished(self, task: Task, report: Report | None, error: Exception | None) -> None:
        del self._running[task.arn]
        self._ended_meanwhile.add(task.arn)
        now = clock()
        if report is not None:
            self._holds.begun(task.arn)
        else:
            again_in = self._holds.refused(task.arn, now=now)
            if error is not None:
                telling.refused(telling.log_of(task), error, again_in=again_in)
        if report is not None and task.target is not None:
            unreached = report.failure is not None and report.failure.kind in _UNREACHED
            pause = self._breakers.note(task.target, reached=not unreached, now=now)
            if pause is not None:
                _log.warning("target.paused", target=task.target, seconds=pause)
        if self._due:
            self._fill()
        else:
            self._look()

    def _start_chores(self) -> None:
        if self._stopping or self._at_chores:
            return
        self._at_chores = True
        self._loop.in_thread("rotator-chores", self._do_chores, failed=self._chores_done)

    def _do_chores(self) -> None:
        do_chores(self._parts.manager, self._caller)
        self._loop.put(self._chores_done)

    def _chores_done(self) -> None:
        self._at_chores = False
        self._look()

    def _note_store(self, error: Exception | None) -> None:
        if error is not None and not self._store_is_away:
            _log.warning("store.away", **telling.why(error))
        if error is None and self._store_is_away:
            _log.info("store.back")
        self._store_is_away = error is not None

    def _caps_shown(self) -> dict[str, int]:
        return {
            "workers": self._parts.caps.workers,
            "per_target": self._parts.caps.per_target,
            "per_rotator": self._parts.caps.per_rotator,
        }
