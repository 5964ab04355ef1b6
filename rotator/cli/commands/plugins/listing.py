"""`rotate plugins`: the rotators that are installed or declared, and what each of them takes."""

from collections import defaultdict
from collections.abc import Iterable
from typing import TYPE_CHECKING, Any

import typer

from rotator.cli.options import Output
from rotator.cli.output import OutputFormat, write, write_json, write_table, write_text
from rotator.cli.session import Session

if TYPE_CHECKING:
    from rotator.rotation.registry import RotatorEntry


def plugins(context: typer.Context, output: Output = OutputFormat.TEXT) -> None:
    """Lists the rotators that are installed or declared.

    With where each comes from, its overlap and its settings. `rotate plugins new NAME` begins a package for one of your
    own.
    """
    if context.invoked_subcommand is not None:
        return
    session: Session = context.obj
    entries = session.registry.entries()
    if output is OutputFormat.JSON:
        write_json({"rotators": [_described(entry) for entry in entries]})
        return
    write_table(
        ("ROTATOR", "OVERLAP", "FROM", "WHAT IT ROTATES"),
        [
            (
                entry.name,
                "-" if entry.facts.overlap is None else str(entry.facts.overlap),
                entry.origin,
                f"BROKEN: {entry.error}" if entry.error else entry.summary,
            )
            for entry in entries
        ],
    )
    write("")
    _write_settings(entries)
    for entry in entries:
        if entry.aliases:
            write(f"{entry.name} answers to {', '.join(entry.aliases)} too.")


def _described(entry: "RotatorEntry") -> dict[str, Any]:
    facts = entry.facts
    return {
        "name": entry.name,
        "distribution": entry.distribution,
        "version": entry.version,
        "origin": entry.origin,
        "builtin": entry.builtin,
        "aliases": entry.aliases,
        "summary": entry.summary,
        "error": entry.error,
        "overlap": facts.overlap,
        "can_probe": facts.can_probe,
        "can_revert": facts.can_revert,
        "issues_value": facts.issues_value,
        "settings": facts.settings,
    }


def _write_settings(entries: Iterable["RotatorEntry"]) -> None:
    """One line for each setting, under all the rotators that take it."""
    takers: dict[tuple[str, str, str, str], list[str]] = defaultdict(list)
    for entry in entries:
        for setting in entry.facts.settings:
            default = "has to be given" if setting.required else _shown(setting.default)
            takers[setting.name, setting.kind, default, setting.meaning].append(entry.name)
    settings: dict[tuple[str, ...], list[tuple[str, str, str, str]]] = defaultdict(list)
    for row, names in sorted(takers.items()):
        settings[tuple(names)].append(row)
    for together, rows in sorted(settings.items()):
        write_text(f"Settings of {', '.join(together)}:")
        write_table(("SETTING", "TAKES", "DEFAULT", "MEANING"), rows)
        write("")


def _shown(default: object) -> str:
    match default:
        case None | "" | []:
            return "-"
        case bool():
            return str(default).lower()
        case list():
            return ",".join(map(str, default))
        case _:
            return str(default)
