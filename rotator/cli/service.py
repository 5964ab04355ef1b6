"""The daemon of a session."""

from rotator.cli.session import Session
from rotator.daemon.daemon import Daemon
from rotator.daemon.planner import Caps
from rotator.daemon.turn import Turn
from rotator.model.caller import rotation_service


def daemon_of(session: Session) -> Daemon:
    """What `rotate daemon` runs.

    Raises:
        ConfigurationError, KeyUnavailable, StoreUnavailable: it can't work like that.
    """
    settings = session.configuration.settings
    given = settings.daemon
    return Daemon(
        store=session.store,
        engine=session.parking_engine,
        manager=session.manager,
        caller=rotation_service(account=settings.account, region=settings.region),
        caps=Caps(
            workers=given.workers, per_target=given.per_target, per_rotator=given.per_rotator
        ),
        poll=given.poll,
        shutdown=given.shutdown,
        turn=Turn(session.store.file),
    )
