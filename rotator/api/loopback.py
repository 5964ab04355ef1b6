"""The API on a port of this machine that nobody is told of but the rotation functions of this process.

What it takes to serve is imported when the first function needs it: most processes have none.
"""

from collections.abc import Callable
from dataclasses import dataclass, field
from threading import Lock
from typing import TYPE_CHECKING

from rotator.crypto.envelope import Sealer
from rotator.store.store import Store

if TYPE_CHECKING:
    from rotator.api.app import Api
    from rotator.api.operations.operation import Rooms
    from rotator.api.serving import ApiServer
    from rotator.manager.manager import SecretsManager
    from rotator.rotation.engine import Engine
    from rotator.rotation.hosting import Endpoint, Hosting

_HOST = "127.0.0.1"
_THREADS = 4


@dataclass(kw_only=True)
class Loopback:
    """Serves from the first function on that needs it until it is closed.

    Attributes:
        manager: what does what is asked for; called when it serves.
        engine: what rotations are asked of; likewise.
        account: whose audit has the refusals of those whom nobody knows; likewise `region`.
        regions: in which functions may work.
    """

    store: Store
    sealer: Sealer
    manager: "Callable[[], SecretsManager]"
    engine: "Callable[[], Engine]"
    account: str
    region: str
    regions: frozenset[str]
    _lock: Lock = field(default_factory=Lock)
    _serving: "tuple[ApiServer, Api] | None" = None

    def hosting(self) -> "Hosting":
        """What the engine gives to rotation functions."""
        from rotator.access import sessions
        from rotator.rotation.hosting import Hosting

        return Hosting(
            store=self.store,
            sealer=self.sealer,
            endpoint=self.endpoint,
            issue=lambda run, until: sessions.issue(self.sealer, run, expires=until),
        )

    def endpoint(self) -> "Endpoint":
        """Where it is answered."""
        from rotator.api.serving import ApiServer, listening
        from rotator.rotation.hosting import Endpoint

        with self._lock:
            if self._serving is None:
                app = self._app()
                server = ApiServer(app, listening(_HOST, 0, setting="rotation functions"))
                server.start()
                self._serving = server, app
            return Endpoint(url=self._serving[0].url)

    def use(
        self, *, manager: "Callable[[], SecretsManager]", engine: "Callable[[], Engine]"
    ) -> None:
        """Has calls done with these from now on."""
        with self._lock:
            self.manager, self.engine = manager, engine
            if self._serving is not None:
                self._serving[1].use(self._rooms())

    def close(self) -> None:
        """Serves no more."""
        with self._lock:
            if self._serving is not None:
                server, app = self._serving
                server.stop()
                app.close()
                self._serving = None

    def _app(self) -> "Api":
        from rotator.access.authentication import Authenticator
        from rotator.api.app import Api
        from rotator.api.parts import ApiParts

        return Api(
            ApiParts(
                rooms=self._rooms(),
                authenticator=Authenticator(self.store, self.sealer, regions=self.regions),
                account=self.account,
                region=self.region,
            ),
            threads=_THREADS,
        )

    def _rooms(self) -> "Rooms":
        from rotator.api.operations.operation import Rooms
        from rotator.api.rotations import Rotations

        manager = self.manager()
        return Rooms(manager=manager, rotations=Rotations(manager, self.engine()))
