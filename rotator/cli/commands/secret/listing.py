"""`rotate secret describe`, `list` and `versions`: all but the values."""

from collections.abc import Iterator
from typing import TYPE_CHECKING, Annotated

import typer

from rotator.cli.options import Output, Prefix, SecretId, Tags
from rotator.cli.output import OutputFormat, moment, write, write_json, write_table
from rotator.cli.session import Session

if TYPE_CHECKING:
    from rotator.manager.results import SecretDescription, VersionDescription


def describe(context: typer.Context, secret: SecretId, output: Output = OutputFormat.TEXT) -> None:
    """Shows all about a secret but its value."""
    session: Session = context.obj
    found = session.manager.describe_secret(
        caller=session.caller, request_id=session.request_id, secret_id=secret
    )
    if output is OutputFormat.JSON:
        write_json(found)
    else:
        write(*_description_lines(found))


def list_secrets(
    context: typer.Context,
    tags: Tags = None,
    prefix: Prefix = None,
    deleted: Annotated[
        bool, typer.Option("--deleted", help="Those marked for deletion too.")
    ] = False,
    output: Output = OutputFormat.TEXT,
) -> None:
    """Lists secrets, oldest first."""
    from rotator.cli.selection import all_secrets, parse_pair
    from rotator.store.listing import SecretFilter

    session: Session = context.obj
    where = SecretFilter(
        name_prefix=prefix,
        tags=dict(parse_pair(tag, option="--tag") for tag in tags or ()),
        include_deleted=deleted,
    )
    found = list(all_secrets(session, where))
    if output is OutputFormat.JSON:
        write_json({"secrets": found})
    elif found:
        write_table(
            ("NAME", "CHANGED", "ROTATION", "DESCRIPTION"),
            [
                (
                    secret.name,
                    moment(secret.changed_at),
                    _rotation(secret),
                    secret.description or "",
                )
                for secret in found
            ],
        )
    else:
        write(
            "No secret fits."
            if tags or prefix
            else "There is no secret. Make one: rotate secret create NAME"
        )


def versions(
    context: typer.Context,
    secret: SecretId,
    everything: Annotated[
        bool, typer.Option("--all", help="Those without a staging label too.")
    ] = False,
    output: Output = OutputFormat.TEXT,
) -> None:
    """Lists a secret's versions, oldest first."""
    session: Session = context.obj
    found: list[VersionDescription] = []
    cursor: str | None = None
    while True:
        page = session.manager.list_secret_version_ids(
            caller=session.caller,
            request_id=session.request_id,
            secret_id=secret,
            include_deprecated=everything,
            cursor=cursor,
        )
        found.extend(page.versions)
        cursor = page.next_cursor
        if cursor is None:
            break
    if output is OutputFormat.JSON:
        write_json({"arn": page.arn, "name": page.name, "versions": found})
        return
    write_table(
        ("VERSION", "CREATED", "LABELS"),
        [
            (
                version.version_id,
                moment(version.created_at),
                ", ".join((*version.stages, *(("(pinned)",) if version.pinned else ()))),
            )
            for version in found
        ],
    )


def _description_lines(found: "SecretDescription") -> Iterator[str]:
    yield f"{found.name}  ({found.arn})"
    if found.description:
        yield f"  description  {found.description}"
    yield f"  created      {moment(found.created_at)}"
    yield f"  changed      {moment(found.changed_at)}"
    if found.purge_at is not None:
        yield f"  deleted on   {moment(found.purge_at)}, unless restored: rotate secret restore"
    for key, value in sorted(found.tags.items()):
        yield f"  tag          {key}={value}"
    for version, stages in found.versions.items():
        yield f"  version      {version} ({', '.join(stages)})"
    yield f"  rotation     {_rotation(found)}"


def _rotation(secret: "SecretDescription") -> str:
    if secret.rotation is None:
        return "not set"
    return secret.rotation.rotator + ("" if secret.rotation.enabled else " (cancelled)")
