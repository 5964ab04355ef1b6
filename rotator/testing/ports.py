"""Ports for private servers."""

import socket


def free_port(host: str) -> int:
    """A port of `host` that nobody listens on; others may take it before the server does."""
    with socket.create_server((host, 0)) as probe:
        port: int = probe.getsockname()[1]
        return port
