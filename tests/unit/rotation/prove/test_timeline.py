"""The timeline: columns of equal time that grow with the proof."""

from hypothesis import given
from hypothesis import strategies as st

from rotator.rotation.prove.logins import Outcome
from rotator.rotation.prove.timeline import Timeline
from tests.unit.rotation.prove.made import HOLDING, login


def cells(timeline: Timeline) -> dict[str, str]:
    return {row.name: row.cells for row in timeline.rows()}


def test_bars_are_relative_to_the_fullest_column() -> None:
    """More logins make a higher bar, none an empty column."""
    timeline = Timeline(columns=10, width=1.0)
    for at in (0.0, 0.1, 0.2, 0.3, 2.0, 3.0, 3.1):
        timeline.take(login(at=at))
    assert cells(timeline)["fetching"] == "█ ▂▄"


def test_a_failure_is_never_hidden_by_logins() -> None:
    """One failure among many logins shows, also where columns have become one."""
    timeline = Timeline(columns=4, width=1.0)
    for at in range(4):
        timeline.take(login(at=float(at)))
    timeline.take(login(Outcome.REFUSED, kind=HOLDING, at=0.5, held_for=9.0))
    timeline.take(login(kind=HOLDING, at=0.6))
    assert cells(timeline)["holding"] == "✗   "
    timeline.take(login(at=7.0))
    assert timeline.width == 2.0
    assert cells(timeline)["holding"] == "✗   "


def test_rotations_and_retirements_are_marked() -> None:
    """A rotation marks all columns that it ran in, and goes before a retirement where both fall into one."""
    timeline = Timeline(columns=8, width=1.0)
    timeline.take(login(at=0.0))
    timeline.rotated(1.5, 3.2)
    timeline.retired(3.5)
    timeline.retired(5.0)
    assert cells(timeline)["rotation"] == "·RRR·r"
    timeline.take(login(at=15.0))
    assert cells(timeline)["rotation"] == "RRr·····"


@given(st.lists(st.floats(min_value=0, max_value=1e5), min_size=1, max_size=60))
def test_nothing_is_lost_and_nothing_overflows(times: list[float]) -> None:
    """Whatever the times, every row has the same length, at most that of the columns, and shows some login."""
    timeline = Timeline(columns=10, width=0.1)
    for at in sorted(times):
        timeline.take(login(at=at))
        timeline.rotated(at, at)
    rows = cells(timeline)
    assert len({len(row) for row in rows.values()}) == 1
    assert len(rows["fetching"]) <= 10
    shown = [cell != " " for cell in rows["fetching"]]
    assert shown == [mark == "R" for mark in rows["rotation"]] or any(shown)
