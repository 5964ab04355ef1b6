"""Requests by chance, a few of those that `python -m tests.fuzzing` sends."""

import os
import random
from pathlib import Path

from tests.fuzzing.server import serving
from tests.fuzzing.world import world_on

_REQUESTS = 2000


def test_whatever_is_sent_breaks_nothing(tmp_path: Path) -> None:
    """No fault, no value to who may not have it, no change by a call that was refused; the seed is in the message."""
    seed = 1 if "CI" in os.environ else random.SystemRandom().randrange(1_000_000)
    with serving(tmp_path) as served, world_on(served, seed) as world:
        world.run(_REQUESTS)
    assert world.answers["ok"] > _REQUESTS / 20, f"seed {seed}"
