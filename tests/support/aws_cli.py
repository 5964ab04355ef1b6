"""The AWS CLI as it is, several commands in one process: starting it takes longer than most of them.

`python -m tests.support.aws_cli` reads a JSON list of arguments a line, and writes exit code, output and errors a line.
"""

import io
import json
import subprocess
import sys
from collections.abc import Iterator, Mapping
from contextlib import contextmanager, redirect_stderr, redirect_stdout
from dataclasses import dataclass
from typing import Any


@dataclass(frozen=True, slots=True)
class Cli:
    """A process that runs commands."""

    process: "subprocess.Popen[str]"

    def __call__(self, service: str, operation: str, *arguments: str) -> Any:
        """What a command answered, as JSON; None where it answered nothing."""
        command = [service, operation, *arguments]
        assert self.process.stdin is not None
        assert self.process.stdout is not None
        self.process.stdin.write(json.dumps(command) + "\n")
        self.process.stdin.flush()
        code, out, err = json.loads(self.process.stdout.readline())
        assert code == 0, f"aws {' '.join(command)}: {err}"
        return json.loads(out) if out.strip() else None


@contextmanager
def aws_cli(environment: Mapping[str, str]) -> Iterator[Cli]:
    """The CLI with these variables and no others."""
    process = subprocess.Popen(
        [sys.executable, "-m", "tests.support.aws_cli"],
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        env=dict(environment),
        text=True,
    )
    try:
        yield Cli(process)
    finally:
        process.communicate(timeout=60)


def _main() -> None:
    from awscli.clidriver import create_clidriver

    for line in sys.stdin:
        out, err = io.TextIOWrapper(io.BytesIO(), "utf-8"), io.StringIO()
        with redirect_stdout(out), redirect_stderr(err):
            try:
                code = create_clidriver().main(json.loads(line))
            except SystemExit as ended:
                code = ended.code
        out.flush()
        out.seek(0)
        print(json.dumps([code, out.read(), err.getvalue()]), flush=True)  # noqa: T201


if __name__ == "__main__":
    _main()
