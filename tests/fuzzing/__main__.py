"""Requests by the thousand: `python -m tests.fuzzing --requests 100000 --seed N`. The first that fails ends it."""

import argparse
import sys
import tempfile
import time
from pathlib import Path

from tests.fuzzing.server import serving
from tests.fuzzing.world import world_on
from tests.support.scratch import scratch_folder


def main() -> None:
    parser = argparse.ArgumentParser(prog="python -m tests.fuzzing")
    parser.add_argument("--requests", type=int, default=2000)
    parser.add_argument("--seed", type=int, default=int(time.time()))
    given = parser.parse_args()
    began = time.monotonic()
    with (
        tempfile.TemporaryDirectory(dir=scratch_folder()) as folder,
        serving(Path(folder)) as served,
        world_on(served, given.seed) as world,
    ):
        world.run(given.requests)
    took = time.monotonic() - began
    lines = [f"{given.requests:,} requests with seed {given.seed} in {took:.0f} s: nothing broke"]
    lines += [f"{count:>9,}  {kind}" for kind, count in world.answers.most_common()]
    sys.stdout.write("\n".join(lines) + "\n")


if __name__ == "__main__":
    main()
