"""`rotate secret policy …`: the resource policies of secrets."""

import sys
from pathlib import Path
from typing import Annotated

import typer

from rotator.cli.exits import ExitCode
from rotator.cli.options import Output, SecretId
from rotator.cli.output import OutputFormat, write, write_json
from rotator.cli.session import Session
from rotator.errors import ConfigurationError

app = typer.Typer(
    help="Resource policies: JSON in the grammar of IAM. They are kept and checked; nothing asks them yet.",
    no_args_is_help=True,
)

_PolicyFile = Annotated[
    Path | None,
    typer.Option("--file", "-f", help="Read the policy from this file, not from standard input."),
]
_LONGEST = 20_480 * 4 + 1  # characters of a policy at their longest; the manager counts them


@app.command()
def show(context: typer.Context, secret: SecretId, output: Output = OutputFormat.TEXT) -> None:
    """Shows the policy of a secret, word for word.

    Example: rotate secret policy show db/app
    """
    session: Session = context.obj
    found = session.manager.get_resource_policy(
        caller=session.caller, request_id=session.request_id, secret_id=secret
    )
    if output is OutputFormat.JSON:
        write_json(found)
    elif found.policy is None:
        write(
            f"{found.name} has no resource policy. Give it one: rotate secret policy put",
            error=True,
        )
    else:
        write(found.policy)


@app.command()
def put(
    context: typer.Context,
    secret: SecretId,
    file: _PolicyFile = None,
    block_public: Annotated[
        bool, typer.Option("--block-public", help="Refuse a policy that lets anyone in.")
    ] = False,
    output: Output = OutputFormat.TEXT,
) -> None:
    """Gives a secret a policy, in place of the one before.

    Example: rotate secret policy put db/app --file policy.json --block-public
    """
    session: Session = context.obj
    manager = session.manager
    done = manager.put_resource_policy(
        caller=session.caller,
        request_id=session.request_id,
        secret_id=secret,
        resource_policy=_read(file),
        block_public_policy=block_public,
    )
    if output is OutputFormat.JSON:
        write_json(done)
    else:
        write(f"{done.name} has this policy now.")


@app.command()
def delete(context: typer.Context, secret: SecretId, output: Output = OutputFormat.TEXT) -> None:
    """Takes the policy off a secret.

    Example: rotate secret policy delete db/app
    """
    session: Session = context.obj
    done = session.manager.delete_resource_policy(
        caller=session.caller, request_id=session.request_id, secret_id=secret
    )
    if output is OutputFormat.JSON:
        write_json(done)
    else:
        write(f"{done.name} has no resource policy now.")


@app.command()
def validate(
    context: typer.Context,
    file: _PolicyFile = None,
    secret: Annotated[
        str | None, typer.Option("--secret", help="The secret that it is meant for.")
    ] = None,
    output: Output = OutputFormat.TEXT,
) -> int:
    """Says what is wrong with a policy, without giving it to a secret. Exits with 7 where something is.

    Example: rotate secret policy validate --file policy.json
    """
    session: Session = context.obj
    manager = session.manager
    found = manager.validate_resource_policy(
        caller=session.caller,
        request_id=session.request_id,
        resource_policy=_read(file),
        secret_id=secret,
    )
    code = ExitCode.DONE if found.passed else ExitCode.REFUSED
    if output is OutputFormat.JSON:
        write_json({"passed": found.passed, "problems": found.problems, "exit_code": code})
    elif found.passed:
        write("The policy is well formed, and doesn't let just anyone in.")
    else:
        write(*(f"{problem.check}: {problem.message}" for problem in found.problems))
    return code


def _read(file: Path | None) -> str:
    if file is None and sys.stdin.isatty():
        raise ConfigurationError(
            "Give the policy in a file (--file FILE) or on standard input (< FILE)."
        )
    try:
        if file is None:
            content = sys.stdin.buffer.read(_LONGEST)
        else:
            with file.open("rb") as stream:
                content = stream.read(_LONGEST)
    except OSError as error:
        raise ConfigurationError(
            f"The file {file} can't be read: {error.strerror}. Correct --file."
        ) from None
    try:
        return content.decode("utf-8-sig").rstrip("\r\n")
    except UnicodeDecodeError:
        raise ConfigurationError("The policy is not UTF-8 text, and so no JSON.") from None
