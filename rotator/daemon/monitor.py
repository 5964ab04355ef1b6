"""All who are told how the daemon is: the service manager, whoever asks its endpoints, the metrics."""

from rotator import telemetry
from rotator.daemon import telling
from rotator.daemon.agenda import Agenda
from rotator.daemon.endpoints import Endpoints, OpenApi
from rotator.daemon.health import Condition, Health
from rotator.daemon.metrics import Metrics
from rotator.daemon.service_manager import ServiceManager
from rotator.sdk import clock

_log = telemetry.logger("daemon")
_BEAT_EVERY = 5.0  # seconds
_BEATS_FOR_WATCHDOG = 3  # one or two may come late


class Monitor:
    """Told by the daemon's loop; tells the rest.

    Args:
        service: who started the process.
        address: where the endpoints answer; None for nowhere.
        open_api: makes what answers there.
    """

    def __init__(
        self, service: ServiceManager, address: tuple[str, int] | None, *, open_api: OpenApi
    ) -> None:
        self.metrics = Metrics()
        self._service = service
        self._health = Health(clock())
        self._endpoints = Endpoints(
            address, open_api=open_api, health=self._health, metrics=self.metrics
        )
        self._began = False
        self.open, self.close = self._endpoints.open, self._endpoints.close
        self.use = self._endpoints.use
        watchdog = service.watchdog
        self.beat_every = (
            _BEAT_EVERY if watchdog is None else min(_BEAT_EVERY, watchdog / _BEATS_FOR_WATCHDOG)
        )

    def beat(self, now: float) -> None:
        """The loop turns."""
        self._health.beat(now)
        self._service.feed()

    def note(self, condition: Condition) -> None:
        """How the daemon is now."""
        before, self._health.condition = self._health.condition, condition
        if condition is Condition.STOPPING:
            self._service.stopping()
        elif not self._began and condition is not Condition.STARTING:
            self._began = True
            self._service.ready(str(condition))
        elif condition is not before:
            self._service.show(str(condition))

    def looked(self, found: Agenda | None, error: Exception | None) -> None:
        """What a look at the store gave, or why it failed."""
        self.metrics.looked(found)
        before = self._health.condition
        if error is not None and before is not Condition.STORE_AWAY:
            _log.warning("store.away", **telling.why(error))
        if error is None and before is Condition.STORE_AWAY:
            _log.info("store.back")
        if before is not Condition.STOPPING:
            self.note(Condition.READY if error is None else Condition.STORE_AWAY)

    def reloading(self) -> None:
        """The configuration is being read anew."""
        self._service.reloading()

    def reloaded(self) -> None:
        """That is over, whatever came of it."""
        self._service.ready(str(self._health.condition))
