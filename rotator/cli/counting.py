"""Progress of long work that can be counted: a bar on a terminal, a line for each part elsewhere."""

import sys
from collections.abc import Callable, Iterator
from contextlib import AbstractContextManager, contextmanager, nullcontext

from rotator.cli.output import OutputFormat, write

Counter = Callable[[str, int, int], None]
"""Told what is being done, how much of it is done, and how much there is of it."""


def counting(output: OutputFormat) -> AbstractContextManager[Counter]:
    """A counter that shows on the standard error stream how far the work is."""
    if sys.stderr.isatty():
        return _bar()
    return nullcontext(_line if output is OutputFormat.TEXT else _ignore)


@contextmanager
def _bar() -> Iterator[Counter]:
    from rich.console import Console
    from rich.progress import BarColumn, MofNCompleteColumn, Progress, TextColumn, TimeElapsedColumn

    columns = (
        TextColumn("{task.description}"),
        BarColumn(),
        MofNCompleteColumn(),
        TimeElapsedColumn(),
    )
    with Progress(*columns, console=Console(stderr=True), transient=True) as progress:
        tasks = {}

        def show(what: str, done: int, total: int) -> None:
            if what not in tasks:
                tasks[what] = progress.add_task(what)
            progress.update(tasks[what], completed=done, total=total)

        yield show


def _line(what: str, done: int, total: int) -> None:
    if done == total:
        write(f"{what}: {total}", error=True)


def _ignore(_what: str, _done: int, _total: int) -> None:
    pass
