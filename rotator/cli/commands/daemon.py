"""`rotate daemon`: rotates by itself what is due."""

import signal

import typer

from rotator.cli.session import Session


def daemon(context: typer.Context) -> None:
    """Rotates what is due, until it is stopped.

    Rotations at their planned moment, further attempts, what another process left unfinished,
    grace periods that are over, windows that were missed, and secrets whose recovery window is
    over. SIGTERM and Ctrl-C end it when what runs is done, or after daemon.shutdown. SIGHUP has it
    read the configuration anew; one that can't be used is refused, and the old one kept.

    Any number of daemons may work on a PostgreSQL store. On a SQLite store one does, and further
    ones stand by. It logs events to the standard error stream.
    """
    from rotator.cli.service import daemon_of

    session: Session = context.obj
    session.is_service = True
    running = daemon_of(session)
    for number in (signal.SIGTERM, signal.SIGINT):
        signal.signal(number, lambda *_: running.stop())
    signal.signal(signal.SIGHUP, lambda *_: running.reload())
    running.run()
