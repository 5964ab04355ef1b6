"""`rotate doctor`: whether everything is as it has to be, and what to do where it isn't."""

from collections.abc import Iterator

import typer

from rotator.cli.checks import Check, Finding, run_checks
from rotator.cli.exits import ExitCode
from rotator.cli.options import Output
from rotator.cli.output import OutputFormat, write, write_json
from rotator.cli.session import Session

_MARK = {Finding.OK: "ok     ", Finding.WARNING: "warning", Finding.FAULT: "FAULT  "}


def doctor(context: typer.Context, output: Output = OutputFormat.TEXT) -> int:
    """Finds what is wrong here, and how to mend it."""
    session: Session = context.obj
    checks = run_checks(session)
    code = max((check.exit_code for check in checks), default=ExitCode.DONE)
    if output is OutputFormat.JSON:
        write_json({"exit_code": code, "checks": checks})
    else:
        write(*_lines(checks))
    return code


def _lines(checks: tuple[Check, ...]) -> Iterator[str]:
    for check in checks:
        yield f"{_MARK[check.finding]}  {check.subject}: {check.message}"
        if check.fix:
            yield f"         {check.fix}"
    faults = sum(check.finding is Finding.FAULT for check in checks)
    yield "Everything is as it has to be." if not faults else f"{faults} to mend."
