"""Sessions on the server: how they are opened, and how they are kept from outliving their step."""

import socket
import ssl
from typing import TYPE_CHECKING, Any

import pymysql
from pymysql.connections import Connection
from pymysql.constants import CR

from rotator.sdk import Rotation, TargetUnreachable, clock
from rotators.databases.sockets import readable_now, resolve
from rotators.databases.trust import existing, system_bundle
from rotators.mysql_protocol.login_failure import Attempt, explain_login_failure
from rotators.mysql_protocol.secret import MysqlSecret
from rotators.mysql_protocol.several_methods import HANDLERS

if TYPE_CHECKING:
    from pymysql.cursors import Cursor

    _Connection = Connection[Cursor]
else:
    _Connection = Connection

_CHUNK = 65536
_SQL_MODE = "STRICT_TRANS_TABLES,NO_BACKSLASH_ESCAPES"


class Session(_Connection):
    """A connection in autocommit mode whose every wait ends at a deadline.

    PyMySQL's own limits count for each piece that comes in anew, so the two methods through which all of its bytes go
    are replaced. The connection is closed at the deadline, for what the server still does is unknown.

    Attributes:
        deadline: a reading of `clock()`, the one of the step that the session serves.
    """

    password_asked = True
    """Servers that ask for none are found out by a random one."""

    _sock: socket.socket | None

    def __init__(self, *, deadline: float, **parameters: Any) -> None:
        self.deadline = deadline
        self._unread = bytearray()
        super().__init__(**parameters, autocommit=None, defer_connect=True)

    @property
    def version(self) -> str:
        """The server's version; MariaDB's has a number for old clients before it."""
        return str(self.get_server_info()).removeprefix("5.5.5-")  # type: ignore[no-untyped-call]

    @property
    def mariadb(self) -> bool:
        """Whose the server is, as it says itself."""
        return "MariaDB" in self.version

    @property
    def usable(self) -> bool:
        """Whether the session is open and the server silent; it speaks unasked only before it closes."""
        return self._sock is not None and not readable_now(self._sock.fileno())

    def run(self, statement: str, parameters: tuple[object, ...] = ()) -> list[tuple[Any, ...]]:
        """Run a statement; its rows, none where it returns none."""
        with self.cursor() as cursor:
            cursor.execute(statement, parameters or None)
            return list(cursor.fetchall())

    def close(self) -> None:
        """End the session; more than once is no error."""
        if self._sock is not None:
            super().close()

    def _read_bytes(self, num_bytes: int) -> bytes:
        while len(self._unread) < num_bytes:
            self._unread += self._receive()
        data = bytes(self._unread[:num_bytes])
        del self._unread[:num_bytes]
        return data

    def _receive(self) -> bytes:
        data = b""
        if self._sock is not None:
            try:
                self._sock.settimeout(self._remaining())
                data = self._sock.recv(_CHUNK)
            except OSError as failure:
                self._lost(failure)
        if not data:
            self._lost(ConnectionResetError("the server closed the connection"))
        return data

    def _write_bytes(self, data: bytes) -> None:
        if self._sock is None:
            self._lost(ConnectionResetError("the connection is closed"))
            return
        try:
            self._sock.settimeout(self._remaining())
            self._sock.sendall(data)
        except OSError as failure:
            self._lost(failure)

    def _remaining(self) -> float:
        remaining = self.deadline - clock()
        if remaining <= 0:
            raise TimeoutError("the server did not answer in time")
        return remaining

    def _lost(self, failure: OSError) -> None:
        self._force_close()  # type: ignore[attr-defined]
        lost = pymysql.OperationalError(CR.CR_SERVER_LOST, str(failure))
        lost.original_exception = failure  # type: ignore[attr-defined]  # as PyMySQL does in connect()
        raise lost from None


def server_limits(rotation: Rotation, *, mariadb: bool) -> str:
    """The statement that sets the server's time limits for what is sent next.

    Waiting for locks ends before the deadline, so that the server's definite answer is still heard; the server counts
    whole seconds there. MySQL limits no other time of a change, MariaDB does. An idle session is ended by the server.
    """
    remaining = max(rotation.remaining(), 0.0)
    lock = max(1, int(remaining * 0.8))
    own = (
        f"max_statement_time={max(remaining * 0.9, 0.001):.3f}"
        if mariadb
        else f"max_execution_time={max(int(remaining * 900), 1)}"
    )
    return (
        f"SET SESSION sql_mode='{_SQL_MODE}', autocommit=1, wait_timeout={int(remaining) + 30}, "
        f"lock_wait_timeout={lock}, innodb_lock_wait_timeout={lock}, {own}"
    )


def login(secret: MysqlSecret, rotation: Rotation, *, admin: bool = False) -> Session:
    """A new session of `secret`'s user, tagged as `rotation`'s.

    Args:
        secret: the credential.
        rotation: the step that the session serves.
        admin: `secret` is the admin secret.

    Raises:
        LoginRefused, AdminLoginRefused: the server refused the credential.
        TargetRefused, TargetBusy, TargetUnreachable, Misconfigured: as their names say.
    """
    if rotation.remaining() <= 0:
        raise TargetUnreachable("the time limit of this step ran out before the login")
    context = tls_context(secret, trust=rotation.trust)
    addresses = resolve(secret.host, secret.port, deadline=rotation.deadline)
    for untried in range(len(addresses), 1, -1):
        share = clock() + rotation.remaining() / untried
        try:
            return _open(secret, addresses[-untried], context, rotation, admin=admin, until=share)
        except TargetUnreachable:
            continue
    deadline = rotation.deadline
    return _open(secret, addresses[-1], context, rotation, admin=admin, until=deadline)


def tls_context(secret: MysqlSecret, *, trust: str | None) -> ssl.SSLContext | None:
    """How the server's certificate is verified; None for plaintext.

    Raises:
        Misconfigured: no CA is configured, or its file can't be used.
    """
    if not secret.tls:
        return None
    path = existing(secret.ca or trust or system_bundle(), field="ssl_ca")
    try:
        return ssl.create_default_context(cafile=path)
    except ssl.SSLError as failure:
        raise explain_login_failure(failure, _attempt(secret, admin=False)) from None


def _attempt(secret: MysqlSecret, *, admin: bool) -> Attempt:
    return Attempt(
        user=secret.username,
        dbname=secret.dbname,
        address=secret.address,
        tls=secret.tls,
        admin=admin,
    )


def _open(
    secret: MysqlSecret,
    address: str,
    context: ssl.SSLContext | None,
    rotation: Rotation,
    *,
    admin: bool,
    until: float,
) -> Session:
    session = Session(
        deadline=until,
        host=secret.host,
        port=secret.port,
        user=secret.username,
        password=secret.password.encode(),
        database=secret.dbname,
        charset="utf8mb4",
        program_name=rotation.session_tag,
        auth_plugin_map=dict(HANDLERS),
        ssl=context,
        ssl_disabled=context is None,
    )
    try:
        remaining = max(until - clock(), 0.001)
        session.connect(socket.create_connection((address, secret.port), timeout=remaining))
        session.run(server_limits(rotation, mariadb=session.mariadb))
    except (pymysql.Error, OSError, RuntimeError) as failure:
        session.close()
        raise explain_login_failure(failure, _attempt(secret, admin=admin)) from None
    session.deadline = rotation.deadline
    return session
