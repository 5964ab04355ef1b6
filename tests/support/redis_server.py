"""Private Redis and Valkey servers, for as long as a `with` block lasts, and what the tests do with them."""

import contextlib
import hashlib
import secrets
import signal
import subprocess
import tempfile
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any

import redis
from redis.backoff import NoBackoff
from redis.retry import Retry

from rotator.testing.guard import guarded
from rotator.testing.ports import free_port
from rotator.testing.tls import ServerTls, place_certificate
from tests.support.debian_redis import RedisUnavailable
from tests.support.postgres import unique_name
from tests.support.waiting import eventually

HOST = "127.0.0.1"
WRONG_NAME = "127.0.0.2"
"""It reaches the servers too, and their certificates don't have it."""
_PORT_ATTEMPTS = 5


@dataclass(frozen=True, slots=True, kw_only=True)
class User:
    """A user with the password that it was made with."""

    name: str
    password: str = field(repr=False)

    def with_password(self, password: str) -> "User":
        return replace(self, password=password)


@dataclass(frozen=True, slots=True, kw_only=True)
class RedisTls:
    """The server's certificate, and the files that clients trust or don't."""

    certificate: ServerTls = field(repr=False)
    ca_file: Path
    other_ca_file: Path


@dataclass
class RedisServer:
    """A server that can be restarted; many tests use it at once, each with users of its own.

    Attributes:
        tls_port: None where it offers no TLS.
    """

    command: Sequence[str]
    home: Path
    engine: str
    arguments: Sequence[str]
    superuser: User
    port: int
    tls_port: int | None = None
    ca_file: Path | None = None
    other_ca_file: Path | None = None
    process: "subprocess.Popen[bytes] | None" = None

    host = HOST

    def connect(self, user: User | None = None, *, tls: bool = False) -> "redis.Redis":
        login = user or self.superuser
        return redis.Redis(
            host=HOST,
            port=(self.tls_port or 0) if tls else self.port,
            username=login.name,
            password=login.password,
            protocol=2,
            retry=Retry(NoBackoff(), 0),
            decode_responses=True,
            ssl=tls,
            ssl_ca_certs=str(self.ca_file) if tls else None,
        )

    def execute(self, *words: str) -> Any:
        """One command as the superuser."""
        with self.connect() as client:
            return client.execute_command(*words)

    def can_log_in(self, user: User, *, tls: bool = False) -> bool:
        """Whether the password is accepted; any other reason not to get in is raised."""
        with self.connect(user, tls=tls) as client:
            try:
                client.execute_command("PING")
            except redis.AuthenticationError:
                return False
            except redis.exceptions.NoPermissionError:
                pass
        return True

    def new_user(
        self,
        prefix: str = "app",
        *,
        name: str | None = None,
        rules: Sequence[str] = ("~*", "+@read"),
    ) -> User:
        user = User(name=name or unique_name(prefix), password=secrets.token_urlsafe(18))
        self.execute("ACL", "SETUSER", user.name, "on", f">{user.password}", *rules)
        return user

    def passwords(self, user: User) -> set[str]:
        """The hashes that the server has of the user's passwords."""
        answer = self.execute("ACL", "GETUSER", user.name)
        return set(dict(zip(answer[::2], answer[1::2], strict=True))["passwords"])

    def secret_value(self, user: User, *, tls: bool = False) -> dict[str, str | int | bool]:
        value: dict[str, str | int | bool] = {
            "engine": self.engine,
            "host": self.host,
            "port": (self.tls_port or 0) if tls else self.port,
            "username": user.name,
            "password": user.password,
            "ssl": tls,
        }
        return value | ({"ssl_ca": str(self.ca_file)} if tls else {})

    def crash(self) -> None:
        """End the server as a loss of power would, and start it again with what its files have."""
        assert self.process is not None
        self.process.kill()
        self.process.wait()
        self.start()

    def log_text(self) -> str:
        return (self.home / "server.log").read_text(errors="replace")

    def start(self) -> None:
        """Begin, and wait until the superuser is let in."""
        with (self.home / "output").open("ab") as output:
            self.process = subprocess.Popen(
                [*self.command, *self.arguments],
                stdin=subprocess.DEVNULL,
                stdout=output,
                stderr=output,
                cwd=self.home,
                env={"LC_ALL": "C"},
                start_new_session=True,
            )
        process = self.process

        def let_in() -> bool:
            if process.poll() is not None:
                raise RedisUnavailable(f"The server ended. The end of its log:\n{self._said()}")
            with contextlib.suppress(redis.ConnectionError):
                return bool(self.connect().ping())
            return False

        if not eventually(let_in):
            raise RedisUnavailable(f"No login at the server. The end of its log:\n{self._said()}")

    def stop(self) -> None:
        if self.process is not None:
            self.process.send_signal(signal.SIGTERM)
            self.process.wait(30)

    def _said(self) -> str:
        files = [self.home / "output", self.home / "server.log"]
        return "".join(file.read_text(errors="replace")[-2000:] for file in files if file.exists())


