"""The durable state of a rotation, and the way it takes through a row."""

from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from rotator.model.rotation import ACTIVE, Failure, Goal, MachineState, Phase, Status
from rotator.sdk import Candidate, FailureKind, Overlap
from rotator.store.rotation_row import failure_from_row, failure_to_row, state_columns
from rotator.store.tables import rotations

FAILURES = st.builds(
    Failure,
    phase=st.sampled_from(Phase),
    kind=st.sampled_from(FailureKind),
    message=st.text(),
    hint=st.none() | st.text(),
)
STATES = st.builds(
    MachineState,
    phase=st.sampled_from(Phase),
    goal=st.sampled_from(Goal),
    status=st.sampled_from(Status),
    attempt=st.integers(1, 100),
    reverts=st.integers(0, 100),
    overlap=st.none() | st.sampled_from(Overlap),
    created=st.booleans(),
    touched=st.booleans(),
    dirty=st.booleans(),
    finished=st.booleans(),
    taken_over=st.booleans(),
    live=st.sampled_from(Candidate),
    failure=st.none() | FAILURES,
)


def test_a_new_rotation_has_done_nothing() -> None:
    """The state begins before preflight, towards the new value, with nothing made, changed or failed."""
    state = MachineState()

    assert (state.phase, state.goal, state.status) == (Phase.PREFLIGHT, Goal.ROTATE, Status.RUNNING)
    done = (state.created, state.touched, state.dirty, state.finished, state.taken_over)
    assert not any(done)
    assert state.failure is None


@pytest.mark.parametrize("status", Status)
def test_a_rotation_is_active_until_its_end(status: Status) -> None:
    """Running, waiting and abandoning rotations own their secret, and those in their grace period; ended ones don't."""
    assert status.active == (status in ACTIVE)
    assert status.active == (status in {"running", "waiting", "abandoning", "grace"})


@given(failure=st.none() | FAILURES)
def test_a_failure_survives_its_row(failure: Failure | None) -> None:
    """A failure is read as it was written."""
    assert failure_from_row(failure_to_row(failure)) == failure


@given(state=STATES)
def test_every_part_of_a_state_has_a_column(state: MachineState) -> None:
    """A row keeps all of a state but the rest of a probe round, the delay and the place in the retire phase."""
    columns: dict[str, Any] = state_columns(state)

    assert columns.keys() == set(MachineState.__slots__) - {"probes", "delay", "retire"}
    for name, value in columns.items():
        length = getattr(rotations.c[name].type, "length", None)
        assert length is None or value is None or len(value) <= length
