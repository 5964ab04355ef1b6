"""A private RabbitMQ broker, from Debian's packages, for as long as a `with` block lasts."""

import base64
import contextlib
import http.client
import json
import os
import secrets
import signal
import socket
import subprocess
import tempfile
from collections.abc import Iterator, Mapping
from contextlib import AbstractContextManager
from dataclasses import dataclass, field, replace
from http import HTTPStatus
from pathlib import Path
from typing import Any
from urllib.parse import quote

from rotator.testing.guard import guarded
from rotator.testing.ports import free_port
from rotator.testing.tls import ServerTls, place_certificate
from tests.support.amqp import AmqpConnection, connected
from tests.support.debian_packages import Apt, PackagesUnavailable, unpacked
from tests.support.postgres import unique_name
from tests.support.unpacked import Tree, trim
from tests.support.waiting import eventually

HOST = "127.0.0.1"
_START_SECONDS = 120.0


class RabbitmqUnavailable(Exception):
    """There is no broker to test with; the text says why."""


@dataclass(frozen=True, slots=True, kw_only=True)
class BrokerUser:
    """A user with the password that it was made with."""

    name: str
    password: str = field(repr=False)

    def with_password(self, password: str) -> "BrokerUser":
        return replace(self, password=password)


@dataclass(frozen=True, slots=True, kw_only=True)
class Broker:
    """A running broker; many tests use it at once, each with users of its own."""

    home: Path
    port: int
    tls_port: int
    amqp_port: int
    superuser: BrokerUser
    ca_file: Path
    other_ca_file: Path

    host = HOST

    def ask(
        self, user: BrokerUser, method: str, path: str, body: Mapping[str, object] | None = None
    ) -> tuple[int, Any]:
        """Status and JSON of an answer of the management API."""
        connection = http.client.HTTPConnection(HOST, self.port, timeout=20)
        basic = base64.b64encode(f"{user.name}:{user.password}".encode()).decode()
        try:
            connection.request(
                method,
                path,
                json.dumps(body) if body else None,
                {"Authorization": f"Basic {basic}"},
            )
            answer = connection.getresponse()
            text = answer.read()
        finally:
            connection.close()
        return answer.status, json.loads(text) if text else None

    def can_log_in(self, user: BrokerUser) -> bool:
        """Whether the broker takes the password, of any user: it tells who just isn't the API's."""
        status, said = self.ask(user, "GET", "/api/whoami")
        return status == 200 or said["reason"] == "Not management user"

    def new_user(self, *, name: str | None = None, tags: str = "") -> BrokerUser:
        user = BrokerUser(name=name or unique_name("app"), password=secrets.token_urlsafe(18))
        body = {"password": user.password, "tags": tags}
        status, _ = self.ask(self.superuser, "PUT", self.path(user), body)
        assert status == 201, status
        return user

    def connect(self, user: BrokerUser) -> AbstractContextManager[AmqpConnection]:
        """A connection of an application, for which the user gets its permissions."""
        rights = {"configure": "", "write": "", "read": ""}
        path = f"/api/permissions/%2F/{quote(user.name, safe='')}"
        assert self.ask(self.superuser, "PUT", path, rights)[0] in {201, 204}
        return connected(HOST, self.amqp_port, user=user.name, password=user.password)

    def path(self, user: BrokerUser) -> str:
        return f"/api/users/{quote(user.name, safe='')}"

    def stored(self, user: BrokerUser) -> Any:
        """The user as the broker has it."""
        return self.ask(self.superuser, "GET", self.path(user))[1]

    def secret_value(self, user: BrokerUser) -> dict[str, str | int | bool]:
        return {
            "engine": "rabbitmq",
            "host": HOST,
            "management_port": self.port,
            "username": user.name,
            "password": user.password,
            "ssl": False,
        }

    def log_text(self) -> str:
        return (self.home / "output").read_text(errors="replace")


def _tree() -> Tree:
    def fill(work: Path, root: Path) -> None:
        apt = Apt(work)
        apt.download_closure("rabbitmq-server")
        apt.unpack(root)
        trim(root)

    try:
        return Tree(unpacked("rabbitmq", fill))
    except PackagesUnavailable as failure:
        raise RabbitmqUnavailable(
            f"The tests need RabbitMQ, whose Debian packages can't be fetched here: {failure}"
        ) from failure


@contextlib.contextmanager
def running_broker(
    *, certificate: ServerTls, ca_file: Path, other_ca_file: Path
) -> Iterator[Broker]:
    """A broker with the management plugin, in plaintext and with TLS, whose log has everything.

    The emulator is started as it is, since the scripts around it know the places of an installation only.
    """
    tree = _tree()
    home = Path(tempfile.mkdtemp(prefix="rotator-rabbitmq-"))
    pid_file = home / "rabbitmq.pid"
    epmd_port, dist_port = (free_port(HOST) for _ in range(2))
    with guarded(home, pid_file=pid_file, ending=signal.SIGTERM):
        broker = Broker(
            home=home,
            port=free_port(HOST),
            tls_port=free_port(HOST),
            amqp_port=free_port(HOST),
            superuser=BrokerUser(name="root", password=secrets.token_urlsafe(18)),
            ca_file=ca_file,
            other_ca_file=other_ca_file,
        )
        (home / "rabbitmq.conf").write_text(_configuration(broker, certificate))
        (home / "enabled_plugins").write_text("[rabbitmq_management].")
        environment = _environment(tree, home, epmd_port, dist_port)
        binaries = next(tree.path.glob("usr/lib/erlang/erts-*/bin")).relative_to(tree.path)
        epmd = [*tree.command(f"{binaries}/epmd"), "-port", str(epmd_port)]
        emulator = _emulator(tree, str(binaries), home, epmd_port, dist_port)
        with (
            _running(epmd, home, environment),
            _running(emulator, home, environment) as process,
        ):
            _wait(process, broker)
            yield broker


