"""A machine that has no thread left to give."""

import threading
from collections.abc import Iterator
from contextlib import contextmanager

_TOO_LARGE = 1 << 46  # bytes: more memory than there are addresses for


@contextmanager
def no_more_threads() -> Iterator[None]:
    """No thread can be started in the block: each would have a stack that there is no room for."""
    before = threading.stack_size(_TOO_LARGE)
    try:
        yield
    finally:
        threading.stack_size(before)
