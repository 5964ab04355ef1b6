"""Fixtures: rotations in processes that strike themselves, and the count of kill points in the run's summary."""

from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.support.driver import Driver, Runs, running_driver
from tests.support.house import House

KILL_POINTS = "kill points"


@pytest.fixture(scope="session")
def driver() -> Iterator[Driver]:
    """The process that forks runs, one for each worker's session."""
    with running_driver() as driver:
        yield driver


@pytest.fixture
def runs(driver: Driver, store_url: str, keyring: Path, house: House) -> Runs:
    """Starts runs on the house's store."""
    return Runs(driver=driver, store_url=store_url, keyring=keyring, policy=house.policy)


def pytest_terminal_summary(terminalreporter: pytest.TerminalReporter) -> None:
    """Shows how many kill points were tried and resumed, whichever worker did it."""
    counted = [
        value
        for outcome in ("passed", "failed")
        for report in terminalreporter.getreports(outcome)
        for name, value in report.user_properties
        if name == KILL_POINTS
    ]
    if not counted:
        return
    terminalreporter.section(KILL_POINTS)
    for combination, resumed, tried in sorted(counted):
        terminalreporter.write_line(f"{combination}: {resumed} of {tried} resumed")
    resumed, tried = (sum(row[column] for row in counted) for column in (1, 2))
    terminalreporter.write_line(f"kill points: {resumed} of {tried} resumed")
