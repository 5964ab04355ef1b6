"""`rotate secret create`, `put` and `get`: values go in and come out."""

import base64
import json
from collections.abc import Iterator
from typing import TYPE_CHECKING, Annotated

import typer

from rotator.cli.options import Output, SealingKey, SecretId, ValueFile
from rotator.cli.output import OutputFormat, moment, write, write_json, write_result
from rotator.cli.session import Session
from rotator.errors import ResourceNotFound
from rotator.sdk import SecretValue

if TYPE_CHECKING:
    from rotator.manager.results import SecretValueResult, StoredVersion

Binary = Annotated[bool, typer.Option("--binary", help="The value is bytes, kept as they are.")]


def create(
    context: typer.Context,
    name: Annotated[str, typer.Argument(help="Letters, digits and -/_+=.@!")],
    file: ValueFile = None,
    binary: Binary = False,
    description: Annotated[
        str | None, typer.Option("--description", help="What it is for.")
    ] = None,
    tags: Annotated[
        list[str] | None,
        typer.Option("--tag", metavar="KEY=VALUE", help="A tag for it; may be repeated."),
    ] = None,
    key: SealingKey = None,
    output: Output = OutputFormat.TEXT,
) -> None:
    """Makes a secret. Its value comes from standard input, a file, or a prompt that hides it."""
    from rotator.cli.selection import parse_pair
    from rotator.cli.values import read_value

    session: Session = context.obj
    manager = (
        session.manager
    )  # opened before the value is asked for: a closed store is told at once
    stored = manager.create_secret(
        caller=session.caller,
        request_id=session.request_id,
        name=name,
        value=read_value(file, binary=binary),
        description=description,
        kms_key_id=key,
        tags=dict(parse_pair(tag, option="--tag") for tag in tags or ()),
    )
    _show_stored(stored, output=output)


def put(
    context: typer.Context,
    secret: SecretId,
    file: ValueFile = None,
    binary: Binary = False,
    stages: Annotated[
        list[str] | None,
        typer.Option("--stage", help="Labels of the new version, in place of AWSCURRENT."),
    ] = None,
    output: Output = OutputFormat.TEXT,
) -> None:
    """Stores a new value. It comes from standard input, a file, or a prompt that hides it."""
    from rotator.cli.values import read_value

    session: Session = context.obj
    manager = session.manager
    stored = manager.put_secret_value(
        caller=session.caller,
        request_id=session.request_id,
        secret_id=secret,
        value=read_value(file, binary=binary),
        version_stages=stages,
    )
    _show_stored(stored, output=output)


def get(
    context: typer.Context,
    secret: SecretId,
    reveal: Annotated[
        bool, typer.Option("--reveal", help="Print the value, and nothing else in text output.")
    ] = False,
    field: Annotated[
        str | None,
        typer.Option("--field", help="Print one field of a JSON value, such as password."),
    ] = None,
    stage: Annotated[
        str | None, typer.Option("--stage", help="The version with this label.")
    ] = None,
    version_id: Annotated[
        str | None, typer.Option("--version-id", help="The version with this id.")
    ] = None,
    output: Output = OutputFormat.TEXT,
) -> None:
    """Reads a value, as an application would. It is printed only with --reveal or --field."""
    session: Session = context.obj
    found = session.manager.get_secret_value(
        caller=session.caller,
        request_id=session.request_id,
        secret_id=secret,
        version_id=version_id,
        version_stage=stage,
    )
    shown = _field(found, field) if field is not None else found.value if reveal else None
    if output is OutputFormat.JSON:
        write_json(_value_json(found, shown))
    elif shown is None:
        write(*_value_lines(found))
    else:
        _print_value(shown)


def _show_stored(stored: "StoredVersion", *, output: OutputFormat) -> None:
    labels = f" ({', '.join(stored.stages)})" if stored.stages else ""
    line = f"{stored.name}: stored version {stored.version_id}{labels}"
    write_result(stored, line, f"  {stored.arn}", output=output)


def _field(found: "SecretValueResult", name: str) -> str:
    fields = found.value.fields()
    if name not in fields:
        raise ResourceNotFound(
            f"The value of {found.name} has no field {name}. It has: {', '.join(fields)}."
        )
    value = fields[name]
    return value if isinstance(value, str) else json.dumps(value)


def _value_json(found: "SecretValueResult", shown: "SecretValue | str | None") -> dict[str, object]:
    about: dict[str, object] = {
        "arn": found.arn,
        "name": found.name,
        "version_id": found.version_id,
        "stages": found.stages,
        "created_at": found.created_at,
    }
    if shown is None:
        return about
    if isinstance(shown, str):
        return about | {"field": shown}
    if shown.string is not None:
        return about | {"secret_string": shown.string}
    return about | {"secret_binary": base64.b64encode(shown.binary or b"").decode("ascii")}


def _value_lines(found: "SecretValueResult") -> Iterator[str]:
    yield f"{found.name}  ({found.arn})"
    yield f"  version  {found.version_id} ({', '.join(found.stages)})"
    yield f"  created  {moment(found.created_at)}"
    yield "  value    hidden; print it with --reveal, or one field with --field NAME"


def _print_value(shown: "SecretValue | str") -> None:
    if isinstance(shown, str):
        typer.echo(shown)
    elif shown.string is not None:
        typer.echo(shown.string)
    else:
        typer.echo(shown.binary, nl=False)
