"""What a monitor sees of the daemon, as Prometheus reads it. docs/daemon.md lists every metric."""

from functools import cache

from prometheus_client import CollectorRegistry, Counter, Gauge, Histogram, generate_latest

from rotator.api.metrics import CallMetrics
from rotator.daemon.agenda import Agenda
from rotator.daemon.planner import Task
from rotator.rotation.report import Progress, ProgressKind, Report

CONTENT_TYPE = "text/plain; version=0.0.4; charset=utf-8"
_NO_REASON = "none"
_STEP_BUCKETS = (0.005, 0.02, 0.05, 0.1, 0.25, 0.5, 1.0, 2.5, 5.0, 10.0, 30.0, 60.0)
_LATENESS_BUCKETS = (0.1, 0.5, 1.0, 5.0, 15.0, 60.0, 300.0, 900.0, 3600.0, 21_600.0, 86_400.0)


class Metrics:
    """The metrics of one daemon. No label names a secret or a target, and none has values without end."""

    def __init__(self) -> None:
        self._registry = registry = CollectorRegistry()
        self._due = Gauge(
            "rotator_due", "Secrets with something to be done by now, not begun.", registry=registry
        )
        self._overdue = Gauge(
            "rotator_oldest_overdue_seconds",
            "How long the first of them has been due.",
            registry=registry,
        )
        self._running = Gauge(
            "rotator_running", "Tasks that run in this daemon.", ["rotator"], registry=registry
        )
        self._lateness = Histogram(
            "rotator_lateness_seconds",
            "From the due moment of a task to its beginning.",
            buckets=_LATENESS_BUCKETS,
            registry=registry,
        )
        self._ended = Counter(
            "rotator_rotations",
            "Runs of rotations by how they ended; the reason is the kind of failure.",
            ["rotator", "status", "reason"],
            registry=registry,
        )
        self._refused = Counter(
            "rotator_refused",
            "Tasks that did not begin or were broken off, by the class of the error.",
            ["rotator", "error"],
            registry=registry,
        )
        self._steps = Histogram(
            "rotator_step_seconds",
            "Steps that were done.",
            ["rotator", "phase"],
            buckets=_STEP_BUCKETS,
            registry=registry,
        )
        self._failed_steps = Counter(
            "rotator_failed_steps", "Steps that failed.", ["rotator", "phase"], registry=registry
        )
        self._lost = Counter(
            "rotator_lease_losses",
            "Rotations that another process took over from this one.",
            registry=registry,
        )
        self._store_up = Gauge(
            "rotator_store_up", "Whether the last look at the store succeeded.", registry=registry
        )
        self._paused = Gauge(
            "rotator_paused_targets", "Targets that are left alone for now.", registry=registry
        )

        self._checked = Counter(
            "rotator_drift_checks",
            "Stored credentials that were tried, by what that showed.",
            ["outcome"],
            registry=registry,
        )
        self._notified = Counter(
            "rotator_notifications",
            "Notices, by the notifier and what became of them.",
            ["notifier", "outcome"],
            registry=registry,
        )

        # A metric looks its labels' values up under a lock; there are few of them.
        self._running_by = cache(self._running.labels)
        self._steps_of = cache(self._steps.labels)
        self._ended_as = cache(self._ended.labels)

        self.called = CallMetrics(registry).called

    def text(self) -> bytes:
        """All of them, in Prometheus' text format."""
        return generate_latest(self._registry)

    def looked(self, found: Agenda | None) -> None:
        """What a look at the store gave; None where it failed."""
        self._store_up.set(found is not None)
        if found is not None:
            self._overdue.set(found.oldest)

    def waiting(self, tasks: int, *, paused: int) -> None:
        """How many tasks have not begun, and how many targets are left alone."""
        self._due.set(tasks)
        self._paused.set(paused)

    def started(self, task: Task, *, late: float) -> None:
        """A task begins, so many seconds after it was due."""
        self._running_by(task.rotator).inc()
        self._lateness.observe(max(0.0, late))

    def progressed(self, task: Task, happened: Progress) -> None:
        """One step of it."""
        if happened.kind is ProgressKind.DONE and happened.seconds is not None:
            self._steps_of(task.rotator, str(happened.phase)).observe(happened.seconds)
        elif happened.kind is ProgressKind.FAILED:
            self._failed_steps.labels(task.rotator, str(happened.phase)).inc()

    def finished(
        self, task: Task, report: Report | None, error: Exception | None, *, lost: bool
    ) -> None:
        """It is over. `lost`: another process has taken its rotation over."""
        self._running_by(task.rotator).dec()
        if report is not None and not report.only_tested:
            failure = report.failure
            reason = _NO_REASON if failure is None else str(failure.kind)
            self._ended_as(task.rotator, str(report.status), reason).inc()
        elif error is not None:
            self._refused.labels(task.rotator, type(error).__name__).inc()
        if lost:
            self._lost.inc()

    def checked(self, outcome: str) -> None:
        """A stored credential was tried."""
        self._checked.labels(outcome).inc()

    def notified(self, notifier: str, outcome: str) -> None:
        """A notice was passed on, or not."""
        self._notified.labels(notifier, outcome).inc()
