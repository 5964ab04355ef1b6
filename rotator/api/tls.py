"""The certificate that the API shows. It may be replaced while connections are open, and by one of another kind."""

import ssl
from pathlib import Path
from typing import Final

from rotator import telemetry
from rotator.config.permissions import check_private
from rotator.errors import ConfigurationError

_FORWARD_SECRET: Final = "ECDHE+AESGCM:ECDHE+CHACHA20"  # noqa: S105  # of TLS 1.2; all of TLS 1.3 is

_log = telemetry.logger("api")


class Certificate:
    """A certificate and its key, in two files.

    Every handshake takes the pair that was read last, so that nothing has to be started again for another one.

    Attributes:
        context: what a server is opened with.
    """

    def __init__(self, certificate: Path, key: Path) -> None:
        self._certificate = certificate
        self._key = key
        self._seen = self._stamp()
        self._now = self._read()
        self.context = self._read()
        self.context.sni_callback = self._choose

    def reload(self) -> None:
        """Reads the files anew.

        Raises:
            ConfigurationError: they hold no pair that can be used; the one before is kept.
        """
        seen = self._stamp()
        self._now = self._read()
        self._seen = seen
        _log.info("tls.reloaded", certificate=str(self._certificate))

    def follow(self) -> None:
        """Reads the files anew where they were changed; while they hold no pair, the one before is kept."""
        seen = self._stamp()
        if seen == self._seen:
            return
        try:
            self.reload()
        except ConfigurationError as error:
            self._seen = seen  # told once for each change
            _log.error("tls.refused", reason=str(error))

    def _choose(self, connection: ssl.SSLObject, _name: str | None, _: ssl.SSLContext) -> None:
        connection.context = self._now

    def _read(self) -> ssl.SSLContext:
        context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
        context.minimum_version = ssl.TLSVersion.TLSv1_2
        context.set_ciphers(_FORWARD_SECRET)
        # A ticket of TLS 1.2 is sealed under a key that outlives the session, which ends its forward secrecy.
        context.options |= ssl.OP_NO_TICKET | ssl.OP_NO_RENEGOTIATION | ssl.OP_NO_COMPRESSION
        context.options |= ssl.OP_CIPHER_SERVER_PREFERENCE
        context.set_alpn_protocols(["http/1.1"])
        try:
            check_private(self._key)
            context.load_cert_chain(self._certificate, self._key, password=_no_password)
        except OSError as error:  # ssl.SSLError is one
            raise ConfigurationError(
                f"api.tls: {self._certificate} and {self._key} are no certificate and its key: {error}. "
                "Give the certificate with its chain and the private key, both as PEM and without a password."
            ) from None
        return context

    def _stamp(self) -> tuple[tuple[int, int, int] | None, ...]:
        return tuple(map(_stamp_of, (self._certificate, self._key)))


def _stamp_of(path: Path) -> tuple[int, int, int] | None:
    try:
        found = path.stat()
    except OSError:
        return None
    return found.st_ino, found.st_mtime_ns, found.st_size


def _no_password() -> str:
    """Stands in for the prompt that OpenSSL would show on a terminal."""
    return ""
