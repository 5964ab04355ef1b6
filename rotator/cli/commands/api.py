"""`rotate api`: answers the API without rotating anything by itself."""

import signal
from typing import Annotated

import typer

from rotator.cli.session import Session


def api(
    context: typer.Context,
    listen: Annotated[
        str | None,
        typer.Option("--listen", metavar="HOST:PORT", help="Where; at daemon.listen if not given."),
    ] = None,
    workers: Annotated[
        int, typer.Option("--workers", min=1, max=64, help="Processes that answer.")
    ] = 1,
) -> int | None:
    """Answers the AWS Secrets Manager API, until it is stopped.

    The daemon does so too. This is for more processes, or for another machine at the same
    PostgreSQL store. A rotation that is asked for here is left to a daemon, or to `rotate now`.
    Each worker has connections to the store of its own; one that dies is replaced. SIGTERM and
    Ctrl-C end it when what is being answered is done. SIGHUP has the certificate read anew.
    """
    from rotator.cli.api_processes import Alone, Supervisor, address_to_serve

    session: Session = context.obj
    session.is_service = True
    address = address_to_serve(session.configuration.settings, listen)
    serving = Alone(session, address) if workers == 1 else Supervisor(session, address, workers)
    for number in (signal.SIGTERM, signal.SIGINT):
        signal.signal(number, lambda *_: serving.stop())
    signal.signal(signal.SIGHUP, lambda *_: serving.reload())
    return serving.run()
