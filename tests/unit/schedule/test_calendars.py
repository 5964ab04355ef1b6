"""Blackouts: ranges of every week, dates, and iCalendar files."""

from datetime import UTC, datetime, timedelta

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from rotator.schedule import Blackouts, ScheduleError, Window, make_calendar, zone_named
from rotator.schedule.zones import wall_time
from tests.unit.schedule.strategies import near_turns, zones

HOUR = timedelta(hours=1)
DAY = timedelta(days=1)
MONDAY = datetime(2026, 6, 1, tzinfo=UTC)
WEEK = Window(MONDAY, MONDAY + 7 * DAY)


def closed(window: Window = WEEK, **calendar: object) -> list[str]:
    """The closed spans of a window, in words."""
    made = Blackouts((make_calendar("freeze", **calendar),))  # type: ignore[arg-type]
    return [f"{span.start:%a %d %H:%M} to {span.end:%a %d %H:%M}" for span in made.closed(window)]


@pytest.mark.parametrize(
    ("weekly", "spans"),
    [
        ("SAT-SUN", ["Sat 06 00:00 to Mon 08 00:00"]),
        ("sun", ["Sun 07 00:00 to Mon 08 00:00"]),
        ("SAT-MON", ["Mon 01 00:00 to Tue 02 00:00", "Sat 06 00:00 to Mon 08 00:00"]),
        ("MON,WED 08:00-18:00", ["Mon 01 08:00 to Mon 01 18:00", "Wed 03 08:00 to Wed 03 18:00"]),
        ("FRI 18:00 - MON 06:00", ["Fri 29 18:00 to Mon 01 06:00", "Fri 05 18:00 to Mon 08 06:00"]),
        ("FRI 22:00-06:00", ["Fri 05 22:00 to Sat 06 06:00"]),
        ("WED 12:00-24:00", ["Wed 03 12:00 to Thu 04 00:00"]),
    ],
)
def test_ranges_of_every_week(weekly: str, spans: list[str]) -> None:
    """Days, times of days, and one range across days; where it ends before it begins it ends on the next day."""
    assert closed(weekly=[weekly]) == spans


def test_times_of_every_day() -> None:
    """Times without days are of every day."""
    assert len(closed(weekly=["22:00-06:00"])) == 8
    assert closed(weekly=["00:00-24:00"]) == ["Mon 01 00:00 to Mon 08 00:00"]


@pytest.mark.parametrize(
    ("dates", "spans"),
    [
        ("2026-06-03", ["Wed 03 00:00 to Thu 04 00:00"]),
        ("2026-06-06 - 2026-06-20", ["Sat 06 00:00 to Sun 21 00:00"]),
        ("2026-06-03T18:00 - 2026-06-04T06:30", ["Wed 03 18:00 to Thu 04 06:30"]),
        ("2026-06-08", []),
    ],
)
def test_dates(dates: str, spans: list[str]) -> None:
    """A day, days with the last one, and times."""
    assert closed(dates=[dates]) == spans


def test_ranges_that_touch_are_one() -> None:
    """Spans that overlap or follow each other at once are joined, whichever calendar they are of."""
    assert closed(weekly=["SAT", "SUN 00:00-12:00"], dates=["2026-06-05"]) == [
        "Fri 05 00:00 to Sun 07 12:00"
    ]


def test_the_clock_of_a_calendar_counts() -> None:
    """A calendar's days and times are those of its zone, also where its clock is turned."""
    assert closed(weekly=["SUN"], timezone="America/New_York") == [
        "Sun 31 04:00 to Mon 01 04:00",
        "Sun 07 04:00 to Mon 08 04:00",
    ]
    autumn = Window(datetime(2026, 10, 24, 22, tzinfo=UTC), datetime(2026, 10, 25, 23, tzinfo=UTC))
    assert closed(autumn, weekly=["SUN 02:00-02:30"], timezone="Europe/Berlin") == [
        "Sun 25 00:00 to Sun 25 01:30"
    ]


