"""`rotate plan` and `verify`: looking at a target without changing it."""

from collections.abc import Iterator
from dataclasses import dataclass
from enum import StrEnum
from typing import TYPE_CHECKING

import typer

from rotator.cli.batch import problem_of_any
from rotator.cli.exits import ExitCode, of_all
from rotator.cli.failures import Problem
from rotator.cli.options import All, Output, SecretId, SecretIds
from rotator.cli.output import OutputFormat, write, write_json
from rotator.cli.session import Session
from rotator.model.rotation import Status
from rotator.sdk import Level, Overlap

if TYPE_CHECKING:
    from rotator.rotation.verdicts import Plan, Verification

_MARK = {Level.OK: "ok", Level.WARNING: "warning", Level.REFUSAL: "NO"}
_OVERLAP = {
    Overlap.DUAL: "old and new credential both log in until the old one is retired",
    Overlap.ALTERNATING: "two users take turns; the old one stays valid",
    Overlap.GAP: "one credential only; reads of the secret wait while it changes",
    Overlap.NONE: "nothing outside changes",
}


class _Result(StrEnum):
    ACCEPTED = "accepted"
    REFUSED = "refused"
    UNSUPPORTED = "unsupported"  # the rotator has no way to tell
    UNKNOWN = "unknown"  # the target could not be asked


_HEADING = {
    _Result.ACCEPTED: "",
    _Result.REFUSED: "DRIFT: ",
    _Result.UNSUPPORTED: "",
    _Result.UNKNOWN: "not known, the target could not be asked: ",
}


def plan(context: typer.Context, secret: SecretId, output: Output = OutputFormat.TEXT) -> int:
    """Says what `rotate now` would do.

    Preflight tells whether it can work. Nothing is changed, neither here nor on the target.
    """
    session: Session = context.obj
    found = session.engine.plan(secret, caller=session.caller, request_id=session.request_id)
    code = ExitCode.REFUSED if found.refused else ExitCode.DONE
    if output is OutputFormat.JSON:
        write_json({"exit_code": code, "plan": found})
    else:
        write(*_plan_lines(found))
    return code


def verify(
    context: typer.Context,
    secrets: SecretIds = None,
    everything: All = False,
    output: Output = OutputFormat.TEXT,
) -> int:
    """Logs in with stored credentials: finds drift.

    The exit code is 7 where a target refuses what is AWSCURRENT, or can't be asked. A rotator that has no way to
    tell, such as one of values that nothing outside knows, is no reason for it.
    """
    from rotator.cli.selection import select

    session: Session = context.obj
    chosen = select(session, secrets, everything=everything)
    checked = [_check(session, name) for name in chosen]
    codes = [check.exit_code for check in checked]
    code = ExitCode.REFUSED if ExitCode.REFUSED in codes else of_all(codes)
    if output is OutputFormat.JSON:
        write_json({"exit_code": code, "secrets": checked})
    else:
        for check in checked:
            write(*_check_lines(check))
    return code


@dataclass(frozen=True, slots=True, kw_only=True)
class _Check:
    """What came of one secret; one of `verification` and `error` is None.

    Attributes:
        result: what the target said to AWSCURRENT.
        running: a rotation of it had not ended when the target was asked, so it may be about to change.
    """

    secret: str
    exit_code: ExitCode
    result: _Result = _Result.UNKNOWN
    running: bool = False
    verification: "Verification | None" = None
    error: Problem | None = None


def _check(session: Session, name: str) -> _Check:
    try:
        found = session.engine.verify(name, caller=session.caller, request_id=session.request_id)
        running = _is_running(session, found.secret_arn)
    except Exception as error:  # noqa: BLE001  # a fault at one secret must not end the others
        problem = problem_of_any(error, session=session)
        return _Check(secret=name, exit_code=problem.exit_code, error=problem)
    code = ExitCode.REFUSED if found.drift else ExitCode.DONE
    return _Check(
        secret=name, exit_code=code, verification=found, result=_result(found), running=running
    )


def _result(found: "Verification") -> _Result:
    """The answer for AWSCURRENT, which is asked about first."""
    outcome = found.proofs[0].outcome if found.proofs else None
    return _Result(outcome) if outcome in set(_Result) else _Result.UNKNOWN


def _is_running(session: Session, arn: str) -> bool:
    from rotator.rotation.records import rotations_of

    found = rotations_of(
        session.store, arn, caller=session.caller, request_id=session.request_id, limit=1
    )
    return any(
        rotation.ended_at is None and rotation.status is not Status.GRACE
        for rotation in found.rotations
    )


def _check_lines(check: _Check) -> Iterator[str]:
    if check.error is not None:
        yield f"{check.secret}: {check.error.message}"
        if check.error.hint:
            yield f"  What to do: {check.error.hint}"
    if check.verification is None:
        return
    found = check.verification
    yield f"{found.secret_name}: {_HEADING[check.result]}{found.message}"
    if check.running:
        yield (
            f"  A rotation of it has not ended, so this may change: rotate status {found.secret_name}"
        )
    for proof in found.proofs:
        why = f": {proof.message}" if proof.message else ""
        yield f"  {proof.label:<11}  {proof.outcome}  ({proof.version_id}){why}"
    if found.hint:
        yield f"  What to do: {found.hint}"


def _plan_lines(plan: "Plan") -> Iterator[str]:
    yield f"{plan.secret_name}  ({plan.rotator})"
    if plan.resumes:
        yield f"  An unfinished rotation is taken up, with version {plan.token}."
    if plan.overlap is not None:
        yield f"  overlap: {plan.overlap} ({_OVERLAP[plan.overlap]})"
    yield "Preflight"
    for finding in plan.findings:
        yield f"  {_MARK[finding.level]:<8} {finding.message}"
        if finding.remedy:
            yield f"           {finding.remedy}"
    if plan.steps:
        yield "Steps"
    for number, step in enumerate(plan.steps, start=1):
        yield f"  {number}. {step}"
    if plan.changes:
        yield "Changes on the target"
        for change in plan.changes:
            yield f"  {change}"
    yield (
        "It would be refused as things are; nothing was changed."
        if plan.refused
        else f"Nothing was changed. Do it: rotate now {plan.secret_name}"
    )
