"""Logins: libpq drives them a step at a time, so that two can go on side by side."""

import ctypes
import functools
import importlib
from collections.abc import Mapping

from psycopg import pq
from psycopg.waiting import Wait

from rotator.sdk import Rotation, StepError, TargetUnreachable, clock
from rotators.databases.sockets import resolve
from rotators.postgresql.login_failure import Attempt, explain_login_failure
from rotators.postgresql.network import wait_for_any
from rotators.postgresql.scram import Keys
from rotators.postgresql.secret import DatabaseSecret
from rotators.postgresql.session import Session, milliseconds, server_limits
from rotators.postgresql.trust import tls_parameters

_DEFAULT_VERBOSITY = 1  # PQERRORS_DEFAULT of libpq-fe.h
_VERBOSE = 2  # PQERRORS_VERBOSE: with SQLSTATE and the server's routine
_TAKES_KEYS = 180000  # the libpq that has `scram_client_key`


class Login:
    """One login that is under way at one address.

    Attributes:
        secret: the credential.
    """

    def __init__(
        self,
        secret: DatabaseSecret,
        rotation: Rotation,
        *,
        parameters: Mapping[str, str],
        address: str,
        deadline: float,
        admin: bool = False,
    ) -> None:
        self.secret = secret
        self._rotation = rotation
        self._deadline = deadline
        self._attempt = Attempt(
            user=secret.username,
            dbname=secret.dbname,
            address=secret.address,
            sslmode=parameters["sslmode"],
            admin=admin,
        )
        self._pgconn = pq.PGconn.connect_start(_conninfo({"hostaddr": address, **parameters}))
        _set_verbosity(self._pgconn, _VERBOSE)
        self._wanted: Wait | None = None
        self._let_in = False
        self.step()

    def finish(self, beside: "Login | None" = None) -> Session:
        """The session, once the server has let it in.

        Args:
            beside: another login, which goes on meanwhile.

        Raises:
            LoginRefused, AdminLoginRefused: the server refused the credential.
            TargetRefused, TargetBusy, TargetUnreachable, Misconfigured: as their names say.
        """
        try:
            while self.waits_for is not None:
                _go_on(self, beside, deadline=self._deadline)
            if not self._let_in:
                raise explain_login_failure(self._pgconn.get_error_message(), self._attempt)
        except TimeoutError:
            self.close()
            raise TargetUnreachable(
                f"the server at {self._attempt.address} did not complete the login within the time limit",
                hint="check that no firewall swallows the packets, and what the server is busy with",
            ) from None
        except StepError:
            self.close()
            raise
        _set_verbosity(self._pgconn, _DEFAULT_VERBOSITY)
        self._pgconn.nonblocking = 1
        session = Session(self._pgconn)
        session.deadline = self._rotation.deadline
        session.autocommit = True
        return session

    def close(self) -> None:
        """Gives it up."""
        self._wanted = None
        self._pgconn.finish()

    @property
    def waits_for(self) -> tuple[int, Wait] | None:
        """The socket and what it has to be ready for, None where the login is over."""
        return None if self._wanted is None else (self._pgconn.socket, self._wanted)

    def step(self) -> None:
        """Goes on, where what it waits for has come."""
        self._wanted = None
        if self._pgconn.status == pq.ConnStatus.BAD:
            return
        match _poll(self._pgconn):
            case pq.PollingStatus.READING:
                self._wanted = Wait.R
            case pq.PollingStatus.WRITING:
                self._wanted = Wait.W
            case pq.PollingStatus.OK:
                self._let_in = True


def _go_on(*logins: Login | None, deadline: float) -> None:
    """Waits until one of the logins can go on."""
    waiting = {
        descriptor: (login, wanted)
        for login in logins
        if login is not None and login.waits_for is not None
        for descriptor, wanted in [login.waits_for]
    }
    wanted_of = {descriptor: wanted for descriptor, (_, wanted) in waiting.items()}
    for descriptor in wait_for_any(wanted_of, deadline=deadline):
        waiting[descriptor][0].step()


