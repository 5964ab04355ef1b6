"""Waiting for the network, never longer than a deadline, which is a reading of `clock()`.

libpq bounds neither the wait for an answer nor, when it is driven step by step, the wait for a
connection; the system's resolver has time limits of its own. A step must not outlive its lease, so
every wait of this package is here.
"""

import ipaddress
import select
import socket
import threading
from queue import Empty, SimpleQueue

from psycopg.waiting import Ready, Wait

from rotator.sdk import Misconfigured, TargetUnreachable, clock

_EVENTS = {
    Wait.R: select.POLLIN,
    Wait.W: select.POLLOUT,
    Wait.RW: select.POLLIN | select.POLLOUT,
}
_LONGEST_POLL = 1.0
"""Seconds; poll's clock stands still while the machine is suspended, the deadline's doesn't."""


def wait_for_socket(descriptor: int, wanted: Wait, *, deadline: float) -> Ready:
    """Block until the socket is ready for what is `wanted`.

    Raises:
        TimeoutError: the deadline passed first.
    """
    poller = select.poll()
    poller.register(descriptor, _EVENTS[wanted])
    while (remaining := deadline - clock()) > 0:
        ready = poller.poll(min(remaining, _LONGEST_POLL) * 1000)
        if ready:
            event = ready[0][1]
            # An error or a hang-up counts as both, so that libpq looks and says what is wrong.
            readable = Ready.R if event & ~select.POLLOUT else Ready.NONE
            writable = Ready.W if event & ~select.POLLIN else Ready.NONE
            return Ready(readable | writable)
    raise TimeoutError("the deadline passed")


def readable_now(descriptor: int) -> bool:
    """Whether the other end has sent something or closed the connection."""
    poller = select.poll()
    poller.register(descriptor, select.POLLIN)
    return bool(poller.poll(0))


def resolve(host: str, port: int, *, deadline: float) -> list[str]:
    """The addresses of `host`, in the order of the system's preference.

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
