"""The processes of `rotate api`: one that answers by itself, or one that keeps workers alive."""

import os
import signal
import subprocess
import sys
import threading
from collections.abc import Callable
from contextlib import suppress
from functools import partial
from http import HTTPStatus
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Final

from prometheus_client import CollectorRegistry, generate_latest

from rotator import telemetry
from rotator.api.connections import Listener
from rotator.api.metrics import SHARED, CallMetrics, text_of_all
from rotator.api.parts import Page, Pages
from rotator.api.service import PLAINTEXT_REFUSED, ApiService
from rotator.api.serving import is_loopback, listening
from rotator.api.tls import Certificate
from rotator.cli.acts import Acts, stop
from rotator.cli.answering import open_api
from rotator.cli.readiness import PLAIN, Readiness
from rotator.cli.session import Session
from rotator.config import Settings
from rotator.errors import ConfigurationError, StoreUnavailable

_METRICS: Final = "text/plain; version=0.0.4; charset=utf-8"
_LET_GO: Final = 40.0  # seconds for a worker to end, which waits for what it answers
_AGAIN_AFTER: Final = (
    1.0  # seconds, where a worker could not be started, or died before it answered anything
)
READY: Final = "ready"
"""What a worker says when it begins to answer."""

_log = telemetry.logger("api")


def address_to_serve(settings: Settings, given: str | None) -> tuple[str, int]:
    """Host and port.

    Raises:
        ConfigurationError: none are named, or what was given is no address.
    """
    if given is None:
        if settings.daemon.address is None:
            raise ConfigurationError(
                "daemon.listen is none. Say where to answer: --listen HOST:PORT"
            )
        return settings.daemon.address
    host, separator, port = given.rpartition(":")
    if not separator or not host or not (port.isascii() and port.isdigit()):
        raise ConfigurationError(
            "--listen: expected HOST:PORT, such as 127.0.0.1:8475 or [::1]:8475."
        )
    return host.strip("[]"), int(port)


def open_service(
    session: Session, listener: Listener, *, counts_in: str | None = None
) -> ApiService:
    """What answers on a socket, with pages for monitors; not started yet.

    Args:
        counts_in: the folder where it counts together with others, which its environment names too; None for alone.
    """
    registry = CollectorRegistry()
    pages: Pages = {
        "/livez": lambda: Page(HTTPStatus.OK, PLAIN, b"alive\n"),
        "/readyz": Readiness(partial(_store_answers, session)),
        "/metrics": lambda: Page(
            HTTPStatus.OK,
            _METRICS,
            generate_latest(registry) if counts_in is None else text_of_all(counts_in),
        ),
    }
    return open_api(session, listener, pages, CallMetrics(registry))


def _store_answers(session: Session) -> bool:
    try:
        with session.store.read():
            return True
    except StoreUnavailable:
        return False


def _listening(session: Session, address: tuple[str, int]) -> Listener:
    """The socket, which may be served as the settings are.

    Raises:
        ConfigurationError: the address can't be had, the certificate can't be used, or it would be plaintext there; or
            no due times can be worked out.
    """
    session.planner.check()
    given = session.configuration.settings.api
    if given.tls.files is not None:
        Certificate(*given.tls.files)
    listener = listening(*address, setting="--listen")
    if (
        given.tls.files is None
        and not given.plaintext_beyond_loopback
        and not is_loopback(listener)
    ):
        listener.close()
        raise ConfigurationError(PLAINTEXT_REFUSED)
    return listener


class Alone:
    """Answers in this process."""

    def __init__(self, session: Session, address: tuple[str, int]) -> None:
        self._listener = _listening(session, address)
        self._service = open_service(session, self._listener)
        self._acts = Acts()

    def run(self) -> None:
        """Answers until `stop`."""
        self._service.start()
        _log.info("api.listening", url=self._service.url, port=self._service.port, workers=1)
        self._acts.until_stopped()
        self._service.stop()
        _log.info("api.stopped")

    def stop(self) -> None:
        """Ends it, when what is being answered is done. For signal handlers too."""
        self._acts.put(stop)

    def reload(self) -> None:
        """Has the certificate read anew. For signal handlers too."""
        self._acts.put(self._service.reload)


