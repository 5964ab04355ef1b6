"""The `rotate` command and its console script."""

import sys
from collections.abc import Callable, Sequence
from itertools import pairwise
from pathlib import Path
from typing import Annotated

import typer

from rotator import __version__
from rotator.cli.commands import db, rotation, secret
from rotator.cli.commands.demo import demo
from rotator.cli.commands.doctor import doctor
from rotator.cli.commands.init import init
from rotator.cli.commands.now import abort, now, resume
from rotator.cli.commands.plan import plan, verify
from rotator.cli.commands.plugins import plugins
from rotator.cli.commands.status import history, status
from rotator.cli.exits import INTERRUPTED, ExitCode
from rotator.cli.failures import Problem, problem_of, report, unexpected
from rotator.cli.output import OutputFormat, write
from rotator.cli.session import Session
from rotator.errors import RotatorError
from rotator.sdk import StepError

app = typer.Typer(
    name="rotate",
    no_args_is_help=True,
    rich_markup_mode=None,  # rich would be imported for every error and every help
    pretty_exceptions_enable=False,  # they show locals, which may hold values
)


def _show_version(asked: bool) -> None:
    if asked:
        typer.echo(f"rotate {__version__}")
        raise typer.Exit


@app.callback()
def rotate(
    context: typer.Context,
    config: Annotated[
        Path | None,
        typer.Option("--config", metavar="FILE", help="The settings, else $ROTATOR_CONFIG."),
    ] = None,
    _version: Annotated[
        bool, typer.Option("--version", is_eager=True, callback=_show_version, help="Show it.")
    ] = False,
) -> None:
    """Keeps secrets and rotates them, so that no client sees a failed login."""
    context.ensure_object(Session).file = config


_COMMANDS: tuple[Callable[..., int | None], ...] = (
    init, demo, now, plan, status, history, resume, abort, verify, plugins, doctor,
)  # fmt: skip
for _command in _COMMANDS:
    app.command()(_command)
app.add_typer(secret.app, name="secret")
app.add_typer(rotation.app, name="rotation")
app.add_typer(db.app, name="db")


def main() -> None:
    """The console script."""
    sys.exit(run(sys.argv[1:]))


def run(arguments: Sequence[str]) -> int:
    """Runs one command line and gives its exit code. Every error ends here."""
    session = Session()
    output = _output(arguments)
    try:
        return _invoke(arguments, session)
    except typer.TyperException as error:
        return _usage(error, output=output)
    except (RotatorError, StepError) as error:
        return _failed(problem_of(error), output=output)
    except (KeyboardInterrupt, typer.Abort):
        write(
            "Interrupted. A rotation that was running goes on with: rotate resume --all", error=True
        )
        return INTERRUPTED
    except BrokenPipeError:
        # Whoever read us has enough; Python's own flush at exit would complain.
        sys.stdout = None
        return INTERRUPTED
    except Exception as error:  # noqa: BLE001  # the last resort: no traceback, no values
        folder, request_id = session.folder_for_details(), session.request_id
        return _failed(unexpected(error, folder=folder, request_id=request_id), output=output)
    finally:
        session.close()


def _invoke(arguments: Sequence[str], session: Session) -> int:
    command = typer.main.get_command(app)
    code = command.main(list(arguments), prog_name="rotate", obj=session, standalone_mode=False)
    return int(code or 0)


def _output(arguments: Sequence[str]) -> OutputFormat:
    """The format that was asked for, also where the rest of the command line is wrong."""
    joined = {"--output=json", "-ojson"} & set(arguments)
    apart = {("--output", "json"), ("-o", "json")} & set(pairwise(arguments))
    return OutputFormat.JSON if joined or apart else OutputFormat.TEXT


def _usage(error: typer.TyperException, *, output: OutputFormat) -> int:
    if output is OutputFormat.TEXT and hasattr(error, "show"):
        error.show()  # with the usage, and where the help is
        return ExitCode.USAGE
    problem = Problem(
        error="UsageError",
        code=None,
        message=error.format_message(),
        hint=None,
        exit_code=ExitCode.USAGE,
    )
    return _failed(problem, output=output)


def _failed(problem: Problem, *, output: OutputFormat) -> int:
    report(problem, output=output)
    return problem.exit_code


if __name__ == "__main__":
    main()
