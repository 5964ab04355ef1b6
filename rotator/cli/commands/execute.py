"""`rotate exec`: a program that has secrets in its environment or in files, and takes this process's place."""

import os
import signal
from collections.abc import Mapping, Sequence
from typing import Annotated, Any

import typer
from typer.core import TyperCommand

from rotator.cli.session import Session

FAILED = 125
"""Exit code where `rotate` itself failed: the program was not started. As `env`, `timeout` and `docker run` have it."""
NOT_EXECUTABLE = 126
NOT_FOUND = 127

_SEPARATOR = "--"


class BeforeAProgram(TyperCommand):
    """A command whose own words end at `--`; what follows is `context.args`, whatever it looks like."""

    def parse_args(self, ctx: Any, args: list[str]) -> list[str]:
        """Takes its own words."""
        ctx.find_object(Session).errors_exit_with = FAILED
        own = args[: args.index(_SEPARATOR)] if _SEPARATOR in args else args
        super().parse_args(ctx, list(own))
        program = args[len(own) + 1 :]
        ctx.args = program
        return program

    def collect_usage_pieces(self, ctx: Any) -> list[str]:
        """What is shown after the command's name."""
        return [*super().collect_usage_pieces(ctx), _SEPARATOR, "PROGRAM [ARGUMENT]..."]


def execute(
    context: typer.Context,
    secrets: Annotated[list[str], typer.Argument(metavar="SECRET", help="Their names or ARNs.")],
    env: Annotated[
        list[str] | None,
        typer.Option(
            "--env",
            metavar="NAME=[SECRET:]KEY",
            help="Only this field, as this variable; repeatable. An empty KEY is the whole value.",
        ),
    ] = None,
    prefix: Annotated[
        str | None,
        typer.Option("--prefix", help="Every field as a variable with this before its name."),
    ] = None,
    file: Annotated[
        bool,
        typer.Option(
            "--file",
            help="{file} in an argument or in --env becomes the path of a file in memory; {file:KEY} has a field.",
        ),
    ] = False,
    stage: Annotated[
        str | None, typer.Option("--stage", help="The versions with this label.")
    ] = None,
) -> int:
    """Runs a program with secrets in its environment or in files.

    Each field of a JSON value becomes a variable, in capitals (password: PASSWORD); --env names
    them one by one, --file hands values over as files that are in memory only. No value is ever an
    argument. While a read barrier is raised it waits.

    The program takes the place of this process, so signals and the exit code are its own. Where it
    could not be started, the code is 125 for an error of rotate, 126 for a program that can't be
    run, 127 for one that isn't there.
    """
    from rotator.cli.handing_over import Wish

    session: Session = context.obj
    named = tuple(dict.fromkeys(secrets))
    wish = Wish.parse(context.args, secrets=named, variables=env or (), prefix=prefix, files=file)
    environment = _surroundings(session)
    values = {
        name: session.manager.get_secret_value(
            caller=session.caller,
            request_id=session.request_id,
            secret_id=name,
            version_stage=stage,
        ).value
        for name in named
    }
    program, variables = wish.fulfilled(values, taken=environment)
    session.close()
    return _become(program, environment | variables)


def _surroundings(session: Session) -> dict[str, str]:
    """This process's variables, without those that hold rotator's own secrets."""
    from rotator.config.load import FILE_VARIABLE, HOME_VARIABLE, PREFIX

    withheld = session.configuration.referenced
    kept = {HOME_VARIABLE, FILE_VARIABLE}
    return {
        name: value
        for name, value in session.environ.items()
        if name in kept or not (name.startswith(PREFIX) or name in withheld)
    }


def _become(program: Sequence[str], environment: Mapping[str, str]) -> int:
    """Never returns where the program starts; else the exit code."""
    # Python ignores these, and who is started inherits it: a pipe's writer would not end with its reader.
    for number in (signal.SIGPIPE, signal.SIGXFSZ):
        signal.signal(number, signal.SIG_DFL)
    try:
        os.execvpe(program[0], list(program), environment)  # noqa: S606  # a shell would see the values
    except FileNotFoundError:
        return _not_started(program[0], "there is no such program", code=NOT_FOUND)
    except (OSError, ValueError) as error:
        why = getattr(error, "strerror", None) or "it is no name of a program"
        return _not_started(program[0], why, code=NOT_EXECUTABLE)


def _not_started(program: str, why: str, *, code: int) -> int:
    from rotator.cli.output import write

    write(
        f"Error: {program} can't be run: {why}. The secrets were read, and went nowhere.",
        error=True,
    )
    return code
