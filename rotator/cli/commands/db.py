"""`rotate db …`: the schema of the store."""

import typer

from rotator.cli.exits import ExitCode
from rotator.cli.options import Output
from rotator.cli.output import OutputFormat, write, write_json
from rotator.cli.session import Session

app = typer.Typer(help="Looks after the store's schema.", no_args_is_help=True)


@app.command()
def upgrade(context: typer.Context, output: Output = OutputFormat.TEXT) -> None:
    """Brings the store's schema to this release.

    Make a backup first.
    """
    from rotator.store import schema
    from rotator.store.database import Database

    session: Session = context.obj
    database = Database.connect(session.configuration.store_url, create=False)
    try:
        before = schema.check(database)
        schema.upgrade(database)
    finally:
        database.close()
    if output is OutputFormat.JSON:
        write_json({"store": database.url_shown, "before": before, "state": "current"})
    elif before is schema.SchemaState.CURRENT:
        write(f"{database.url_shown} has this release's schema already.")
    else:
        write(f"{database.url_shown} was brought to this release's schema.")


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
}
