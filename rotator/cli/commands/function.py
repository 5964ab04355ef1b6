"""`rotate function …`: rotation functions that are Python files on this machine."""

from pathlib import Path
from typing import Annotated

import typer

from rotator.cli.options import Output
from rotator.cli.output import OutputFormat, write, write_json, write_result, write_table
from rotator.cli.session import REGISTERED_FUNCTIONS, Session
from rotator.errors import ConfigurationError, ResourceNotFound

app = typer.Typer(
    help="Rotation functions that are Python files on this machine.", no_args_is_help=True
)

_Name = Annotated[
    str, typer.Argument(help="Letters, digits, - and _; an ARN can name it too.", metavar="NAME")
]


@app.command()
def add(
    context: typer.Context,
    name: _Name,
    file: Annotated[Path, typer.Argument(help="With a lambda_handler(event, context).")],
    interpreter: Annotated[
        Path | None,
        typer.Option("--interpreter", help="The Python that has what it imports; else this one."),
    ] = None,
    environment: Annotated[
        list[str] | None,
        typer.Option("--environment", metavar="NAME", help="A variable that it gets, too."),
    ] = None,
    timeout: Annotated[
        float, typer.Option("--timeout", min=1.0, max=3600.0, help="Seconds for each step.")
    ] = 30.0,
    output: Output = OutputFormat.TEXT,
) -> None:
    """Registers a Python file as a rotator.

    It takes the place of what had the name. It is run as it is, by whoever rotates; other users must not be able to
    change it.
    """
    from rotator.cli.registered import Functions, change
    from rotator.config.functions import FunctionSettings, check_function

    session: Session = context.obj
    function = FunctionSettings(
        file=str(file.expanduser().absolute()),
        interpreter=None if interpreter is None else str(interpreter.expanduser().absolute()),
        environment=tuple(environment or ()),
        timeout=timeout,
    )
    check_function(name, name, function)
    for path in filter(None, (function.file, function.interpreter)):
        if not Path(path).is_file():
            raise ConfigurationError(f"There is no file {path}.")

    def with_it(before: Functions) -> Functions:
        if name not in before:
            _refuse_taken(session, name)
        return {**before, name: function}

    change(session.configuration.home / REGISTERED_FUNCTIONS, with_it)
    write_result(
        {"name": name, "function": function},
        f"{name} is a rotator now: {function.file}",
        f"Choose it: rotate rotation set SECRET --rotator {name}",
        output=output,
    )


def _refuse_taken(session: Session, name: str) -> None:
    try:
        entry = session.registry.resolve(name)
    except ResourceNotFound:
        return
    if entry.name == name:
        raise ConfigurationError(
            f"There is a rotator {name} already ({entry.origin}). Choose another name."
        )


@app.command("list")
def list_functions(context: typer.Context, output: Output = OutputFormat.TEXT) -> None:
    """Lists the functions on this machine.

    Those of the configuration, and those that were registered.
    """
    session: Session = context.obj
    functions = session.functions
    if output is OutputFormat.JSON:
        write_json({"functions": functions})
        return
    if not functions:
        write("There is no rotation function here. Register one: rotate function add NAME FILE")
        return
    declared = session.configuration.settings.functions
    write_table(
        ("FUNCTION", "FILE", "INTERPRETER", "SECONDS", "FROM"),
        [
            (
                name,
                each.file,
                each.interpreter or "-",
                f"{each.timeout:g}",
                "the configuration" if name in declared else "rotate function add",
            )
            for name, each in sorted(functions.items())
        ],
    )


@app.command()
def remove(context: typer.Context, name: _Name, output: Output = OutputFormat.TEXT) -> None:
    """Takes a function out of the register.

    The file stays.
    """
    from rotator.cli.registered import Functions, change

    def without_it(before: Functions) -> Functions:
        if name not in before:
            known = ", ".join(sorted(before)) or "none"
            raise ResourceNotFound(
                f"No function {name} was registered by a command. There are: {known}. Those of the configuration are "
                "taken out there."
            )
        return {other: each for other, each in before.items() if other != name}

    session: Session = context.obj
    change(session.configuration.home / REGISTERED_FUNCTIONS, without_it)
    line = f"{name} is no rotator any more. Secrets that it rotated need another."
    write_result({"name": name, "removed": True}, line, output=output)
