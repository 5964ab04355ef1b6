"""`rotate db …`: the schema of the store, and its place."""

from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from rotator.cli.counting import counting
from rotator.cli.exits import ExitCode
from rotator.cli.options import Output
from rotator.cli.output import OutputFormat, write, write_json, write_table
from rotator.cli.session import Session
from rotator.errors import ConfigurationError, StoreUnavailable

if TYPE_CHECKING:
    from rotator.store.database import Database
    from rotator.store.moving import Progress

app = typer.Typer(help="Looks after the store.", no_args_is_help=True)


@app.command()
def upgrade(
    context: typer.Context,
    dry_run: Annotated[
        bool, typer.Option("--dry-run", help="Say what would be done, and do nothing.")
    ] = False,
    output: Output = OutputFormat.TEXT,
) -> None:
    """Brings the store's schema to this release, in one transaction.

    Make a backup first. It is recorded in the audit.
    """
    from rotator.store import schema
    from rotator.store.store import Store

    session: Session = context.obj
    # Not opened: that would upgrade a SQLite store by itself.
    store = Store.connect(
        session.configuration.store_url, create=False, audit_key=session.audit_key
    )
    try:
        before, revision = schema.check(store), schema.revision(store)
        if not dry_run:
            if output is OutputFormat.TEXT and before is schema.SchemaState.BEHIND:
                write("Upgrading: whoever uses the store waits meanwhile.", error=True)
            schema.upgrade(store, asked_by=session.asked_by)
    finally:
        store.close()
    to = schema.REVISIONS[-1]
    if output is OutputFormat.JSON:
        about = {"before": before, "from": revision, "to": to, "dry_run": dry_run}
        state = before if dry_run else "current"
        write_json({"store": store.url_shown, **about, "state": state})
    elif before is schema.SchemaState.BEHIND:
        done = "would be" if dry_run else "was"
        whence = "no schema" if revision is None else f"revision {revision}"
        write(f"{store.url_shown} {done} brought to this release's schema: from {whence} to {to}.")
    else:
        write(f"{store.url_shown}: {_MEANING[before]}")


@app.command()
def check(context: typer.Context, output: Output = OutputFormat.TEXT) -> int:
    """Tells whether the schema is this release's."""
    from rotator.store import schema
    from rotator.store.database import Database

    session: Session = context.obj
    database = Database.connect(session.configuration.store_url, create=False)
    try:
        state = schema.check(database)
    finally:
        database.close()
    code = ExitCode.DONE if state is schema.SchemaState.CURRENT else ExitCode.UNAVAILABLE
    if output is OutputFormat.JSON:
        write_json({"store": database.url_shown, "state": state, "exit_code": code})
    else:
        write(f"{database.url_shown}: {_MEANING[state]}")
    return code


_MEANING = {
    "current": "the schema is this release's.",
    "behind": "the schema is missing or an older release's. Bring it up: rotate db upgrade",
    "newer": "the schema is a later release's. Install that release of rotator.",
    "moved": "its data were moved to another database; any other command says where.",
    "incomplete": "another store is being moved here. To go on, run the same rotate db migrate again.",
}


@app.command()
def migrate(
    context: typer.Context,
    to: Annotated[
        str,
        typer.Option(
            "--to",
            metavar="URL",
            help="An empty database: postgresql://user@host/name, or sqlite:////path.",
        ),
    ],
    to_password: Annotated[
        str | None,
        typer.Option(
            "--to-password",
            metavar="REFERENCE",
            help="Its user's password: '${NAME}' for what a variable holds, file:PATH for what a file holds.",
        ),
    ] = None,
    dry_run: Annotated[
        bool, typer.Option("--dry-run", help="Check everything, change nothing.")
    ] = False,
    output: Output = OutputFormat.TEXT,
) -> None:
    """Moves the store to another database, and compares every row of it.

    Stop the daemons first. While it runs the store can be read; writes wait for ten seconds and are refused then. It
    may be interrupted and run again. At its end the old store is closed, and says where the new one is.
    """
    from rotator.store.store import Store

    session: Session = context.obj
    url = _destination(session, to, to_password)
    # Not opened: it may be closed already, where an earlier run was interrupted at its end.
    session.store = Store.connect(
        session.configuration.store_url, create=False, audit_key=session.audit_key
    )
    if dry_run:
        _plan(session, url, output)
    else:
        _move(session, url, output)


