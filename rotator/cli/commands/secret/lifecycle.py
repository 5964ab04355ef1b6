"""`rotate secret delete`, `restore`, `purge` and `stage`."""

from collections.abc import Sequence
from typing import Annotated, Any

import typer

from rotator.cli.exits import ExitCode
from rotator.cli.options import Output, SecretId
from rotator.cli.output import OutputFormat, counted, moment, write, write_json, write_result
from rotator.cli.session import Session
from rotator.errors import ConfigurationError, ResourceNotFound

_NAMED = 100  # secrets that a purge has to leave


def stage(
    context: typer.Context,
    secret: SecretId,
    label: Annotated[str, typer.Argument(help="The staging label, such as AWSCURRENT.")],
    to: Annotated[
        str | None, typer.Option("--to", metavar="VERSION", help="The version that it moves to.")
    ] = None,
    remove_from: Annotated[
        str | None,
        typer.Option("--from", metavar="VERSION", help="The version that it is on now."),
    ] = None,
    output: Output = OutputFormat.TEXT,
) -> None:
    """Moves a staging label to a version, or takes it off.

    A label that is on a version already moves only where --from names that version. AWSPREVIOUS follows AWSCURRENT to
    the version that it leaves. `rotate secret versions SECRET --all` shows the versions.

    Example, back to the value before: rotate secret stage db/app AWSCURRENT --to OLD --from NEW
    """
    session: Session = context.obj
    moved = session.manager.update_secret_version_stage(
        caller=session.caller,
        request_id=session.request_id,
        secret_id=secret,
        version_stage=label,
        move_to_version_id=to,
        remove_from_version_id=remove_from,
    )
    where = f"is on version {to} now" if to else f"was taken off version {remove_from}"
    write_result(moved, f"{moved.name}: {label} {where}", output=output)


def delete(
    context: typer.Context,
    secret: SecretId,
    days: Annotated[
        int | None,
        typer.Option(
            "--recovery-window",
            metavar="DAYS",
            help="7 to 30, else 30: it can be restored so long.",
        ),
    ] = None,
    force: Annotated[
        bool, typer.Option("--force", help="At once, and for good. No way back.")
    ] = False,
    yes: Annotated[bool, typer.Option("--yes", "-y", help="Don't ask.")] = False,
    output: Output = OutputFormat.TEXT,
) -> None:
    """Marks a secret for deletion; it can be restored for a while.

    From now on nobody can read it, and after the recovery window it is gone. On a terminal it asks first. Where there
    is nobody to ask, --force needs --yes.

    Example: rotate secret delete db/app --recovery-window 7
    """
    session: Session = context.obj
    manager = session.manager
    _ask(secret, force=force, yes=yes)
    deleted = manager.delete_secret(
        caller=session.caller,
        request_id=session.request_id,
        secret_id=secret,
        recovery_window_in_days=days,
        force_without_recovery=force,
    )
    if output is OutputFormat.JSON:
        write_json(deleted)
    elif force:
        write(f"{deleted.name} is deleted.", *_kept_for_now(session, deleted.arn))
    else:
        write(
            f"{deleted.name} will be deleted on {moment(deleted.deletion_date)}. "
            f"Until then: rotate secret restore {deleted.name}"
        )


def _kept_for_now(session: Session, arn: str) -> tuple[str, ...]:
    """What to know where a rotation has left something on the target, which is settled first."""
    try:
        session.manager.describe_secret(
            caller=session.caller, request_id=session.request_id, secret_id=arn
        )
    except ResourceNotFound:
        return ()
    return (
        "  Nobody can read it any more. What its last rotation has left on the target is settled before it goes,",
        "  by the daemon or by: rotate secret purge",
    )


def _ask(secret: str, *, force: bool, yes: bool) -> None:
    from rotator.cli.asking import can_ask, confirm

    if yes:
        return
    if can_ask():
        how = "at once and for good" if force else "after its recovery window"
        confirm(f"Delete {secret} {how}? Whoever uses it will fail to read it from now on.")
    elif force:
        raise ConfigurationError(
            f"--force deletes {secret} for good, and there is no terminal to ask on. If that is meant, add --yes. "
            "Without --force it can be restored for 30 days."
        )


def restore(context: typer.Context, secret: SecretId, output: Output = OutputFormat.TEXT) -> None:
    """Takes back the deletion of a secret, which can be read at once.

    Example: rotate secret restore db/app
    """
    session: Session = context.obj
    restored = session.manager.restore_secret(
        caller=session.caller, request_id=session.request_id, secret_id=secret
    )
    write_result(restored, f"{restored.name} is restored.", output=output)


def purge(
    context: typer.Context,
    limit: Annotated[
        int, typer.Option("--limit", min=1, metavar="N", help="Secrets to remove at most.")
    ] = 100_000,
    dry_run: Annotated[
        bool, typer.Option("--dry-run", help="Name what is over, and remove nothing.")
    ] = False,
    output: Output = OutputFormat.TEXT,
) -> int:
    """Removes for good the secrets whose recovery window is over. Meant for a timer; it may be interrupted.

    An old credential that a rotation has replaced is retired first; where that fails, the exit code is 6, and its
    secret goes all the same. A secret stays where a rotation has left open which of its values the target accepts.

    Example: rotate secret purge
    """
    from rotator.cli.batch import exit_code, run
    from rotator.cli.reports import outcome_lines
    from rotator.cli.transfer.progress import showing

    session: Session = context.obj
    who: dict[str, Any] = {"caller": session.caller, "request_id": session.request_id}
    retirable = session.engine.retirable(caller=session.caller, of_deleted=True)
    if dry_run:
        over = session.manager.overdue(**who, limit=limit)
        _show_overdue(over, retirable=retirable, output=output)
        return ExitCode.DONE
    retired = run(
        retirable,
        lambda name: session.engine.retire(name, **who, due_only=True),
        session=session,
    )
    with showing("removing", output=output) as show:
        removed = session.manager.purge(**who, limit=limit, progress=show)
    kept = session.manager.overdue(**who, limit=_NAMED)
    code = exit_code(retired)
    if output is OutputFormat.JSON:
        write_json({"removed": removed, "kept": kept, "retired": retired})
        return code
    for outcome in retired:
        write(*outcome_lines(outcome, nothing="nothing is to be retired"))
    if removed:
        write(f"{counted(removed, 'secret')} removed for good.")
    elif not kept:
        write("No secret's recovery window is over.")
    for name in kept:
        write(f"{name} stays for now: its last rotation is not settled. rotate status {name}")
    return code


def _show_overdue(over: Sequence[str], *, retirable: Sequence[str], output: OutputFormat) -> None:
    if output is OutputFormat.JSON:
        write_json({"dry_run": True, "overdue": over, "retirable": retirable})
        return
    if not over:
        write("No secret's recovery window is over.")
        return
    write(f"The recovery window of {counted(len(over), 'secret')} is over.")
    write(*over[:_NAMED], *(("…",) if len(over) > _NAMED else ()))
    for arn in retirable:
        write(f"An old credential would be retired first: {arn}")
    write(
        "They would be removed for good, but for those whose last rotation is not settled. Nothing was removed. "
        "Do it: without --dry-run"
    )
