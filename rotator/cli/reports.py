"""How a rotation went, in words."""

from collections.abc import Iterator, Sequence

from rotator.cli.batch import Outcome, exit_code
from rotator.cli.exits import ExitCode
from rotator.cli.output import OutputFormat, duration, moment, write, write_json, write_table
from rotator.model.labels import CURRENT
from rotator.model.rotation import Phase, Status
from rotator.rotation.reasons import SESSIONS_ENDED, users
from rotator.rotation.report import Report

MEANING = {
    Status.RUNNING: "is running",
    Status.WAITING: "waits for its next attempt",
    Status.ABANDONING: "was abandoned; which value the target accepts is not settled yet",
    Status.GRACE: "rotated",
    Status.SUCCEEDED: "rotated",
    Status.UNRETIRED: (
        "rotated, but the old credential could not be retired, and it or its sessions may live on: a person has to look"
    ),
    Status.FAILED: "not rotated; the target is as it was",
    Status.DIVERGED: (
        "not rotated, and no stored value is known to log in: a person has to look; both values are kept"
    ),
    Status.DEGRADED: (
        "not rotated; the stored value logs in only as the target's second password: a person has to look"
    ),
    Status.UNVERIFIED: (
        "not rotated, and which value logs in can't be told; the new value is kept, the next run takes it up"
    ),
    Status.ABANDONED: "not rotated: abandoned from outside; the stored value logs in",
}


_NOT_RETIRED = {
    Status.UNRETIRED: (
        "old credential not retired, and it or its sessions may live on: a person has to look"
    ),
    Status.ABANDONED: "old credential not retired: a stored value needs it again",
}
"""What the end of a run means that was only to retire."""

_ROTATED = {Status.SUCCEEDED, Status.GRACE}


def show_outcomes(outcomes: Sequence[Outcome], *, output: OutputFormat, nothing: str) -> ExitCode:
    """Writes what became of each secret, and the code for all.

    Args:
        nothing: what to say of a secret where there was nothing to do.
    """
    code = exit_code(outcomes)
    if output is OutputFormat.JSON:
        write_json({"exit_code": code, "rotations": outcomes})
        return code
    if not outcomes:
        write(f"{nothing[:1].upper()}{nothing[1:]}.")
    for outcome in outcomes:
        write(*outcome_lines(outcome, nothing=nothing))
    if len(outcomes) > 1:
        _summarise(outcomes)
    return code


def report_lines(report: Report) -> Iterator[str]:
    """A rotation in a few lines."""
    name = report.secret_name
    if report.only_tested:
        yield f"{name}: {tested(report.status)}"
        yield from _why(report)
        return
    meaning = _NOT_RETIRED.get(report.status) if _only_retires(report) else None
    meaning = meaning or MEANING[report.status]
    seconds = duration(sum(step.seconds for step in report.steps))
    tries = "1 attempt" if report.attempts == 1 else f"{report.attempts} attempts"
    overlap = "" if report.overlap is None else f", overlap {report.overlap}"
    resumed = ", resumed" if report.resumed and not _only_retires(report) else ""
    if report.status in _ROTATED:
        yield f"{name}: {_done(report)} in {seconds} ({tries}{overlap}{resumed})"
    else:
        yield f"{name}: {meaning} ({tries}{overlap}{resumed})"
    yield from _about_the_old_one(report)
    yield from _why(report)
    if report.status is Status.UNRETIRED:
        yield f"  Then: rotate retire {name}, or rotate on from the new credential: rotate now {name}"
    before, after = report.labels_before.get(CURRENT), report.labels_after.get(CURRENT)
    if before != after:
        yield f"  {CURRENT}: {before} -> {after}"


def _why(report: Report) -> Iterator[str]:
    failure = report.failure
    if failure is not None and report.status is not Status.GRACE:
        warned = report.status is Status.SUCCEEDED
        yield f"  {'Warning' if warned else f'{failure.phase} failed, {failure.kind}'}: {failure.message}"
        if failure.hint:
            yield f"  What to do: {failure.hint}"


def tested(status: Status) -> str:
    """How a test of a rotation function stands."""
    if status is Status.SUCCEEDED:
        return "its function passed the test with the stored value; nothing was rotated"
    if status.active:
        return f"its function is tested with the stored value ({status}); nothing is rotated"
    if status is Status.ABANDONED:
        return "the test of its function was given up; nothing was changed"
    return "its function failed the test with the stored value; nothing was changed"


def _about_the_old_one(report: Report) -> Iterator[str]:
    """What has become of the old credential, and of who uses it."""
    phases = {step.phase for step in report.steps}
    if report.status is Status.SUCCEEDED and phases >= {Phase.FINISH, Phase.RETIRE}:
        yield "  the old credential logs in no more"
    if report.in_use:
        waited_for = report.status is Status.GRACE
        verb = "is" if waited_for else "was"
        yield f"  the old credential {verb} still in use by {users(report.in_use)}{_sessions(report)}"
    if report.retire_at is not None and _only_retires(report):
        yield f"  they are waited for, and looked for again at {moment(report.retire_at)}; not to wait:"
        yield f"  rotate retire {report.secret_name}"
    elif report.retire_at is not None:
        yield f"  the old credential logs in until {moment(report.retire_at)}, when it can be retired"


def _sessions(report: Report) -> str:
    """What has become of the sessions that were found."""
    if report.status is not Status.SUCCEEDED:
        return ""
    ended = any(step.detail == SESSIONS_ENDED for step in report.steps)
    return "; these sessions were ended" if ended else "; these sessions go on until they end"


def _only_retires(report: Report) -> bool:
    """Whether AWSCURRENT had moved in an earlier run."""
    phases = {step.phase for step in report.steps}
    ended_there = report.failure is not None and report.failure.phase is Phase.RETIRE
    return Phase.FINISH not in phases and (Phase.RETIRE in phases or ended_there)


def _done(report: Report) -> str:
    if _only_retires(report):
        retired = report.status is Status.SUCCEEDED
        return "old credential retired" if retired else "old credential not retired yet"
    return MEANING[report.status]


def outcome_lines(outcome: Outcome, *, nothing: str) -> Iterator[str]:
    """What became of one secret, in a few lines.

    Args:
        nothing: what to say where there was nothing to do.
    """
    if outcome.report is not None:
        yield from report_lines(outcome.report)
    elif outcome.error is not None:
        said = outcome.error.message
        yield said if said.startswith(f"{outcome.secret} ") else f"{outcome.secret}: {said}"
        if outcome.error.hint:
            yield f"  What to do: {outcome.error.hint}"
    else:
        yield f"{outcome.secret}: {nothing}"


def _summarise(outcomes: Sequence[Outcome]) -> None:
    done = sum(outcome.exit_code is ExitCode.DONE for outcome in outcomes)
    write("")
    write_table(
        ("SECRET", "RESULT", "EXIT CODE"),
        [(outcome.secret, _result(outcome), str(int(outcome.exit_code))) for outcome in outcomes],
    )
    write(f"{done} of {len(outcomes)} done.")


def _result(outcome: Outcome) -> str:
    if outcome.report is not None:
        return str(outcome.report.status)
    return "nothing to do" if outcome.error is None else outcome.error.error