def log_in(
    secret: DatabaseSecret,
    rotation: Rotation,
    *,
    admin: bool = False,
    keys: Keys | None = None,
    beside: Login | None = None,
) -> Session:
    """A new session of `secret`'s user, tagged as `rotation`'s.

    Args:
        secret: the credential.
        rotation: the step that the session serves.
        admin: `secret` is the admin secret.
        keys: what the password and the verifier's salt make, where it is known which verifier the server has.
        beside: another login, which goes on meanwhile.

    Raises:
        LoginRefused, AdminLoginRefused: the server refused the credential.
        TargetRefused, TargetBusy, TargetUnreachable, Misconfigured: as their names say.
    """
    parameters = _parameters(secret, rotation, keys)
    addresses = resolve(secret.host, secret.port, deadline=rotation.deadline)
    *others, last = addresses
    for place, address in enumerate(others):
        share = clock() + rotation.remaining() / (len(addresses) - place)
        try:
            login = _begun(secret, rotation, parameters, address, deadline=share, admin=admin)
            return login.finish(beside)
        except TargetUnreachable:
            continue
    login = _begun(secret, rotation, parameters, last, deadline=rotation.deadline, admin=admin)
    return login.finish(beside)


def begin(secret: DatabaseSecret, rotation: Rotation) -> Login:
    """A login that goes on beside another one; at the first address, where the host has several.

    Raises:
        TargetUnreachable, Misconfigured: as their names say.
    """
    address = resolve(secret.host, secret.port, deadline=rotation.deadline)[0]
    parameters = _parameters(secret, rotation)
    return _begun(secret, rotation, parameters, address, deadline=rotation.deadline, admin=False)


def _begun(
    secret: DatabaseSecret,
    rotation: Rotation,
    parameters: Mapping[str, str],
    address: str,
    *,
    deadline: float,
    admin: bool,
) -> Login:
    return Login(
        secret, rotation, parameters=parameters, address=address, deadline=deadline, admin=admin
    )


def _parameters(
    secret: DatabaseSecret, rotation: Rotation, keys: Keys | None = None
) -> dict[str, str]:
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
        **({} if keys is None else _key_parameters(keys)),
    }


def _key_parameters(keys: Keys) -> Mapping[str, str]:
    """Libpq derives the keys anew at each login where it isn't given them, which takes most of the login's time."""
    if pq.version() < _TAKES_KEYS:
        return {}
    return {"scram_client_key": keys.client, "scram_server_key": keys.server}


def _conninfo(parameters: Mapping[str, str]) -> bytes:
    """Libpq's connection string; psycopg's own function would have libpq parse it once more than the login does.

    Source: PostgreSQL manual, libpq, "Keyword/Value Connection Strings".
    """
    return " ".join(
        "{}='{}'".format(name, text.replace("\\", r"\\").replace("'", r"\'"))
        for name, text in parameters.items()
    ).encode()


def _poll(pgconn: pq.abc.PGconn) -> int:
    """One step of a login, without the interpreter's lock.

    libpq derives the key of a SCRAM login in it, thousands of hashes, which would hold up every other rotation of this
    process under psycopg's own `connect_poll`.
    """
    result: int = _libpq().PQconnectPoll(pgconn.pgconn_ptr)  # type: ignore[attr-defined]
    return result


def _set_verbosity(pgconn: pq.abc.PGconn, verbosity: int) -> None:
    _with_lock().PQsetErrorVerbosity(pgconn.pgconn_ptr, verbosity)  # type: ignore[attr-defined]


@functools.cache
def _libpq() -> ctypes.CDLL:
    """The libpq that psycopg runs on.

    psycopg wraps no PQsetErrorVerbosity, and keeps the interpreter's lock in PQconnectPoll.
    It gives `pgconn_ptr` out for such calls.
    """
    library = ctypes.CDLL(_path())
    library.PQconnectPoll.argtypes = (ctypes.c_void_p,)
    library.PQconnectPoll.restype = ctypes.c_int
    return library


@functools.cache
def _with_lock() -> ctypes.PyDLL:
    """The same for what is done in no time: to give the interpreter's lock up and to wait for it would take longer."""
    library = ctypes.PyDLL(_path())
    library.PQsetErrorVerbosity.argtypes = (ctypes.c_void_p, ctypes.c_int)
    library.PQsetErrorVerbosity.restype = ctypes.c_int
    return library


def _path() -> str | None:
    if pq.__impl__ == "python":
        found: str | None = importlib.import_module("psycopg.pq.misc").find_libpq_full_path()
        return found
    # A look-up in the extension finds the libpq that it is linked with.
    return importlib.import_module(pq.PGconn.__module__).__file__
