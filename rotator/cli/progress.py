"""Rotations as they run: live lines with timings on a terminal, plain lines elsewhere."""

import sys
import threading
from collections.abc import Iterator
from contextlib import AbstractContextManager, contextmanager, nullcontext

from rotator import telemetry
from rotator.cli.output import OutputFormat, duration, write
from rotator.model.rotation import Phase
from rotator.rotation.report import Observer, Progress, ProgressKind, ignore

_log = telemetry.logger("rotation")


def watching(output: OutputFormat) -> AbstractContextManager[Observer]:
    """An observer that shows what happens on the standard error stream, and logs it."""
    if sys.stderr.isatty():
        from rotator.cli.live import live_view

        return _logged(live_view())
    return _logged(_plain_view() if output is OutputFormat.TEXT else nullcontext(ignore))


@contextmanager
def _logged(view: AbstractContextManager[Observer]) -> Iterator[Observer]:
    with view as show:

        def observe(progress: Progress) -> None:
            show(progress)
            log(progress)

        yield observe


def log(progress: Progress) -> None:
    """The event in the log."""
    _log.info(  # a person sees a failure in the view; a log of warnings would repeat it
        f"rotation.step.{progress.kind}",
        rotation_id=progress.rotation_id,
        secret_name=progress.secret_name,
        phase=progress.phase,
        attempt=progress.attempt,
        seconds=progress.seconds,
        message=progress.message,
    )


@contextmanager
def _plain_view() -> Iterator[Observer]:
    lock = threading.Lock()

    def show(progress: Progress) -> None:
        text = line(progress)
        if text is not None:
            with lock:
                write(text, error=True)

    yield show


def line(progress: Progress) -> str | None:
    """One line about what happened; None where the line after it says it all."""
    again = f" (attempt {progress.attempt})" if progress.attempt > 1 else ""
    start = f"{progress.secret_name}: {progress.phase}{again}"
    took = "" if progress.seconds is None else f" {duration(progress.seconds)}"
    match progress.kind:
        case ProgressKind.STARTED:
            return None
        case ProgressKind.DONE:
            shown = (
                f": {progress.message}"
                if progress.phase is Phase.RETIRE and progress.message
                else ""
            )
            return f"{start} done{took}{shown}"
        case ProgressKind.FAILED:
            return f"{start} failed{took}: {progress.message}"
        case ProgressKind.SKIPPED:
            return f"{start} goes on without one step: {progress.message}"
        case ProgressKind.WAITING:
            return f"{progress.secret_name}: next attempt in{took}"