FEAST = """\
BEGIN:VCALENDAR
VERSION:2.0
PRODID:-//test//EN
BEGIN:VEVENT
UID:1
DTSTART;VALUE=DATE:20260603
DTEND;VALUE=DATE:20260604
SUMMARY:a day
TRANSP:TRANSPARENT
END:VEVENT
BEGIN:VEVENT
UID:2
DTSTART;TZID=Europe/Berlin:20260105T180000
DURATION:PT2H
RRULE:FREQ=WEEKLY;BYDAY=MO
EXDATE;TZID=Europe/Berlin:20260608T180000
SUMMARY:every Monday but one
END:VEVENT
BEGIN:VEVENT
UID:3
DTSTART:20260605T120000
DTEND:20260605T130000
SUMMARY:by the calendar's clock
END:VEVENT
BEGIN:VEVENT
UID:4
DTSTART:20260606T120000Z
DTEND:20260606T130000Z
STATUS:CANCELLED
SUMMARY:not any more
END:VEVENT
END:VCALENDAR
""".replace("\n", "\r\n")


MINUTES = ",".join(map(str, range(60)))


def test_events_of_an_icalendar_file() -> None:
    """Days, times with a zone, repeated ones and their exceptions count; a cancelled event does not."""
    two_weeks = Window(MONDAY, MONDAY + 14 * DAY)
    assert closed(two_weeks, icalendar=FEAST, timezone="America/New_York") == [
        "Mon 01 16:00 to Mon 01 18:00",
        "Wed 03 04:00 to Thu 04 04:00",
        "Fri 05 16:00 to Fri 05 17:00",
    ]


@pytest.mark.parametrize(
    ("calendar", "field"),
    [
        ({"weekly": ["someday"]}, "weekly"),
        ({"weekly": ["MON 25:00-26:00"]}, "weekly"),
        ({"weekly": [""]}, "weekly"),
        ({"dates": ["24.12.2026"]}, "dates"),
        ({"dates": ["2026-12-24 - 2026-12-23"]}, "dates"),
        ({"dates": ["2026-12-24T10:00"]}, "dates"),
        ({"dates": ["2026-12-24T10:00Z - 2026-12-25T10:00Z"]}, "dates"),
        ({"timezone": "Mars"}, "timezone"),
        ({"icalendar": "no calendar"}, "icalendar"),
        ({"icalendar": FEAST.replace("FREQ=WEEKLY", "FREQ=SELDOM")}, "icalendar"),
        ({"icalendar": FEAST.replace("FREQ=WEEKLY", "FREQ=MINUTELY")}, "icalendar"),
        ({"icalendar": FEAST.replace("FREQ=WEEKLY", "FREQ=DAILY;INTERVAL=0")}, "icalendar"),
        (
            {
                "icalendar": FEAST.replace(
                    "FREQ=WEEKLY", "FREQ=DAILY;BYHOUR=1,2;BYMINUTE=" + MINUTES
                )
            },
            "icalendar",
        ),
        ({"icalendar": FEAST.replace("20260603", "99991231")}, "icalendar"),
    ],
)
def test_what_can_not_be_read_is_refused(calendar: dict[str, object], field: str) -> None:
    """The error names what is wrong and says what is allowed."""
    with pytest.raises(ScheduleError, match="allowed: ") as refusal:
        closed(WEEK, **calendar)
    assert refusal.value.field == field


def test_a_calendar_may_be_for_some_secrets() -> None:
    """With tags it is for the secrets that have them all; without any it is for all."""
    tagged = make_calendar("production", tags={"env": "prod", "team": "a"})
    assert tagged.applies_to({"env": "prod", "team": "a", "more": ""})
    assert not tagged.applies_to({"env": "prod"})
    assert make_calendar("all").applies_to({})


@settings(deadline=None)
@given(zones, near_turns, st.integers(0, 6), st.integers(0, 23), st.integers(1, 24))
def test_a_weekly_range_is_closed_by_the_clock(
    zone: str, moment: datetime, day: int, hour: int, hours: int
) -> None:
    """Whenever the clock shows a day and time of the range, it is closed."""
    name = ("MON", "TUE", "WED", "THU", "FRI", "SAT", "SUN")[day]
    last = hour + hours
    text = f"{name} {hour:02}:00-{last if last <= 24 else last - 24:02}:00"
    calendar = Blackouts((make_calendar("c", weekly=[text], timezone=zone),))
    shows = wall_time(moment, zone_named(zone))
    into_week = timedelta(days=shows.weekday(), hours=shows.hour, minutes=shows.minute)
    begins = timedelta(days=day, hours=hour)
    within = (into_week - begins) % (7 * DAY) < hours * HOUR
    if within:
        assert calendar.closed(Window(moment, moment + timedelta(seconds=1)))
