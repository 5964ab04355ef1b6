"""Logging in to an account of MariaDB that has several methods.

The server asks for one after the other until one lets the password in. PyMySQL gives up at the second question, so from
the first one these handlers answer all that follow.
"""

import hashlib
from collections.abc import Callable, Mapping
from functools import partial
from typing import Any

_NATIVE = b"mysql_native_password"
_ED25519 = b"client_ed25519"


class _Answers:
    """PyMySQL's handler of one plugin, for the whole of a login."""

    def __init__(self, connection: Any, *, plugin: bytes) -> None:
        self._connection = connection
        self._plugin = plugin

    def authenticate(self, packet: Any) -> Any:
        """Answer the challenge in `packet`, and every further one that can be answered; the server's verdict."""
        plugin: bytes | None = self._plugin
        while True:
            answer = self._answer(plugin, packet.read_all())
            if answer is None:
                return packet
            self._connection.write_packet(answer)
            packet = self._connection._read_packet()  # noqa: SLF001 (what PyMySQL's own handlers do)
            if not packet.is_auth_switch_request():
                return packet
            packet.read_uint8()
            plugin = packet.read_string()

    def _answer(self, plugin: bytes | None, challenge: bytes) -> bytes | None:
        from rotators.mysql_protocol.ed25519 import signature

        password: bytes = self._connection.password
        if plugin == _ED25519:
            return signature(password, challenge)
        if plugin == _NATIVE:
            return _native_answer(password, challenge[:20])
        return None


HANDLERS: Mapping[str, Callable[[Any], _Answers]] = {
    plugin.decode("ascii"): partial(_Answers, plugin=plugin) for plugin in (_NATIVE, _ED25519)
}
"""For PyMySQL's `auth_plugin_map`."""


def _native_answer(password: bytes, challenge: bytes) -> bytes:
    """Source: MySQL's client/server protocol, "Native Authentication"."""
    once = hashlib.sha1(password).digest()  # noqa: S324 (the protocol's)
    twice = hashlib.sha1(once).digest()  # noqa: S324
    mask = hashlib.sha1(challenge + twice).digest()  # noqa: S324
    return bytes(a ^ b for a, b in zip(once, mask, strict=True))
