"""Rotations as they run: plain lines, and the live view."""

import io
import json

import pytest
from rich.console import Console

from rotator import telemetry
from rotator.cli.live import View
from rotator.cli.output import OutputFormat
from rotator.cli.progress import line, watching
from rotator.model.rotation import Phase
from rotator.rotation.report import Progress, ProgressKind


def progress(
    kind: ProgressKind,
    phase: Phase = Phase.SET,
    *,
    attempt: int = 1,
    seconds: float | None = None,
    message: str | None = None,
) -> Progress:
    return Progress(
        secret_name="db/app",
        rotation_id="r1",
        phase=phase,
        attempt=attempt,
        kind=kind,
        seconds=seconds,
        message=message,
    )


@pytest.mark.parametrize(
    ("event", "shown"),
    [
        (progress(ProgressKind.STARTED), None),
        (progress(ProgressKind.DONE, seconds=0.25), "db/app: setSecret done 250 ms"),
        (
            progress(ProgressKind.FAILED, attempt=2, seconds=1.5, message="no route"),
            "db/app: setSecret (attempt 2) failed 1.50 s: no route",
        ),
        (progress(ProgressKind.WAITING, seconds=4.0), "db/app: next attempt in 4.00 s"),
        (
            progress(
                ProgressKind.DONE, Phase.RETIRE, seconds=0.5, message="the old one is refused"
            ),
            "db/app: retire done 500 ms: the old one is refused",
        ),
        (
            progress(ProgressKind.SKIPPED, Phase.RETIRE, message="it can't tell who uses it"),
            "db/app: retire goes on without one step: it can't tell who uses it",
        ),
    ],
)
def test_each_event_is_at_most_one_line(event: Progress, shown: str | None) -> None:
    """Off a terminal a step is one line, when it is over."""
    assert line(event) == shown


@pytest.mark.parametrize(("output", "lines"), [(OutputFormat.TEXT, 1), (OutputFormat.JSON, 0)])
def test_progress_goes_to_the_error_stream(
    output: OutputFormat, lines: int, capsys: pytest.CaptureFixture[str]
) -> None:
    """Results stay alone on standard output; with JSON off a terminal there is no progress."""
    with watching(output) as observe:
        observe(progress(ProgressKind.DONE, seconds=0.1))
    shown = capsys.readouterr()
    assert shown.out == ""
    assert len(shown.err.splitlines()) == lines


def test_steps_are_logged_with_their_rotation() -> None:
    """Each event is in the log under a stable name, with the rotation's id."""
    stream = io.StringIO()
    telemetry.configure(level="info", stream=stream)
    try:
        with watching(OutputFormat.JSON) as observe:
            observe(progress(ProgressKind.DONE, seconds=0.1))
    finally:
        telemetry.configure(level="warning")
    entry = json.loads(stream.getvalue())
    assert (entry["event"], entry["rotation_id"]) == ("rotation.step.done", "r1")
    assert (entry["phase"], entry["seconds"]) == ("setSecret", 0.1)


HEADINGS = "createSecret setSecret testSecret finishSecret"


def rendered(*events: Progress) -> str:
    view = View(clock=lambda: 10.0)
    for event in events:
        view.take(event)
    console = Console(file=io.StringIO(), width=80)
    console.print(view)
    assert isinstance(console.file, io.StringIO)
    return " ".join(console.file.getvalue().split())


def test_the_live_view_shows_the_four_steps() -> None:
    """A row has each step with its time: done, running, and still to come."""
    shown = rendered(
        progress(ProgressKind.DONE, Phase.CREATE, seconds=0.003),
        progress(ProgressKind.STARTED, Phase.SET),
    )
    assert shown == f"{HEADINGS} db/app ✓ 3 ms ● 0 ms · ·"


def test_the_live_view_tells_why_a_step_failed() -> None:
    """A failure and the wait after it are on the row, without control characters."""
    failed = progress(ProgressKind.FAILED, seconds=0.5, message="no\x1b route")
    assert f"{HEADINGS} db/app · ✗ 500 ms" in rendered(failed)
    assert rendered(failed).endswith("no\ufffd route")
    waiting = progress(ProgressKind.WAITING, seconds=4.0)
    assert rendered(failed, waiting).endswith("next attempt in 4.00 s")
    probing = progress(ProgressKind.STARTED, Phase.PROBE, attempt=2)
    assert rendered(failed, probing).endswith("attempt 2 probe")
