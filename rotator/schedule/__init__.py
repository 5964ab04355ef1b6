"""From a schedule expression in AWS's dialect to the next rotation window.

Pure: the time comes in as an argument.
"""

from rotator.schedule.calendars import Blackouts, Calendar, make_calendar
from rotator.schedule.due import Due, Timetable, due_after_missing, due_anew, next_due
from rotator.schedule.duration import parse_duration
from rotator.schedule.english import describe
from rotator.schedule.errors import ScheduleError
from rotator.schedule.expression import Cron, Rate, Schedule, Unit
from rotator.schedule.interval import automatically_after_days
from rotator.schedule.parser import parse_schedule
from rotator.schedule.windows import Window, next_window, planned_moment, window_at, windows
from rotator.schedule.zones import zone_digest, zone_name, zone_named

__all__ = [
    "Blackouts",
    "Calendar",
    "Cron",
    "Due",
    "Rate",
    "Schedule",
    "ScheduleError",
    "Timetable",
    "Unit",
    "Window",
    "automatically_after_days",
    "describe",
    "due_after_missing",
    "due_anew",
    "make_calendar",
    "next_due",
    "next_window",
    "parse_duration",
    "parse_schedule",
    "planned_moment",
    "window_at",
    "windows",
    "zone_digest",
    "zone_name",
    "zone_named",
]
