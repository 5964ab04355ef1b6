"""The management API: one request a connection, none of which outlives its step.

Source: RabbitMQ's "Management HTTP API" and "Credentials and Passwords" (how a password is hashed).
"""

import base64
import binascii
import hashlib
import http.client
import json
import re
import ssl
from dataclasses import dataclass
from typing import Any
from urllib.parse import quote

from rotator.sdk import (
    AdminLoginRefused,
    LoginRefused,
    Misconfigured,
    OutcomeUnknown,
    Rotation,
    StepError,
    TargetBusy,
    TargetRefused,
    TargetUnreachable,
)
from rotators.databases.limited_socket import connect, shut_at
from rotators.databases.trust import verifying_context
from rotators.rabbitmq.secret import RabbitmqSecret

_LACKS_TAG = re.compile(r"not \w+ user", re.IGNORECASE)
"""Why a login is refused whose password is right: Not management user, Not administrator user."""

READING = "reading the user"
_LARGEST = 1_000_000  # bytes of an answer


@dataclass(frozen=True, slots=True)
class Answer:
    """What the API says: the status, and the JSON of the body, None where it has none."""

    status: int
    body: Any


def user_path(username: str) -> str:
    """The path of a user."""
    return f"/api/users/{quote(username, safe='')}"


def hashed(password: str, *, algorithm: str, salt: bytes) -> str:
    """A password as the broker stores it; `salt` has 4 bytes."""
    return base64.b64encode(
        salt + hashlib.new(algorithm, salt + password.encode()).digest()
    ).decode()


def is_of(stored: str, password: str, *, algorithm: str) -> bool:
    """Whether a stored hash is this password's."""
    try:
        salt = base64.b64decode(stored, validate=True)[:4]
    except binascii.Error:
        return False
    return bool(stored) and hashed(password, algorithm=algorithm, salt=salt) == stored


def request(
    secret: RabbitmqSecret,
    rotation: Rotation,
    method: str,
    path: str,
    body: dict[str, Any] | None = None,
) -> Answer:
    """Send one request as `secret`'s user.

    Raises:
        OutcomeUnknown: the answer to a change was lost.
        TargetUnreachable, Misconfigured: there was no connection, or no answer to what changes nothing.
    """
    if rotation.remaining() <= 0:
        raise TargetUnreachable("the time limit of this step ran out before the login")
    sock = _connected(secret, rotation)
    changing = method != "GET"
    basic = base64.b64encode(f"{secret.username}:{secret.password}".encode()).decode()
    headers = {
        "Authorization": f"Basic {basic}",
        "Content-Type": "application/json",
        "User-Agent": rotation.session_tag,
        "Connection": "close",
    }
    connection = http.client.HTTPConnection(secret.host, secret.port)
    try:
        rotation.check_deadline()
        connection.sock = sock
        with shut_at(rotation.deadline, sock):
            connection.request(method, path, None if body is None else json.dumps(body), headers)
            answer = connection.getresponse()
            text = answer.read(_LARGEST)
        if answer.length or rotation.remaining() <= 0:
            raise ConnectionError("the answer was cut short")
    except (OSError, http.client.HTTPException) as failure:
        said = str(failure) or type(failure).__name__
        if changing:
            raise OutcomeUnknown(
                f"the connection to {secret.address} was lost in the middle of a change, which may have happened: "
                f"{said}"
            ) from None
        raise TargetUnreachable(
            f"no answer from the management API at {secret.address}: {said}",
            hint="check that the port is the management plugin's, and whether it is one for TLS",
        ) from None
    finally:
        connection.close()
        sock.close()
    return Answer(answer.status, _json(text))


def checked(answer: Answer, secret: RabbitmqSecret, *, doing: str, admin: bool) -> Answer:
    """The answer, if the API did what it was asked for or found nothing (404).

    Raises:
        AdminLoginRefused, LoginRefused: the password is wrong.
        TargetRefused, TargetBusy: nothing was done.
    """
    if answer.status < 300 or answer.status == 404:
        return answer
    if answer.status == 401 and not lacks_tag(answer):
        kind = AdminLoginRefused if admin else LoginRefused
        raise kind(
            f'the broker at {secret.address} refused the password of "{secret.username}": it is wrong, or there is no '
            "such user; the broker doesn't tell which",
            hint=f"rabbitmqctl authenticate_user {secret.username}",
        )
    if answer.status in {401, 403}:
        raise TargetRefused(
            f'"{secret.username}" may not do this at {secret.address}: {doing}',
            hint=f"rabbitmqctl set_user_tags {secret.username} administrator",
        )
    if answer.status in {429, 500, 502, 503, 504} and doing == READING:
        raise TargetBusy(f"the broker at {secret.address} has no time: it answers {answer.status}")
    if answer.status >= 500:
        raise OutcomeUnknown(f"{doing} at {secret.address} ended with status {answer.status}")
    raise TargetRefused(f"the broker at {secret.address} refused {doing}: status {answer.status}")


def lacks_tag(answer: Answer) -> bool:
    """Whether the password was right, and the user just hasn't the tag that the request needs."""
    reason = answer.body.get("reason", "") if isinstance(answer.body, dict) else ""
    return answer.status == 401 and _LACKS_TAG.search(str(reason)) is not None


def _connected(secret: RabbitmqSecret, rotation: Rotation) -> Any:
    context = verifying_context(secret.ca or rotation.trust, field="ssl_ca") if secret.tls else None
    try:
        sock = connect(secret.host, secret.port, deadline=rotation.deadline)
    except OSError as failure:
        raise _no_connection(failure, secret) from None
    if context is not None:
        try:
            sock = context.wrap_socket(sock, server_hostname=secret.host)
        except OSError as failure:
            sock.close()
            raise _no_connection(failure, secret) from None
    sock.settimeout(max(rotation.remaining(), 0.001))
    return sock


def _no_connection(failure: OSError, secret: RabbitmqSecret) -> StepError:
    if isinstance(failure, ssl.SSLCertVerificationError):
        return Misconfigured(
            f"the certificate of {secret.address} is not trusted: {failure.verify_message}",
            hint='name the CA that issued it ("ssl_ca" in the secret, or the configured CA), and the host as it is in '
            "the certificate",
        )
    if isinstance(failure, ssl.SSLError) or (secret.tls and isinstance(failure, ConnectionError)):
        return Misconfigured(
            f"no TLS connection to {secret.address} could be agreed: {failure}",
            hint="does the management plugin listen with TLS there (management.ssl.port)? "
            '"ssl": false in the secret means plaintext',
        )
    return TargetUnreachable(
        f"no connection to {secret.address}: {failure}",
        hint="check that the broker runs with the plugin rabbitmq_management, and that it listens there",
    )


def _json(text: bytes) -> Any:
    try:
        return json.loads(text) if text else None
    except (ValueError, RecursionError):
        return None
