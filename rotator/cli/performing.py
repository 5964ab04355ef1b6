"""Rotations that this process runs itself."""

from collections.abc import Callable, Sequence
from typing import Any

from rotator.cli.batch import run
from rotator.cli.exits import ExitCode, of_status
from rotator.cli.output import OutputFormat, write
from rotator.cli.progress import watching
from rotator.cli.reports import show_outcomes
from rotator.cli.session import Session
from rotator.model.rotation import Status
from rotator.rotation.report import Report


def rotate(
    session: Session,
    names: Sequence[str],
    *,
    output: OutputFormat,
    end_grace: bool = False,
    compromised: bool = False,
) -> int:
    """Rotates secrets now, and gives the exit code."""

    def operation(name: str, **who: Any) -> Report:
        return session.engine.rotate(name, **who, end_grace=end_grace, compromised=compromised)

    return perform(session, names, operation, output=output, nothing="nothing to do")


def perform(
    session: Session,
    names: Sequence[str],
    operation: Callable[..., Report | None],
    *,
    output: OutputFormat,
    nothing: str,
    code_of: Callable[[Status], ExitCode] = of_status,
) -> int:
    """Does one of the engine's operations to several secrets, and gives the exit code.

    Args:
        nothing: what to say where there was nothing to do.
        code_of: what the end of a rotation means to the exit code.
    """
    caller, request_id = session.caller, session.request_id
    try:
        with watching(output) as observer:

            def act(name: str) -> Report | None:
                return operation(name, caller=caller, request_id=request_id, observer=observer)

            outcomes = run(names, act, session=session, code_of=code_of)
    except KeyboardInterrupt:
        write("Interrupted. What was running goes on with: rotate resume --all", error=True)
        raise
    return show_outcomes(outcomes, output=output, nothing=nothing)
