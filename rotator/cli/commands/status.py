"""`rotate status` and `history`: how rotations stand, and how they went."""

from collections.abc import Iterator
from typing import TYPE_CHECKING, Annotated

import typer

from rotator.cli.options import Output, SecretId, SecretIds
from rotator.cli.output import (
    NO_WINDOW,
    OutputFormat,
    duration,
    moment,
    write,
    write_json,
    write_table,
)
from rotator.cli.reports import tested
from rotator.cli.session import Session
from rotator.model.rotation import Status

if TYPE_CHECKING:
    from rotator.manager.results import SecretDescription
    from rotator.manager.settings import RotationSettings
    from rotator.rotation.records import RotationRecord, SecretRotations


def status(
    context: typer.Context, secrets: SecretIds = None, output: Output = OutputFormat.TEXT
) -> None:
    """Shows how rotation stands.

    In detail for the secrets that are named, else a line for each whose rotation was ever set.
    """
    session: Session = context.obj
    standing = [(secret, _latest(session, secret)) for secret in _wanted(session, secrets)]
    if output is OutputFormat.JSON:
        write_json({"secrets": [_status_json(*entry) for entry in standing]})
    elif secrets:
        for entry in standing:
            write(*_details(*entry))
    elif standing:
        headers = ("SECRET", "ROTATOR", "STATE", "LAST ROTATED", "NEXT")
        write_table(headers, [_row(*entry) for entry in standing])
    else:
        write("No secret has its rotation set. Set one: rotate rotation set SECRET --rotator NAME")


def history(
    context: typer.Context,
    secret: SecretId,
    limit: Annotated[
        int, typer.Option("--limit", min=1, max=1000, help="The latest so many.")
    ] = 10,
    output: Output = OutputFormat.TEXT,
) -> None:
    """Shows the latest rotations of a secret."""
    from rotator.rotation.records import rotations_of

    session: Session = context.obj
    described = session.manager.describe_secret(
        caller=session.caller, request_id=session.request_id, secret_id=secret
    )
    found = rotations_of(
        session.store,
        described.arn,
        caller=session.caller,
        request_id=session.request_id,
        limit=limit,
        with_steps=True,
    )
    if output is OutputFormat.JSON:
        write_json(
            {"arn": found.secret_arn, "name": found.secret_name, "rotations": found.rotations}
        )
        return
    if not found.rotations:
        write(f"{found.secret_name} was never rotated. Rotate it: rotate now {found.secret_name}")
    for record in found.rotations:
        write(*_past(record))


def _wanted(session: Session, names: list[str] | None) -> "Iterator[SecretDescription]":
    if names:
        for name in dict.fromkeys(names):
            yield session.manager.describe_secret(
                caller=session.caller, request_id=session.request_id, secret_id=name
            )
        return
    from rotator.cli.selection import all_secrets

    yield from (secret for secret in all_secrets(session) if secret.rotation is not None)


def _latest(session: Session, secret: "SecretDescription") -> "SecretRotations":
    from rotator.rotation.records import rotations_of

    return rotations_of(
        session.store, secret.arn, caller=session.caller, request_id=session.request_id, limit=1
    )


def _status_json(secret: "SecretDescription", found: "SecretRotations") -> dict[str, object]:
    return {
        "arn": secret.arn,
        "name": secret.name,
        "labels": found.labels,
        "rotation": secret.rotation,
        "latest": found.rotations[0] if found.rotations else None,
        "tested": found.tested,
        "refused": found.refused,
        "barrier_until": found.barrier_until,
        "barrier_fallen": found.barrier_fallen,
    }


def _row(secret: "SecretDescription", found: "SecretRotations") -> tuple[str, ...]:
    assert secret.rotation is not None  # noqa: S101  # only such secrets are listed
    rotation = secret.rotation
    return (
        secret.name,
        rotation.rotator,
        _state(found) + ("" if found.refused is None else "; due, but refused"),
        moment(rotation.rotated_at),
        moment(rotation.due_at) if rotation.enabled else "cancelled",
    )


def _state(found: "SecretRotations") -> str:
    if not found.rotations:
        return "never rotated"
    latest = found.rotations[0]
    if latest.only_tested:
        return f"being tested, {latest.status}"
    if latest.waits_until is not None:
        return "rotated, old credential still in use"
    if latest.retiring:
        return "rotated, old credential being retired"
    if latest.status is Status.GRACE:
        return f"rotated, in grace until {moment(latest.next_attempt_at)}"
    return f"{latest.status}, {latest.phase}" if latest.status.active else str(latest.status)


