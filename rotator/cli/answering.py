"""The API of a session: what the daemon and `rotate api` answer calls with."""

from rotator.api.connections import Listener
from rotator.api.operations.operation import Rooms
from rotator.api.parts import ApiParts, Pages, Watch
from rotator.api.rotations import Rotations
from rotator.api.service import ApiService
from rotator.cli.session import Session


def rooms_of(session: Session) -> Rooms:
    """What calls are done with."""
    manager = session.manager
    return Rooms(manager=manager, rotations=Rotations(manager, session.parking_engine))


def open_api(session: Session, listener: Listener, pages: Pages, watch: Watch) -> ApiService:
    """The API on a socket, not started yet.

    Raises:
        ConfigurationError: its certificate can't be used.
    """
    settings = session.configuration.settings
    parts = ApiParts(
        rooms=rooms_of(session),
        authenticator=session.authenticator,
        account=settings.account,
        region=settings.region,
        pages=pages,
        watch=watch,
    )
    return ApiService(parts, settings.api, listener)
