"""Measures and prints ratios; the exit status tells whether all bounds hold. `python -m benchmarks [GROUP …]`."""

import argparse
import sys
import tempfile
from collections.abc import Callable, Iterator, Mapping
from pathlib import Path

from benchmarks import api, daemon, lists, rotations, store
from benchmarks.measure import Ratio, collect_seldom
from rotator.testing.postgres_binaries import embedded_binaries
from rotator.testing.postgres_server import PostgresServer, running_postgres

_GROUPS: Mapping[str, Callable[[PostgresServer, Path], Iterator[Ratio]]] = {
    "rotations": rotations.measured,
    "lists": lists.measured,
    "store": store.measured,
    "api": api.measured,
    "daemon": daemon.measured,
}
"""What can be measured: each group gets a private server and an empty folder of its own, and gives its ratios."""


def main() -> int:
    """Runs the groups that were named, all where none was, one after the other."""
    parser = argparse.ArgumentParser(prog="python -m benchmarks", description=__doc__)
    parser.add_argument("groups", nargs="*", metavar="GROUP", help=f"of {', '.join(_GROUPS)}")
    named = parser.parse_args().groups or list(_GROUPS)
    if unknown := set(named) - _GROUPS.keys():
        parser.error(f"no such group: {', '.join(sorted(unknown))}; there are {', '.join(_GROUPS)}")
    collect_seldom()
    ratios = []
    for name in named:
        for ratio in _measured(name):
            print(ratio, flush=True)
            ratios.append(ratio)
    return 0 if all(ratio.holds for ratio in ratios) else 1


def _measured(name: str) -> Iterator[Ratio]:
    with tempfile.TemporaryDirectory() as folder, running_postgres(embedded_binaries(18)) as server:
        yield from _GROUPS[name](server, Path(folder))


if __name__ == "__main__":
    sys.exit(main())
