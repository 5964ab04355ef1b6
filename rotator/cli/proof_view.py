"""A proof as a person sees it: live on a terminal, plain lines elsewhere, tables at the end."""

import sys
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from typing import TYPE_CHECKING

from rotator.cli.output import counted, duration, write, write_table

if TYPE_CHECKING:
    from rotator.rotation.prove.proving import Proof, Proving
    from rotator.rotation.prove.tally import Statistics

_REFRESH_PER_SECOND = 4
_LEGEND = "▁ to █ logins, ✗ a failure, R a rotation, r a retirement; a column is {width}"
_ROWS: Mapping[str, Callable[["Statistics"], str]] = {
    "logins": lambda seen: f"{seen.logins:,}",
    "failures": lambda seen: f"{seen.failures:,}",
    "  against the promise": lambda seen: f"{seen.broken:,}",
    "  held, read again": lambda seen: f"{seen.held:,}",
    "  later than the drain": lambda seen: f"{seen.late:,}",
    "clients still failing": lambda seen: f"{seen.lost:,}",
    "longest gap": lambda seen: _time(seen.longest_gap),
    "login, P50": lambda seen: _time(seen.median),
    "login, P99": lambda seen: _time(seen.p99),
    "longest read": lambda seen: _time(seen.longest_wait),
}


@contextmanager
def watching(proving: "Proving") -> Iterator[Callable[[str], None]]:
    """Takes lines about what happens, for the standard error stream; a terminal also shows how it stands."""
    if not sys.stderr.isatty():
        yield lambda line: write(line, error=True)
        return
    from rich.console import Console, Group
    from rich.live import Live
    from rich.text import Text

    last = Text("the clients start")

    class View:
        def __rich__(self) -> Group:
            proof = proving.proof()
            lines = [Text(line) for line in timeline_lines(proof)]
            counts = [Text(_standing(client)) for client in proof.clients]
            return Group(last, *counts, *lines)

    def tell(line: str) -> None:
        nonlocal last
        last = Text(line)

    with Live(
        View(), console=Console(stderr=True), refresh_per_second=_REFRESH_PER_SECOND, transient=True
    ):
        yield tell


def show(proof: "Proof") -> None:
    """Writes what came out."""
    write("", *timeline_lines(proof), "")
    headers = [f"{client.clients} {client.kind}".upper() for client in proof.clients]
    write_table(("CLIENTS", *headers), list(rows(proof.clients)))
    for client in proof.clients:
        for reason, times in client.reasons:
            write(f"  {client.kind}: {counted(times, 'failure')}: {reason}")
    rotated = sorted(proof.rotation_seconds)
    if rotated:
        write(
            f"{counted(proof.rotations, 'rotation')} of {proof.repeat}, overlap {proof.overlap}, "
            f"{duration(rotated[len(rotated) // 2])} each (the longest {duration(rotated[-1])}), in "
            f"{duration(proof.seconds)}"
            + (f"; {counted(proof.retired, 'old credential')} retired" if proof.retired else "")
        )
    if proof.ended_early:
        write(f"Ended early: {proof.ended_early}")
    write(f"{'HELD' if proof.kept else 'NOT HELD'}: {proof.promised}.")


def rows(clients: Sequence["Statistics"]) -> Iterator[tuple[str, ...]]:
    """The lines of the table, which has a column for each kind of client."""
    for name, cell in _ROWS.items():
        yield (name, *map(cell, clients))


def timeline_lines(proof: "Proof") -> Sequence[str]:
    """The timeline with its legend."""
    width = max(len(line.name) for line in proof.timeline)
    lines = [f"  {line.name:<{width}}  {line.cells}" for line in proof.timeline]
    return [*lines, f"  {_LEGEND.format(width=duration(proof.timeline_column))}"]


def _standing(client: "Statistics") -> str:
    counts = f"{client.logins:,} logins, {client.failures:,} failures"
    return f"  {client.kind}: {counts}, {client.broken:,} against the promise"


def _time(seconds: float | None) -> str:
    return "-" if seconds is None else duration(seconds)
