"""`rotate principal policy …`: what principals and groups may."""

from typing import Annotated

import typer

from rotator.cli.commands.principal.options import Account, OfGroup
from rotator.cli.options import Output
from rotator.cli.output import OutputFormat, write_json, write_result, write_table
from rotator.cli.policy_files import PolicyFile, read_policy
from rotator.cli.session import Session
from rotator.errors import ResourceNotFound

app = typer.Typer(help="Says what principals and groups may.", no_args_is_help=True)
Owner = Annotated[str, typer.Argument(metavar="NAME", help="The principal or group.")]
Policy = Annotated[str, typer.Argument(metavar="POLICY", help="The policy's name.")]


@app.command()
def put(
    context: typer.Context,
    name: Owner,
    policy: Policy,
    file: PolicyFile = None,
    group: OfGroup = False,
    account: Account = None,
    output: Output = OutputFormat.TEXT,
) -> None:
    """Gives a policy, in IAM's JSON, in place of the one of this name."""
    session: Session = context.obj
    changed = session.manager.put_principal_policy(
        caller=session.caller,
        request_id=session.request_id,
        principal=name,
        policy_name=policy,
        document=read_policy(file),
        account=account,
        group=group,
    )
    write_result(
        changed,
        f"The policy {policy} holds for {changed.arn} from now on.",
        "See what it allows: rotate policy simulate --principal NAME --action GetSecretValue --secret SECRET",
        output=output,
    )


@app.command()
def get(
    context: typer.Context,
    name: Owner,
    policy: Policy,
    group: OfGroup = False,
    account: Account = None,
    output: Output = OutputFormat.TEXT,
) -> None:
    """Shows a policy, word for word."""
    policies = _policies(context.obj, name, group=group, account=account)
    if policy not in policies:
        raise ResourceNotFound(f"{name} has no policy {policy}.")
    document = policies[policy]
    write_result({"policy": policy, "document": document}, document, output=output)


@app.command()
def delete(
    context: typer.Context,
    name: Owner,
    policy: Policy,
    group: OfGroup = False,
    account: Account = None,
    output: Output = OutputFormat.TEXT,
) -> None:
    """Takes a policy away."""
    session: Session = context.obj
    changed = session.manager.delete_principal_policy(
        caller=session.caller,
        request_id=session.request_id,
        principal=name,
        policy_name=policy,
        account=account,
        group=group,
    )
    write_result(changed, f"{changed.arn} has no policy {policy} any more.", output=output)


@app.command("list")
def list_policies(
    context: typer.Context,
    name: Owner,
    group: OfGroup = False,
    account: Account = None,
    output: Output = OutputFormat.TEXT,
) -> None:
    """Lists the policies of a principal or group."""
    policies = _policies(context.obj, name, group=group, account=account)
    if output is OutputFormat.JSON:
        write_json({"policies": policies})
    else:
        write_table(("POLICY",), [(policy,) for policy in sorted(policies)])


def _policies(session: Session, name: str, *, group: bool, account: str | None) -> dict[str, str]:
    kind = "group" if group else "user"
    where = account or session.caller.account
    for each in session.manager.list_principals(
        caller=session.caller, request_id=session.request_id
    ):
        if (each.name, each.kind, each.account) == (name, kind, where):
            return dict(each.policies)
    what = "group" if group else "principal"
    raise ResourceNotFound(f"There is no {what} {name}. See them all: rotate principal list")
