"""`rotate simulate`: what will rotate when."""

from collections import Counter
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from enum import StrEnum
from typing import TYPE_CHECKING, Annotated

import typer

from rotator.cli.options import Prefix
from rotator.cli.output import counted, write, write_json, write_table
from rotator.cli.session import Session

if TYPE_CHECKING:
    from rotator.manager.results import SecretDescription
    from rotator.schedule.simulation import Forecast, Planned

_WIDTH = 50
_MOST_SHOWN = 10


class ForecastFormat(StrEnum):
    """Whom a forecast is written for."""

    TEXT = "text"
    JSON = "json"
    ICALENDAR = "icalendar"


def simulate(
    context: typer.Context,
    days: Annotated[
        int, typer.Option("--days", min=1, max=3660, help="So many days from now.")
    ] = 90,
    prefix: Prefix = None,
    output: Annotated[
        ForecastFormat,
        typer.Option("--output", "-o", help="Whom the result is for: text, json or icalendar."),
    ] = ForecastFormat.TEXT,
) -> None:
    """Shows what will rotate when, and changes nothing.

    It takes every rotation to succeed at its planned moment. Per target and day, with what comes together, the fullest
    hours, and secrets without a window.
    """
    from rotator.cli.selection import all_secrets
    from rotator.model.filters import SecretFilter
    from rotator.schedule.simulation import simulate as play

    session: Session = context.obj
    start = datetime.now(UTC).replace(microsecond=0)
    described = all_secrets(session, SecretFilter(name_prefix=prefix))
    secrets = [found for secret in described if (found := _planned(session, secret, start))]
    forecast = play(secrets, start=start, end=start + timedelta(days=days))
    match output:
        case ForecastFormat.JSON:
            write_json(_json(forecast))
        case ForecastFormat.ICALENDAR:
            write(_icalendar(forecast))
        case ForecastFormat.TEXT:
            _show(forecast, secrets=len(secrets), days=days)


def _planned(session: Session, secret: "SecretDescription", now: datetime) -> "Planned | None":
    """The secret, where it has a schedule."""
    from rotator.schedule import Due, Window
    from rotator.schedule.simulation import Planned

    rotation = secret.rotation
    if rotation is None or not rotation.enabled or secret.deleted_at is not None:
        return None
    timetable = session.planner.timetable_of(rotation, arn=secret.arn, tags=secret.tags or {})
    if timetable is None:
        return None
    first = None
    if rotation.due_at and rotation.window_start and rotation.window_end:
        first = Due(
            window=Window(rotation.window_start, rotation.window_end), moment=rotation.due_at
        )
    authority = rotation.authority
    return Planned(
        name=secret.name,
        target=rotation.rotator if authority is None or not authority.host else authority.host,
        timetable=timetable,
        anchor=rotation.counts_from or now,
        first=first,
    )


def _json(forecast: "Forecast") -> dict[str, object]:
    return {
        "rotations": forecast.events,
        "days": {str(day): targets for day, targets in forecast.days.items()},
        "collisions": forecast.collisions,
        "peaks": [{"hour": hour, "rotations": count} for hour, count in forecast.peaks],
        "closed": forecast.closed,
        "without_window": forecast.without_window,
    }


def _icalendar(forecast: "Forecast") -> str:
    """One event a rotation, at its planned moment (RFC 5545)."""
    import icalendar

    calendar = icalendar.Calendar()
    calendar.add("version", "2.0")
    calendar.add("prodid", "-//rotator//rotate simulate//EN")
    for planned in forecast.events:
        event = icalendar.Event()
        event.add("uid", f"{planned.at:%Y%m%dT%H%M%SZ}-{planned.secret}")
        event.add("dtstamp", planned.at)
        event.add("dtstart", planned.at)
        event.add("summary", f"Rotation of {planned.secret}")
        event.add("location", planned.target)
        event.add(
            "description", f"Window {planned.start:%Y-%m-%d %H:%M} to {planned.end:%H:%M} UTC"
        )
        calendar.add_component(event)
    text: str = calendar.to_ical().decode()
    return text.replace("\r\n", "\n").rstrip("\n")


def _show(forecast: "Forecast", *, secrets: int, days: int) -> None:
    rotations = counted(len(forecast.events), "rotation")
    write(f"{rotations} of {counted(secrets, 'secret')} in {counted(days, 'day')}; times in UTC.")
    if forecast.events:
        headers = ("DAY", "TARGET", "ROTATIONS")
        rows = [
            (f"{day:%a %Y-%m-%d}", target, str(count))
            for day, targets in forecast.days.items()
            for target, count in sorted(targets.items())
        ]
        write_table(headers, rows)
        write("", "Rotations a day:", *_plot(forecast))
        write("", "Fullest hours:")
        write(*(f"  {hour:%a %Y-%m-%d %H:00}  {count}" for hour, count in forecast.peaks))
    write(*_troubles(forecast))


def _plot(forecast: "Forecast") -> Iterator[str]:
    of_day = {day: sum(targets.values()) for day, targets in forecast.days.items()}
    most = max(of_day.values())
    for day, count in of_day.items():
        bar = "█" * max(1, round(_WIDTH * count / most))
        yield f"  {day:%Y-%m-%d}  {bar} {count}"


def _troubles(forecast: "Forecast") -> Iterator[str]:
    if forecast.collisions:
        yield ""
        yield "Planned for one minute on one target:"
        for collision in forecast.collisions[:_MOST_SHOWN]:
            named = ", ".join(collision.secrets)
            yield f"  {collision.at:%a %Y-%m-%d %H:%M}  {collision.target}: {named}"
        if len(forecast.collisions) > _MOST_SHOWN:
            yield f"  and {len(forecast.collisions) - _MOST_SHOWN} more"
    if forecast.closed:
        yield ""
        yield "Windows without a moment that blackouts allow:"
        passed = Counter({closed.secret: len(closed.windows) for closed in forecast.closed})
        yield from (f"  {secret}: {number}" for secret, number in passed.most_common())
    if forecast.without_window:
        yield ""
        yield f"Without a window in this time: {', '.join(forecast.without_window)}"
