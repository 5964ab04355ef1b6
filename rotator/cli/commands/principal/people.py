"""`rotate principal create`, `list`, `disable`, `enable`, `delete`."""

from typing import Annotated

import typer

from rotator.cli.commands.principal.options import Account, Name
from rotator.cli.options import Output
from rotator.cli.output import OutputFormat, moment, write, write_json, write_result, write_table
from rotator.cli.session import Session


def create(
    context: typer.Context,
    name: Name,
    account: Account = None,
    admin: Annotated[
        bool, typer.Option("--admin", help="With a policy that allows everything in the API.")
    ] = False,
    output: Output = OutputFormat.TEXT,
) -> None:
    """Makes a principal, which may nothing until a policy says so."""
    from rotator.manager.principals import ADMINISTRATOR, EVERYTHING

    session: Session = context.obj
    made = session.manager.create_principal(
        caller=session.caller,
        request_id=session.request_id,
        principal=name,
        account=account,
        policies={ADMINISTRATOR: EVERYTHING} if admin else {},
    )
    next_step = [] if admin else [f"  rotate principal policy put {name} POLICY --file policy.json"]
    write_result(
        made,
        f"The principal {made.arn} was made.",
        "Next:",
        f"  rotate principal keys create {name}",
        *next_step,
        output=output,
    )


def list_principals(context: typer.Context, output: Output = OutputFormat.TEXT) -> None:
    """Lists principals and groups."""
    session: Session = context.obj
    found = session.manager.list_principals(caller=session.caller, request_id=session.request_id)
    if output is OutputFormat.JSON:
        write_json({"principals": found})
        return
    if not found:
        write("There are no principals. Make one: rotate principal create NAME")
        return
    write_table(
        ("NAME", "KIND", "ACCOUNT", "STATE", "GROUPS", "POLICIES", "KEYS", "CREATED"),
        [
            (
                each.name,
                each.kind,
                each.account,
                "disabled" if each.disabled else "enabled",
                ", ".join(each.groups) or "-",
                ", ".join(each.policies) or "-",
                str(each.access_keys) if each.kind == "user" else "-",
                moment(each.created_at),
            )
            for each in found
        ],
    )


def disable(
    context: typer.Context,
    name: Name,
    account: Account = None,
    output: Output = OutputFormat.TEXT,
) -> None:
    """Keeps a principal out, whatever key it comes with, until enabled."""
    _switch(context.obj, name, account, disabled=True, output=output)


def enable(
    context: typer.Context,
    name: Name,
    account: Account = None,
    output: Output = OutputFormat.TEXT,
) -> None:
    """Lets a principal in again."""
    _switch(context.obj, name, account, disabled=False, output=output)


def delete(
    context: typer.Context,
    name: Name,
    account: Account = None,
    output: Output = OutputFormat.TEXT,
) -> None:
    """Removes a principal, with its access keys and policies."""
    session: Session = context.obj
    session.manager.delete_principal(
        caller=session.caller, request_id=session.request_id, principal=name, account=account
    )
    line = f"The principal {name} was deleted. Nobody is let in by its access keys any more."
    write_result({"deleted": name}, line, output=output)


def _switch(
    session: Session, name: str, account: str | None, *, disabled: bool, output: OutputFormat
) -> None:
    changed = session.manager.set_principal_status(
        caller=session.caller,
        request_id=session.request_id,
        principal=name,
        account=account,
        disabled=disabled,
    )
    what = "is kept out" if disabled else "is let in"
    line = f"The principal {changed.arn} {what} from now on."
    write_result(changed, line, output=output)
