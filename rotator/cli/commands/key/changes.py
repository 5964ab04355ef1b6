"""`rotate key create`, `rotate`, `alias` and `enable`."""

from typing import Annotated

import typer

from rotator.cli.commands.key.listing import sealed_under
from rotator.cli.options import Output
from rotator.cli.output import OutputFormat, write_result
from rotator.cli.session import Session
from rotator.errors import ConfigurationError

KeyName = Annotated[str, typer.Argument(metavar="KEY", help="Its id, alias or ARN.")]


def create(
    context: typer.Context,
    alias: Annotated[
        str | None, typer.Option("--alias", help="A name for it, such as alias/payments.")
    ] = None,
    output: Output = OutputFormat.TEXT,
) -> None:
    """Makes a sealing key that is not active.

    Secrets ask for it by its id or its alias.
    """
    session: Session = context.obj
    made = session.manager.create_key(
        caller=session.caller, request_id=session.request_id, alias=alias
    )
    write_result(
        made,
        f"The sealing key {made.key_id} was made. Nothing is sealed under it until a secret asks for it.",
        "Keep a new copy of the keys: rotate key export --output-file FILE",
        output=output,
    )


def rotate(
    context: typer.Context,
    alias: Annotated[
        str | None,
        typer.Argument(metavar="ALIAS", help="Whose key is replaced; without it the active one."),
    ] = None,
    output: Output = OutputFormat.TEXT,
) -> None:
    """Makes a new sealing key, which takes over.

    It takes over from the active one, or from the one that an alias names.

    What is sealed already stays under the older key until `rotate key rewrap`.
    """
    session: Session = context.obj
    made = session.manager.rotate_key(
        caller=session.caller, request_id=session.request_id, alias=alias
    )
    write_result(
        made,
        f"New values are sealed under the key {made.key_id} from now on.",
        "Next: rotate key rewrap moves what is sealed under the older key, and",
        "      rotate key export --output-file FILE keeps a new copy of the keys.",
        output=output,
    )


def alias(
    context: typer.Context,
    name: Annotated[str, typer.Argument(metavar="ALIAS", help="Such as alias/payments.")],
    key: Annotated[
        str | None, typer.Argument(metavar="KEY", help="The id of the key that it names.")
    ] = None,
    remove: Annotated[bool, typer.Option("--remove", help="Take the alias away.")] = False,
    output: Output = OutputFormat.TEXT,
) -> None:
    """Lets an alias name a sealing key, or takes the alias away."""
    session: Session = context.obj
    if (key is None) is not remove:
        raise ConfigurationError("Name the key that the alias shall have, or say --remove.")
    if key is None:
        session.manager.remove_key_alias(
            caller=session.caller, request_id=session.request_id, alias=name
        )
        write_result({"removed": name}, f"{name} names no key any more.", output=output)
        return
    named = session.manager.set_key_alias(
        caller=session.caller, request_id=session.request_id, alias=name, key=key
    )
    write_result(
        named,
        f"{name} names the sealing key {named.key_id}.",
        "Older values of the secrets that ask for it move there by: rotate key rewrap",
        output=output,
    )


def enable(context: typer.Context, key: KeyName, output: Output = OutputFormat.TEXT) -> None:
    """Opens again what `rotate key disable` has closed."""
    session: Session = context.obj
    enabled = session.manager.enable_key(
        caller=session.caller, request_id=session.request_id, key=key
    )
    write_result(
        enabled,
        f"The sealing key {enabled.key_id} is enabled. {sealed_under(enabled)}",
        output=output,
    )
