"""What the configuration makes of a daemon."""

from dataclasses import dataclass

from rotator.api.operations.operation import Rooms
from rotator.daemon.notices import Notices
from rotator.daemon.planner import Caps
from rotator.manager.manager import SecretsManager
from rotator.rotation.engine import Engine


@dataclass(frozen=True, slots=True, kw_only=True)
class Parts:
    """All that another configuration replaces while the daemon runs. What it began goes on with what it began with.

    Attributes:
        engine: one that parks.
        rooms: what calls of the API are done with.
        poll: the longest time between two looks, in seconds.
        shutdown: how long the daemon waits for what runs when it is stopped, in seconds.
        drift_every: the time in which each stored credential is tried once, in seconds; 0: never.
        notices: pass on what a person has to know.
    """

    engine: Engine
    rooms: Rooms
    manager: SecretsManager
    caps: Caps
    poll: float
    shutdown: float
    drift_every: float
    notices: Notices
