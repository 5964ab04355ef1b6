"""`rotate now`, `resume`, `abort` and `retire`: rotations that this process runs itself."""

from functools import partial
from typing import Annotated

import typer

from rotator.cli.options import All, Output, Prefix, SecretId, SecretIds, Tags
from rotator.cli.output import OutputFormat
from rotator.cli.session import Session


def now(
    context: typer.Context,
    secrets: SecretIds = None,
    everything: All = False,
    tags: Tags = None,
    prefix: Prefix = None,
    end_grace: Annotated[
        bool,
        typer.Option(
            "--end-grace", help="Retire the last rotation's old credential first, at once."
        ),
    ] = False,
    compromised: Annotated[
        bool,
        typer.Option(
            "--compromised",
            help="No grace: old credentials die at once, and their sessions end, or a warning says that they may live.",
        ),
    ] = False,
    output: Output = OutputFormat.TEXT,
) -> int:
    """Rotates secrets now, several in parallel.

    A rotation that was left unfinished is taken up, with the value that it had made. One whose old
    credential is still in its grace period is left alone (exit code 4); when that is over, the old
    credential is retired first.
    """
    from rotator.cli.performing import rotate
    from rotator.cli.selection import select

    session: Session = context.obj
    chosen = select(session, secrets, everything=everything, tags=tags, prefix=prefix)
    return rotate(session, chosen, output=output, end_grace=end_grace, compromised=compromised)


def retire(
    context: typer.Context,
    secrets: SecretIds = None,
    due: Annotated[
        bool, typer.Option("--due", help="Every one whose grace period is over, for cron.")
    ] = False,
    output: Output = OutputFormat.TEXT,
) -> int:
    """Makes targets refuse the old credentials.

    At once for the secrets that are named, also where the grace period of their last rotation
    lasts. That the new credential logs in and the old one is refused is proved by logins.
    """
    from rotator.cli.performing import perform
    from rotator.cli.selection import named_or_all

    session: Session = context.obj
    chosen = named_or_all(
        secrets,
        everything=due,
        find_all=lambda: session.engine.retirable(caller=session.caller),
        option="--due",
    )
    operation = partial(session.engine.retire, due_only=due)
    return perform(session, chosen, operation, output=output, nothing="nothing is to be retired")


def resume(
    context: typer.Context,
    secrets: SecretIds = None,
    everything: All = False,
    output: Output = OutputFormat.TEXT,
) -> int:
    """Goes on with interrupted rotations."""
    from rotator.cli.performing import perform
    from rotator.cli.selection import named_or_all

    session: Session = context.obj
    chosen = named_or_all(
        secrets,
        everything=everything,
        find_all=lambda: session.engine.resumable(caller=session.caller),
    )
    return perform(
        session, chosen, session.engine.resume, output=output, nothing="no rotation is unfinished"
    )


def abort(context: typer.Context, secret: SecretId, output: Output = OutputFormat.TEXT) -> int:
    """Gives up an unfinished rotation.

    The target is put back as it was, which is proved by a login, and AWSPENDING goes: the exit code
    is 0 then.
    """
    from rotator.cli.exits import of_abort
    from rotator.cli.performing import perform

    session: Session = context.obj
    return perform(
        session,
        (secret,),
        session.engine.abort,
        output=output,
        nothing="no rotation is unfinished",
        code_of=of_abort,
    )
