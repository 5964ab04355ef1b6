"""The live view of rotations on a terminal: a row for each secret, its four steps with their timings."""

import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from threading import Lock

from rich.console import Console
from rich.live import Live
from rich.table import Table
from rich.text import Text

from rotator.cli.output import clean, duration
from rotator.model.rotation import Phase
from rotator.rotation.report import Observer, Progress, ProgressKind

STEPS = (Phase.CREATE, Phase.SET, Phase.TEST, Phase.FINISH)
_REFRESH_PER_SECOND = 12


@dataclass(slots=True)
class _Row:
    """One secret's rotation as it is shown."""

    steps: dict[Phase, tuple[ProgressKind, float]] = field(default_factory=dict)
    note: Text = field(default_factory=Text)

    def take(self, progress: Progress, *, now: float) -> None:
        message = clean(progress.message or "")
        if progress.phase in STEPS:
            seconds = progress.seconds if progress.seconds is not None else 0.0
            started = progress.kind is ProgressKind.STARTED
            self.steps[progress.phase] = (progress.kind, now if started else seconds)
        if progress.kind is ProgressKind.STARTED:
            again = f"attempt {progress.attempt}" if progress.attempt > 1 else ""
            other = "" if progress.phase in STEPS else str(progress.phase)
            self.note = Text(" ".join(filter(None, (again, other))), style="dim")
        elif progress.kind is ProgressKind.FAILED:
            self.note = Text(message, style="red")
        elif progress.kind is ProgressKind.WAITING:
            self.note = Text(f"next attempt in {duration(progress.seconds or 0.0)}", style="yellow")

    def cell(self, phase: Phase, *, now: float) -> Text:
        kind, number = self.steps.get(phase, (None, 0.0))
        match kind:
            case ProgressKind.DONE:
                return Text.assemble(("✓ ", "green"), duration(number))
            case ProgressKind.FAILED:
                return Text.assemble(("✗ ", "red"), duration(number))
            case ProgressKind.STARTED:
                return Text.assemble(("● ", "cyan"), duration(now - number))
        return Text("·", style="dim")


class View:
    """The rows in the order in which the rotations began; asked to render by the live display's own thread."""

    def __init__(self, clock: Callable[[], float] = time.monotonic) -> None:
        self._clock = clock
        self._rows: dict[str, _Row] = {}
        self._lock = Lock()

    def take(self, progress: Progress) -> None:
        """Takes in what happened; called from any thread."""
        with self._lock:
            row = self._rows.setdefault(progress.secret_name, _Row())
            row.take(progress, now=self._clock())

    def __rich__(self) -> Table:
        now = self._clock()
        table = Table.grid(padding=(0, 2))
        table.add_row("", *(Text(str(phase), style="dim") for phase in STEPS))
        with self._lock:
            for name, row in self._rows.items():
                steps = (row.cell(phase, now=now) for phase in STEPS)
                table.add_row(Text(clean(name), style="bold"), *steps, row.note)
        return table


@contextmanager
def live_view() -> Iterator[Observer]:
    """Shows every rotation on the standard error stream, which is a terminal."""
    view = View()
    console = Console(stderr=True)
    with Live(view, console=console, refresh_per_second=_REFRESH_PER_SECOND):
        yield view.take
