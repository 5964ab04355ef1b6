"""`rotate principal group …`: principals that have policies in common."""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import TYPE_CHECKING, Annotated

import typer

from rotator.cli.commands.principal.options import Account, Name
from rotator.cli.options import Output
from rotator.cli.output import OutputFormat, moment, write, write_json, write_result, write_table
from rotator.cli.session import Session

if TYPE_CHECKING:
    from rotator.manager.identifying import PrincipalDescription

app = typer.Typer(help="Groups principals that have policies in common.", no_args_is_help=True)
Group = Annotated[str, typer.Argument(metavar="GROUP", help="The group.")]


@dataclass(frozen=True, slots=True, kw_only=True)
class _Listed:
    """A group with its members, as the list has it.

    Attributes:
        policies: name → document.
    """

    name: str
    account: str
    arn: str
    policies: Mapping[str, str]
    members: tuple[str, ...]
    created_at: datetime


@app.command()
def create(
    context: typer.Context,
    group: Group,
    account: Account = None,
    output: Output = OutputFormat.TEXT,
) -> None:
    """Makes a group."""
    session: Session = context.obj
    made = session.manager.create_principal(
        caller=session.caller,
        request_id=session.request_id,
        principal=group,
        account=account,
        group=True,
    )
    write_result(
        made,
        f"The group {made.arn} was made.",
        f"Next: rotate principal policy put {group} POLICY --group --file policy.json",
        f"      rotate principal group add {group} NAME",
        output=output,
    )


@app.command("list")
def list_groups(context: typer.Context, output: Output = OutputFormat.TEXT) -> None:
    """Lists groups and their members."""
    session: Session = context.obj
    found = session.manager.list_principals(caller=session.caller, request_id=session.request_id)
    groups = tuple(_listed(found))
    if output is OutputFormat.JSON:
        write_json({"groups": groups})
        return
    if not groups:
        write("There are no groups. Make one: rotate principal group create GROUP")
        return
    write_table(
        ("NAME", "ACCOUNT", "POLICIES", "MEMBERS", "CREATED"),
        [
            (
                each.name,
                each.account,
                ", ".join(each.policies) or "-",
                ", ".join(each.members) or "-",
                moment(each.created_at),
            )
            for each in groups
        ],
    )


@app.command()
def delete(
    context: typer.Context,
    group: Group,
    account: Account = None,
    output: Output = OutputFormat.TEXT,
) -> None:
    """Removes a group; its members lose what its policies allow or deny."""
    session: Session = context.obj
    session.manager.delete_principal(
        caller=session.caller,
        request_id=session.request_id,
        principal=group,
        account=account,
        group=True,
    )
    write_result({"deleted": group}, f"The group {group} was deleted.", output=output)


@app.command()
def add(
    context: typer.Context,
    group: Group,
    name: Name,
    account: Account = None,
    output: Output = OutputFormat.TEXT,
) -> None:
    """Puts a principal into a group."""
    _move(context.obj, group, name, account, member=True, output=output)


@app.command()
def remove(
    context: typer.Context,
    group: Group,
    name: Name,
    account: Account = None,
    output: Output = OutputFormat.TEXT,
) -> None:
    """Takes a principal out of a group."""
    _move(context.obj, group, name, account, member=False, output=output)


def _move(
    session: Session,
    group: str,
    name: str,
    account: str | None,
    *,
    member: bool,
    output: OutputFormat,
) -> None:
    changed = session.manager.set_group_membership(
        caller=session.caller,
        request_id=session.request_id,
        principal=name,
        group=group,
        member=member,
        account=account,
    )
    what = "is in" if member else "is not in"
    line = f"{changed.arn} {what} the group {group} from now on."
    write_result(changed, line, output=output)


def _listed(found: Sequence["PrincipalDescription"]) -> Iterator[_Listed]:
    for group in found:
        if group.kind == "group":
            yield _Listed(
                name=group.name,
                account=group.account,
                arn=group.arn,
                policies=group.policies,
                members=tuple(
                    each.name
                    for each in found
                    if each.account == group.account and group.name in each.groups
                ),
                created_at=group.created_at,
            )
