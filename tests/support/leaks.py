"""Looks for secrets where none may be: files, logs, arguments and environments of processes."""

import base64
import contextlib
import json
import os
import threading
from collections.abc import Iterable, Iterator, Mapping
from pathlib import Path
from urllib.parse import quote

_BETWEEN_LOOKS = 0.02  # seconds; a command lives for half a second at least


def forms(secret: str) -> set[bytes]:
    """The secret as it may be written: plain, quoted for a URL, escaped for JSON, hexadecimal, in base64."""
    raw = secret.encode()
    found = {
        raw,
        quote(secret, safe="").encode(),
        json.dumps(secret)[1:-1].encode(),
        json.dumps(secret, ensure_ascii=False)[1:-1].encode(),
        raw.hex().encode(),
    }
    for shift in range(3):
        # What stands before it in the encoded text shifts it; the characters at both ends depend on the neighbours.
        encoded = base64.b64encode(b"\0" * shift + raw)
        found.add(encoded[shift + 1 if shift else 0 :].rstrip(b"=")[:-1])
    return found


def leaks(secrets: Iterable[str], places: Mapping[str, bytes]) -> list[str]:
    """Names of the places that hold one of the secrets, in whatever form."""
    wanted = {form for secret in secrets for form in forms(secret)}
    return sorted(
        name for name, content in places.items() if any(form in content for form in wanted)
    )


def files_under(folder: Path, *, written_since: float = 0.0) -> dict[str, bytes]:
    """Every file that was written since then (seconds since 1970), with its content."""
    found = {}
    for place, _, names in os.walk(folder):  # it goes on where a folder is gone by then
        for path in (Path(place, name) for name in names):
            with contextlib.suppress(FileNotFoundError):
                if path.is_file() and path.stat().st_mtime >= written_since:
                    found[str(path)] = path.read_bytes()
    return found


class ProcessWatch:
    """Collects the arguments and the environment of every process that is there at any time."""

    def __init__(self) -> None:
        self._seen: set[bytes] = set()
        self._stop = threading.Event()
        self._looked = threading.Event()
        self._thread = threading.Thread(target=self._watch, daemon=True)

    @property
    def seen(self) -> bytes:
        """All that was seen; read it when the watch is over."""
        return b"\n".join(self._seen)

    def look(self) -> None:
        """Waits until all processes of now have been looked at."""
        for _ in range(2):  # the look that is under way may have begun before now
            self._looked.clear()
            assert self._looked.wait(timeout=60)

    def _watch(self) -> None:
        while not self._stop.is_set():
            for process in Path("/proc").iterdir():
                if process.name.isdecimal():
                    self._note(process)
            self._looked.set()
            self._stop.wait(_BETWEEN_LOOKS)

    def _note(self, process: Path) -> None:
        for name in ("cmdline", "environ"):
            with contextlib.suppress(OSError):  # it is gone, or another user's
                self._seen.add((process / name).read_bytes())


@contextlib.contextmanager
def watching_processes() -> Iterator[ProcessWatch]:
    """Watches for as long as the block lasts."""
    watch = ProcessWatch()
    watch._thread.start()
    try:
        yield watch
    finally:
        watch._stop.set()
        watch._thread.join()
