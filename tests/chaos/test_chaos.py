"""A short run of chaos; `python -m tests.chaos` makes longer ones."""

from tests.chaos.scene import chaos


def test_no_due_rotation_is_lost_or_doubled_whatever_happens_to_daemons_and_store() -> None:
    """Under kills, freezes, partitions and store crashes each due rotation happens once, every AWSCURRENT logs in,
    and the audit verifies.
    """
    outcome = chaos(secrets=30, seconds=10.0, seed=1)
    assert not outcome.wrong, outcome
    assert outcome.rotations == outcome.rounds * outcome.secrets
    assert sum(outcome.trouble.values()) > 0
