"""One worker of `rotate api`: `python -m rotator.cli.api_worker DESCRIPTOR [FILE]`, until its standard input ends."""

import gc
import os
import signal
import sys
import threading
from collections.abc import Sequence
from pathlib import Path

from rotator.api.connections import Listener
from rotator.api.metrics import SHARED
from rotator.cli.acts import Acts, stop
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
        service = open_service(
            session, Listener(fileno=int(descriptor)), counts_in=os.environ.get(SHARED)
        )
        acts = Acts()
        signal.signal(signal.SIGHUP, lambda *_: acts.put(service.reload))
        service.start()
        gc.collect()
        gc.freeze()
        gc.set_threshold(_COLLECT_AFTER)
        sys.stdout.write(f"{READY}\n")
        sys.stdout.flush()
        threading.Thread(
            target=_watch, args=(acts,), name="rotator-supervisor", daemon=True
        ).start()
        acts.until_stopped()
        service.stop()
    except RotatorError as error:
        problem = problem_of(error)
        report(problem, output=OutputFormat.TEXT)
        return problem.exit_code
    finally:
        session.close()
    return 0


def _watch(acts: Acts) -> None:
    """Ends it as soon as nobody holds the other end of standard input."""
    while os.read(0, 4096):
        pass  # nobody writes there
    acts.put(stop)


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
