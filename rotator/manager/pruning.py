"""Old versions that nobody needs any more: they go also where nobody puts new ones."""

from rotator.errors import ResourceNotFound
from rotator.manager.call import Call
from rotator.manager.operations import Operations
from rotator.manager.refusals import audited
from rotator.model.caller import Caller
from rotator.store import old_versions, rota, secrets

PRUNED = "VersionsPruned"


class Pruning(Operations):
    """How versions leave."""

    @audited(PRUNED)
    def prune_versions(
        self, *, caller: Caller, request_id: str, after: int, secrets_at_most: int
    ) -> tuple[int, int]:
        """Removes, as AWS does, deprecated versions of the next secrets: where there are more than 100, those of them
        that are older than 24 hours and not pinned. Gives how many, and where the next call is to go on; 0: from the
        beginning again.

        Each secret is a transaction of its own.

        Args:
            after: where the last call said; 0 for the beginning.
            secrets_at_most: to look at.

        Raises:
            AccessDenied: the caller may not.
        """
        call = Call(event=PRUNED, caller=caller, request_id=request_id)
        with self._store.read() as tx:
            call.permit(account=caller.account, region=caller.region)
            bounds = rota.bounds(tx)
            if bounds is None:
                return 0, 0
            until = max(after, bounds[0] - 1) + secrets_at_most
            crowded = old_versions.crowded(tx, after=after, until=until)
        pruned = sum(self._prune(call, secret_id) for secret_id in crowded)
        return pruned, until if until < bounds[1] else 0

    def _prune(self, call: Call, secret_id: int) -> int:
        with self._store.write() as tx:
            try:
                secret = secrets.by_id(tx, secret_id, for_update=True)
            except ResourceNotFound:  # it is gone, and its versions with it
                return 0
            if (secret.account, secret.region) != (call.caller.account, call.caller.region):
                return 0
            pruned = old_versions.prune(tx, secret_id)
            if pruned:
                call.record(tx, secret.arn, detail={"versions": pruned})
        return pruned