def _details(secret: "SecretDescription", found: "SecretRotations") -> Iterator[str]:
    yield f"{secret.name}  ({secret.arn})"
    rotation = secret.rotation
    if rotation is None:
        yield f"  rotation     not set: rotate rotation set {secret.name} --rotator NAME"
    else:
        yield f"  rotator      {rotation.rotator}" + ("" if rotation.enabled else " (cancelled)")
        yield f"  last rotated {moment(rotation.rotated_at)}"
        if secret.deleted_at is None:
            yield f"  next         {_next(secret.name, rotation)}"
    if secret.purge_at is not None:
        yield f"  deleted      goes for good at {moment(secret.purge_at)} or later"
    for label, version in sorted(found.labels.items()):
        yield f"  {label:<12} {version}"
    yield f"  state        {_state(found)}"
    for record in found.rotations:
        yield from progress_lines(secret.name, record)
    if found.refused is not None:
        told = "" if found.refused.reason is None else f": {found.refused.reason}"
        yield f"  refused      at {moment(found.refused.at)} what is due did not begin: {found.refused.error}{told}"
        yield f"               it is tried again as long as it is due; what is in its way: rotate plan {secret.name}"
    if found.tested is not None:
        yield f"  tested       {moment(found.tested.created_at)}: {tested(found.tested.status)}"
        yield from _reason(found.tested)
    if found.barrier_until is not None:
        yield f"  reads wait   at the latest until {moment(found.barrier_until)}"
    if found.barrier_fallen:
        yield "  reads        no longer wait: they get AWSCURRENT, which the target may refuse by now"


def _next(name: str, rotation: "RotationSettings") -> str:
    if rotation.due_at is not None:
        return f"{moment(rotation.due_at)} (window ends {moment(rotation.window_end)})"
    if not rotation.enabled:
        return f"never: its rotation was cancelled. Turn it on again: rotate rotation set {name}"
    return NO_WINDOW if rotation.scheduled else f"on request: rotate now {name}"


def progress_lines(name: str, record: "RotationRecord") -> Iterator[str]:
    """Where a rotation of the secret of this name stands, what it waits for, and what can be done."""
    if record.owner is not None:
        yield f"  run by       {record.owner}, for {record.requested_by}"
    elif record.status.active and record.status is not Status.GRACE:
        yield "  run by       nobody now; go on with it: rotate resume"
    if record.waits_until is not None:
        yield from _waiting(name, record)
        return
    if record.status is Status.GRACE and not record.retiring:
        yield f"  grace        the old credential logs in until {moment(record.next_attempt_at)}; then the daemon,"
        yield "               `rotate retire --due` or the next `rotate now` retires it"
        yield f"               at once: rotate retire {name}"
    elif record.next_attempt_at is not None:
        yield f"  next attempt {moment(record.next_attempt_at)} (attempt {record.attempt})"
    yield from _old_one(name, record)
    yield from _reason(record)


def _reason(record: "RotationRecord") -> Iterator[str]:
    if record.failure is not None:
        yield f"  reason       {record.failure.phase}, {record.failure.kind}: {record.failure.message}"
        if record.failure.hint:
            yield f"  what to do   {record.failure.hint}"


def _old_one(name: str, record: "RotationRecord") -> Iterator[str]:
    """Who used the old credential, and whether it may still log in."""
    if record.in_use is not None and record.retired:
        yield f"  old sessions as it was retired, the old credential was {record.in_use}"
    elif record.in_use is not None:
        yield f"  in use       {record.in_use}"
    if record.status is Status.UNRETIRED:
        yield f"  left         the old credential may still log in; try again: rotate retire {name}"


def _waiting(name: str, record: "RotationRecord") -> Iterator[str]:
    """The grace period is over, and the old credential still used."""
    yield f"  in use       {record.in_use}"
    yield f"  waits        they are looked for again at {moment(record.next_attempt_at)}"
    yield f"               the old credential is retired at {moment(record.waits_until)} at the latest"
    yield f"               at once: rotate retire {name}"


def _past(record: "RotationRecord") -> Iterator[str]:
    overlap = "" if record.overlap is None else f", overlap {record.overlap}"
    what = f"test {record.status}" if record.only_tested else str(record.status)
    yield f"{moment(record.created_at)}  {what}  ({record.requested_by}{overlap})"
    yield f"  rotation {record.rotation_id}, version {record.token}"
    for step in record.steps:
        took = "" if step.seconds is None else f"  {duration(step.seconds)}"
        detail = "" if not step.detail else f"  {step.detail}"
        yield f"  {step.phase:<13} {step.outcome}{took}{detail}"
    if record.failure is not None and record.failure.hint:
        yield f"  What to do: {record.failure.hint}"
