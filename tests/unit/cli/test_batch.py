"""Several secrets in one command: a fault at one is that one's alone."""

from pathlib import Path

import pytest

from rotator.cli.batch import run
from rotator.cli.exits import ExitCode
from rotator.cli.failures import unexpected
from rotator.cli.session import Session
from rotator.errors import ResourceNotFound


@pytest.fixture
def session(tmp_path: Path) -> Session:
    session = Session(environ={"ROTATOR_HOME": str(tmp_path)})
    assert session.configuration.home == tmp_path
    return session


def test_faults_at_several_secrets_end_no_other(session: Session, tmp_path: Path) -> None:
    """Whatever is raised at one secret, foreseen or not, each of the others is tried."""
    faults: dict[str, Exception] = {
        "deep": RecursionError("maximum recursion depth exceeded"),
        "fault": ZeroDivisionError("division by zero"),
        "absent": ResourceNotFound("no such secret"),
    }

    def act(name: str) -> None:
        if name in faults:
            raise faults[name]

    outcomes = run([*faults, "good"], act, session=session)

    codes = {outcome.secret: outcome.exit_code for outcome in outcomes}
    assert codes == {
        "deep": ExitCode.FAILED,
        "fault": ExitCode.FAILED,
        "absent": ExitCode.NOT_FOUND,
        "good": ExitCode.DONE,
    }
    (file,) = tmp_path.glob("error-*.log")
    assert {"RecursionError", "ZeroDivisionError"} <= {
        line.removeprefix("builtins.") for line in file.read_text().splitlines()
    }


def test_a_fault_whose_place_can_not_be_written_is_told_all_the_same(tmp_path: Path) -> None:
    """A link where the file should be is not followed, and the error is still reported."""
    (tmp_path / "error-r.log").symlink_to(tmp_path / "elsewhere")

    problem = unexpected(ValueError("x"), folder=tmp_path, request_id="r")

    assert "could not be written" in str(problem.hint)
    assert not (tmp_path / "elsewhere").exists()
