"""`rotate key list`."""

import typer

from rotator.cli.options import Output
from rotator.cli.output import OutputFormat, moment, write, write_json, write_table
from rotator.cli.session import Session


def list_keys(context: typer.Context, output: Output = OutputFormat.TEXT) -> None:
    """Lists the sealing keys, and how many versions each seals."""
    session: Session = context.obj
    keys = session.manager.list_keys(caller=session.caller, request_id=session.request_id)
    if output is OutputFormat.JSON:
        write_json({"keys": keys})
        return
    write_table(
        ("KEY", "STATE", "ALIASES", "CREATED", "VERSIONS"),
        [
            (
                key.key_id,
                "active" if key.active else str(key.state),
                ", ".join(key.aliases) or "-",
                moment(key.created_at),
                f"{key.versions:,}",
            )
            for key in keys
        ],
    )
    if any(key.versions and not key.active for key in keys):
        write(
            "Versions under a key that their secret no longer asks for move to the one that it does: rotate key rewrap"
        )
