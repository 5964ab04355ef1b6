"""Runs seeds by number: `python -m tests.simulation FIRST [COUNT]`. The first that fails ends it, with its story."""

import sys

from tests.simulation.world import Figures, World, varied


def main(first: int = 0, count: int = 1) -> None:
    figures = Figures()
    for seed in range(first, first + count):
        figures += World(seed, varied(seed)).run()
    sys.stdout.write(f"{count} seeds from {first}: {figures}\n")


if __name__ == "__main__":
    main(*(int(word) for word in sys.argv[1:]))
