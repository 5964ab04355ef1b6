"""Sessions with the directory: how they are opened, and how they are kept from outliving their step."""

import socket
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

from rotator.sdk import OutcomeUnknown, Rotation, TargetUnreachable
from rotators.databases.limited_socket import LimitedSocket, connect
from rotators.databases.trust import verifying_context
from rotators.ldap.driver import LDAPExceptionError, SyncStrategy, ldap3
from rotators.ldap.failure import (
    NO_SUCH_OBJECT,
    SUCCESS,
    Attempt,
    explain_bind,
    explain_connection,
    explain_result,
)
from rotators.ldap.secret import LdapSecret

_STARTTLS = "1.3.6.1.4.1.1466.20037"
_PASSWORD = "userPassword"  # noqa: S105  # an attribute


class _GivenSocket(SyncStrategy):
    """Uses a connection that is there already."""

    def __init__(self, connection: Any, sock: LimitedSocket) -> None:
        super().__init__(connection)
        self._given = sock

    def _open_socket(self, address: Any, use_ssl: bool = False, unix_socket: bool = False) -> None:
        del address, use_ssl, unix_socket
        self.connection.socket = self._given
        self.connection.closed = False


@dataclass(frozen=True, slots=True)
class Modification:
    """One part of a change of userPassword: `MODIFY_ADD`, `MODIFY_DELETE` or `MODIFY_REPLACE`."""

    kind: str
    values: tuple[bytes, ...]


@dataclass(slots=True)
class Session:
    """A bound connection."""

    connection: Any
    limited: LimitedSocket
    attempt: Attempt
    password_asked: bool = True

    def close(self) -> None:
        """End it, without a word more: the deadline may have passed."""
        self.connection.strategy.close()
        self.limited.close()

    def read(self, dn: str, attributes: Sequence[str]) -> dict[str, tuple[bytes, ...]] | None:
        """Values of an entry, as far as it may be read; None where no entry is seen."""
        found = self.search(dn, "(objectClass=*)", attributes, scope=ldap3.BASE)
        return found[0] if found else None

    def search(
        self, base: str, condition: str, attributes: Sequence[str], *, scope: Any = ldap3.SUBTREE
    ) -> list[dict[str, tuple[bytes, ...]]]:
        """The entries that fit, with the names of their attributes in lower case."""
        result = self._do(
            "reading the directory", "search", base, condition, scope, attributes=list(attributes)
        )
        if result["result"] == NO_SUCH_OBJECT:
            return []
        self._check(result, "reading the directory")
        return [
            {name.lower(): tuple(values) for name, values in entry["raw_attributes"].items()}
            | {"dn": (entry["raw_dn"],)}
            for entry in self.connection.response
            if entry["type"] == "searchResEntry"
        ]

    def modify(self, dn: str, changes: Sequence[Modification], *, doing: str) -> int:
        """Change userPassword; the result's code, which the caller judges.

        Raises:
            OutcomeUnknown: the answer was lost.
        """
        wanted = {_PASSWORD: [(each.kind, list(each.values)) for each in changes]}
        return int(self._do(doing, "modify", dn, wanted, changing=True)["result"])

    def refuse(self, doing: str) -> None:
        """Raise what the last result means.

        Raises:
            StepError: always, but where it was a success.
        """
        self._check(self.connection.result, doing)

    def _check(self, result: dict[str, Any], doing: str) -> None:
        if result["result"] != SUCCESS:
            raise explain_result(result, doing, self.attempt)

    def _do(
        self, doing: str, verb: str, *arguments: Any, changing: bool = False, **named: Any
    ) -> dict[str, Any]:
        try:
            getattr(self.connection, verb)(*arguments, **named)
        except (LDAPExceptionError, OSError) as failure:
            text = self.limited.failure or failure
            if changing:
                raise OutcomeUnknown(
                    f"the connection was lost in the middle of {doing}, which may have happened: {text}"
                ) from None
            raise TargetUnreachable(
                f"the connection was lost in the middle of {doing}: {text}"
            ) from None
        result: dict[str, Any] = self.connection.result
        return result


def bind(secret: LdapSecret, rotation: Rotation, *, admin: bool = False) -> Session:
    """A session of `secret`'s user.

    Raises:
        LoginRefused, AdminLoginRefused: the server refused the credential.
        TargetRefused, TargetBusy, TargetUnreachable, Misconfigured: as their names say.
    """
    if rotation.remaining() <= 0:
        raise TargetUnreachable("the time limit of this step ran out before the login")
    attempt = Attempt(
        user=secret.username,
        address=secret.address,
        tls=secret.tls,
        ldaps=secret.ldaps,
        admin=admin,
    )
    context = verifying_context(secret.ca or rotation.trust, field="ssl_ca") if secret.tls else None
    sock: socket.socket | None = None
    try:
        sock = connect(secret.host, secret.port, deadline=rotation.deadline)
        if context is not None and secret.ldaps:
            sock = context.wrap_socket(sock, server_hostname=secret.host)
        limited = LimitedSocket(sock, deadline=rotation.deadline)
        connection = _connection(secret, limited)
        session = Session(connection, limited, attempt)
        if context is not None and not secret.ldaps:
            connection.extended(_STARTTLS)
            session.refuse("StartTLS")
            sock.settimeout(max(rotation.remaining(), 0.001))
            sock = context.wrap_socket(sock, server_hostname=secret.host)
            limited = session.limited = connection.socket = LimitedSocket(
                sock, deadline=rotation.deadline
            )
        # Bytes: text would be normalised (SASLprep), and the server compares what it is sent.
        connection.bind(read_server_info=False)
    except (OSError, LDAPExceptionError) as failure:
        if sock is not None:
            sock.close()
        raise explain_connection(failure, attempt) from None
    except BaseException:
        if sock is not None:
            sock.close()
        raise
    if connection.result["result"] != SUCCESS:
        session.close()
        raise explain_bind(connection.result, attempt)
    return session


def _connection(secret: LdapSecret, limited: LimitedSocket) -> Any:
    server = ldap3.Server(
        "127.0.0.1", get_info=ldap3.NONE
    )  # never connected to: the socket is there
    connection = ldap3.Connection(
        server,
        user=secret.username,
        password=secret.password.encode(),  # type: ignore[arg-type]
        authentication=ldap3.SIMPLE,
        auto_referrals=False,
        check_names=False,
        return_empty_attributes=False,
    )
    strategy = _GivenSocket(connection, limited)
    connection.strategy = strategy
    # The connection has taken these methods from the strategy that it was made with.
    connection.open = strategy.open
    connection.send = strategy.send
    connection.get_response = strategy.get_response
    connection.post_send_single_response = strategy.post_send_single_response
    connection.post_send_search = strategy.post_send_search
    connection.open(read_server_info=False)
    return connection
