"""What is written of a proof: it fits a terminal, and bad news stands out."""

from dataclasses import replace

import pytest

from rotator.cli.proof_view import show
from rotator.rotation.prove.logins import ClientKind
from rotator.rotation.prove.proving import Proof
from rotator.rotation.prove.tally import Statistics
from rotator.rotation.prove.timeline import Row
from rotator.sdk import Overlap

SEEN = Statistics(
    kind=ClientKind.FETCHING,
    clients=32,
    logins=1234567,
    failures=3,
    broken=2,
    held=1,
    late=0,
    lost=0,
    longest_gap=1.25,
    median=0.012,
    p99=None,
    longest_wait=0.5,
    reasons=(("refused", 3),),
)
PROOF = Proof(
    secret_arn="arn",
    secret_name="db/app",
    rotator="r",
    overlap=Overlap.DUAL,
    promised="no login fails",
    drain=0.25,
    hold=5.0,
    grace=60.0,
    repeat=3,
    rotations=2,
    retired=1,
    rotation_seconds=(0.3, 0.1),
    seconds=9.0,
    clients=(SEEN, replace(SEEN, kind=ClientKind.HOLDING)),
    timeline=(Row(name="fetching", cells="█" * 60), Row(name="rotation", cells="R" * 60)),
    timeline_column=0.2,
    kept=False,
    ended_early="a login failed",
)


def test_a_broken_proof_says_what_broke(capsys: pytest.CaptureFixture[str]) -> None:
    """Why it ended, why logins failed, and that the promise was not held."""
    show(PROOF)
    out = capsys.readouterr().out
    assert "Ended early: a login failed" in out
    assert "fetching: 3 failures: refused" in out
    assert "NOT HELD: no login fails." in out
    assert "2 rotations of 3" in out
    assert "1 old credential retired" in out


def test_figures_and_timeline_fit_a_terminal(capsys: pytest.CaptureFixture[str]) -> None:
    """Eighty columns are enough for the timeline and the table, and every figure is there."""
    show(PROOF)
    lines = capsys.readouterr().out.splitlines()
    table = lines[: next(n for n, line in enumerate(lines) if "2 rotations of 3" in line)]
    assert max(map(len, table)) <= 80
    text = "\n".join(table)
    for figure in ("1,234,567", "1.25 s", "12 ms", "500 ms", "32 FETCHING", "32 HOLDING", " -"):
        assert figure in text


def test_a_proof_without_a_rotation_is_told_too(capsys: pytest.CaptureFixture[str]) -> None:
    """Where the first one failed there are no times to tell."""
    show(replace(PROOF, rotations=0, rotation_seconds=(), retired=0))
    assert "NOT HELD" in capsys.readouterr().out
