"""`rotate secret update`, `tag` and `untag`: what is said about a secret."""

from typing import Annotated

import typer

from rotator.cli.options import Output, SecretId, ValueFile
from rotator.cli.output import OutputFormat, write, write_json, write_result
from rotator.cli.session import Session
from rotator.errors import ConfigurationError


def update(
    context: typer.Context,
    secret: SecretId,
    description: Annotated[
        str | None, typer.Option("--description", help='What it is for; "" takes it away.')
    ] = None,
    key: Annotated[
        str | None,
        typer.Option(
            "--kms-key-id",
            "--key",
            metavar="KEY",
            help='The sealing key, by id or alias; "" is the default key.',
        ),
    ] = None,
    new_value: Annotated[
        bool, typer.Option("--value", help="Read a new value from standard input or a prompt.")
    ] = False,
    file: ValueFile = None,
    binary: Annotated[
        bool, typer.Option("--binary", help="The value is bytes, kept as they are.")
    ] = False,
    output: Output = OutputFormat.TEXT,
) -> None:
    """Changes a secret's description, sealing key or value.

    What isn't named stays as it is. A value becomes a new version with AWSCURRENT. Another key reseals the versions
    with AWSCURRENT, AWSPENDING and AWSPREVIOUS.

    Example: rotate secret update db/app --description 'the shop' --key alias/payments
    """
    from rotator.cli.values import read_value

    has_value = new_value or file is not None
    if not has_value and description is None and key is None:
        raise ConfigurationError(
            "Say what to change: --description TEXT, --key KEY, or a value with --value or --file FILE."
        )
    if binary and not has_value:
        raise ConfigurationError("--binary is about a value: give it with --value or --file FILE.")
    session: Session = context.obj
    manager = session.manager  # opened first: a closed store is told before a value is asked for
    stored = manager.update_secret(
        caller=session.caller,
        request_id=session.request_id,
        secret_id=secret,
        value=read_value(file, binary=binary) if has_value else None,
        description=description,
        kms_key_id=key,
    )
    if output is OutputFormat.JSON:
        write_json(stored)
    elif stored.version_id is None:
        write(f"{stored.name} is updated.")
    else:
        write(f"{stored.name} is updated: version {stored.version_id} ({', '.join(stored.stages)})")


def tag(
    context: typer.Context,
    secret: SecretId,
    tags: Annotated[list[str], typer.Argument(metavar="KEY=VALUE", help="The tags.")],
    output: Output = OutputFormat.TEXT,
) -> None:
    """Puts tags on a secret, over those of the same keys.

    Example: rotate secret tag db/app team=payments stage=production
    """
    from rotator.cli.selection import parse_pair

    session: Session = context.obj
    tagged = session.manager.tag_resource(
        caller=session.caller,
        request_id=session.request_id,
        secret_id=secret,
        tags=dict(parse_pair(text, option="The tag") for text in tags),
    )
    write_result(tagged, f"{tagged.name} is tagged: {', '.join(tags)}", output=output)


def untag(
    context: typer.Context,
    secret: SecretId,
    keys: Annotated[list[str], typer.Argument(metavar="KEY", help="The keys of the tags.")],
    output: Output = OutputFormat.TEXT,
) -> None:
    """Takes tags off a secret. A key that it doesn't have is no error.

    Example: rotate secret untag db/app stage
    """
    session: Session = context.obj
    untagged = session.manager.untag_resource(
        caller=session.caller, request_id=session.request_id, secret_id=secret, tag_keys=keys
    )
    if output is OutputFormat.JSON:
        write_json(untagged)
    else:
        missing = [key for key in dict.fromkeys(keys) if key not in untagged.removed]
        if untagged.removed:
            write(f"{untagged.name} has no tag {', '.join(untagged.removed)} any more.")
        if missing:
            write(f"{untagged.name} had no tag {', '.join(missing)}.")