class Supervisor:
    """Keeps so many workers alive; they share one listening socket."""

    def __init__(self, session: Session, address: tuple[str, int], workers: int) -> None:
        self._file = session.configuration.file
        self._listener = _listening(session, address)
        self._wanted = workers
        self._counts = TemporaryDirectory(prefix="rotator-api-")
        self._acts = Acts()
        self._workers: set[_Worker] = set()
        self._was_ready = False
        self._stopping = False
        self._code: int | None = None

    def run(self) -> int | None:
        """Keeps them alive until `stop`, or until one can't even begin; then its exit code."""
        try:
            for _ in range(self._wanted):
                self._start()
            while not self._stopping or self._workers:
                self._acts.next()()
        finally:
            for worker in self._workers:
                worker.kill()
            self._listener.close()
            self._counts.cleanup()
        _log.info("api.stopped")
        return self._code

    def stop(self) -> None:
        """Ends them, when what they are answering is done. For signal handlers too."""
        self._acts.put(self._stop)

    def reload(self) -> None:
        """Has each read the certificate anew. For signal handlers too."""
        self._acts.put(self._reload)

    def _start(self) -> None:
        if self._stopping:
            return
        try:
            worker = _Worker(self._file, self._listener.fileno(), counts_in=self._counts.name)
        except OSError as error:
            if not self._was_ready:
                raise
            _log.error("api.worker_not_started", reason=error.strerror)
            self._start_later()
            return
        self._workers.add(worker)
        worker.watch(
            ready=lambda: self._acts.put(partial(self._ready, worker)),
            ended=lambda: self._acts.put(partial(self._ended, worker)),
        )

    def _start_later(self) -> None:
        again = threading.Timer(_AGAIN_AFTER, self._acts.put, [self._start])
        again.daemon = True
        again.start()

    def _ready(self, worker: "_Worker") -> None:
        worker.hang_up_if_owed()
        if not self._was_ready:
            self._was_ready = True
            host, port = self._listener.getsockname()[:2]
            _log.info("api.listening", host=host, port=port, workers=self._wanted)

    def _ended(self, worker: "_Worker") -> None:
        self._workers.discard(worker)
        if self._stopping:
            return
        _log.warning("api.worker_ended", pid=worker.pid, code=worker.code)
        if not self._was_ready:
            self._code = worker.code
            self._stop()
        elif worker.was_ready:
            self._start()
        else:
            self._start_later()

    def _stop(self) -> None:
        if self._stopping:
            return
        self._stopping = True
        for worker in self._workers:
            worker.let_go()

    def _reload(self) -> None:
        for worker in self._workers:
            worker.hang_up()


class _Worker:
    """One process, which ends when the pipe that it reads does."""

    def __init__(self, file: Path | None, listener: int, *, counts_in: str) -> None:
        command = [sys.executable, "-P", "-m", "rotator.cli.api_worker", str(listener)]
        self._process = subprocess.Popen(
            command if file is None else [*command, str(file)],
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            pass_fds=[listener],
            env=os.environ | {SHARED: counts_in},
            start_new_session=True,  # Ctrl-C is the supervisor's
            text=True,
        )
        self.pid = self._process.pid
        self.was_ready = False
        self._owes_a_look = False

    @property
    def code(self) -> int | None:
        """Its exit code."""
        return self._process.returncode

    def watch(self, *, ready: Callable[[], None], ended: Callable[[], None]) -> None:
        """Calls back, from another thread, when it begins to answer and when it has ended."""

        def watching() -> None:
            assert self._process.stdout is not None  # noqa: S101  # it was opened with one
            for line in self._process.stdout:
                if line.strip() == READY:
                    self.was_ready = True
                    ready()
            self._process.stdout.close()
            self._process.wait()
            self._close()
            ended()

        threading.Thread(target=watching, name=f"rotator-worker-{self.pid}", daemon=True).start()

    def let_go(self) -> None:
        """Has it end; it is killed where it takes too long."""
        self._close()
        killing = threading.Timer(_LET_GO, self.kill)
        killing.daemon = True
        killing.start()

    def hang_up(self) -> None:
        """Has it read the certificate anew, once it can: the signal would end one that has only just been started."""
        if not self.was_ready:
            self._owes_a_look = True
        elif self._process.poll() is None:
            self._process.send_signal(signal.SIGHUP)

    def hang_up_if_owed(self) -> None:
        """What was asked for while it was being started."""
        if self._owes_a_look:
            self._owes_a_look = False
            self.hang_up()

    def kill(self) -> None:
        """Ends it at once."""
        if self._process.poll() is None:
            self._process.kill()

    def _close(self) -> None:
        if self._process.stdin is not None:
            with suppress(OSError):
                self._process.stdin.close()
