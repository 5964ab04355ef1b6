"""Whether AWSCURRENT of some secrets has moved: for caches that refresh at once."""

from collections.abc import Mapping
from dataclasses import dataclass, replace

from rotator.errors import InvalidParameter, RotatorError
from rotator.manager.call import Call
from rotator.manager.operations import Operations
from rotator.manager.refusals import audited
from rotator.model.caller import Caller
from rotator.store import labels, replicas
from rotator.store.store import Tx

WATCH = "WatchSecrets"
MOST_WATCHED = 1000


@dataclass(frozen=True, slots=True, kw_only=True)
class Watch:
    """Secrets that a caller was let to watch.

    Attributes:
        changed: by the names that they were given by, those that are not as the caller knows them.
        owners: row id of the secret that has the versions, by name.
        known: the version that the caller knows, by name.
    """

    changed: tuple[str, ...]
    owners: Mapping[str, int]
    known: Mapping[str, str]


class Watching(Operations):
    """How changes are waited for. The look is cheap, so that it can be repeated several times a second."""

    @audited(WATCH)
    def watch_secrets(self, *, caller: Caller, request_id: str, known: Mapping[str, str]) -> Watch:
        """What of some secrets is not as the caller knows it, and a watch on the others.

        Whoever may describe a secret may watch it. One that the caller may not, or that isn't there, counts as changed:
        a read of it says why.

        Args:
            known: secret → the id of the version that has AWSCURRENT, as far as the caller knows.

        Raises:
            InvalidParameter: there are too many.
        """
        if len(known) > MOST_WATCHED:
            raise InvalidParameter(
                f"At most {MOST_WATCHED:,} secrets are watched at once, and these are {len(known):,}."
            )
        call = Call(event=WATCH, caller=caller, request_id=request_id)
        owners: dict[str, int] = {}
        with self._store.read() as tx:
            for secret_id in known:
                one = replace(call, event="DescribeSecret", secret_id=secret_id)
                try:
                    owners[secret_id] = replicas.origin(tx, one.find_usable(tx)).id
                except RotatorError as error:
                    tx.record(one.refusal(error))
            changed = (*(known.keys() - owners.keys()), *_changed(tx, owners, known))
            call.record(tx, None, detail={"secrets": len(known), "changed": len(changed)})
        return Watch(changed=tuple(sorted(changed)), owners=owners, known=known)

    def look_again(self, watch: Watch) -> tuple[str, ...]:
        """Which of the watched secrets are not as their watcher knows them; for whoever has been recorded already."""
        with self._store.read() as tx:
            return tuple(sorted(_changed(tx, watch.owners, watch.known)))


def _changed(tx: Tx, owners: Mapping[str, int], known: Mapping[str, str]) -> list[str]:
    ids = sorted(set(owners.values()))
    at = labels.current_of(tx, ids)
    return [name for name, owner in owners.items() if at.get(owner) != known[name]]
