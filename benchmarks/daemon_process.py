"""A daemon as a process of its own: works on a fleet until its standard input ends, then tells what memory it took."""

import json
import re
import sys
from pathlib import Path

from benchmarks.fleet import Fleet
from benchmarks.measure import collect_seldom


def main() -> None:
    """Reads one line of JSON: url, folder, step, workers. Writes a line when it works, and one in the end."""
    collect_seldom()
    asked = json.loads(sys.stdin.readline())
    fleet = Fleet.at(asked["url"], Path(asked["folder"]))
    with fleet.daemon(step=asked["step"], workers=asked["workers"]):
        sys.stdout.write("at work\n")
        sys.stdout.flush()
        sys.stdin.read()
    sys.stdout.write(f"{most_memory()}\n")


def most_memory() -> int:
    """The most that this process has had in memory, in KiB (proc(5), VmHWM)."""
    found = re.search(r"VmHWM:\s+(\d+) kB", Path("/proc/self/status").read_text())
    if found is None:
        raise AssertionError("this system doesn't tell how much memory a process takes")
    return int(found[1])


if __name__ == "__main__":
    main()
