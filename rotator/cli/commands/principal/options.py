"""What the commands on principals share."""

from typing import Annotated

import typer

Name = Annotated[str, typer.Argument(metavar="NAME", help="The principal.")]
Account = Annotated[
    str | None,
    typer.Option("--account", metavar="NUMBER", help="The account it is in, else the configured."),
]
OfGroup = Annotated[bool, typer.Option("--group", help="NAME is a group.")]
