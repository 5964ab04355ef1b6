"""What is done again and again in a thread of its own, one round at a time."""

from collections.abc import Callable
from functools import partial

from rotator import telemetry
from rotator.daemon import telling
from rotator.daemon.loop import Loop
from rotator.daemon.parts import Parts

_log = telemetry.logger("daemon")


class Rounds:
    """Rounds of one duty; what fails is told, and comes again with the next.

    Args:
        name: of the duty, in the log.
        act: one round.
        done: called in the loop after each.
    """

    def __init__(
        self, loop: Loop, name: str, act: Callable[[Parts], None], *, done: Callable[[], None]
    ) -> None:
        self._loop = loop
        self._name = name
        self._act = act
        self._done = done
        self._at_it = False

    def start(self, parts: Parts) -> None:
        """A round, unless one goes on."""
        if self._at_it:
            return
        self._at_it = True
        go = partial(self._go, parts)
        self._loop.in_thread(
            f"rotator-{self._name}", go, failed=partial(self._loop.put, self._over)
        )

    def _go(self, parts: Parts) -> None:
        try:
            self._act(parts)
        except Exception as error:  # noqa: BLE001  # nobody foresaw all; rotations go on
            fields = telling.why(error)
            tell = _log.warning if "reason" in fields else _log.error
            tell("duty.failed", duty=self._name, **fields)
        self._loop.put(self._over)

    def _over(self) -> None:
        self._at_it = False
        self._done()
