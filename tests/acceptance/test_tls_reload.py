"""SIGHUP and certificates: on real processes, whose handshakes show which certificate they have."""

import os
import signal
import socket
import ssl
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

import pytest

from tests.support.certificates import CertificateAuthority, new_authority
from tests.support.daemons import ANY_PORT, DaemonProcess, Daemons
from tests.support.store import only_sqlite
from tests.support.waiting import eventually

pytestmark = only_sqlite

HOST = "127.0.0.1"
_SIZE = 4096
_PATIENCE = 60.0
_LOOKS = 8  # connections, so that each of two workers takes some


@dataclass(frozen=True, slots=True)
class Files:
    """A certificate and its key, which are written so that by their looks they have never changed: nobody reads them
    anew but for a signal.
    """

    folder: Path
    authority: CertificateAuthority

    @property
    def settings(self) -> dict[str, str]:
        return {
            "ROTATOR_API_TLS_CERTIFICATE": str(self.folder / "tls.crt"),
            "ROTATOR_API_TLS_KEY": str(self.folder / "tls.key"),
        }

    def renew(self) -> None:
        issued = self.authority.issue(HOST)
        self._write("tls.crt", issued.certificate)
        self._write("tls.key", issued.private_key)

    def spoil(self) -> None:
        self._write("tls.crt", b"no certificate")

    def _write(self, name: str, content: bytes) -> None:
        path = self.folder / name
        path.touch(mode=0o600)
        path.write_bytes(content.ljust(_SIZE, b"\n"))
        os.utime(path, (1, 1))

    def shown(self, port: int) -> str:
        """The number of the certificate that a new connection is shown."""
        trusting = ssl.create_default_context(cadata=self.authority.pem.decode())
        with (
            socket.create_connection((HOST, port), timeout=_PATIENCE) as plain,
            trusting.wrap_socket(plain, server_hostname=HOST) as connection,
        ):
            certificate = connection.getpeercert()
            assert certificate is not None
            return str(certificate["serialNumber"])

    def all_shown(self, port: int) -> set[str]:
        return {self.shown(port) for _ in range(_LOOKS)}


@pytest.mark.parametrize(
    ("command", "event", "readers"),
    [
        (("daemon",), "health.listening", 1),
        (("api", "--listen", f"{HOST}:0"), "api.listening", 1),
        (("api", "--listen", f"{HOST}:0", "--workers", "2"), "api.listening", 2),
    ],
    ids=["the daemon", "the API alone", "workers"],
)
def test_a_signal_has_another_certificate_shown(
    daemons: Daemons, tmp_path: Path, command: tuple[str, ...], event: str, readers: int
) -> None:
    """New connections get the new one from every process; a pair that can't be used is told, and the old one kept."""
    files = Files(tmp_path, new_authority("reload"))
    files.renew()
    process = daemons.launch(*command, **ANY_PORT, **files.settings)
    assert process.says(event), process.errors.read_text()
    port = int(process.events(event)[0]["port"])
    [first] = files.all_shown(port)

    with _standing_still(process):
        files.renew()
    assert files.all_shown(port) == {first}
    _hang_up(process, "tls.reloaded", readers)
    [second] = files.all_shown(port)
    assert second != first

    with _standing_still(process):
        files.spoil()
    _hang_up(process, "tls.refused", readers)
    assert files.all_shown(port) == {second}
    process.stop()


@contextmanager
def _standing_still(process: DaemonProcess) -> Iterator[None]:
    """Nobody sees a file that is being written."""
    children = Path(f"/proc/{process.pid}/task/{process.pid}/children").read_text().split()
    pids = [process.pid, *map(int, children)]
    for pid in pids:
        os.kill(pid, signal.SIGSTOP)
    assert eventually(lambda: all(_state(pid) == "T" for pid in pids), timeout=_PATIENCE)
    yield
    for pid in pids:
        os.kill(pid, signal.SIGCONT)


def _state(pid: int) -> str:
    return Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()[0]


def _hang_up(process: DaemonProcess, event: str, times: int) -> None:
    """SIGHUP, until so many processes have said what they made of it."""
    process.send(signal.SIGHUP)
    assert eventually(lambda: len(process.events(event)) >= times, timeout=_PATIENCE), (
        process.errors.read_text()
    )
