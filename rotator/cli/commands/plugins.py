"""`rotate plugins`: the rotators that are installed."""

import typer

from rotator.cli.options import Output
from rotator.cli.output import OutputFormat, write, write_json, write_table
from rotator.cli.session import Session


def plugins(context: typer.Context, output: Output = OutputFormat.TEXT) -> None:
    """Lists the rotators that are installed."""
    session: Session = context.obj
    entries = session.registry.entries()
    if output is OutputFormat.JSON:
        write_json(
            {
                "rotators": [
                    {
                        "name": entry.name,
                        "distribution": entry.distribution,
                        "version": entry.version,
                        "builtin": entry.builtin,
                        "aliases": entry.aliases,
                        "summary": entry.summary,
                        "error": entry.error,
                    }
                    for entry in entries
                ]
            }
        )
        return
    write_table(
        ("ROTATOR", "FROM", "WHAT IT ROTATES"),
        [
            (
                entry.name,
                entry.origin,
                f"BROKEN: {entry.error}" if entry.error else entry.summary,
            )
            for entry in entries
        ],
    )
    for entry in entries:
        if entry.aliases:
            write(f"{entry.name} answers to {', '.join(entry.aliases)} too.")
