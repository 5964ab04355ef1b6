"""What a failed login or command means for the rotation.

An error that the server answers with is definite; only a lost connection leaves it open whether a change has happened.
Source: the error codes that Redis puts at the beginning of an answer, in `src/server.c` and `src/acl.c`.
"""

import re
import ssl
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass

from redis.exceptions import (
    AuthenticationError,
    AuthenticationWrongNumberOfArgsError,
    BusyLoadingError,
    InvalidResponse,
    NoPermissionError,
    RedisError,
    ResponseError,
)
from redis.exceptions import (
    ConnectionError as RedisConnectionError,
)
from redis.exceptions import (
    TimeoutError as RedisTimeoutError,
)

from rotator.sdk import (
    AdminLoginRefused,
    LoginRefused,
    Misconfigured,
    OutcomeUnknown,
    StepError,
    TargetBusy,
    TargetRefused,
    TargetUnreachable,
)

_HASH = re.compile(r"\b[0-9a-f]{64}\b")
_NO_ROOM = "max number of clients"
_LOADING = "it is loading its data"
_CERTIFICATE = "name one with the settings client_certificate and client_key; or CONFIG SET tls-auth-clients no"
_SCRIPT = "it is busy running a script"


@dataclass(frozen=True, slots=True, kw_only=True)
class Attempt:
    """The login that failed.

    Attributes:
        tls: the secret asks for TLS.
        admin: the credential is the admin secret's.
        agreed: TLS was, and what followed failed.
    """

    user: str
    address: str
    tls: bool
    admin: bool
    agreed: bool = False

    @property
    def who(self) -> str:
        """The user, for messages."""
        return f'the admin user "{self.user}"' if self.admin else f'the user "{self.user}"'


def explain_login_failure(failure: Exception, attempt: Attempt) -> StepError:
    """The error that `failure`, of redis-py or of the socket, stands for."""
    if isinstance(failure, OSError):
        return _no_connection(failure, attempt)
    text = str(failure)
    if (busy := _busy(failure)) is not None:
        return TargetBusy(f"the server at {attempt.address} lets nobody in just now: {busy}")
    match failure:
        case AuthenticationWrongNumberOfArgsError():
            return Misconfigured(
                f"the server at {attempt.address} knows no users: it is older than Redis 6",
                hint="upgrade the server",
            )
        case AuthenticationError():
            kind = AdminLoginRefused if attempt.admin else LoginRefused
            return kind(
                f"the server at {attempt.address} refused the password of {attempt.who}: it is wrong, or there is no "
                "such user, or the user is off; the server doesn't tell which",
                hint=f"see the user: ACL GETUSER {attempt.user}",
            )
        case NoPermissionError():
            return TargetRefused(
                f"{attempt.who} may not name its session at {attempt.address}: {text}",
                hint=f"ACL SETUSER {attempt.user} +client|setname",
            )
        case ResponseError():
            return TargetRefused(f"the server at {attempt.address} refused {attempt.who}: {text}")
    return _no_answer(text, attempt)


def _no_answer(text: str, attempt: Attempt) -> StepError:
    hint = "check that a Redis or Valkey server answers there"
    if not attempt.tls:
        hint += '; where its port is for TLS, leave out "ssl": false'
    return TargetUnreachable(f"no login at {attempt.address}: {text}", hint=hint)


def _no_connection(cause: OSError, attempt: Attempt) -> StepError:
    if isinstance(cause, ssl.SSLCertVerificationError):
        return Misconfigured(
            f"the certificate of {attempt.address} is not trusted: {cause.verify_message}",
            hint='name the CA that issued it ("ssl_ca" in the secret, or the configured CA), and the host as it is in '
            "the certificate",
        )
    if isinstance(cause, ssl.SSLError) and "CERTIFICATE_REQUIRED" in str(cause):
        return Misconfigured(
            f"the server at {attempt.address} asks for a client's certificate", hint=_CERTIFICATE
        )
    if attempt.agreed and isinstance(cause, ssl.SSLError | ConnectionError):
        return TargetUnreachable(
            f"the server at {attempt.address} ended the connection after TLS was agreed: {cause}",
            hint=f"if it asks for a client's certificate: {_CERTIFICATE}",
        )
    if isinstance(cause, ssl.SSLError) or (attempt.tls and isinstance(cause, ConnectionResetError)):
        reason = getattr(cause, "reason", None) or cause
        return Misconfigured(
            f"no TLS connection to {attempt.address} could be agreed: {reason}",
            hint='does the server offer TLS there (tls-port)? "ssl": false in the secret means plaintext',
        )
    if isinstance(cause, ConnectionResetError):
        return _no_answer(str(cause), attempt)
    if isinstance(cause, TimeoutError):
        return TargetUnreachable(
            f"the server at {attempt.address} did not complete the login within the time limit",
            hint="check that no firewall swallows the packets, and what the server is busy with"
            + ("; and that it offers TLS there (tls-port)" if attempt.tls else ""),
        )
    return TargetUnreachable(
        f"no connection to {attempt.address}: {cause}",
        hint="check that the server runs, that it listens there (bind) and that no firewall is in between",
    )


@contextmanager
def explained(
    doing: str, *, at: object, changing: bool = False, hint: str | None = None
) -> Iterator[None]:
    """Raise the SDK's errors in place of redis-py's.

    Args:
        doing: what the commands do, for the message: "reading the user".
        at: the node.
        changing: they change the target, so a lost connection leaves the outcome unknown.
        hint: what to do where a permission is missing.
    """
    try:
        yield
    except RedisError as failure:
        raise _explain_command_failure(
            failure, doing=f"{doing} at {at}", changing=changing, hint=hint
        ) from None


def _explain_command_failure(
    failure: RedisError, *, doing: str, changing: bool, hint: str | None
) -> StepError:
    text = _HASH.sub("<hash>", str(failure))
    if (busy := _busy(failure)) is not None:
        return TargetBusy(f"{doing} was refused: {busy}")
    if isinstance(failure, NoPermissionError):
        return TargetRefused(f"{doing} lacks a permission: {text}", hint=hint)
    if isinstance(failure, RedisConnectionError | RedisTimeoutError | InvalidResponse):
        if changing:
            return OutcomeUnknown(
                f"the connection was lost in the middle of {doing}, which may have happened: {text}"
            )
        return TargetUnreachable(f"the connection was lost in the middle of {doing}: {text}")
    return TargetRefused(f"the server refused {doing}: {text}")


def _busy(failure: Exception) -> str | None:
    """Why the server has no time, None where that is not the reason."""
    if isinstance(failure, BusyLoadingError):
        return _LOADING
    text = str(failure)
    if _NO_ROOM in text:
        return "all of its connections are in use (maxclients)"
    return _SCRIPT if text.startswith("BUSY ") else None
