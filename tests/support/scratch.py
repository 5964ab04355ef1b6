"""Where tests put their files: in memory where there is room, since waiting for a disk shows nothing.

A killed process loses nothing there either: what was written stays in the kernel, as it does before a disk has it.
Whether a write would survive a power failure is shown by looking at the calls of fsync.
"""

import os
from pathlib import Path

_SHARED_MEMORY = Path("/dev/shm")
_ENOUGH = 6 << 30
"""Bytes, some three times what a run of all tests on two workers takes at most."""


def scratch_folder() -> Path | None:
    """A folder in memory; None where there is none, too little, or none that programs may be run from."""
    if not os.access(_SHARED_MEMORY, os.W_OK | os.X_OK):
        return None
    found = os.statvfs(_SHARED_MEMORY)
    if found.f_flag & os.ST_NOEXEC or found.f_bavail * found.f_frsize < _ENOUGH:
        return None
    # The file system's own limit may be far above what the machine has left.
    return _SHARED_MEMORY if _available_memory() >= _ENOUGH else None


def _available_memory() -> int:
    for line in Path("/proc/meminfo").read_text("utf-8").splitlines():
        name, _, rest = line.partition(":")
        if name == "MemAvailable":
            return int(rest.split()[0]) * 1024
    return 0
