"""Sessions on the server: how they are opened, and how they are kept from outliving their step."""

import ctypes
import functools
import importlib
from collections.abc import Mapping
from typing import TypeVar

import psycopg
from psycopg import pq, sql
from psycopg.abc import PQGen
from psycopg.adapt import AdaptersMap
from psycopg.generators import execute
from psycopg.rows import TupleRow
from psycopg.waiting import Wait

from rotator.sdk import Rotation, TargetUnreachable, clock
from rotators.databases.sockets import readable_now, resolve
from rotators.postgresql.login_failure import Attempt, explain_login_failure
from rotators.postgresql.network import wait_for_socket
from rotators.postgresql.secret import DatabaseSecret
from rotators.postgresql.trust import tls_parameters

_RV = TypeVar("_RV")

_DEFAULT_VERBOSITY = 1  # PQERRORS_DEFAULT of libpq-fe.h
_VERBOSE = 2  # PQERRORS_VERBOSE: with SQLSTATE and the server's routine


_ADAPTERS = AdaptersMap(psycopg.adapters)


class DeadlinePassed(psycopg.OperationalError):
    """The step's time ran out while the server had not answered."""


class Session(psycopg.Connection[TupleRow]):
    """A connection in autocommit mode whose every wait ends at a deadline.

    It is closed then, for what the server still does is unknown.

    Attributes:
        deadline: a reading of `clock()`, the one of the step that the session serves.
    """

    deadline: float

    # psycopg calls it with limits of its own, which the deadline replaces.
    def wait(self, gen: PQGen[_RV], interval: float = 0.0, timeout: float | None = None) -> _RV:  # noqa: ARG002
        """Run a generator of psycopg's until it is done, at the latest until the deadline."""
        try:
            wanted = next(gen)
            while True:
                ready = wait_for_socket(self.pgconn.socket, Wait(wanted), deadline=self.deadline)
                wanted = gen.send(ready)
        except StopIteration as end:
            result: _RV = end.value
            return result
        except TimeoutError:
            self.pgconn.finish()
            raise DeadlinePassed("the server did not answer in time") from None

    @property
    def adapters(self) -> AdaptersMap:
        """How values are written: the same for every session. One of its own takes longer to make than a query."""
        return _ADAPTERS

    def ask(self, message: sql.Composable) -> list[dict[str, str | None]]:
        """Sends statements without parameters as one message; gives the rows of the last, every value as text.

        It goes past psycopg's cursors, which take longer to set up than the server takes to answer.

        Raises:
            psycopg.Error: as `execute` does.
        """
        self.pgconn.send_query(message.as_bytes(self))
        results = self.wait(execute(self.pgconn))
        for result in results:
            if result.status == pq.ExecStatus.FATAL_ERROR:
                raise psycopg.errors.error_from_result(result)
        last = results[-1]
        names = [(last.fname(place) or b"").decode() for place in range(last.nfields)]
        return [
            {name: _text(last.get_value(row, place)) for place, name in enumerate(names)}
            for row in range(last.ntuples)
        ]

    @property
    def usable(self) -> bool:
        """Whether the session is open and the server silent; it speaks unasked before it closes."""
        return not self.closed and not readable_now(self.pgconn.socket)

    @property
    def password_asked(self) -> bool:
        """Whether the server asked for the password; under `trust`, `peer` or `cert` it doesn't."""
        return bool(self.pgconn.used_password)

    @property
    def on_standby(self) -> bool:
        """Whether the server replays another's changes; it says so at login and when it changes."""
        return self.pgconn.parameter_status(b"in_hot_standby") == b"on"


def _text(value: bytes | None) -> str | None:
    return None if value is None else value.decode()


def milliseconds(seconds: float) -> int:
    """For the server's time limits, where 0 would mean none."""
    return max(1, int(seconds * 1000))


def server_limits(rotation: Rotation) -> dict[str, int]:
    """The server's time limits for what is sent now, in milliseconds.

    They end before the deadline, so that the server's definite answer is still heard; and the wait for
    a lock ends first, because that says best what was the matter.
    """
    remaining = rotation.remaining()
    statement = max(remaining - 1.0, remaining * 0.8)
    return {
        "statement_timeout": milliseconds(statement),
        "lock_timeout": milliseconds(statement * 0.9),
        "idle_in_transaction_session_timeout": milliseconds(remaining),
    }


def login(secret: DatabaseSecret, rotation: Rotation, *, admin: bool = False) -> Session:
    """A new session of `secret`'s user, tagged as `rotation`'s.

    Args:
        secret: the credential.
        rotation: the step that the session serves.
        admin: `secret` is the admin secret.

    Raises:
        LoginRefused, AdminLoginRefused: the server refused the credential.
        TargetRefused, TargetBusy, TargetUnreachable, Misconfigured: as their names say.
    """
    parameters = _parameters(secret, rotation)
    attempt = Attempt(
        user=secret.username,
        dbname=secret.dbname,
        address=secret.address,
        sslmode=parameters["sslmode"],
        admin=admin,
    )
    addresses = resolve(secret.host, secret.port, deadline=rotation.deadline)
    for untried in range(len(addresses), 1, -1):
        share = clock() + rotation.remaining() / untried
        try:
            return _open(parameters, addresses[-untried], attempt, rotation, deadline=share)
        except TargetUnreachable:
            continue
    return _open(parameters, addresses[-1], attempt, rotation, deadline=rotation.deadline)


