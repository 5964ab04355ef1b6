"""`rotate secret describe`, `list` and `versions`: all but the values."""

from collections.abc import Iterator
from itertools import islice
from typing import TYPE_CHECKING, Annotated

import typer

from rotator.cli.options import Output, Prefix, SecretId, Tags
from rotator.cli.output import (
    OutputFormat,
    moment,
    write,
    write_json,
    write_json_items,
    write_table,
)
from rotator.cli.session import Session
from rotator.model.filters import FilterKey, SecretFilter, SortBy, SortOrder

if TYPE_CHECKING:
    from rotator.manager.results import SecretDescription, VersionDescription

_AT_ONCE = 100


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
    filters: Annotated[
        list[str] | None,
        typer.Option(
            "--filter",
            metavar="KEY=VALUE[,VALUE]",
            help=f"Keys: {', '.join(FilterKey)}. Of several values one has to fit, of several filters all; "
            "!VALUE turns it around.",
        ),
    ] = None,
    sort: Annotated[SortBy, typer.Option("--sort", help="What to order by.")] = SortBy.CREATED,
    descending: Annotated[
        bool, typer.Option("--desc", help="The latest, or the last name, first.")
    ] = False,
    limit: Annotated[int | None, typer.Option("--limit", min=1, help="At most so many.")] = None,
    deleted: Annotated[
        bool, typer.Option("--deleted", help="Those marked for deletion too.")
    ] = False,
    output: Output = OutputFormat.TEXT,
) -> None:
    """Lists secrets, oldest first, as they are found."""
    from rotator.cli.selection import all_secrets, parse_filter, parse_pair

    session: Session = context.obj
    where = SecretFilter(
        filters=tuple(map(parse_filter, filters or ())),
        name_prefix=prefix,
        tags=dict(parse_pair(tag, option="--tag") for tag in tags or ()),
        include_deleted=deleted,
    )
    order = SortOrder(by=sort, descending=descending)
    found = islice(all_secrets(session, where, order=order), limit)
    if output is OutputFormat.JSON:
        write_json_items("secrets", found)
    elif not _write_secrets(found):
        write("No secret fits." if tags or prefix or filters else _nothing(session))


def _nothing(session: Session) -> str:
    from rotator.cli.selection import all_secrets

    if any(True for _ in all_secrets(session, SecretFilter(include_deleted=True))):
        return "There is no secret but those marked for deletion: rotate secret list --deleted"
    return "There is no secret. Make one: rotate secret create NAME"


def _write_secrets(found: Iterator["SecretDescription"]) -> bool:
    """Whether there were any."""
    headers = ("NAME", "CHANGED", "ROTATION", "DESCRIPTION")
    written = False
    while some := list(islice(found, _AT_ONCE)):
        rows = [
            (secret.name, moment(secret.changed_at), _rotation(secret), secret.description or "")
            for secret in some
        ]
        write_table(headers, rows, continued=written)
        written = True
    return written


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
    if found.kms_key_id:
        yield f"  key          {found.kms_key_id}"
    yield f"  created      {moment(found.created_at)}"
    yield f"  changed      {moment(found.changed_at)}"
    if found.purge_at is not None:
        yield f"  deleted on   {moment(found.purge_at)}, unless restored: rotate secret restore"
    for key, value in sorted((found.tags or {}).items()):
        yield f"  tag          {key}={value}"
    for version, stages in found.versions.items():
        yield f"  version      {version} ({', '.join(stages)})"
    for replica in found.replication:
        yield f"  replica      {replica.region}: {replica.status}, {replica.message}"
    yield f"  rotation     {_rotation(found)}"


def _rotation(secret: "SecretDescription") -> str:
    if secret.rotation is None:
        return "not set"
    return secret.rotation.rotator + ("" if secret.rotation.enabled else " (cancelled)")
