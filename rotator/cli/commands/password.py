"""`rotate password`."""

from typing import Annotated

import typer

from rotator.cli.options import Output
from rotator.cli.output import OutputFormat, write_json
from rotator.cli.session import Session


def password(
    context: typer.Context,
    length: Annotated[int, typer.Option("--length", "-l", help="Characters.")] = 32,
    exclude: Annotated[
        str, typer.Option("--exclude-characters", metavar="CHARACTERS", help="Not one of these.")
    ] = "",
    exclude_numbers: Annotated[bool, typer.Option("--exclude-numbers", help="No digits.")] = False,
    exclude_punctuation: Annotated[
        bool, typer.Option("--exclude-punctuation", help="No punctuation.")
    ] = False,
    exclude_uppercase: Annotated[
        bool, typer.Option("--exclude-uppercase", help="No capital letters.")
    ] = False,
    exclude_lowercase: Annotated[
        bool, typer.Option("--exclude-lowercase", help="No small letters.")
    ] = False,
    include_space: Annotated[
        bool, typer.Option("--include-space", help="A space may be in it.")
    ] = False,
    require_each_type: Annotated[
        bool,
        typer.Option(
            "--require-each-included-type/--no-require-each-included-type",
            help="At least one character of each type.",
        ),
    ] = True,
    count: Annotated[
        int, typer.Option("--count", "-n", min=1, max=1000, help="So many of them.")
    ] = 1,
    output: Output = OutputFormat.TEXT,
) -> None:
    """Prints a random password, and nothing else. Nothing of it is kept.

    Example: rotate password --length 24 --exclude-punctuation | rotate secret create app/token
    """
    from rotator.manager.passwords import PasswordRecipe

    session: Session = context.obj
    recipe = PasswordRecipe(
        length=length,
        exclude_characters=exclude,
        exclude_numbers=exclude_numbers,
        exclude_punctuation=exclude_punctuation,
        exclude_uppercase=exclude_uppercase,
        exclude_lowercase=exclude_lowercase,
        include_space=include_space,
        require_each_included_type=require_each_type,
    )
    passwords = [
        session.manager.get_random_password(
            caller=session.caller, request_id=session.request_id, recipe=recipe
        )
        for _ in range(count)
    ]
    if output is OutputFormat.JSON:
        write_json({"passwords": passwords})
    else:
        for made in passwords:
            typer.echo(made)
