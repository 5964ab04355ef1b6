"""One signed POST within a deadline: verified TLS, no redirect, no proxy, and a bounded answer."""

import http.client
import socket
import ssl
import time
import uuid
from collections.abc import Iterator
from contextlib import closing, contextmanager
from urllib.parse import SplitResult, urlsplit

from rotator.sdk import OutcomeUnknown, TargetUnreachable, clock
from rotators.databases.limited_socket import shut_at
from rotators.databases.sockets import resolve
from rotators.databases.trust import existing, system_bundle
from rotators.external.address import origin
from rotators.external.protocol import LARGEST_ANSWER, ExternalBug
from rotators.external.signing import headers

_PORTS = {"https": 443, "http": 80}


def post(
    url: str, body: bytes, *, key: str, trust: str | None, deadline: float
) -> tuple[int, bytes]:
    """Status and body of the response.

    Args:
        key: what the request is signed with.
        trust: a CA bundle, None for the system's.
        deadline: a reading of `clock()`.

    Raises:
        TargetUnreachable: no connection was made, or its certificate is not trusted; nothing was sent.
        OutcomeUnknown: the connection was lost or the time ran out after the request was begun.
        ExternalBug: the answer is larger than one may be.
    """
    parts = urlsplit(url)
    shown = origin(url)
    signed = headers(key, body, timestamp=int(time.time()), delivery=str(uuid.uuid4()))
    plain = {"Content-Type": "application/json", "User-Agent": "rotator"}
    path = (parts.path or "/") + (f"?{parts.query}" if parts.query else "")
    with _connected(parts, trust=trust, deadline=deadline) as connection:
        try:
            connection.request("POST", path, body, {**plain, **signed})
            response = connection.getresponse()
            answer = response.read(LARGEST_ANSWER + 1)
        except (OSError, http.client.HTTPException):
            raise _lost(shown, deadline) from None
        if len(answer) > LARGEST_ANSWER:
            raise ExternalBug(f"{shown} answered more than {LARGEST_ANSWER} bytes")
        if response.length or clock() >= deadline:  # it was cut, or may have been
            raise _lost(shown, deadline)
        return response.status, answer


@contextmanager
def _connected(
    parts: SplitResult, *, trust: str | None, deadline: float
) -> Iterator[http.client.HTTPConnection]:
    """A connection that is shut at the deadline, whatever it does by then."""
    url, host = origin(parts.geturl()), parts.hostname or ""
    connected = _raw(url, host, parts.port or _PORTS[parts.scheme], deadline)
    if parts.scheme == "https":
        connected = _wrapped(connected, host, trust)
    with closing(connected), shut_at(deadline, connected):
        if isinstance(connected, ssl.SSLSocket):
            _shake_hands(url, connected)
        named = f"[{host}]" if ":" in host else host  # or its last group is taken for a port
        connection = http.client.HTTPConnection(named, parts.port)
        connection.sock = connected
        yield connection


def _raw(url: str, host: str, port: int, deadline: float) -> socket.socket:
    reason = "the time was over"
    try:
        addresses = resolve(host, port, deadline=deadline)
    except TargetUnreachable as error:
        raise TargetUnreachable(f"{url}: {error.message}", hint="check DNS here") from None
    for address in addresses:
        remaining = deadline - clock()
        if remaining <= 0:
            break
        try:
            connected = socket.create_connection((address, port), timeout=remaining)
        except OSError as error:
            reason = error.strerror or str(error)
        else:
            connected.settimeout(None)  # the watchdog ends it
            return connected
    raise TargetUnreachable(
        f"no connection to {url}: {reason}", hint="see whether the endpoint runs"
    )


def _wrapped(raw: socket.socket, host: str, trust: str | None) -> ssl.SSLSocket:
    try:
        bundle = system_bundle() if trust is None else existing(trust, field="tls.trust")
        # An end that the endpoint did not announce is an error: an answer may have been cut there.
        return ssl.create_default_context(cafile=bundle).wrap_socket(
            raw, server_hostname=host, do_handshake_on_connect=False, suppress_ragged_eofs=False
        )
    except BaseException:
        raw.close()
        raise


def _shake_hands(url: str, connected: ssl.SSLSocket) -> None:
    try:
        connected.do_handshake()
    except ssl.SSLCertVerificationError as error:
        raise TargetUnreachable(
            f"the certificate of {url} is not trusted: {error.verify_message}",
            hint="set tls.trust to the authority that signed it",
        ) from None
    except OSError as error:
        raise TargetUnreachable(
            f"no TLS connection to {url}: {error.strerror or 'it was closed'}",
            hint="see whether the endpoint speaks TLS",
        ) from None


def _lost(url: str, deadline: float) -> OutcomeUnknown:
    what = "did not answer in time" if clock() >= deadline else "ended the connection"
    return OutcomeUnknown(
        f"{url} {what} after the request was sent", hint="see the endpoint's own log"
    )
