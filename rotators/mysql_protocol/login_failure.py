"""Why a login failed, in the words of a DBA.

Error numbers: MySQL's "Server Error Message Reference" and MariaDB's list of error codes; they are the same in every
language of the server.
"""

import socket
import ssl
from dataclasses import dataclass

import pymysql
from pymysql.constants import CR

from rotator.sdk import (
    AdminLoginRefused,
    LoginRefused,
    Misconfigured,
    StepError,
    TargetBusy,
    TargetRefused,
    TargetUnreachable,
)
from rotators.mysql_protocol.quoting import identifier, literal
from rotators.mysql_protocol.statement_failure import EXPIRED

_NO_ROOM = {
    1040: "all of its connections are in use (max_connections)",
    1053: "it is shutting down",
    1129: "it has blocked this machine after too many broken connections",
    1135: "it can't make a thread for the session",
    1203: "the user has reached its limit of connections (max_user_connections)",
    1226: "the user has used up one of its limits",
}
_MENDS = {
    1040: "raise max_connections, or close sessions",
    1129: "FLUSH HOSTS, or TRUNCATE performance_schema.host_cache; see why connections break",
}
_LOCKED = frozenset({3118, 3955, 4151})


@dataclass(frozen=True, slots=True, kw_only=True)
class Attempt:
    """The login that failed.

    Attributes:
        tls: the secret asks for TLS.
        admin: the credential is the admin secret's.
    """

    user: str
    dbname: str | None
    address: str
    tls: bool
    admin: bool

    @property
    def who(self) -> str:
        """The user, for messages."""
        return f'the admin user "{self.user}"' if self.admin else f'the user "{self.user}"'

    def refused(self, message: str, *, hint: str) -> StepError:
        """The class of a refused credential."""
        kind = AdminLoginRefused if self.admin else LoginRefused
        return kind(message, hint=hint)


def explain_login_failure(failure: Exception, attempt: Attempt) -> StepError:
    """The error that `failure`, of PyMySQL or of the socket, stands for."""
    cause = getattr(failure, "original_exception", failure)
    if isinstance(cause, OSError):
        return _no_connection(cause, attempt)
    number = failure.args[0] if failure.args and isinstance(failure, pymysql.Error) else None
    text = str(failure.args[-1]) if failure.args else type(failure).__name__
    if number == CR.CR_SSL_CONNECTION_ERROR:
        return Misconfigured(
            f"the server at {attempt.address} does not offer TLS, and the secret allows no login without it",
            hint='turn TLS on there (ssl_cert, ssl_key), or set "ssl": false in the secret to accept plaintext',
        )
    if not isinstance(number, int) or CR.CR_ERROR_FIRST <= number <= 2999:
        return TargetUnreachable(
            f"no login at {attempt.address}: {text}",
            hint="check that a MySQL or MariaDB server answers there",
        )
    return _refused_by_server(number, text, attempt)


def _refused_by_server(number: int, text: str, attempt: Attempt) -> StepError:
    if number in _NO_ROOM:
        return TargetBusy(
            f"the server at {attempt.address} has no room for {attempt.who}: {_NO_ROOM[number]}",
            hint=_MENDS.get(number),
        )
    if number in _LOCKED:
        return attempt.refused(
            f"the account of {attempt.who} at {attempt.address} is locked: {text}",
            hint=f"ALTER USER {literal(attempt.user)}@<host> ACCOUNT UNLOCK",
        )
    if number in EXPIRED:
        return attempt.refused(
            f"the password of {attempt.who} at {attempt.address} has expired, so that it may only be changed",
            hint=f"ALTER USER {literal(attempt.user)}@<host> PASSWORD EXPIRE NEVER",
        )
    match number:
        case 1045 | 1698:
            hint = "see the account: SELECT user, host, plugin FROM mysql.user"
            if not attempt.tls:
                hint += '; where it is REQUIRE SSL, leave out "ssl": false'
            return attempt.refused(
                f"the server at {attempt.address} refused the password of {attempt.who}: it is wrong, or there is "
                "no such account for this machine, or the account asks for TLS; the server doesn't tell which",
                hint=hint,
            )
        case 1049:
            return Misconfigured(
                f'there is no database "{attempt.dbname}" on {attempt.address}',
                hint='correct "dbname" in the secret: SHOW DATABASES',
            )
        case 1044:
            return TargetRefused(
                f'{attempt.who} may not use the database "{attempt.dbname}"',
                hint=f"GRANT SELECT ON {identifier(attempt.dbname or '')}.* TO {literal(attempt.user)}@<host>",
            )
        case 1130:
            return Misconfigured(
                f"the server at {attempt.address} has no account that may come from this machine: {text}",
                hint=f"CREATE USER {literal(attempt.user)}@<this machine's address>",
            )
        case 3159:
            return Misconfigured(
                f"the server at {attempt.address} takes TLS connections only, and the secret says plaintext",
                hint='leave out "ssl": false in the secret',
            )
    return TargetRefused(
        f"the server at {attempt.address} refused {attempt.who}: {text} (error {number})"
    )


def _no_connection(cause: OSError, attempt: Attempt) -> StepError:
    if isinstance(cause, ssl.SSLCertVerificationError):
        if "match" in cause.verify_message:
            return Misconfigured(
                f"the server at {attempt.address} has a certificate for another name: {cause.verify_message}",
                hint='let "host" in the secret be the name in the certificate, or have it issued for this name',
            )
        return Misconfigured(
            f"the certificate of the server at {attempt.address} can't be verified: {cause.verify_message}",
            hint='configure the CA that signed it, or name its file in the secret\'s "ssl_ca"',
        )
    if isinstance(cause, ssl.SSLError):
        return Misconfigured(
            f"no TLS connection to {attempt.address} could be agreed: {cause.reason or cause}",
            hint='compare the TLS versions of both ends (tls_version); is the CA file in "ssl_ca" a PEM file?',
        )
    if isinstance(cause, TimeoutError | socket.timeout):
        return TargetUnreachable(
            f"the server at {attempt.address} did not complete the login within the time limit",
            hint="check that no firewall swallows the packets, and what the server is busy with",
        )
    return TargetUnreachable(
        f"no connection to {attempt.address}: {cause}",
        hint="check that the server runs, that it listens there (bind_address) and that no firewall is in between",
    )