def same_superuser(server: RedisServer, other: RedisServer) -> None:
    """Lets the other server's superuser into this one, for the admin secret of both."""
    hidden = hashlib.sha256(other.superuser.password.encode()).hexdigest()
    server.execute("ACL", "SETUSER", "root", f"#{hidden}")
    server.superuser = other.superuser


def new_user_of(servers: Sequence[RedisServer], rules: Sequence[str] = ("~*", "+@read")) -> User:
    """A user that each of them has."""
    first, *others = servers
    user = first.new_user(rules=rules)
    for other in others:
        other.execute("ACL", "SETUSER", user.name, "on", f">{user.password}", *rules)
    return user


@dataclass(frozen=True, slots=True, kw_only=True)
class Setup:
    """How a server is started.

    Attributes:
        aclfile: it keeps its users in a file of their own, else in its configuration.
        config_file: it has one; without, it is given everything on its command line.
        options: further lines of its configuration.
        sentinel: it is no data node.
    """

    engine: str = "redis"
    aclfile: bool = True
    config_file: bool = True
    tls: RedisTls | None = None
    options: Sequence[str] = ()
    sentinel: bool = False


@contextlib.contextmanager
def running_redis(command: Sequence[str], **setup: Any) -> Iterator[RedisServer]:
    """A server whose superuser is "root"; its default user is off.

    Args:
        command: the program.
        setup: the attributes of `Setup`.
    """
    home = Path(tempfile.mkdtemp(prefix="rotator-redis-"))
    with guarded(home, pid_file=home / "server.pid", ending=signal.SIGTERM):
        server = _started(command, home, Setup(**setup))
        try:
            yield server
        finally:
            server.stop()


def _started(command: Sequence[str], home: Path, setup: Setup) -> RedisServer:
    """On free ports; others may take one first, so a few are tried."""
    untried = _PORT_ATTEMPTS
    while True:
        server = _configured(command, home, setup)
        untried -= 1
        try:
            server.start()
        except RedisUnavailable as failure:
            if untried == 0 or "ddress already in use" not in str(failure):
                raise
        else:
            return server


def _configured(command: Sequence[str], home: Path, setup: Setup) -> RedisServer:
    config_file = home / "server.conf"
    server = RedisServer(
        command=command,
        home=home,
        engine=setup.engine,
        arguments=[str(config_file), *(["--sentinel"] if setup.sentinel else [])],
        superuser=User(name="root", password=secrets.token_urlsafe(18)),
        port=free_port(HOST),
    )
    users = f"user root on >{server.superuser.password} ~* &* +@all\nuser default off\n"
    lines = [
        f"port {server.port}",
        f"bind {HOST} {WRONG_NAME}",
        f"dir {home}",
        f"pidfile {home / 'server.pid'}",
        f"logfile {home / 'server.log'}",
        "loglevel debug",
        "slowlog-log-slower-than 0",
        "slowlog-max-len 100000",
        *setup.options,
        *(_with_tls(server, setup.tls) if setup.tls else ()),
    ]
    if setup.aclfile:
        (home / "users.acl").write_text(users)
        lines.append(f"aclfile {home / 'users.acl'}")
    else:
        lines += users.splitlines()
    if setup.config_file:
        config_file.write_text("\n".join(lines) + "\n")
    else:
        server.arguments = [word for line in lines for word in f"--{line}".split(" ")]
    return server


def _with_tls(server: RedisServer, tls: RedisTls) -> list[str]:
    server.tls_port = free_port(HOST)
    server.ca_file, server.other_ca_file = tls.ca_file, tls.other_ca_file
    certificate, key = place_certificate(server.home, None, tls.certificate)
    return [
        f"tls-port {server.tls_port}",
        f"tls-cert-file {certificate}",
        f"tls-key-file {key}",
        f"tls-ca-cert-file {tls.ca_file}",
        "tls-auth-clients optional",
    ]
