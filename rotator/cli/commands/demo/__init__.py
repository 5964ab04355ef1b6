"""`rotate demo`: a real password changes while clients keep logging in."""

import signal
from collections.abc import Iterator
from contextlib import contextmanager
from types import FrameType

import typer

from rotator.cli.exits import INTERRUPTED, ExitCode
from rotator.cli.output import write
from rotator.errors import ConfigurationError


def demo() -> int:
    """Shows two rotations on a real PostgreSQL.

    Its password changes while clients keep logging in, by single-user and by alternating users.
    Everything is private and temporary: server, store and key are gone at the end.
    """
    try:
        from rotator.cli.commands.demo.story import tell
    except ModuleNotFoundError as missing:
        raise ConfigurationError(
            f"The demo needs {missing.name}. Install it: pip install 'rotator-engine[demo]'"
        ) from None
    with _ended_in_order():
        try:
            went_well = tell()
        except KeyboardInterrupt:
            write("\nInterrupted. Server, store and key are gone.", error=True)
            raise typer.Exit(INTERRUPTED) from None
    return ExitCode.DONE if went_well else ExitCode.FAILED


@contextmanager
def _ended_in_order() -> Iterator[None]:
    """A request to end (a closed terminal, a CI job's time limit) is taken like Ctrl-C: clean up, then go."""
    ending = (signal.SIGTERM, signal.SIGHUP)
    before = {number: signal.signal(number, _interrupt) for number in ending}
    try:
        yield
    finally:
        for number, handler in before.items():
            signal.signal(number, handler)


def _interrupt(_number: int, _frame: FrameType | None) -> None:
    raise KeyboardInterrupt
