"""`rotate now`, `resume` and `abort`: rotations that this process runs itself."""

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
    output: Output = OutputFormat.TEXT,
) -> int:
    """Rotates secrets now, several in parallel.

    A rotation that was left unfinished is taken up, with the value that it had made.
    """
    from rotator.cli.performing import rotate
    from rotator.cli.selection import select

    session: Session = context.obj
    chosen = select(session, secrets, everything=everything, tags=tags, prefix=prefix)
    return rotate(session, chosen, output=output)


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
