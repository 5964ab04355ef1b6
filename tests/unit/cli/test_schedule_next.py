"""`rotate schedule next`: what an expression means."""

import json
from pathlib import Path

import pytest

from rotator.cli import main

HOUR = ("--from", "2026-01-01T00:00:00Z")


@pytest.fixture(autouse=True)
def _home(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("ROTATOR_HOME", str(tmp_path / "home"))


def windows(capsys: pytest.CaptureFixture[str], *arguments: str) -> list[tuple[str, str]]:
    assert main.run(["schedule", "next", *arguments, "--output", "json"]) == 0
    found = json.loads(capsys.readouterr().out)
    assert all(list(window) == ["start", "end"] for window in found)
    return [(window["start"][:16], window["end"][:16]) for window in found]


def refusal(capsys: pytest.CaptureFixture[str], *arguments: str) -> str:
    assert main.run(["schedule", "next", *arguments]) == 2
    return capsys.readouterr().err


def test_windows_are_a_list_of_starts_and_ends(capsys: pytest.CaptureFixture[str]) -> None:
    """JSON is a list of objects with start and end, from the moment that is given, itself included."""
    daily = ("cron(0 0 1 * ? *)", *HOUR, "--duration", "3h", "--count", "2")
    assert windows(capsys, *daily) == [
        ("2026-01-01T00:00", "2026-01-01T03:00"),
        ("2026-02-01T00:00", "2026-02-01T03:00"),
    ]
    assert windows(capsys, "rate(10 days)", *HOUR, "-n", "1") == [
        ("2026-01-11T00:00", "2026-01-12T00:00")
    ]


def test_the_clock_of_a_zone_counts(capsys: pytest.CaptureFixture[str]) -> None:
    """Windows of a zone open by its clock, summer and winter."""
    zoned = ("cron(30 2 1 1,7 ? *)", "--timezone", "Europe/Berlin", "--duration", "30m", *HOUR)
    assert windows(capsys, *zoned, "-n", "2") == [
        ("2026-01-01T01:30", "2026-01-01T02:00"),
        ("2026-07-01T00:30", "2026-07-01T01:00"),
    ]


def test_people_get_words_and_a_table(capsys: pytest.CaptureFixture[str]) -> None:
    """The expression is told in words, and the windows in the zone's time and in UTC."""
    zone = ("--timezone", "Europe/Berlin")
    assert main.run(["schedule", "next", "cron(0 4 ? * SUN#1 *)", *zone, *HOUR, "-n", "1"]) == 0
    out = capsys.readouterr().out.splitlines()
    assert out[0] == (
        "cron(0 4 ? * SUN#1 *): at 04:00 Europe/Berlin on the first Sunday of every month"
    )
    assert out[2].split("  ") == [
        "1",
        "Sun 2026-01-04 04:00 CET",
        "Mon 2026-01-05 00:00 CET",
        "2026-01-04T03:00:00Z",
    ]


def test_the_years_may_be_over(capsys: pytest.CaptureFixture[str]) -> None:
    """Where no window comes any more, that is said, and the list is empty."""
    over = ("cron(0 8 1 1 ? 2020)", *HOUR)
    assert windows(capsys, *over) == []
    assert main.run(["schedule", "next", *over]) == 0
    assert "No window opens any more" in capsys.readouterr().out


def test_an_error_points_at_the_field(capsys: pytest.CaptureFixture[str]) -> None:
    """The field, what is wrong with it, what is allowed, and a caret under it."""
    allowed = "0 to 23, lists (8,20), ranges (8-18), increments (0/6) or * (every hour)"
    assert refusal(capsys, "cron(0 25 1 * ? *)").splitlines() == [
        f"Error: hours: 25 is out of range; allowed: {allowed}.",
        "  cron(0 25 1 * ? *)",
        "         ^",
    ]


def test_an_error_of_an_option_names_it(capsys: pytest.CaptureFixture[str]) -> None:
    """What is wrong with a duration, a zone or a moment is told with the option's name."""
    assert "--duration: " in refusal(capsys, "rate(1 day)", "--duration", "25h")
    assert "--timezone: there is no time zone 'Mars'" in refusal(
        capsys, "rate(1 day)", "--timezone", "Mars"
    )
    assert "--from takes" in refusal(capsys, "rate(1 day)", "--from", "soon")


@pytest.mark.parametrize(
    "arguments",
    [
        ("rate(30 minutes)",),
        ("cron(30 8 * * ? *)",),
        ("rate(1 day)", "--duration", "90m"),
        ("rate(1 day)", "--timezone", "Europe/Berlin"),
    ],
)
def test_the_limits_of_aws_can_be_set(
    arguments: tuple[str, ...],
    capsys: pytest.CaptureFixture[str],
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    """With `schedule.limits: aws` nothing is taken that AWS refuses, and the error says why."""
    monkeypatch.setenv("ROTATOR_SCHEDULE_LIMITS", "aws")
    assert "the setting schedule.limits is aws" in refusal(capsys, *arguments)
