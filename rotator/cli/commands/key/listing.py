"""`rotate key list`."""

from typing import TYPE_CHECKING

import typer

from rotator.cli.options import Output
from rotator.cli.output import OutputFormat, counted, moment, write, write_json, write_table
from rotator.cli.session import Session

if TYPE_CHECKING:
    from rotator.manager.key_descriptions import KeyDescription


def sealed_under(key: "KeyDescription") -> str:
    """What a key seals, for people."""
    versions, access_keys = counted(key.versions, "version"), counted(key.access_keys, "access key")
    return f"Sealed under it: {versions}{f' and {access_keys}' if key.access_keys else ''}."


def list_keys(context: typer.Context, output: Output = OutputFormat.TEXT) -> None:
    """Lists the sealing keys, and how much each seals."""
    session: Session = context.obj
    keys = session.manager.list_keys(caller=session.caller, request_id=session.request_id)
    if output is OutputFormat.JSON:
        write_json({"keys": keys})
        return
    write_table(
        ("KEY", "STATE", "ALIASES", "CREATED", "VERSIONS", "ACCESS KEYS"),
        [
            (
                key.key_id,
                "active" if key.active else str(key.state),
                ", ".join(key.aliases) or "-",
                moment(key.created_at),
                f"{key.versions:,}",
                f"{key.access_keys:,}",
            )
            for key in keys
        ],
    )
    if any((key.versions or key.access_keys) and not key.active for key in keys):
        write(
            "Versions under a key that their secret no longer asks for move to the one that it does, and access keys "
            "to the active one: rotate key rewrap"
        )
