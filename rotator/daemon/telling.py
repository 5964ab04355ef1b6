"""What the daemon logs of a task: events with stable names, each with the rotation's id where there is one."""

from datetime import UTC, datetime

from rotator import telemetry
from rotator.daemon.planner import Task
from rotator.errors import RotationInProgress, RotatorError
from rotator.model.rotation import Status
from rotator.rotation.report import Progress, ProgressKind, Report
from rotator.sdk import Notice, NoticeKind, StepError
from rotator.telemetry import Log

_AS_IT_SHOULD = {Status.SUCCEEDED, Status.GRACE, Status.WAITING}
_NEEDS_PERSON = {Status.DIVERGED, Status.DEGRADED, Status.UNVERIFIED, Status.UNRETIRED}
_ONLY_FOR_DEBUGGING = {ProgressKind.STARTED, ProgressKind.DONE, ProgressKind.SKIPPED}
_NOTICES = {
    Status.FAILED: NoticeKind.FAILED,
    Status.DIVERGED: NoticeKind.DIVERGED,
    Status.DEGRADED: NoticeKind.DEGRADED,
    Status.UNVERIFIED: NoticeKind.UNVERIFIED,
    Status.UNRETIRED: NoticeKind.UNRETIRED,
}


def log_of(task: Task, rotation: str | None = None) -> Log:
    """The log of one task, and of its rotation where it has begun."""
    log = telemetry.logger("daemon").bind(
        secret_name=task.name, rotator=task.rotator, target=task.target
    )
    return log if rotation is None else log.bind(rotation=rotation)


def progress(log: Log, happened: Progress) -> None:
    """One step of its rotation."""
    if happened.kind in _ONLY_FOR_DEBUGGING and not log.shows_all:
        return
    about = {
        "rotation": happened.rotation_id,
        "phase": happened.phase,
        "attempt": happened.attempt,
    }
    match happened.kind:
        case ProgressKind.FAILED:
            log.warning(
                "rotation.step.failed", reason=happened.message, hint=happened.hint, **about
            )
        case ProgressKind.SKIPPED:
            log.debug("rotation.step.skipped", reason=happened.message, **about)
        case ProgressKind.DONE:
            log.debug("rotation.step.done", seconds=_rounded(happened.seconds), **about)
        case ProgressKind.STARTED:
            log.debug("rotation.step.started", **about)
        case ProgressKind.WAITING:
            log.info("rotation.waits", seconds=_rounded(happened.seconds), **about)


def ended(log: Log, task: Task, report: Report, *, seconds: float) -> None:
    """How its rotation stands, or its test."""
    fields = {
        "rotation": report.rotation_id,
        "status": report.status,
        "attempts": report.attempts,
        "seconds": _rounded(seconds),
        "due": task.since,
    }
    if report.failure is not None:
        fields |= {"kind": report.failure.kind, "reason": report.failure.message}
    if report.retire_at is not None:
        fields["retire_at"] = report.retire_at
    tell = log.warning
    if report.status in _NEEDS_PERSON:
        tell = log.error
    elif report.status in _AS_IT_SHOULD:
        tell = log.info
    if report.only_tested:
        tell("test.ended", **fields)
    else:
        tell("rotation.ended", **fields)


def notice_of(task: Task, report: Report) -> Notice | None:
    """What a person has to know of how its rotation ended; None where there is nothing."""
    kind = _NOTICES.get(report.status)
    if kind is None or report.only_tested:
        return None
    failure = report.failure
    return Notice(
        kind=kind,
        at=datetime.now(UTC),
        secret_name=task.name,
        secret_arn=task.arn,
        rotator=task.rotator,
        target=task.target,
        rotation=report.rotation_id,
        reason=None if failure is None else failure.message,
        hint=None if failure is None else failure.hint,
    )


def notice_of_refusal(task: Task, error: Exception, rotation: str | None) -> Notice:
    """That what is due did not begin, or was broken off."""
    reason = why(error).get("reason")
    return Notice(
        kind=NoticeKind.REFUSED,
        at=datetime.now(UTC),
        secret_name=task.name,
        secret_arn=task.arn,
        rotator=task.rotator,
        target=task.target,
        rotation=rotation,
        reason=None if reason is None else str(reason),
        hint=f"rotate status {task.name} shows how it stands; it is tried again as long as it is due",
    )


def refused(log: Log, error: Exception, *, again_in: float) -> None:
    """Its rotation did not begin, or was broken off."""
    fields = why(error) | {"again_in": _rounded(again_in)}
    if isinstance(error, RotationInProgress):
        log.info("rotation.busy", **fields)
    elif "reason" in fields:
        log.warning("rotation.refused", **fields)
    else:
        log.error("rotation.broken", **fields)


def why(error: BaseException) -> dict[str, object]:
    """What an event says of an error: its message only where rotator wrote it, for any other may quote a value."""
    fields: dict[str, object] = {"error": type(error).__name__}
    if isinstance(error, (RotatorError, StepError)):
        fields["reason"] = str(error)
    return fields


def _rounded(seconds: float | None) -> float | None:
    return None if seconds is None else round(seconds, 3)
