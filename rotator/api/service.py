"""The API as the settings say: its application, its server, and where plaintext is refused."""

from rotator import telemetry
from rotator.api.app import Api
from rotator.api.connections import ConnectionLimits, Listener
from rotator.api.operations.operation import Rooms
from rotator.api.parts import ApiParts
from rotator.api.rates import Limits
from rotator.api.serving import ApiServer, is_loopback
from rotator.api.tls import Certificate
from rotator.config.api import ApiSettings
from rotator.errors import ConfigurationError

PLAINTEXT_REFUSED = (
    "The API is not served in plaintext on an address that other machines reach. Set api.tls.certificate and "
    "api.tls.key; or, where something before it ends TLS, api.plaintext_beyond_loopback: true"
)

_log = telemetry.logger("api")


class ApiService:
    """An API that is served from `start` until `stop`.

    Args:
        listener: where it listens; it is closed with the service, and where there comes to be none.

    Raises:
        ConfigurationError: certificate and key can't be used.
    """

    def __init__(self, parts: ApiParts, settings: ApiSettings, listener: Listener) -> None:
        files = settings.tls.files
        try:
            certificate = None if files is None else Certificate(*files)
        except ConfigurationError:
            listener.close()
            raise
        allowed = settings.plaintext_beyond_loopback or is_loopback(listener)
        self.refuses_calls = certificate is None and not allowed
        self._app = Api(
            parts,
            threads=settings.threads,
            limits=Limits(
                in_all=settings.calls_per_second,
                of_principal=settings.calls_per_second_of_principal,
                of_stranger=settings.refusals_per_second_of_address,
            ),
            refusal=PLAINTEXT_REFUSED if self.refuses_calls else None,
        )
        self._server = ApiServer(
            self._app,
            listener,
            direct=self._app.directly,
            certificate=certificate,
            limits=ConnectionLimits(
                connections=settings.connections,
                per_address=settings.connections_per_address,
                request=settings.request_time,
                idle=settings.idle_time,
            ),
        )
        self.host, self.port, self.url = (
            self._server.host,
            self._server.port,
            self._server.url,
        )

    def start(self) -> None:
        """Begins to answer."""
        if self.refuses_calls:
            _log.warning("api.plaintext_refused", host=self.host, reason=PLAINTEXT_REFUSED)
        self._server.start()

    def use(self, rooms: Rooms) -> None:
        """Answers calls with these from now on."""
        self._app.use(rooms)

    def reload(self) -> None:
        """Reads the certificate anew."""
        self._server.reload()

    def stop(self) -> None:
        """Takes no more requests, and waits for those that are being answered."""
        self._app.is_ending = True
        self._server.stop()
        self._app.close()
