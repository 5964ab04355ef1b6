"""Schedules on the command line: zones, blackouts, what will rotate when."""

import json

import icalendar
import pytest

from tests.support.command import RotateCommand


@pytest.fixture
def home(rotate: RotateCommand) -> RotateCommand:
    """A home with two secrets that rotate by themselves and one that doesn't."""
    rotate.ok("init")
    for name in ("db/a", "db/b", "db/manual"):
        rotate.ok("secret", "create", name, value="v1")
        rotate.ok("rotation", "set", name, "--rotator", "generic-password")
    rotate.ok("rotation", "set", "db/a", "--schedule", "rate(10 days)")
    rotate.ok("rotation", "set", "db/b", "--schedule", "cron(30 4 * * ? *)", "--duration", "90m")
    return rotate


def test_zone_and_missed_windows_are_set_alone(home: RotateCommand) -> None:
    """What isn't given stays: a zone or a rule for missed windows changes nothing else of the schedule."""
    home.ok("rotation", "set", "db/b", "--timezone", "Asia/Tokyo", "--missed", "run")
    rotation = home.json("rotation", "show", "db/b")["rotation"]
    assert rotation["schedule_expression"] == "cron(30 4 * * ? *)"
    assert (rotation["duration"], rotation["timezone"], rotation["missed"]) == (
        "90m",
        "Asia/Tokyo",
        "run",
    )
    assert rotation["window_start"].endswith("T19:30:00.000Z")
    assert "(Asia/Tokyo)" in home.ok("rotation", "show", "db/b").out


def test_what_will_rotate_when(home: RotateCommand) -> None:
    """The forecast begins with the moments that are planned; it is there for people and for programs."""
    forecast = home.json("simulate", "--days", "30")
    first = {event["secret"]: event["at"] for event in reversed(forecast["rotations"])}
    for name in ("db/a", "db/b"):
        assert home.json("status", name)["secrets"][0]["rotation"]["due_at"] == first[name]
    names = [event["secret"] for event in forecast["rotations"]]
    assert (names.count("db/b"), names.count("db/manual")) in {(29, 0), (30, 0), (31, 0)}
    assert 2 <= names.count("db/a") <= 3

    shown = home.ok("simulate", "--days", "30").out
    assert "Rotations a day:" in shown
    events = icalendar.Calendar.from_ical(home.ok("simulate", "-o", "icalendar").out).events
    assert {str(event["SUMMARY"]) for event in events} == {
        "Rotation of db/a",
        "Rotation of db/b",
    }
    only = json.loads(home.ok("simulate", "--prefix", "db/a", "-o", "json").out)
    assert {event["secret"] for event in only["rotations"]} == {"db/a"}


def test_a_calendar_moves_what_is_planned(home: RotateCommand) -> None:
    """A blackout in the configuration is shown at once, and stored by `schedule refresh`."""
    config = home.home / "config.yaml"
    config.write_text("calendars: {nights: {weekly: '00:00-12:00'}}\n")
    config.chmod(0o600)
    forecast = home.json("simulate", "--days", "30")
    assert forecast["without_window"] == ["db/b"]
    assert all(event["at"][10:16] >= "T12:00" for event in forecast["rotations"])
    assert "blackouts close every window" in home.ok("status", "db/b").out
    assert home.json("schedule", "refresh")["changed"] >= 1
    assert home.json("schedule", "refresh") == {"changed": 0, "missed": 0, "unreadable": []}


@pytest.mark.parametrize("command", ["now db/a", "daemon", "api --listen 127.0.0.1:0"])
def test_a_file_that_is_no_calendar_is_told_before_anything_is_done(
    home: RotateCommand, command: str
) -> None:
    """What would need it at the end of a rotation, or minutes later, refuses it when it begins."""
    (home.home / "nights.ics").write_text("no calendar")
    ran = home(*command.split(), ROTATOR_CALENDARS="{nights: {icalendar: nights.ics}}")
    assert ran.code == 2
    assert "nights.icalendar: it is no iCalendar file" in ran.out + ran.err
    assert not home.json("history", "db/a")["rotations"]
