"""How the rotation settings of a secret are shown."""

from collections.abc import Iterator
from contextlib import suppress
from typing import TYPE_CHECKING

from rotator.cli.output import NO_WINDOW, OutputFormat, moment, write_result
from rotator.cli.session import Session
from rotator.errors import ResourceNotFound
from rotator.model.lengths import shown_length
from rotator.sdk import Authority

if TYPE_CHECKING:
    from rotator.manager.results import SecretDescription
    from rotator.manager.settings import RotationOptions, RotationSettings


def show_rotation(
    session: Session,
    secret: "SecretDescription",
    settings: "RotationSettings",
    *,
    output: OutputFormat,
) -> None:
    """Shows how a secret rotates, with what the configuration adds to its settings."""
    of_rotator = _grace_of(session, settings.rotator)
    shown = {"arn": secret.arn, "name": secret.name, "rotation": settings}
    write_result(
        shown | {"grace_of_rotator": of_rotator},
        *_lines(secret, settings, of_rotator=of_rotator),
        output=output,
    )


def _grace_of(session: Session, rotator: str) -> float | None:
    """Seconds that the configuration gives the old credentials of a rotator, None where it says nothing of it."""
    graces = session.policy.grace_of
    if graces:
        with suppress(
            ResourceNotFound
        ):  # a secret is shown whether or not its rotator is installed
            return graces.get(session.registry.resolve(rotator).name)
    return None


def _lines(
    secret: "SecretDescription", settings: "RotationSettings", *, of_rotator: float | None
) -> Iterator[str]:
    yield f"{secret.name}  ({secret.arn})"
    yield f"  rotator    {settings.rotator}" + ("" if settings.enabled else " (cancelled)")
    yield f"  schedule   {_schedule(secret, settings)}"
    if settings.due_at is not None:
        yield f"  next       {moment(settings.due_at)} (window ends {moment(settings.window_end)})"
    elif settings.enabled and settings.scheduled:
        yield f"  next       {NO_WINDOW}"
    if settings.missed is not None:
        yield f"  missed     {settings.missed}"
    if settings.authority is not None:
        yield from _pinned(settings.authority)
    yield from _demanded(settings.options, of_rotator=of_rotator)


def _demanded(options: "RotationOptions", *, of_rotator: float | None) -> Iterator[str]:
    yield f"  overlap    {'required' if options.require_overlap else 'preferred'}"
    if options.allow_privileged:
        yield "  allowed    a role with administrative rights"
    if options.allow_other_server:
        yield "  allowed    another address in the admin secret"
    if options.grace is not None:
        yield f"  grace      {shown_length(options.grace)}"
    elif of_rotator is not None:
        yield f"  grace      {shown_length(of_rotator)} (rotation.grace_of: its rotator's)"
    if options.in_use is not None:
        yield f"  in use     {options.in_use}"
    for key, value in options.settings.items():
        yield f"  setting    {key}={value}"


def _schedule(secret: "SecretDescription", settings: "RotationSettings") -> str:
    if not settings.scheduled:
        return f"on request: rotate now {secret.name}"
    days = settings.automatically_after_days
    rules = settings.schedule_expression or f"every {days} days"
    return f"{rules} ({settings.timezone})" if settings.timezone else rules


def _pinned(authority: Authority) -> Iterator[str]:
    if authority.host is not None:
        port = "" if authority.port is None else f":{authority.port}"
        yield f"  pinned     server {authority.host}{port}"
    if authority.users:
        yield f"  pinned     users {', '.join(authority.users)}"
    yield f"  pinned     admin secret {authority.admin or 'none: the credential changes itself'}"