def _configuration(broker: Broker, tls: ServerTls) -> str:
    certificate, key = place_certificate(broker.home, None, tls)
    return "\n".join(
        [
            f"listeners.tcp.1 = {HOST}:{broker.amqp_port}",
            f"management.tcp.port = {broker.port}",
            f"management.tcp.ip = {HOST}",
            f"management.ssl.port = {broker.tls_port}",
            f"management.ssl.ip = {HOST}",
            f"management.ssl.certfile = {certificate}",
            f"management.ssl.keyfile = {key}",
            f"default_user = {broker.superuser.name}",
            f"default_pass = {broker.superuser.password}",
            "log.console = true",
            "log.console.level = debug",
            "",
        ]
    )


def _environment(tree: Tree, home: Path, epmd_port: int, dist_port: int) -> dict[str, str]:
    rabbit = next(tree.path.glob("usr/lib/rabbitmq/lib/rabbitmq_server-*"))
    return {
        "PATH": os.defpath,
        "LC_ALL": "C.UTF-8",
        "HOME": str(home),
        "ROOTDIR": str(tree.path / "usr/lib/erlang"),
        "BINDIR": str(next(tree.path.glob("usr/lib/erlang/erts-*/bin"))),
        "EMU": "beam",
        "PROGNAME": "erl",
        "ERL_LIBS": str(rabbit / "plugins"),
        "ERL_MAX_ETS_TABLES": "50000",
        "ERL_EPMD_PORT": str(epmd_port),
        "RABBITMQ_NODENAME": f"r{epmd_port}@localhost",
        "RABBITMQ_DIST_PORT": str(dist_port),
        "RABBITMQ_HOME": str(rabbit),
        "RABBITMQ_PLUGINS_DIR": str(rabbit / "plugins"),
        "RABBITMQ_ENABLED_PLUGINS_FILE": str(home / "enabled_plugins"),
        "RABBITMQ_CONFIG_FILE": str(home / "rabbitmq.conf"),
        "RABBITMQ_MNESIA_BASE": str(home / "mnesia"),
        "RABBITMQ_LOG_BASE": str(home / "log"),
        "RABBITMQ_LOGS": "-",
        "RABBITMQ_PID_FILE": str(home / "rabbitmq.pid"),
        "SYS_PREFIX": "",
    }


def _emulator(tree: Tree, binaries: str, home: Path, epmd_port: int, dist_port: int) -> list[str]:
    flags = f"""
        -noinput -noshell -epmd_port {epmd_port} -boot start_sasl -s rabbit boot
        -kernel inet_dist_listen_min {dist_port} -kernel inet_dist_listen_max {dist_port}
        -kernel inet_dist_use_interface {{127,0,0,1}} -kernel prevent_overlapping_partitions false
        -syslog logger [] -syslog syslog_error_logger false
    """
    return [
        *tree.command(f"{binaries}/beam.smp"),
        *("-S", "2:2", "-W", "w", "--", "-root", str(tree.path / "usr/lib/erlang")),
        *("-bindir", str(tree.path / binaries), "-progname", "erl", "--", "-home", str(home), "--"),
        *flags.split(),
    ]


@contextlib.contextmanager
def _running(
    command: list[str], home: Path, environment: dict[str, str]
) -> "Iterator[subprocess.Popen[bytes]]":
    with (home / "output").open("ab") as output:
        process = subprocess.Popen(
            command,
            stdin=subprocess.DEVNULL,
            stdout=output,
            stderr=output,
            cwd=home,
            env=environment,
            start_new_session=True,
        )
    try:
        yield process
    finally:
        process.send_signal(signal.SIGTERM)
        process.wait(60)


def _wait(process: "subprocess.Popen[bytes]", broker: Broker) -> None:
    def let_in() -> bool:
        if process.poll() is not None:
            raise RabbitmqUnavailable(f"RabbitMQ ended. Its log:\n{broker.log_text()[-2000:]}")
        try:
            socket.create_connection((HOST, broker.tls_port), timeout=20).close()
            return broker.ask(broker.superuser, "GET", "/api/whoami")[0] == HTTPStatus.OK
        except (OSError, http.client.HTTPException, ValueError):  # it has begun, but not all of it
            return False

    if not eventually(let_in, timeout=_START_SECONDS):
        raise RabbitmqUnavailable(f"No login at RabbitMQ. Its log:\n{broker.log_text()[-2000:]}")
