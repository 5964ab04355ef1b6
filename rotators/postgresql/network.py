"""Waiting for the network, never longer than a deadline, which is a reading of `clock()`.

libpq bounds neither the wait for an answer nor, when it is driven step by step, the wait for a
connection. A step must not outlive its lease, so every wait of this package for a socket is here.
"""

import select
from collections.abc import Collection, Mapping

from psycopg.waiting import Ready, Wait

from rotator.sdk import clock

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


def wait_for_any(wanted: Mapping[int, Wait], *, deadline: float) -> Collection[int]:
    """Block until one of several sockets is ready for what is wanted of it; gives those that are.

    Raises:
        TimeoutError: the deadline passed first.
    """
    poller = select.poll()
    for descriptor, wants in wanted.items():
        poller.register(descriptor, _EVENTS[wants])
    while (remaining := deadline - clock()) > 0:
        ready = poller.poll(min(remaining, _LONGEST_POLL) * 1000)
        if ready:
            return [descriptor for descriptor, _ in ready]
    raise TimeoutError("the deadline passed")
