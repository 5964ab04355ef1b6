"""`rotate now`, `resume` and `abort`: rotations that this process runs itself."""

from collections.abc import Callable, Sequence
from typing import TYPE_CHECKING

import typer

from rotator.cli.options import All, Output, Prefix, SecretId, SecretIds, Tags
from rotator.cli.output import OutputFormat
from rotator.cli.session import Session

if TYPE_CHECKING:
    from rotator.rotation.report import Report


def now(
    context: typer.Context,
    secrets: SecretIds = None,
    everything: All = False,
    tags: Tags = None,
    prefix: Prefix = None,
    output: Output = OutputFormat.TEXT,
) -> int:
    """Rotates secrets now, several of them in parallel.

    A rotation that was left unfinished is taken up, with the value that it had made.
    """
    from rotator.cli.selection import select

    session: Session = context.obj
    chosen = select(session, secrets, everything=everything, tags=tags, prefix=prefix)
    return _run(session, chosen, session.engine.rotate, output=output, nothing="nothing to do")


def resume(
    context: typer.Context,
    secrets: SecretIds = None,
    everything: All = False,
    output: Output = OutputFormat.TEXT,
) -> int:
    """Goes on with rotations that were interrupted."""
    from rotator.cli.selection import named_or_all

    session: Session = context.obj
    chosen = named_or_all(
        secrets,
        everything=everything,
        find_all=lambda: session.engine.resumable(caller=session.caller),
    )
    return _run(
        session, chosen, session.engine.resume, output=output, nothing="no rotation is unfinished"
    )


def abort(context: typer.Context, secret: SecretId, output: Output = OutputFormat.TEXT) -> int:
    """Gives up an unfinished rotation.

    The target is put back as it was, which is proved by a login, and AWSPENDING goes.
    """
    session: Session = context.obj
    return _run(
        session, (secret,), session.engine.abort, output=output, nothing="no rotation is unfinished"
    )


def _run(
    session: Session,
    names: Sequence[str],
    operation: "Callable[..., Report | None]",
    *,
    output: OutputFormat,
    nothing: str,
) -> int:
    from rotator.cli.batch import run
    from rotator.cli.progress import watching
    from rotator.cli.reports import show_outcomes

    caller, request_id = session.caller, session.request_id
    with watching(output) as observer:

        def act(name: str) -> "Report | None":
            return operation(name, caller=caller, request_id=request_id, observer=observer)

        outcomes = run(names, act, session=session)
    return show_outcomes(outcomes, output=output, nothing=nothing)
