"""Ports for private servers."""

import secrets
import socket
from pathlib import Path

_EPHEMERAL = Path("/proc/sys/net/ipv4/ip_local_port_range")
_LOWEST = 10_240
_ATTEMPTS = 200


def free_port(host: str) -> int:
    """A port of `host` that nobody listens on; another server may take it before the caller's does.

    It is none of those that the system gives to outgoing connections: among thousands of logins one of them would have
    it now and then, before the server begins or while it is restarted.
    """
    own = range(_LOWEST, _first_ephemeral())
    for _ in range(_ATTEMPTS if own else 0):
        port = secrets.choice(own)
        if _is_free(host, port):
            return port
    with socket.create_server((host, 0)) as probe:
        given: int = probe.getsockname()[1]
        return given


def _first_ephemeral() -> int:
    try:
        return int(_EPHEMERAL.read_text().split()[0])
    except (OSError, ValueError, IndexError):  # a system without it
        return _LOWEST


def _is_free(host: str, port: int) -> bool:
    try:
        socket.create_server((host, port)).close()
    except OSError:
        return False
    return True
