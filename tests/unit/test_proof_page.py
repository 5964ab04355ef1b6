"""docs/proof.md says what the proofs said, bad news too."""

from dataclasses import replace
from typing import Any

import pytest

from tests.proof.page import Machine, Shown, page


def shown(*, kept: bool = True, ended_early: str | None = None, **counts: Any) -> Shown:
    client = {
        "kind": "fetching", "clients": 2, "logins": 1234, "failures": 0, "broken": 0, "held": 0, "late": 0,
        "longest_gap": 0.4567, "median": 0.012, "p99": None, "longest_wait": 1.5,
    }  # fmt: skip
    proof = {
        "overlap": "gap", "repeat": 100, "rotations": 99, "clients": [client | counts], "kept": kept,
        "grace": None, "retired": 0, "promised": "a lot",
        "ended_early": ended_early, "rotation_seconds": [0.3, 0.1, 0.2],
    }  # fmt: skip
    return Shown(rotator="r", server="Server 1.2", options="--repeat 100", load=1.5, proof=proof)


def written(*proofs: Shown) -> str:
    machine = Machine(processors=2, memory=8 * 2**30, system="Linux", python="3.11")
    return page(proofs, date="today", machine=machine, revision="abc")


def test_every_figure_is_in_its_column() -> None:
    """Counts and times as the proof has them, a dash where there is no time."""
    assert (
        "| `r` | Server 1.2 | gap | 99 of 100 | 2 fetching | 1,234 | 7 | 4 | 2 | 1 | 457 ms | 12 ms | - | 1,500 ms |"
        in written(shown(failures=7, broken=4, held=2, late=1))
    )


@pytest.mark.parametrize(
    ("proof", "said"),
    [
        (shown(), "| a lot | yes | 200 ms | 300 ms | none | 0 |"),
        (
            shown(kept=False, ended_early="it broke"),
            "| a lot | NO: it broke | 200 ms | 300 ms | none | 0 |",
        ),
        (shown(kept=False), "| a lot | NO: see above | 200 ms | 300 ms | none | 0 |"),
    ],
)
def test_a_broken_promise_stands_on_the_page(proof: Shown, said: str) -> None:
    """Whether it held is told for each strategy, with how long the rotations took."""
    assert said in written(proof)


@pytest.mark.parametrize(
    ("grace", "said"), [(None, "| until the next rotation | 0 |"), (2.0, "| 2 s | 99 |")]
)
def test_the_grace_period_is_told(grace: float | None, said: str) -> None:
    """With how many old credentials were retired."""
    proof = shown()
    more = {"overlap": "dual", "grace": grace, "retired": 99 if grace else 0}
    assert said in written(replace(proof, proof={**proof.proof, **more}))
