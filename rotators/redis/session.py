"""Sessions on one node: how they are opened, and how they are kept from outliving their step."""

import socket
import ssl
from dataclasses import replace
from typing import Any

from redis.connection import Connection
from redis.exceptions import ConnectionError as RedisConnectionError
from redis.exceptions import NoPermissionError, RedisError

from rotator.sdk import Misconfigured, Rotation, TargetUnreachable
from rotators.databases.limited_socket import LimitedSocket, connect
from rotators.databases.trust import verifying_context
from rotators.redis.failure import Attempt, explain_login_failure
from rotators.redis.secret import RedisSecret
from rotators.redis.settings import RedisSettings


class Session(Connection):
    """A connection that was made once and is not made again.

    Attributes:
        password_asked: whoever lets anyone in is found out by a random password.
    """

    password_asked = True

    def __init__(self, sock: LimitedSocket, *, host: str, port: int) -> None:
        self._limited = sock
        super().__init__(  # type: ignore[no-untyped-call]
            host=host,
            port=port,
            protocol=2,
            decode_responses=True,
            encoding_errors="replace",
            driver_info=None,
        )

    @property
    def failure(self) -> OSError | None:
        """What the socket failed of, if it did."""
        return self._limited.failure

    def _connect(self) -> LimitedSocket:
        return self._limited

    def run(self, *words: str) -> Any:
        """The answer to one command; bulk strings as text."""
        if not self.is_connected:
            raise RedisConnectionError("the connection is closed")
        self.send_command(*words)  # type: ignore[no-untyped-call]
        return self.read_response()

    def close(self) -> None:
        """End the session; more than once is no error."""
        self.disconnect()  # type: ignore[no-untyped-call]
        self._limited.close()


def login(
    secret: RedisSecret,
    rotation: Rotation,
    settings: RedisSettings,
    *,
    admin: bool = False,
    tagged: bool = False,
) -> Session:
    """A new session of `secret`'s user.

    Args:
        secret: the credential, at the node to log in to.
        rotation: the step that the session serves.
        settings: the client's certificate.
        admin: `secret` is the admin secret.
        tagged: the session will change something, so it has to have `rotation`'s tag as its name.

    Raises:
        LoginRefused, AdminLoginRefused: the server refused the credential.
        TargetRefused, TargetBusy, TargetUnreachable, Misconfigured: as their names say.
    """
    if rotation.remaining() <= 0:
        raise TargetUnreachable("the time limit of this step ran out before the login")
    context = tls_context(secret, settings, trust=rotation.trust)
    attempt = Attempt(
        user=secret.username, address=secret.address, tls=context is not None, admin=admin
    )
    session = _connect(secret, context, rotation, attempt)
    try:
        session.connect()  # type: ignore[no-untyped-call]
        session.run("AUTH", secret.username, secret.password)
        _tag(session, rotation, needed=tagged)
    except RedisError as failure:
        session.close()
        agreed = replace(attempt, agreed=attempt.tls)
        raise explain_login_failure(session.failure or failure, agreed) from None
    return session


def _tag(session: Session, rotation: Rotation, *, needed: bool) -> None:
    try:
        session.run("CLIENT", "SETNAME", rotation.session_tag)
    except NoPermissionError:
        if needed:
            raise


def tls_context(
    secret: RedisSecret, settings: RedisSettings, *, trust: str | None
) -> ssl.SSLContext | None:
    """How the server's certificate is verified; None for plaintext.

    Raises:
        Misconfigured: no CA is configured, or a file can't be used.
    """
    if not secret.tls:
        return None
    context = verifying_context(secret.ca or trust, field="ssl_ca")
    if settings.client_certificate is not None:
        try:
            context.load_cert_chain(settings.client_certificate, settings.client_key)
        except OSError as failure:
            raise Misconfigured(
                f"the client's certificate {settings.client_certificate} can't be used: "
                f"{failure.strerror or failure}",
                hint="client_certificate and client_key name PEM files that this process may read",
            ) from None
    return context


def _connect(
    secret: RedisSecret, context: ssl.SSLContext | None, rotation: Rotation, attempt: Attempt
) -> Session:
    try:
        sock = connect(secret.host, secret.port, deadline=rotation.deadline)
        if context is not None:
            sock = _encrypted(sock, context, secret.host)
    except OSError as failure:
        raise explain_login_failure(failure, attempt) from None
    limited = LimitedSocket(sock, deadline=rotation.deadline)
    return Session(limited, host=secret.host, port=secret.port)


def _encrypted(sock: socket.socket, context: ssl.SSLContext, host: str) -> socket.socket:
    try:
        return context.wrap_socket(sock, server_hostname=host)
    except OSError:
        sock.close()
        raise