def _destination(session: Session, to: str, password: str | None) -> str:
    """The URL with its password, and an absolute path: others will be told of it from anywhere."""
    from sqlalchemy import make_url
    from sqlalchemy.exc import ArgumentError

    try:
        url = make_url(to)
    except ArgumentError:
        url = None
    if url is None or url.get_backend_name() not in {"sqlite", "postgresql"}:
        # Without the URL, which may hold a password.
        raise ConfigurationError(
            "--to takes an empty database, sqlite:////path/to/store.db or postgresql://user@host:5432/name, and what "
            "it names is neither. Nothing was changed."
        )
    if url.password is not None:
        write(
            "Everybody on this machine can read the password in --to while this runs. Next time name it with "
            "--to-password, or in PGPASSFILE.",
            error=True,
        )
    if password is not None:
        url = url.set(password=_referred(session, password))
    if url.get_backend_name() == "sqlite" and url.database:
        url = url.set(database=str(Path(url.database).absolute()))
    return url.render_as_string(hide_password=False)


def _referred(session: Session, reference: str) -> str:
    from rotator.config.references import References, is_reference

    if not is_reference(reference):
        raise ConfigurationError(
            "--to-password takes no password itself, since others on this machine could read it: write '${NAME}' or "
            "file:PATH, and keep it there."
        )
    home = session.configuration.home
    references = References(variables=session.environ, home=home)
    return references.resolve(reference, key="--to-password")


@contextmanager
def _naming_to() -> Iterator[None]:
    """What is said of the destination names the option that it comes from."""
    try:
        yield
    except (ConfigurationError, StoreUnavailable) as error:
        raise type(error)(f"The database that --to names can't be used. {error}") from None


def _reached(url: str, *, create: bool) -> "Database":
    """The database at `url`, which has answered."""
    from rotator.store import schema
    from rotator.store.database import Database

    database = Database.connect(url, create=create)
    try:
        schema.check(database)
    except StoreUnavailable:
        database.close()
        raise
    return database


def _plan(session: Session, url: str, output: OutputFormat) -> None:
    from rotator.manager.moving import Moving
    from rotator.store.database import is_missing_file

    with _naming_to():
        destination = None if is_missing_file(url) else _reached(url, create=False)
    try:
        plan = Moving(session.store).plan(
            caller=session.caller, request_id=session.request_id, destination=destination
        )
    finally:
        if destination is not None:
            destination.close()
    shown = session.store.url_shown
    if output is OutputFormat.JSON:
        write_json({"from": shown, "rows": plan.rows, "destination": plan.destination})
        return
    write(f"{shown} can be moved; nothing was changed.", f"  {_FOUND[plan.destination]}")
    write_table(["table", "rows"], [[name, str(rows)] for name, rows in plan.rows.items()])


def _move(session: Session, url: str, output: OutputFormat) -> None:
    from rotator.manager.moving import Moving

    with _naming_to():
        destination = _reached(url, create=True)
    if output is OutputFormat.TEXT:
        write(
            "While this runs the store can be read; writes wait for ten seconds and are refused then.",
            error=True,
        )
    try:
        with counting(output) as show:

            def observe(progress: "Progress") -> None:
                show(f"{progress.stage} {progress.table}", progress.done, progress.total)

            compared = Moving(session.store).move(
                caller=session.caller,
                request_id=session.request_id,
                destination=destination,
                observe=observe,
            )
    finally:
        destination.close()
    shown = session.store.url_shown
    if output is OutputFormat.JSON:
        result = {
            "from": shown,
            "to": destination.url_shown,
            "compared": compared,
            "rows": sum(compared.values()),
        }
        write_json(result)
        return
    write(
        f"{shown} was moved to {destination.url_shown}: {sum(compared.values())} rows compared, every "
        "column the same.",
        "Now name the new place in the settings (store.url). The old store is closed and kept as it was. The key files "
        "stay where they are: they belong to the store in its new place too.",
    )


_FOUND = {
    "new": "The destination has no schema yet: it will be made.",
    "empty": "The destination has this release's schema, and no data.",
    "begun": "The destination has a part already: it will be compared and completed.",
}
