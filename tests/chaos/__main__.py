"""Chaos for as long as asked for: `python -m tests.chaos [--seconds 60] [--secrets 300] [--seed N]`."""

import argparse
import sys

from tests.chaos.scene import chaos


def main() -> int:
    """Whether all was well after it, as an exit status."""
    parser = argparse.ArgumentParser(prog="python -m tests.chaos", description=__doc__)
    parser.add_argument("--seconds", type=float, default=60.0, help="of trouble (60)")
    parser.add_argument("--secrets", type=int, default=300, help="that rotate (300)")
    parser.add_argument("--seed", type=int, default=0, help="of the trouble's choices (0)")
    asked = parser.parse_args()
    outcome = chaos(secrets=asked.secrets, seconds=asked.seconds, seed=asked.seed)
    sys.stdout.write(f"{outcome}\n")
    return 1 if outcome.wrong else 0


if __name__ == "__main__":
    sys.exit(main())
