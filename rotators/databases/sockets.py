"""Host names and sockets, never waiting longer than a deadline, which is a reading of `clock()`."""

import ipaddress
import select
import socket
import threading
from queue import Empty, SimpleQueue

from rotator.sdk import Misconfigured, TargetUnreachable, clock


def readable_now(descriptor: int) -> bool:
    """Whether the other end has sent something or closed the connection."""
    poller = select.poll()
    poller.register(descriptor, select.POLLIN)
    return bool(poller.poll(0))


def resolve(host: str, port: int, *, deadline: float) -> list[str]:
    """The addresses of `host`, in the order of the system's preference.

    The system's resolver has time limits of its own, so it works in a thread that is given up at the deadline.

    Raises:
        TargetUnreachable: the name doesn't resolve, or not in time.
        Misconfigured: it can't be a host name.
    """
    try:
        return [str(ipaddress.ip_address(host))]
    except ValueError:
        pass
    answers: SimpleQueue[list[str] | Exception] = SimpleQueue()

    def look_up() -> None:
        try:
            found = socket.getaddrinfo(host, port, type=socket.SOCK_STREAM)
            answers.put([str(address[4][0]) for address in found])
        except (OSError, UnicodeError) as failure:
            answers.put(failure)

    threading.Thread(target=look_up, name="resolve", daemon=True).start()
    try:
        answer = answers.get(timeout=max(deadline - clock(), 0.001))
    except Empty:
        raise TargetUnreachable(
            f'the name server did not resolve "{host}" in time', hint="check DNS on this machine"
        ) from None
    if isinstance(answer, UnicodeError):
        raise Misconfigured(
            f'"{host}" can\'t be a host name', hint='correct "host" in the secret'
        ) from None
    if isinstance(answer, Exception):
        raise TargetUnreachable(
            f'the host name "{host}" does not resolve: {answer}',
            hint='check "host" in the secret, and DNS on this machine',
        ) from None
    return answer
