"""A server's private folder that goes away with it, even when the process that started the server is killed."""

import contextlib
import shutil
import signal
import subprocess
from collections.abc import Iterator
from pathlib import Path

# Goes on when this process is gone, and with it the pipe's other end. The pid is read from the
# server's own file, which the server removes as the last thing it does: no stranger's pid is ever
# signalled, and the file tells that it has stopped even where nobody reaps it.
_SCRIPT = """
read -r _
if pid=$(head -n 1 "$2" 2>/dev/null) && kill "-$3" "$pid"; then
  tries=0
  while [ -e "$2" ] && [ "$tries" -lt 200 ]; do sleep 0.1; tries=$((tries + 1)); done
fi
rm -rf -- "$1"
"""


@contextlib.contextmanager
def guarded(home: Path, *, pid_file: Path, ending: signal.Signals) -> Iterator[None]:
    """Remove `home`, and stop a server that runs in it, even if this process is killed.

    Args:
        home: the server's folder.
        pid_file: the file in it that the server itself makes with its pid, and removes at its end.
        ending: the signal that stops the server in order without waiting for clients.
    """
    arguments = (str(home), str(pid_file), str(ending.value))
    guard = subprocess.Popen(
        ["/bin/sh", "-c", _SCRIPT, "guard", *arguments],
        stdin=subprocess.PIPE,
        stdout=subprocess.DEVNULL,
        stderr=subprocess.DEVNULL,
        start_new_session=True,
    )
    with guard:
        try:
            yield
        finally:
            shutil.rmtree(home)
            # Closing the pipe would not do: a process forked meanwhile holds it open too.
            guard.kill()
