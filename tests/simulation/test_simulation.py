"""Years of rotations in simulated time: what always holds does so after every event, whatever fails.

A failure names its seed; `python -m tests.simulation SEED` shows it again.
"""

import pytest

from tests.simulation.faults import CALM
from tests.simulation.world import MANY, Figures, Setup, World, varied

BLOCKS = 40
SEEDS_A_BLOCK = 50
MOST_TRIED = 400


def try_seeds(seeds: range, *, planted: str | None = None) -> Figures:
    figures = Figures()
    for seed in seeds:
        figures += World(seed, varied(seed, planted=planted)).run()
    return figures


@pytest.mark.parametrize("block", range(BLOCKS))
def test_no_seed_breaks_an_invariant(block: int) -> None:
    """Three daemons in a year of kills, freezes, outages, lost answers, refusals and meddling keep every invariant."""
    figures = try_seeds(range(block * SEEDS_A_BLOCK, (block + 1) * SEEDS_A_BLOCK))
    assert figures.rotations["succeeded"] > 500
    assert figures.rotations["failed"] > 20
    assert min(figures.deaths, figures.freezes) > 200


def test_a_year_of_thousands_of_secrets() -> None:
    """Three daemons share two thousand secrets in a year of faults: each window is rotated in or excused, all heal."""
    figures = World(0, MANY).run()
    assert figures.windows["rotated"] > 7000
    assert min(figures.deaths, figures.freezes) > 50


def test_without_faults_every_window_sees_one_rotation() -> None:
    """Where nothing fails no window is missed, none is rotated in twice, and every rotation succeeds."""
    figures = World(0, Setup(secrets=100, rates=CALM)).run()
    assert set(figures.windows) == {"rotated"}
    assert set(figures.rotations) == {"succeeded"}
    assert figures.rotations["succeeded"] == figures.windows["rotated"]


def test_a_seed_tells_the_same_story_again() -> None:
    """A seed that failed can be looked at as often as needed."""
    first, again = World(3, varied(3)), World(3, varied(3))
    assert first.run() == again.run()
    assert first.story == again.story
    assert first.story != World(7, varied(7)).story


@pytest.mark.parametrize(
    ("planted", "seen"),
    [
        ("fences", "a second value for the same token"),
        ("sessions", "older owner|nobody has stored"),
        ("pins", "nobody has stored"),
    ],
)
def test_a_planted_fault_is_found(planted: str, seen: str) -> None:
    """A store without fencing, a successor that ends no sessions and a pruning that minds no pins are found out."""
    with pytest.raises(AssertionError, match=seen):
        try_seeds(range(MOST_TRIED), planted=planted)
