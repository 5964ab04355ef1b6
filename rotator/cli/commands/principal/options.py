"""What the commands on principals share."""

from typing import TYPE_CHECKING, Annotated

import typer

from rotator.cli.output import OutputFormat, write, write_json

if TYPE_CHECKING:
    from rotator.manager.principals import PrincipalDescription

Name = Annotated[str, typer.Argument(metavar="NAME", help="The principal.")]
Account = Annotated[
    str | None,
    typer.Option("--account", metavar="NUMBER", help="The account it is in, else the configured."),
]
OfGroup = Annotated[bool, typer.Option("--group", help="NAME is a group.")]


def show(described: "PrincipalDescription", *lines: str, output: OutputFormat) -> None:
    """A principal after a change: all of it for a script, what was done for a person."""
    if output is OutputFormat.JSON:
        write_json(described)
    else:
        write(*lines)
