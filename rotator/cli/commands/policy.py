"""`rotate policy simulate`."""

from typing import Annotated

import typer

from rotator.cli.exits import ExitCode
from rotator.cli.options import Output
from rotator.cli.output import OutputFormat, plain, write, write_json
from rotator.cli.session import Session
from rotator.errors import ConfigurationError

app = typer.Typer(help="Says what policies would say.", no_args_is_help=True)


@app.callback()
def policy() -> None:
    """Says what policies would say."""


@app.command()
def simulate(
    context: typer.Context,
    principal: Annotated[str, typer.Option("--principal", metavar="NAME", help="Who asks.")],
    action: Annotated[
        str, typer.Option("--action", metavar="ACTION", help="Such as GetSecretValue.")
    ],
    secret: Annotated[
        str | None, typer.Option("--secret", metavar="SECRET", help="Its name or ARN.")
    ] = None,
    account: Annotated[
        str | None,
        typer.Option("--account", metavar="NUMBER", help="The principal's, else the configured."),
    ] = None,
    keys: Annotated[
        list[str] | None,
        typer.Option(
            "--context",
            metavar="KEY=VALUE",
            help="What conditions find, such as aws:SourceIp=192.0.2.7; several of a key are its values.",
        ),
    ] = None,
    output: Output = OutputFormat.TEXT,
) -> int:
    """Says whether a principal may, and which statement decides.

    Exits with 0 where it may, and with 9 where it may not.
    """
    session: Session = context.obj
    found = session.manager.simulate_policy(
        caller=session.caller,
        request_id=session.request_id,
        principal=principal,
        action=action,
        secret_id=secret,
        account=account,
        context=_context(keys or []),
    )
    code = ExitCode.DONE if found.allowed else ExitCode.DENIED
    if output is OutputFormat.JSON:
        write_json({"exit_code": code, **plain(found)})
        return code
    write(
        f"{'yes' if found.allowed else 'no'}: {found.reason}",
        *([] if found.statement is None else [f"  {found.statement}"]),
        f"  {found.principal}: {found.action} on {found.resource}",
    )
    if found.disabled:
        write(
            f"  {principal} is disabled, and kept out until it is enabled, whatever policies say."
        )
    if secret is not None and not found.found:
        write("  There is no such secret, so no resource policy and no tags were looked at.")
    return code


def _context(given: list[str]) -> dict[str, list[str]]:
    found: dict[str, list[str]] = {}
    for each in given:
        key, equals, value = each.partition("=")
        if not key or not equals:
            raise ConfigurationError("--context takes KEY=VALUE, such as aws:SourceIp=192.0.2.7.")
        found.setdefault(key, []).append(value)
    return found
