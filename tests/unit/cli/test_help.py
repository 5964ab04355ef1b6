"""What `--help` shows of the commands."""

from collections.abc import Iterator

import typer
from typer.core import TyperGroup

from rotator.cli.app import app

_TERMINAL = 80
_MARGINS = 6  # what Typer keeps for the columns of a list of commands


def _groups(group: TyperGroup, path: str) -> Iterator[tuple[str, TyperGroup]]:
    yield path, group
    for name, command in group.commands.items():
        if isinstance(command, TyperGroup):
            yield from _groups(command, f"{path} {name}")


def test_every_summary_fits_in_the_list_of_commands() -> None:
    """On a terminal of 80 columns no command's summary is cut off in the list of its group."""
    root = typer.main.get_command(app)
    assert isinstance(root, TyperGroup)
    cut = []
    for path, group in _groups(root, "rotate"):
        room = _TERMINAL - _MARGINS - max(map(len, group.commands))
        for name, command in group.commands.items():
            if command.get_short_help_str(room) != command.get_short_help_str(1000):
                cut.append(f"{path} {name}")
    assert cut == []


def test_usage_has_each_argument_once_in_its_brackets() -> None:
    """A usage line brackets an argument once, whatever the name that is shown for it."""
    root = typer.main.get_command(app)
    assert isinstance(root, TyperGroup)
    context = typer.Context(root)
    odd = [
        f"{path} {name}"
        for path, group in _groups(root, "rotate")
        for name, command in group.commands.items()
        if any(mark in command.get_usage(context) for mark in ("[[", "]]", "......", "...}", "{["))
    ]
    assert odd == []
