"""Rotations that are killed with SIGKILL at a chosen point, each in a process of its own.

The processes are forked by one that has everything imported and runs no threads (`forking.py`), since a new interpreter
for each of them would take most of a second.
"""

import json
import os
import subprocess
import sys
from pathlib import Path

KILLED, DONE = "killed", "done"
"""Answers."""


class Killer:
    """Starts the process that forks; requests and answers are lines of JSON.

    Args:
        folder: of the bench.
        reference: the rotator's class, `module:Class`.
    """

    def __init__(self, folder: Path, *, reference: str) -> None:
        self._header = {"folder": str(folder), "reference": reference}
        self._process = subprocess.Popen(
            [sys.executable, "-m", "rotator.testing.conformance.forking"],
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            env={**os.environ, "PYTHONPATH": os.pathsep.join(filter(None, sys.path))},
            text=True,
        )

    def rotate(self, name: str, *, kill_at: int) -> bool:
        """Rotates and retires a secret in a process that is killed at its so-many-th point; whether it got there.

        Raises:
            AssertionError: the process ended in another way.
        """
        requests, answers = self._process.stdin, self._process.stdout
        if requests is None or answers is None:
            raise AssertionError("pipes were asked for")
        requests.write(json.dumps(self._header | {"name": name, "kill_at": kill_at}) + "\n")
        requests.flush()
        answer = answers.readline().strip()
        if answer not in {KILLED, DONE}:
            raise AssertionError(f"the process that rotates ended by itself: {answer}")
        return answer == KILLED

    def close(self) -> None:
        """Ends the process."""
        self._process.communicate()
