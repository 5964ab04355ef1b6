"""`rotate schedule …`: what a schedule expression means."""

from datetime import UTC, datetime, timedelta
from itertools import islice
from typing import TYPE_CHECKING, Annotated, NoReturn

import typer

from rotator.cli.options import Output
from rotator.cli.output import OutputFormat, counted, write, write_json, write_table
from rotator.cli.session import Session
from rotator.errors import InvalidParameter
from rotator.model.rules import Limits

if TYPE_CHECKING:
    from rotator.schedule import ScheduleError

app = typer.Typer(help="Explains schedules, and keeps due times up to date.", no_args_is_help=True)

_MOMENT = timedelta(microseconds=1)
_OPTIONS = {"duration": "--duration", "timezone": "--timezone"}
"""The fields of an error that are no part of the expression."""


@app.command("next")
def next_windows(
    context: typer.Context,
    expression: Annotated[
        str,
        typer.Argument(
            metavar="EXPRESSION",
            help="'rate(30 days)' or 'cron(0 4 ? * SUN *)': minutes, hours, day of month, month, day of week, year.",
        ),
    ],
    duration: Annotated[
        str | None,
        typer.Option(
            "--duration",
            help="Length of a window, such as 3h or 90m; else an hour, or the day's rest.",
        ),
    ] = None,
    timezone: Annotated[
        str | None,
        typer.Option(
            "--timezone",
            metavar="ZONE",
            help="Whose clock counts, such as Europe/Berlin; else UTC.",
        ),
    ] = None,
    start: Annotated[
        str | None,
        typer.Option(
            "--from",
            metavar="TIME",
            help="Windows from here on, such as 2026-01-01T00:00:00Z; a rate counts from here. Else from now.",
        ),
    ] = None,
    count: Annotated[
        int, typer.Option("--count", "-n", min=1, max=1000, help="So many windows.")
    ] = 5,
    output: Output = OutputFormat.TEXT,
) -> None:
    """Says in words when a schedule opens its windows.

    Shows the next ones, too.

    Example: rotate schedule next 'cron(0 4 ? * SUN#1 *)' --timezone Europe/Berlin
    """
    from rotator.cli.moments import parse_moment
    from rotator.schedule import (
        ScheduleError,
        describe,
        parse_duration,
        parse_schedule,
        windows,
        zone_named,
    )

    session: Session = context.obj
    limits = session.configuration.settings.schedule.limits
    now = datetime.now(UTC)
    begin = now if start is None else parse_moment(start, option="--from", now=now)
    try:
        schedule = parse_schedule(expression, limits=limits)
        length = None if duration is None else parse_duration(duration, schedule, limits=limits)
        zone = zone_named(timezone, limits=limits)
    except ScheduleError as error:
        _refuse(expression, error, limits=limits)
    opening = windows(schedule, after=begin - _MOMENT, anchor=begin, duration=length, zone=zone)
    found = list(islice(opening, count))
    if output is OutputFormat.JSON:
        write_json(found)
        return
    write(f"{schedule}: {describe(schedule, zone=zone)}")
    if not found:
        write("No window opens any more: the years of the expression are over.")
        return
    rows = [
        (
            str(number),
            *(f"{at.astimezone(zone):%a %Y-%m-%d %H:%M %Z}" for at in (window.start, window.end)),
            f"{window.start:%Y-%m-%dT%H:%M:%SZ}",
        )
        for number, window in enumerate(found, 1)
    ]
    write_table(("", "WINDOW OPENS", "CLOSES", "OPENS IN UTC"), rows)


@app.command()
def refresh(context: typer.Context, output: Output = OutputFormat.TEXT) -> None:
    """Works out due times anew.

    Where calendars, zones or the data of zones have changed, and where a window was missed.
    """
    session: Session = context.obj
    done = session.manager.replan(caller=session.caller, request_id=session.request_id)
    if output is OutputFormat.JSON:
        write_json(done)
        return
    write(
        f"{counted(done.changed, 'secret')} with another due time, because something that it depends on has changed.",
        f"{counted(done.missed, 'secret')} had missed a window.",
    )
    for arn in done.unreadable:
        write(
            f"The rotation rules of {arn} can't be read; nothing of them was changed. "
            f"Set them again: rotate rotation set {arn} --schedule EXPRESSION"
        )


def _refuse(expression: str, error: "ScheduleError", *, limits: Limits) -> NoReturn:
    """Points at the place where the expression is wrong.

    Raises:
        InvalidParameter: always.
    """
    within = " Allowed is what AWS allows: the setting schedule.limits is aws." * (
        limits is Limits.AWS
    )
    if error.field in _OPTIONS:
        raise InvalidParameter(
            f"{_OPTIONS[error.field]}: {error.message.removeprefix(f'{error.field}: ')}.{within}"
        )
    raise InvalidParameter(f"{error.message}.{within}\n  {expression}\n  {' ' * error.position}^")
