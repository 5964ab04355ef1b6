"""SIGHUP: another configuration takes the place of this one, or is refused and told why."""

from collections.abc import Callable
from dataclasses import dataclass

from rotator import telemetry
from rotator.daemon import telling
from rotator.daemon.loop import Loop
from rotator.daemon.parts import Parts

_log = telemetry.logger("daemon")


@dataclass(frozen=True, slots=True, kw_only=True)
class Reloaded:
    """What a configuration that was read anew makes of the daemon.

    Attributes:
        changed: the keys of the settings that are different now.
    """

    parts: Parts
    changed: tuple[str, ...]


class Reloading:
    """Reads the configuration in a thread, one reading at a time; nothing waits for it.

    Args:
        read: reads it; raises where it can't be used, and then nothing has changed.
        take: called in the loop with what came of it.
        over: called in the loop when the reading is over, whatever came of it.
    """

    def __init__(
        self,
        loop: Loop,
        *,
        read: Callable[[], Reloaded],
        take: Callable[[Parts], None],
        over: Callable[[], None],
    ) -> None:
        self._loop = loop
        self._read = read
        self._take = take
        self._over = over
        self._at_it = False
        self._again = False

    def start(self) -> None:
        """Reads it; once more, where it is being read already and may have changed since."""
        if self._at_it:
            self._again = True
            return
        self._at_it, self._again = True, False
        self._loop.in_thread("rotator-reload", self._reload, failed=self._done)

    def _reload(self) -> None:
        try:
            reloaded = self._read()
        except Exception as error:  # noqa: BLE001  # whatever is wrong with it, the daemon goes on with what it has
            _log.error("config.refused", **telling.why(error))
            self._loop.put(self._done)
        else:
            self._loop.put(lambda: self._accept(reloaded))

    def _accept(self, reloaded: Reloaded) -> None:
        try:
            self._take(reloaded.parts)
            _log.info("config.reloaded", changed=reloaded.changed)
        finally:
            self._done()

    def _done(self) -> None:
        self._at_it = False
        if self._again:
            self.start()
        else:
            self._over()
