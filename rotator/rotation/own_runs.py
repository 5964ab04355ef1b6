"""Which runs of this process go on.

A run that the store's outage has ended leaves its lease behind. Nobody but its own process can know that nothing is
behind that lease any more, and needs not wait for its end.
"""

import threading
from collections.abc import Iterator
from contextlib import contextmanager

from rotator.rotation.owner import Owner

_going: set[Owner] = set()
_lock = threading.Lock()


@contextmanager
def going(owner: Owner) -> Iterator[None]:
    """The run of this owner goes on until the block ends; it begins before the run asks for its lease."""
    with _lock:
        _going.add(owner)
    try:
        yield
    finally:
        with _lock:
            _going.discard(owner)


def is_over(holder: Owner, *, observer: Owner) -> bool:
    """Whether the run that holds a lease is known to be no more: its process is gone, or is this one and has ended it.

    Args:
        observer: this process.
    """
    if holder.is_run_of(observer):
        with _lock:
            return holder not in _going
    return holder.seen_dead_by(observer)
