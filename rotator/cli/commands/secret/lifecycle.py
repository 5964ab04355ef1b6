"""`rotate secret stage`, `delete` and `restore`."""

from typing import Annotated

import typer

from rotator.cli.options import Output, SecretId
from rotator.cli.output import OutputFormat, moment, write, write_json
from rotator.cli.session import Session


def stage(
    context: typer.Context,
    secret: SecretId,
    label: Annotated[str, typer.Argument(help="The staging label, such as AWSCURRENT.")],
    to: Annotated[str | None, typer.Option("--to", help="The version that it moves to.")] = None,
    remove_from: Annotated[
        str | None, typer.Option("--from", help="The version that it is on now.")
    ] = None,
    output: Output = OutputFormat.TEXT,
) -> None:
    """Moves a staging label, or takes it off."""
    session: Session = context.obj
    moved = session.manager.update_secret_version_stage(
        caller=session.caller,
        request_id=session.request_id,
        secret_id=secret,
        version_stage=label,
        move_to_version_id=to,
        remove_from_version_id=remove_from,
    )
    if output is OutputFormat.JSON:
        write_json(moved)
    else:
        where = f"is on version {to} now" if to else f"was taken off version {remove_from}"
        write(f"{moved.name}: {label} {where}")


def delete(
    context: typer.Context,
    secret: SecretId,
    days: Annotated[
        int | None, typer.Option("--recovery-days", help="7 to 30; how long it can be restored.")
    ] = None,
    force: Annotated[
        bool, typer.Option("--force", help="At once, and for good. No way back.")
    ] = False,
    output: Output = OutputFormat.TEXT,
) -> None:
    """Marks a secret for deletion.

    It can be restored for 30 days, or for as many as are given.
    """
    session: Session = context.obj
    deleted = session.manager.delete_secret(
        caller=session.caller,
        request_id=session.request_id,
        secret_id=secret,
        recovery_window_in_days=days,
        force_without_recovery=force,
    )
    if output is OutputFormat.JSON:
        write_json(deleted)
    elif force:
        write(f"{deleted.name} is deleted.")
    else:
        write(
            f"{deleted.name} will be deleted on {moment(deleted.deletion_date)}. "
            f"Until then: rotate secret restore {deleted.name}"
        )


def restore(context: typer.Context, secret: SecretId, output: Output = OutputFormat.TEXT) -> None:
    """Takes back the deletion of a secret."""
    session: Session = context.obj
    restored = session.manager.restore_secret(
        caller=session.caller, request_id=session.request_id, secret_id=secret
    )
    if output is OutputFormat.JSON:
        write_json(restored)
    else:
        write(f"{restored.name} is restored.")
