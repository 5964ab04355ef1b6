"""What happens to daemons and their store, one thing after another, drawn from a seeded source."""

import contextlib
import os
import signal
import time
from collections import Counter
from collections.abc import Callable
from dataclasses import dataclass, field
from random import Random

import psycopg

from tests.support.daemons import DaemonProcess
from tests.support.postgres import DatabaseServer
from tests.support.tcp_proxy import TcpProxy


@dataclass
class Place:
    """Where a daemon is: behind a network of its own, with one process after another."""

    network: TcpProxy
    process: DaemonProcess
    frozen_until: float | None = None
    cut_off_until: float | None = None


@dataclass
class Trouble:
    """Makes it, and in the end takes all of it away.

    Args:
        launch: starts a daemon behind a network.
    """

    random: Random
    store_server: DatabaseServer
    places: list[Place]
    launch: Callable[[TcpProxy], DaemonProcess]
    done: Counter[str] = field(default_factory=Counter)

    def one(self) -> None:
        """The next thing, to a daemon that nothing is the matter with; the store crashes rarely."""
        self.end_what_is_over()
        place = self.random.choice(self.places)
        if place.frozen_until is not None or place.cut_off_until is not None:
            return
        kind = self.random.choices(["kill", "freeze", "cut off", "store crash"], [6, 4, 4, 1])[0]
        self.done[kind] += 1
        now = time.monotonic()
        match kind:
            case "kill":
                place.process.kill()
                place.process = self.launch(place.network)
            case "freeze":
                place.process.send(signal.SIGSTOP)
                place.frozen_until = now + self.random.uniform(0.5, 8.0)
            case "cut off":
                place.network.blackhole()
                place.cut_off_until = now + self.random.uniform(0.5, 8.0)
            case _:
                crash(self.store_server)

    def end_what_is_over(self, *, all_of_it: bool = False) -> None:
        now = time.monotonic()
        for place in self.places:
            if place.frozen_until is not None and (all_of_it or now >= place.frozen_until):
                place.process.send(signal.SIGCONT)
                place.frozen_until = None
            if place.cut_off_until is not None and (all_of_it or now >= place.cut_off_until):
                place.network.forward()
                place.cut_off_until = None


def crash(server: DatabaseServer) -> None:
    """Kills one of the server's processes: it ends all others, and recovers from its log as after a power cut."""
    with contextlib.suppress(psycopg.Error), server.connect() as victim:
        os.kill(victim.info.backend_pid, signal.SIGKILL)
