"""The end of recovery windows: secrets go for good."""

from collections.abc import Callable

from rotator.manager.call import Call
from rotator.manager.deleting import PURGED
from rotator.manager.operations import Operations
from rotator.manager.refusals import audited
from rotator.model.caller import Caller
from rotator.store import deleted, left_over, secrets
from rotator.store.changes import GONE

_BATCH = 100  # secrets of one transaction: long enough to be fast, short enough to hold nobody up


class Purging(Operations):
    """How secrets leave when nobody can restore them any more."""

    @audited(PURGED)
    def purge(
        self,
        *,
        caller: Caller,
        request_id: str,
        limit: int,
        progress: Callable[[int], None] = lambda _: None,
    ) -> int:
        """Removes secrets of the caller's account and region whose recovery window is over; gives how many.

        Those go first that are due longest. A secret stays whose target may hold a value that no probe has settled: its
        version is pinned, or its abandoned rotation not over. So does one whose old credential has yet to be retired;
        where that has failed for good, the record names the versions whose credentials may still log in. Each batch is
        a transaction of its own, so whoever is stopped in the middle has removed whole secrets with their records, and
        the next purge goes on from there. Several at once share the work.

        Args:
            limit: secrets to remove at most.
            progress: told after each batch how many were removed so far.

        Raises:
            AccessDenied: the caller may not.
        """
        call = Call(event=PURGED, caller=caller, request_id=request_id)
        removed = 0
        while removed < limit:
            batch = min(_BATCH, limit - removed)
            done = self._purge_batch(call, batch)
            removed += done
            progress(removed)
            if done < batch:
                break
        return removed

    @audited("ListSecrets")
    def overdue(self, *, caller: Caller, request_id: str, limit: int) -> tuple[str, ...]:
        """Names of secrets of the caller's account and region whose recovery window is over; after a purge, of those
        that it has to leave for now.

        Raises:
            AccessDenied: the caller may not.
        """
        call = Call(event="ListSecrets", caller=caller, request_id=request_id)
        with self._store.read() as tx:
            call.permit(account=caller.account, region=caller.region)
            found = deleted.overdue(tx, account=caller.account, region=caller.region, limit=limit)
            call.record(tx, None, detail={"overdue": len(found)})
        return found

    def _purge_batch(self, call: Call, size: int) -> int:
        caller = call.caller
        with self._store.write() as tx:
            call.permit(account=caller.account, region=caller.region)
            due = deleted.purgeable(
                tx, account=caller.account, region=caller.region, now=tx.now, limit=size
            )
            for secret in due:
                left = sorted(left_over.left_over(tx, secret.id))
                secrets.remove(tx, secret.id)
                call.record(
                    tx,
                    secret.arn,
                    detail={"name": secret.name, "left": GONE}
                    | ({"unretired": left} if left else {}),
                    revision=secret.revision + 1,
                )
        return len(due)
