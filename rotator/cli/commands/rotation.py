"""`rotate rotation …`: who rotates a secret, when, and what that may act on."""

from collections.abc import Sequence
from enum import StrEnum
from typing import TYPE_CHECKING, Annotated, Any

import typer

from rotator.cli.options import Output, SecretId
from rotator.cli.output import OutputFormat, write_result
from rotator.cli.rotation_view import show_rotation
from rotator.cli.session import Session
from rotator.errors import ConfigurationError, InvalidRequest
from rotator.model.lengths import parse_length, shown_length
from rotator.model.rotation import LONGEST_GRACE, InUse
from rotator.model.rules import Missed

if TYPE_CHECKING:
    from rotator.manager.results import SecretDescription
    from rotator.manager.rotation_rules import RotationRules
    from rotator.manager.settings import RotationOptions

app = typer.Typer(help="Sets how a secret rotates.", no_args_is_help=True)


class UseDemand(StrEnum):
    """What is done where somebody still uses the old credential when its time is over."""

    WARN = "warn"
    WAIT = "wait"
    TERMINATE = "terminate"
    DEFAULT = "default"

    @property
    def chosen(self) -> InUse | None:
        """The choice, None for the default."""
        return None if self is UseDemand.DEFAULT else InUse(self.value)


class OverlapDemand(StrEnum):
    """How much overlap of old and new credential a rotation needs."""

    PREFER = "prefer"
    REQUIRE = "require"


@app.command("set")
def set_rotation(
    context: typer.Context,
    secret: SecretId,
    rotator: Annotated[
        str | None, typer.Option("--rotator", help="Its name; `rotate plugins` lists them.")
    ] = None,
    schedule: Annotated[
        str | None,
        typer.Option(
            "--schedule",
            help="'rate(30 days)' or 'cron(0 4 ? * SUN *)'; `rotate schedule next` explains one.",
        ),
    ] = None,
    duration: Annotated[
        str | None, typer.Option("--duration", help="Length of the window, such as 3h or 90m.")
    ] = None,
    timezone: Annotated[
        str | None,
        typer.Option(
            "--timezone", metavar="ZONE", help="Whose clock the schedule goes by; UTC at first."
        ),
    ] = None,
    missed: Annotated[
        Missed | None,
        typer.Option(
            "--missed",
            help="After a missed window: wait for the next, run soon, or auto: wait if there is a duration.",
        ),
    ] = None,
    admin: Annotated[
        str | None,
        typer.Option("--admin", metavar="SECRET", help="The admin secret that changes it."),
    ] = None,
    no_admin: Annotated[
        bool, typer.Option("--no-admin", help="The credential changes itself from now on.")
    ] = False,
    pin: Annotated[
        bool,
        typer.Option("--pin", help="Pin again what the value names; it was changed on purpose."),
    ] = False,
    overlap: Annotated[
        OverlapDemand | None,
        typer.Option("--overlap", help="require: refuse a rotation in which a login could fail."),
    ] = None,
    allow_privileged: Annotated[
        bool | None,
        typer.Option(
            "--allow-privileged/--no-allow-privileged",
            help="A role with administrative rights may be rotated.",
        ),
    ] = None,
    allow_other_server: Annotated[
        bool | None,
        typer.Option(
            "--allow-other-server/--no-allow-other-server",
            help="The admin secret may name another address than the secret does.",
        ),
    ] = None,
    settings: Annotated[
        list[str] | None,
        typer.Option("--setting", metavar="KEY=VALUE", help="A setting of the rotator itself."),
    ] = None,
    no_settings: Annotated[
        list[str] | None,
        typer.Option("--no-setting", metavar="KEY", help="Takes such a setting back."),
    ] = None,
    grace: Annotated[
        str | None,
        typer.Option(
            "--grace",
            metavar="LENGTH",
            help="How long the old credential stays valid: 30m, 1h, 2d, 0, or default.",
        ),
    ] = None,
    in_use: Annotated[
        UseDemand | None,
        typer.Option("--in-use", help="When somebody still uses the old credential then."),
    ] = None,
    rotate_now: Annotated[
        bool, typer.Option("--rotate-now", help="Rotate it at once, too.")
    ] = False,
    output: Output = OutputFormat.TEXT,
) -> int | None:
    """Sets how a secret rotates; doesn't rotate it.

    Server, users and admin secret are pinned as the stored value names them; a value put later has
    to agree, or its rotation is refused, until --pin says that it is meant. What isn't given stays
    as it was.
    """
    from rotator.cli.pinning import AdminChoice, to_pin

    session: Session = context.obj
    found = session.manager.describe_secret(
        caller=session.caller, request_id=session.request_id, secret_id=secret
    )
    chosen = _rotator(session, found, rotator)
    authority = to_pin(
        session,
        found,
        rotator=chosen,
        admin=AdminChoice(named=admin, dropped=no_admin),
        again=pin,
    )
    stored = session.manager.set_rotation(
        caller=session.caller,
        request_id=session.request_id,
        secret_id=found.arn,
        rotator=chosen,
        rules=_rules(found, schedule=schedule, duration=duration, timezone=timezone, missed=missed),
        authority=authority,
        options=_options(
            found,
            overlap=overlap,
            allow_privileged=allow_privileged,
            allow_other_server=allow_other_server,
            settings=_own_settings(
                session, found, rotator=chosen, given=settings or (), dropped=no_settings or ()
            ),
            grace=grace,
            in_use=in_use,
        ),
    )
    if not rotate_now or output is OutputFormat.TEXT:
        show_rotation(session, found, stored, output=output)
    if not rotate_now:
        return None
    from rotator.cli.commands.now import now

    return now(context, secrets=[found.arn], output=output)


