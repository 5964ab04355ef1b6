"""The command line that `rotate` understands, as Typer parses it."""

from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Annotated

import typer

from rotator import __version__
from rotator.cli.commands import (
    audit,
    db,
    function,
    key,
    plugins,
    policy,
    principal,
    rotation,
    schedule,
    secret,
)
from rotator.cli.commands.agent import agent
from rotator.cli.commands.api import api
from rotator.cli.commands.daemon import daemon
from rotator.cli.commands.demo import demo
from rotator.cli.commands.doctor import doctor
from rotator.cli.commands.execute import BeforeAProgram, execute
from rotator.cli.commands.init import init
from rotator.cli.commands.now import abort, now, resume, retire
from rotator.cli.commands.password import password
from rotator.cli.commands.plan import plan, verify
from rotator.cli.commands.prove import prove
from rotator.cli.commands.simulate import simulate
from rotator.cli.commands.status import history, status
from rotator.cli.exits import ExitCode
from rotator.cli.failures import Problem, report
from rotator.cli.output import OutputFormat
from rotator.cli.session import Session

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
    init, demo, now, daemon, agent, api, plan, prove, status, history, resume, abort, retire, verify, password, doctor,
    simulate,
)  # fmt: skip
for _command in _COMMANDS:
    app.command()(_command)
app.command("exec", cls=BeforeAProgram)(execute)
app.add_typer(secret.app, name="secret")
app.add_typer(rotation.app, name="rotation")
app.add_typer(schedule.app, name="schedule")
app.add_typer(key.app, name="key")
app.add_typer(db.app, name="db")
app.add_typer(audit.app, name="audit")
app.add_typer(principal.app, name="principal")
app.add_typer(policy.app, name="policy")
app.add_typer(plugins.app, name="plugins")
app.add_typer(function.app, name="function")


def invoke(arguments: Sequence[str], session: Session, *, output: OutputFormat) -> int:
    """Runs one command line and gives its exit code; `output` is how a usage error is told."""
    command = typer.main.get_command(app)
    try:
        code = command.main(list(arguments), prog_name="rotate", obj=session, standalone_mode=False)
    except typer.TyperException as error:
        code = _usage(error, output=output)
        return session.errors_exit_with or code
    except typer.Abort:  # Ctrl-C, and Ctrl-D where something was asked
        raise KeyboardInterrupt from None
    return int(code or 0)


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
    report(problem, output=output)
    return problem.exit_code
