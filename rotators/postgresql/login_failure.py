"""Why a login failed, in the words of a DBA.

psycopg gives no SQLSTATE for a failed login, and the server's text may be in any language. So libpq is asked for
verbose messages while it connects (see `session`), which carry the SQLSTATE and the routine of the server that refused;
both are the same in every language. A text without SQLSTATE is libpq's own, which is English always, because Python
sets no LC_MESSAGES. SQLSTATEs: PostgreSQL manual, appendix A; routines: the server's source, the same from 14 to 18.
"""

import re
from dataclasses import dataclass

from rotator.sdk import (
    AdminLoginRefused,
    LoginRefused,
    Misconfigured,
    StepError,
    TargetBusy,
    TargetRefused,
    TargetUnreachable,
)
from rotators.postgresql.quoting import identifier
from rotators.postgresql.secret import PLAINTEXT

_SERVER_MESSAGE = re.compile(r":  (?P<state>[0-9A-Z]{5}): (?P<text>[^\n]*)")
_ROUTINE = re.compile(r"^LOCATION:  (\w+),", re.MULTILINE)


@dataclass(frozen=True, slots=True, kw_only=True)
class Attempt:
    """The login that failed.

    Attributes:
        sslmode: libpq's.
        admin: the credential is the admin secret's.
    """

    user: str
    dbname: str
    address: str
    sslmode: str
    admin: bool

    @property
    def who(self) -> str:
        """The user, for messages."""
        return f'the admin user "{self.user}"' if self.admin else f'the user "{self.user}"'


def explain_login_failure(text: str, attempt: Attempt) -> StepError:
    """The error that `text`, libpq's message, stands for."""
    server_message = _SERVER_MESSAGE.search(text)
    if server_message is None:
        return _without_server_message(text, attempt)
    routine = _ROUTINE.search(text)
    return _refused_by_server(
        server_message["state"], server_message["text"], routine[1] if routine else "", attempt
    )


def _refused_by_server(state: str, text: str, routine: str, attempt: Attempt) -> StepError:
    match state:
        case "28P01":
            return _wrong_password(attempt)
        case "28000":
            return _not_authorized(text, routine, attempt)
        case "3D000":
            return Misconfigured(
                f'there is no database "{attempt.dbname}" on {attempt.address}',
                hint='correct "dbname" in the secret: SELECT datname FROM pg_database',
            )
        case "42501":
            return TargetRefused(
                f'{attempt.who} may not connect to the database "{attempt.dbname}"',
                hint=f"GRANT CONNECT ON DATABASE {identifier(attempt.dbname)} TO {identifier(attempt.user)}",
            )
        case "53300":
            return _too_many_connections(text, routine, attempt)
        case "57P03":
            return TargetBusy(
                f"the server at {attempt.address} is starting up or shutting down: {text}",
                hint="it passes by itself; else look at the server's log",
            )
        case "55000":
            return Misconfigured(
                f'the database "{attempt.dbname}" does not accept connections',
                hint=f"ALTER DATABASE {identifier(attempt.dbname)} ALLOW_CONNECTIONS true",
            )
        case "08P01" | "42704" | "0A000":
            return Misconfigured(
                f"the server at {attempt.address} refused the session's settings: {text}",
                hint="a connection pooler can't pass them on: let the secret name the server itself",
            )
    if state.startswith(("53", "57")):
        return TargetBusy(f"the server at {attempt.address} has no room for a session: {text}")
    return TargetRefused(
        f"the server at {attempt.address} refused {attempt.who}: {text} (SQLSTATE {state})"
    )


def _wrong_password(attempt: Attempt) -> StepError:
    message = (
        f"the server at {attempt.address} refused the password of {attempt.who}: it is wrong, it has expired "
        "(VALID UNTIL), or there is no such role; the server doesn't tell which"
    )
    hint = "the server's log has the reason; pg_roles tells too: rolvaliduntil, rolcanlogin"
    return (
        AdminLoginRefused(message, hint=hint) if attempt.admin else LoginRefused(message, hint=hint)
    )


def _not_authorized(text: str, routine: str, attempt: Attempt) -> StepError:
    if routine == "ClientAuthentication":
        hint = (
            f"add a line for them: hostssl {attempt.dbname} {attempt.user} <address> scram-sha-256"
        )
        if attempt.sslmode == PLAINTEXT:
            hint += '; where the server takes TLS connections only, set "ssl": true'
        return Misconfigured(
            f'no line of pg_hba.conf lets {attempt.who} into the database "{attempt.dbname}" from here: {text}',
            hint=hint,
        )
    if routine == "InitializeSessionUserId":
        kind = AdminLoginRefused if attempt.admin else LoginRefused
        return kind(
            f"the role of {attempt.who} is not permitted to log in (NOLOGIN)",
            hint=f"ALTER ROLE {identifier(attempt.user)} LOGIN",
        )
    return Misconfigured(
        f"pg_hba.conf has {attempt.who} authenticated by something else than a password: {text}",
        hint="give the user a line with the method scram-sha-256",
    )


def _too_many_connections(text: str, routine: str, attempt: Attempt) -> StepError:
    match routine:
        case "InitializeSessionUserId":
            return TargetBusy(
                f"{attempt.who} has reached the connection limit of its role",
                hint=f"ALTER ROLE {identifier(attempt.user)} CONNECTION LIMIT <more>, or close sessions",
            )
        case "CheckMyDatabase":
            return TargetBusy(
                f'the database "{attempt.dbname}" has reached its connection limit',
                hint=f"ALTER DATABASE {identifier(attempt.dbname)} CONNECTION LIMIT <more>, or close sessions",
            )
    return TargetBusy(
        f"the server at {attempt.address} has no free connection slot: {text}",
        hint="raise max_connections, or close sessions",
    )


def _without_server_message(text: str, attempt: Attempt) -> StepError:
    detail = " ".join(text.split())
    certificate = _certificate_failure(detail, attempt)
    if certificate is not None:
        return certificate
    if "does not support SSL" in detail:
        return Misconfigured(
            f"the server at {attempt.address} does not offer TLS, and the secret allows no login without it",
            hint='turn TLS on there (ssl = on), or set "ssl": false in the secret to accept plaintext',
        )
    if "SSL error" in detail:
        return Misconfigured(
            f"no TLS connection to {attempt.address} could be agreed: {detail}",
            hint="compare the TLS versions and ciphers of both ends (ssl_min_protocol_version)",
        )
    if "SCRAM" in detail or "server signature" in detail or "channel binding" in detail:
        return Misconfigured(
            f"the server at {attempt.address} could not prove that it knows the password of {attempt.who}: {detail}",
            hint="another machine may be answering in its place: check the address and the certificate",
        )
    return TargetUnreachable(
        f"no connection to {attempt.address}: {detail}",
        hint="check that the server runs, that it listens there (listen_addresses) and that no firewall is in between",
    )


def _certificate_failure(detail: str, attempt: Attempt) -> StepError | None:
    if "does not match host name" in detail:
        return Misconfigured(
            f"the server at {attempt.address} has a certificate for another name: {detail}",
            hint='let "host" in the secret be the name in the certificate, or have it issued for this name',
        )
    if "certificate verify failed" in detail:
        return Misconfigured(
            f"the certificate of the server at {attempt.address} is not signed by the configured CA, or has expired",
            hint='configure the CA that signed it, or name its file in the secret\'s "sslrootcert"',
        )
    if "root certificate" in detail or "root.crt" in detail:
        return Misconfigured(
            f"the CA file can't be used: {detail}",
            hint='correct "sslrootcert" or the configured CA',
        )
    return None
