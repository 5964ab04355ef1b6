"""Doing one thing to several secrets: in parallel, and a failing one never stops the others."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass

from rotator.cli.exits import ExitCode, of_all, of_status
from rotator.cli.failures import Problem, problem_of, unexpected
from rotator.cli.session import Session
from rotator.errors import RotatorError
from rotator.model.rotation import Status
from rotator.rotation.report import Report
from rotator.sdk import StepError


@dataclass(frozen=True, slots=True, kw_only=True)
class Outcome:
    """What became of one secret.

    Attributes:
        secret: as it was named.
        report: None where there was nothing to do, or no rotation came about.
        error: why none came about.
    """

    secret: str
    exit_code: ExitCode
    report: Report | None = None
    error: Problem | None = None


def run(
    names: Sequence[str],
    act: Callable[[str], Report | None],
    *,
    session: Session,
    code_of: Callable[[Status], ExitCode] = of_status,
) -> tuple[Outcome, ...]:
    """What became of each secret, in the order of `names`; at most `rotation.workers` at once."""

    def attempt(name: str) -> Outcome:
        return _attempt(name, act, session=session, code_of=code_of)

    if len(names) == 1:
        return (attempt(names[0]),)
    from concurrent.futures import ThreadPoolExecutor

    workers = session.configuration.settings.rotation.workers
    with ThreadPoolExecutor(max_workers=min(workers, max(len(names), 1))) as pool:
        futures = [pool.submit(attempt, name) for name in names]
        try:
            return tuple(future.result() for future in futures)
        except KeyboardInterrupt:
            # What runs goes on to its end, which is seconds away; what has not begun never does.
            pool.shutdown(wait=False, cancel_futures=True)
            raise


def exit_code(outcomes: Sequence[Outcome]) -> ExitCode:
    """The code of all of them together."""
    return of_all(outcome.exit_code for outcome in outcomes)


def problem_of_any(error: Exception, *, session: Session) -> Problem:
    """The problem with one of several secrets, foreseen or not."""
    if isinstance(error, (RotatorError, StepError)):
        return problem_of(error)
    return unexpected(error, folder=session.folder_for_details(), request_id=session.request_id)


def _attempt(
    name: str,
    act: Callable[[str], Report | None],
    *,
    session: Session,
    code_of: Callable[[Status], ExitCode],
) -> Outcome:
    try:
        report = act(name)
    except Exception as error:  # noqa: BLE001  # a fault in one rotation must not end the others
        problem = problem_of_any(error, session=session)
        return Outcome(secret=name, exit_code=problem.exit_code, error=problem)
    code = ExitCode.DONE if report is None else code_of(report.status)
    return Outcome(secret=name, exit_code=code, report=report)
