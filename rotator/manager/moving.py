"""The move of a store to another database, as somebody asks for it."""

from collections.abc import Mapping

from rotator.manager.call import Call
from rotator.manager.refusals import audited
from rotator.model.caller import Caller
from rotator.store import moving
from rotator.store.database import Database
from rotator.store.moving import Observer, Plan
from rotator.store.store import Store
from rotator.store.tx import Tx

MOVED = "MoveStore"


class Moving:
    """The operations on a store as a whole. They are for who holds it, of whatever account."""

    def __init__(self, source: Store) -> None:
        self._store = source

    @audited(MOVED)
    def plan(self, *, caller: Caller, request_id: str, destination: Database | None) -> Plan:
        """What a move would do now, which is on record; nothing else is changed, and nobody has to wait.

        Args:
            destination: None for a SQLite file that is still to be made.

        Raises:
            AccessDenied: the caller may not.
            ConfigurationError, RotationInProgress, StoreUnavailable: as `move` does.
        """
        call = _permitted(caller, request_id)
        found = moving.plan(self._store, destination)
        to = None if destination is None else destination.url_shown
        self._store.record(call.entry(None, detail={"to": to, "dry_run": True}))
        return found

    @audited(MOVED)
    def move(
        self, *, caller: Caller, request_id: str, destination: Database, observe: Observer
    ) -> Mapping[str, int]:
        """Moves the store, and gives the number of rows of each table that were compared at the end.

        Both stores have the record of it: it is written as the move begins, and kept where it succeeds.

        Raises:
            AccessDenied: the caller may not.
            ConfigurationError: the destination is not an empty database that can hold a store.
            KeyUnavailable: there is no audit key, or it is not this store's.
            RotationInProgress: a rotation is at work; nothing was begun.
            StoreUnavailable: as `rotator.store.moving.move` does.
        """
        call = _permitted(caller, request_id)

        def record(tx: Tx) -> None:
            places = {"from": self._store.url_shown, "to": destination.url_shown}
            call.record(tx, None, detail=places)
            self._store.chain(tx)

        return moving.move(self._store, destination, record=record, observe=observe)


def _permitted(caller: Caller, request_id: str) -> Call:
    call = Call(event=MOVED, caller=caller, request_id=request_id)
    call.permit(account=caller.account, region=caller.region)
    return call