def _parameters(secret: DatabaseSecret, rotation: Rotation) -> dict[str, str]:
    if rotation.remaining() <= 0:
        raise TargetUnreachable("the time limit of this step ran out before the login")
    # Said for the session, because the role's own settings may weaken or break what is done here.
    settings = server_limits(rotation) | {
        "default_transaction_read_only": "off",
        "search_path": "pg_catalog",
        "DateStyle": "ISO",
    }
    return {
        "user": secret.username,
        "password": secret.password,
        "host": secret.host,
        "port": str(secret.port),
        "dbname": secret.dbname,
        "application_name": rotation.session_tag,
        "options": " ".join(f"-c {name}={value}" for name, value in settings.items()),
        "client_encoding": "utf8",
        "gssencmode": "disable",
        "tcp_user_timeout": str(milliseconds(rotation.remaining())),
        **tls_parameters(secret.tls, trust=rotation.trust),
    }


def _open(
    parameters: dict[str, str],
    address: str,
    attempt: Attempt,
    rotation: Rotation,
    *,
    deadline: float,
) -> Session:
    pgconn = pq.PGconn.connect_start(_conninfo({"hostaddr": address, **parameters}))
    try:
        _set_verbosity(pgconn, _VERBOSE)
        _finish_login(pgconn, deadline)
        _set_verbosity(pgconn, _DEFAULT_VERBOSITY)
    except TimeoutError:
        pgconn.finish()
        raise TargetUnreachable(
            f"the server at {attempt.address} did not complete the login within the time limit",
            hint="check that no firewall swallows the packets, and what the server is busy with",
        ) from None
    except psycopg.OperationalError:
        text = pgconn.get_error_message()
        pgconn.finish()
        raise explain_login_failure(text, attempt) from None
    pgconn.nonblocking = 1
    session = Session(pgconn)
    session.deadline = rotation.deadline
    session.autocommit = True
    return session


def _conninfo(parameters: Mapping[str, str]) -> bytes:
    """Libpq's connection string; psycopg's own function would have libpq parse it once more than the login does.

    Source: PostgreSQL manual, libpq, "Keyword/Value Connection Strings".
    """
    return " ".join(
        "{}='{}'".format(name, text.replace("\\", r"\\").replace("'", r"\'"))
        for name, text in parameters.items()
    ).encode()


def _finish_login(pgconn: pq.abc.PGconn, deadline: float) -> None:
    """Drive libpq until the login is over.

    Raises:
        TimeoutError: the deadline passed.
        psycopg.OperationalError: it failed; libpq has the message.
    """
    while pgconn.status != pq.ConnStatus.BAD:
        match _poll(pgconn):
            case pq.PollingStatus.OK:
                return
            case pq.PollingStatus.READING:
                wait_for_socket(pgconn.socket, Wait.R, deadline=deadline)
            case pq.PollingStatus.WRITING:
                wait_for_socket(pgconn.socket, Wait.W, deadline=deadline)
            case _:
                break
    raise psycopg.OperationalError("the login failed")


def _poll(pgconn: pq.abc.PGconn) -> int:
    """One step of a login, without the interpreter's lock.

    libpq derives the key of a SCRAM login in it, thousands of hashes, which would hold up every other rotation of this
    process under psycopg's own `connect_poll`.
    """
    result: int = _libpq().PQconnectPoll(pgconn.pgconn_ptr)  # type: ignore[attr-defined]
    return result


def _set_verbosity(pgconn: pq.abc.PGconn, verbosity: int) -> None:
    _libpq().PQsetErrorVerbosity(pgconn.pgconn_ptr, verbosity)  # type: ignore[attr-defined]


@functools.cache
def _libpq() -> ctypes.CDLL:
    """The libpq that psycopg runs on.

    psycopg wraps no PQsetErrorVerbosity, and keeps the interpreter's lock in PQconnectPoll.
    It gives `pgconn_ptr` out for such calls.
    """
    if pq.__impl__ == "python":
        path = importlib.import_module("psycopg.pq.misc").find_libpq_full_path()
    else:
        # A look-up in the extension finds the libpq that it is linked with.
        path = importlib.import_module(pq.PGconn.__module__).__file__
    library = ctypes.CDLL(path)
    library.PQconnectPoll.argtypes = (ctypes.c_void_p,)
    library.PQconnectPoll.restype = ctypes.c_int
    library.PQsetErrorVerbosity.argtypes = (ctypes.c_void_p, ctypes.c_int)
    library.PQsetErrorVerbosity.restype = ctypes.c_int
    return library
