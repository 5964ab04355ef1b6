"""`rotate key disable`."""

import sys
from collections.abc import Iterator
from typing import TYPE_CHECKING, Annotated

import typer

from rotator.cli.commands.key.changes import KeyName
from rotator.cli.options import Output
from rotator.cli.output import OutputFormat, counted, write, write_json
from rotator.cli.session import Session
from rotator.errors import ConfigurationError
from rotator.sdk import key_in

if TYPE_CHECKING:
    from rotator.manager.key_descriptions import KeySecrets

_NAMED = 10


def disable(
    context: typer.Context,
    key: KeyName,
    yes: Annotated[bool, typer.Option("--yes", help="Don't ask.")] = False,
    output: Output = OutputFormat.TEXT,
) -> None:
    """Closes what is sealed under a key, until it is enabled.

    The active key can't be disabled. The secrets that it would close are named first.
    """
    session: Session = context.obj
    who = {"caller": session.caller, "request_id": session.request_id}
    closed = session.manager.list_key_secrets(**who, key=key, max_results=_NAMED)  # type: ignore[arg-type]
    active = session.sealer.provider.active_key_id == closed.key_id
    unwritable, replicas = sum(closed.asked_as.values()), sum(closed.replicas_as.values())
    if (closed.total or unwritable or replicas or closed.access_keys) and not active:
        # The active one is refused, whatever the answer.
        if output is OutputFormat.TEXT:
            write(*consequences(closed))
        if not yes:
            _ask(closed)
    disabled = session.manager.disable_key(**who, key=key)  # type: ignore[arg-type]
    if output is OutputFormat.JSON:
        closes = {
            "secrets": closed.total,
            "names": closed.names,
            "unwritable": unwritable,
            "replicas": replicas,
            "access_keys": closed.access_keys,
        }
        write_json({"key": disabled, "closes": closes})
    else:
        write(
            f"The sealing key {disabled.key_id} is disabled. To open it again: rotate key enable {disabled.key_id}"
        )


def consequences(closed: "KeySecrets") -> Iterator[str]:
    """What a key that can't be used closes, and who asks for it, for people."""
    if closed.total:
        left = closed.total - len(closed.names)
        more = f" and {left:,} more" if left else ""
        yield (
            f"Versions of {counted(closed.total, 'secret')} open under the key {closed.key_id} only: "
            f"{', '.join(closed.names)}{more}."
        )
    if closed.access_keys:
        yield (
            f"{counted(closed.access_keys, 'access key')} of principals can be used with the key {closed.key_id} only: "
            "whoever signs with one is refused without it."
        )
    if closed.replicas_as:
        yield (
            f"{counted(sum(closed.replicas_as.values()), 'replica')} can be read with the key {closed.key_id} only."
        )
    if closed.asked_as:
        yield (
            f"{counted(sum(closed.asked_as.values()), 'secret')} can be written with the key {closed.key_id} only, "
            f"asked for as {', '.join(closed.asked_as)}."
        )


def _way_out(closed: "KeySecrets") -> str:
    """What leaves nothing under the key, nor any secret that asks for it."""
    asked = dict.fromkeys(key_in(name) for name in (*closed.asked_as, *closed.replicas_as))
    steps = [f"rotate key rotate {alias}" for alias in asked if alias != closed.key_id]
    if closed.key_id in asked:
        steps.append(
            "rotate secret update SECRET --key KEY (each secret and replica that names it by its id)"
        )
    return ", then ".join([*steps, "rotate key rewrap"])


def _ask(closed: "KeySecrets") -> None:
    if not sys.stdin.isatty():
        raise ConfigurationError(
            "Disabling this key closes what is sealed under it, and there is no terminal to ask on. "
            f"To move it to other keys first: {_way_out(closed)}. To close it: --yes"
        )
    if not typer.confirm("Close them?", default=False):
        raise ConfigurationError(f"Nothing was changed. To move them first: {_way_out(closed)}")
