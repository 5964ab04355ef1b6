"""How the demo is told: a few lines, with colours on a terminal."""

import time
from collections.abc import Iterator, Mapping
from contextlib import contextmanager

import typer

from rotator.cli.commands.demo.clients import Tally
from rotator.cli.output import clean, duration
from rotator.model.labels import CURRENT, PREVIOUS
from rotator.model.rotation import Phase
from rotator.rotation.report import Observer, Progress, ProgressKind

_WIDTH = 64
_MEANING = {
    Phase.PREFLIGHT: "it can work; nothing is changed yet",
    Phase.CREATE: "a new password is made, sealed and stored",
    Phase.SET: "the server takes it",
    Phase.TEST: "it logs in, and may do what the old one could",
    Phase.FINISH: "AWSCURRENT moves to it",
}
_NEXT = (
    ("rotate init", "a store of your own"),
    ("rotate secret create db/app --file credential.json", "a credential that works today"),
    ("rotate rotation set db/app --rotator postgresql-single-user", "who rotates it"),
    ("rotate plan db/app", "what would happen; changes nothing"),
    ("rotate now db/app", "rotate it"),
)


def title(text: str) -> None:
    """The first line."""
    typer.secho(f"{text}\n", bold=True)


def chapter(text: str) -> None:
    """The heading of a rotation."""
    typer.secho(f"\n{text}", bold=True)


def note(text: str) -> None:
    """A remark."""
    typer.secho(f"  {clean(text)}", dim=True)


@contextmanager
def timed(text: str) -> Iterator[None]:
    """Tells what was done in the block, and how long it took."""
    began = time.monotonic()
    yield
    _line(text, time.monotonic() - began)


@contextmanager
def steps() -> Iterator[Observer]:
    """Tells each step of a rotation as it ends."""

    def observe(progress: Progress) -> None:
        if progress.kind is ProgressKind.DONE:
            meaning = _MEANING.get(progress.phase, "")
            _line(f"{progress.phase:<13} {meaning}", progress.seconds or 0.0)
        elif progress.kind is ProgressKind.FAILED:
            fault(f"{progress.phase}: {progress.message}")

    yield observe


def labels(before: Mapping[str, str], after: Mapping[str, str]) -> None:
    """Which version carried which label."""
    typer.echo()
    typer.secho(f"  {'label':<13} {'version before':<16} version after", dim=True)
    for label in (CURRENT, PREVIOUS):
        old, new = (at.get(label, "-")[:8] for at in (before, after))
        typer.echo(f"  {label:<13} {old:<16} {new}")
    typer.echo()


def count(tally: Tally) -> None:
    """Logins and failures so far."""
    colour = typer.colors.RED if tally.failures else typer.colors.GREEN
    typer.echo("  so far        ", nl=False)
    typer.secho(f"{tally.logins:,} logins, {len(tally.failures)} failures", fg=colour)


def proof(holds: bool, text: str, otherwise: str) -> None:
    """What shows that it went as it has to."""
    if holds:
        typer.echo("  proof         ", nl=False)
        typer.secho(clean(text), fg=typer.colors.GREEN)
    else:
        fault(otherwise)


def fault(text: str) -> None:
    """What didn't go as it has to."""
    typer.secho(f"  FAULT         {clean(text)}", fg=typer.colors.RED)


def total(tally: Tally) -> None:
    """The end of the story."""
    users = ", ".join(f"{logins:,} as {user}" for user, logins in sorted(tally.users.items()))
    typer.secho(f"\n{tally.logins:,} logins ({users}), {len(tally.failures)} failures", bold=True)
    for failure in tally.failures[:3]:
        fault(failure)
    typer.echo("Server, store and key are gone; nothing is left on this machine.")


def next_steps() -> None:
    """What to try."""
    typer.secho("\nTry next", bold=True)
    for command, meaning in _NEXT:
        typer.echo(f"  {command:<62} ", nl=False)
        typer.secho(meaning, dim=True)


def _line(text: str, seconds: float) -> None:
    typer.echo(f"  {text:<{_WIDTH}} ", nl=False)
    typer.secho(f"{duration(seconds):>8}", fg=typer.colors.CYAN)
