"""`rotate key rewrap`."""

import sys
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from typing import TYPE_CHECKING, Annotated

import typer

from rotator.cli.exits import ExitCode
from rotator.cli.options import Output
from rotator.cli.output import OutputFormat, counted, write, write_json, write_table
from rotator.cli.session import Session

if TYPE_CHECKING:
    from rotator.manager.rewrapping import PlannedRewrap, Rewrapped, RewrapProgress, Watch

_LINES = 20  # of a run's progress where there is no terminal


def rewrap(
    context: typer.Context,
    batch: Annotated[
        int, typer.Option("--batch", min=1, max=10_000, help="Versions of one transaction.")
    ] = 500,
    dry_run: Annotated[
        bool, typer.Option("--dry-run", help="Say what would be moved, and move nothing.")
    ] = False,
    output: Output = OutputFormat.TEXT,
) -> int:
    """Moves what older keys seal to the keys that are asked for now.

    No value is opened, nothing waits for it, and it can be interrupted and repeated at any time.
    """
    session: Session = context.obj
    manager = session.manager
    if dry_run:
        planned = manager.plan_rewrap(caller=session.caller, request_id=session.request_id)
        _show_plan(planned, output)
        return ExitCode.DONE
    with _watching(output) as watch:
        done = manager.rewrap_keys(
            caller=session.caller, request_id=session.request_id, batch=batch, watch=watch
        )
    code = _code(done)
    if output is OutputFormat.JSON:
        write_json({"exit_code": code, "rewrapped": done})
        return code
    write(
        f"Moved: {counted(done.moved, 'version')}."
        if done.moved or done.stuck
        else "Everything is sealed under the keys of today."
    )
    if done.stuck:
        write(f"Left as before: {counted(done.stuck, 'version')}.", *done.reasons)
    return code


def _show_plan(planned: Sequence["PlannedRewrap"], output: OutputFormat) -> None:
    if output is OutputFormat.JSON:
        versions = sum(p.versions for p in planned)
        access_keys = sum(p.access_keys for p in planned)
        write_json(
            {"dry_run": True, "versions": versions, "access_keys": access_keys, "moves": planned}
        )
        return
    if not planned:
        write("Everything is sealed under the keys of today.")
        return
    rows = [
        [p.key, p.under, p.to or "stays", f"{p.versions:,}", f"{p.access_keys:,}"] for p in planned
    ]
    write_table(["key", "under", "to", "versions", "access keys"], rows)
    write(*dict.fromkeys(p.reason for p in planned if p.reason))
    write("Nothing was moved. Do it: without --dry-run")


def _code(done: "Rewrapped") -> ExitCode:
    if not done.stuck:
        return ExitCode.DONE
    return ExitCode.SOME_FAILED if done.moved else ExitCode.UNAVAILABLE


@contextmanager
def _watching(output: OutputFormat) -> Iterator["Watch"]:
    if sys.stderr.isatty():
        from rich.console import Console
        from rich.progress import Progress

        with Progress(console=Console(stderr=True), transient=True) as bar:
            task = bar.add_task("Moving versions", total=None)
            yield lambda done: bar.update(task, completed=done.moved + done.stuck, total=done.total)
    elif output is OutputFormat.TEXT:
        yield _Lines().take
    else:
        yield lambda _: None


class _Lines:
    """A line whenever another part of the whole is done."""

    def __init__(self) -> None:
        self._told = 0

    def take(self, done: "RewrapProgress") -> None:
        if not done.total:
            return
        part = (done.moved + done.stuck) * _LINES // done.total
        if part > self._told:
            self._told = part
            write(f"{done.moved:,} of {done.total:,} versions moved", error=True)
