"""The daemon of a session."""

import os
from collections.abc import Mapping
from functools import partial
from typing import Any

from rotator.cli.answering import open_api, rooms_of
from rotator.cli.session import Session
from rotator.config import Settings
from rotator.config.difference import changed_keys
from rotator.daemon.daemon import Daemon
from rotator.daemon.monitor import Monitor
from rotator.daemon.notices import Notices
from rotator.daemon.notifiers import load_notifier
from rotator.daemon.parts import Parts
from rotator.daemon.planner import Caps
from rotator.daemon.reloading import Reloaded
from rotator.daemon.service_manager import ServiceManager
from rotator.daemon.turn import Turn


def daemon_of(session: Session) -> Daemon:
    """What `rotate daemon` runs.

    Raises:
        ConfigurationError, KeyUnavailable, StoreUnavailable: it can't work like that.
    """
    settings = session.configuration.settings
    session.planner.check()
    now = session

    def read_again() -> Reloaded:
        nonlocal now
        again = now.reloaded()
        parts = _parts(again)
        changed = changed_keys(now.configuration.settings, again.configuration.settings)
        again.set_up_log()
        again.loopback.use(manager=lambda: again.manager, engine=lambda: again.parking_engine)
        now = again
        return Reloaded(parts=parts, changed=changed)

    return Daemon(
        store=session.store,
        regions=settings.served_regions,
        turn=Turn(session.store.file),
        parts=_parts(session),
        read_again=read_again,
        monitor=Monitor(
            ServiceManager.from_environment(os.environ),
            settings.daemon.address,
            open_api=partial(open_api, session),
        ),
    )


def _parts(session: Session) -> Parts:
    given = session.configuration.settings.daemon
    return Parts(
        engine=session.parking_engine,
        rooms=rooms_of(session),
        manager=session.manager,
        caps=Caps(
            workers=given.workers, per_target=given.per_target, per_rotator=given.per_rotator
        ),
        poll=given.poll,
        shutdown=given.shutdown,
        drift_every=given.drift_every,
        notices=_notices(session.configuration.settings),
    )


def _notices(settings: Settings) -> Notices:
    told, trust = settings.notifications, settings.tls.trust
    trusted = None if trust is None else str(trust)
    made: dict[str, tuple[str, str, Mapping[str, Any]]] = {
        **{name: ("commands", "command", one.options()) for name, one in told.commands.items()},
        **{
            name: ("webhooks", "webhook", one.options() | {"trust": trusted})
            for name, one in told.webhooks.items()
        },
        **{name: ("plugins", one.kind, one.options) for name, one in told.plugins.items()},
    }
    return Notices(
        {
            name: load_notifier(kind, options, key=f"notifications.{section}.{name}")
            for name, (section, kind, options) in made.items()
        }
    )
