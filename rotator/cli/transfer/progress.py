"""How far a long transfer is: one moving line on a terminal, plain lines now and then elsewhere."""

import sys
from collections.abc import Callable, Iterator
from contextlib import contextmanager

from rotator.cli.output import OutputFormat, write

_EVERY = 10_000

Show = Callable[[int], None]


@contextmanager
def showing(what: str, *, output: OutputFormat, total: int | None = None) -> Iterator[Show]:
    """Takes the number of secrets that are done, and shows it on the standard error stream.

    Args:
        what: what is being done, such as `importing`.
        total: how many there are, where that is known.
    """
    if sys.stderr.isatty():
        with _bar(what, total=total) as show:
            yield show
    elif output is OutputFormat.TEXT:
        yield _plain(what, total=total)
    else:
        yield lambda _: None


@contextmanager
def _bar(what: str, *, total: int | None) -> Iterator[Show]:
    from rich.console import Console
    from rich.progress import BarColumn, MofNCompleteColumn, Progress, TimeElapsedColumn

    columns = ("{task.description}", BarColumn(), MofNCompleteColumn(), TimeElapsedColumn())
    with Progress(*columns, console=Console(stderr=True), transient=True) as progress:
        task = progress.add_task(what, total=total)
        yield lambda done: progress.update(task, completed=done)


def _plain(what: str, *, total: int | None) -> Show:
    of_total = "" if total is None else f" of {total:,}"
    told = 0

    def show(done: int) -> None:
        nonlocal told
        if done // _EVERY > told // _EVERY:
            write(f"{what}: {done:,}{of_total}", error=True)
        told = done

    return show
