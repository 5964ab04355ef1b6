"""`rotate secret policy …`: the resource policies of secrets."""

from typing import Annotated

import typer

from rotator.cli.exits import ExitCode
from rotator.cli.options import Output, SecretId
from rotator.cli.output import OutputFormat, write, write_json, write_result
from rotator.cli.policy_files import PolicyFile, read_policy
from rotator.cli.session import Session

app = typer.Typer(
    help="Resource policies: who else may use a secret.",
    no_args_is_help=True,
)


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
    file: PolicyFile = None,
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
        resource_policy=read_policy(file),
        block_public_policy=block_public,
    )
    write_result(done, f"{done.name} has this policy now.", output=output)


@app.command()
def delete(context: typer.Context, secret: SecretId, output: Output = OutputFormat.TEXT) -> None:
    """Takes the policy off a secret.

    Example: rotate secret policy delete db/app
    """
    session: Session = context.obj
    done = session.manager.delete_resource_policy(
        caller=session.caller, request_id=session.request_id, secret_id=secret
    )
    write_result(done, f"{done.name} has no resource policy now.", output=output)


@app.command()
def validate(
    context: typer.Context,
    file: PolicyFile = None,
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
        resource_policy=read_policy(file),
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