@app.command()
def show(context: typer.Context, secret: SecretId, output: Output = OutputFormat.TEXT) -> None:
    """Shows how a secret rotates."""
    session: Session = context.obj
    found = session.manager.describe_secret(
        caller=session.caller, request_id=session.request_id, secret_id=secret
    )
    if found.rotation is None:
        raise InvalidRequest(
            f"The rotation of {found.name} was never set. "
            f"Set it: rotate rotation set {found.name} --rotator NAME"
        )
    show_rotation(session, found, found.rotation, output=output)


@app.command()
def cancel(context: typer.Context, secret: SecretId, output: Output = OutputFormat.TEXT) -> None:
    """Turns rotation off.

    One that runs is abandoned. The settings stay, for `rotation set` to turn it on again.
    """
    session: Session = context.obj
    cancelled = session.manager.cancel_rotation(
        caller=session.caller, request_id=session.request_id, secret_id=secret
    )
    name, left = cancelled.name, cancelled.version_id
    unfinished = (
        f"  A rotation was left unfinished, with version {left}; settle it: rotate abort {name}"
    )
    write_result(
        cancelled,
        f"{name} rotates no more. Turn it on again: rotate rotation set {name}",
        *([] if left is None else [unfinished]),
        output=output,
    )


def _rotator(session: Session, secret: "SecretDescription", named: str | None) -> str:
    """The rotator's registered name; it has to be installed and sound."""
    reference = named or (secret.rotation.rotator if secret.rotation else None)
    if reference is None:
        raise ConfigurationError(
            f"Say who rotates {secret.name}: --rotator NAME. `rotate plugins` lists them."
        )
    entry = session.registry.resolve(reference)
    entry.require_usable()
    return entry.name if named is None or not named.startswith("arn:") else named


def _rules(
    secret: "SecretDescription",
    *,
    schedule: str | None,
    duration: str | None,
    timezone: str | None,
    missed: Missed | None,
) -> "RotationRules | None":
    """The rules that are to hold; None where nothing of them was given."""
    from rotator.manager.rotation_rules import RotationRules

    if schedule is None and duration is None and timezone is None and missed is None:
        return None
    before = secret.rotation
    if schedule is not None or before is None:
        return RotationRules(
            schedule_expression=schedule, duration=duration, timezone=timezone, missed=missed
        )
    return RotationRules(
        schedule_expression=before.schedule_expression,
        automatically_after_days=before.automatically_after_days,
        duration=before.duration if duration is None else duration,
        timezone=timezone,
        missed=missed,
    )


def _options(
    secret: "SecretDescription",
    *,
    overlap: OverlapDemand | None,
    allow_privileged: bool | None,
    allow_other_server: bool | None,
    settings: dict[str, Any],
    grace: str | None,
    in_use: UseDemand | None,
) -> "RotationOptions":
    from rotator.manager.settings import RotationOptions

    options = secret.rotation.options if secret.rotation else RotationOptions()
    return RotationOptions(
        require_overlap=options.require_overlap
        if overlap is None
        else overlap is OverlapDemand.REQUIRE,
        allow_privileged=options.allow_privileged if allow_privileged is None else allow_privileged,
        allow_other_server=options.allow_other_server
        if allow_other_server is None
        else allow_other_server,
        settings=settings,
        grace=options.grace if grace is None else _grace(grace),
        in_use=options.in_use if in_use is None else in_use.chosen,
    )


def _grace(given: str) -> float | None:
    """Seconds, None for the default."""
    if given == UseDemand.DEFAULT:
        return None
    try:
        seconds = parse_length(given)
    except ValueError as error:
        raise ConfigurationError(f"--grace: {error}, or default.") from None
    if seconds > LONGEST_GRACE:
        raise ConfigurationError(
            f"--grace {given} is too long: {shown_length(LONGEST_GRACE)} at most."
        )
    return seconds


def _own_settings(
    session: Session,
    secret: "SecretDescription",
    *,
    rotator: str,
    given: Sequence[str],
    dropped: Sequence[str],
) -> dict[str, Any]:
    """The rotator's own settings, checked by its model. Another rotator than before begins without any."""
    from rotator.cli.pinning import is_other_rotator
    from rotator.cli.selection import parse_pair

    before = secret.rotation
    stays = before is not None and not is_other_rotator(session, before.rotator, rotator)
    kept = dict(before.options.settings) if before is not None and stays else {}
    unset = sorted(name for name in dropped if kept.pop(name, None) is None)
    if unset:
        raise ConfigurationError(
            f"--no-setting {unset[0]}: {secret.name} has no such setting. "
            f"`rotate rotation show {secret.name}` lists those that it has."
        )
    new = dict(parse_pair(setting, option="--setting") for setting in given)
    return session.engine.check_settings(rotator, {**kept, **new})
