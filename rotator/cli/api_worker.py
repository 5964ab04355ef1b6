"""One worker of `rotate api`: `python -m rotator.cli.api_worker DESCRIPTOR [FILE]`, until its standard input ends."""

import gc
import signal
import sys
from collections.abc import Sequence
from pathlib import Path

from rotator.api.connections import Listener
from rotator.cli.api_processes import READY, open_service
from rotator.cli.failures import problem_of, report
from rotator.cli.output import OutputFormat
from rotator.cli.session import Session
from rotator.errors import RotatorError

_COLLECT_AFTER = (
    50_000  # what a call makes is gone with it; what is there for good is looked at no more
)


def main(arguments: Sequence[str]) -> int:
    """Answers on an inherited socket until nobody holds the other end of standard input."""
    descriptor, *file = arguments
    session = Session(file=Path(file[0]) if file else None, is_service=True)
    try:
        service = open_service(session, Listener(fileno=int(descriptor)))
        signal.signal(signal.SIGHUP, lambda *_: service.reload())
        service.start()
        gc.collect()
        gc.freeze()
        gc.set_threshold(_COLLECT_AFTER)
        sys.stdout.write(f"{READY}\n")
        sys.stdout.flush()
        sys.stdin.read()
        service.stop()
    except RotatorError as error:
        problem = problem_of(error)
        report(problem, output=OutputFormat.TEXT)
        return problem.exit_code
    finally:
        session.close()
    return 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
