"""Due times worked out anew: where calendars, zones or the data of zones changed, and where a window was missed."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass

from rotator.manager.call import Call
from rotator.manager.operations import Operations
from rotator.manager.refusals import audited
from rotator.model.caller import Caller
from rotator.store import planned, secrets
from rotator.store.secrets import SecretRow
from rotator.store.tx import Tx

PLANNED = "RotationPlanned"
_BATCH = 100  # secrets of one transaction: long enough to be fast, short enough to hold nobody up

_Fetch = Callable[[Tx, int], Sequence[SecretRow]]


@dataclass(frozen=True, slots=True, kw_only=True)
class Replanned:
    """What was worked out anew.

    Attributes:
        changed: secrets with another due time, because something that it depends on has changed.
        missed: secrets whose window had closed without their rotation.
        unreadable: ARNs of secrets whose rules can't be read; they were left as they are.
    """

    changed: int
    missed: int
    unreadable: tuple[str, ...] = ()


class Replanning(Operations):
    """How due times follow what they depend on."""

    @audited(PLANNED)
    def replan(self, *, caller: Caller, request_id: str) -> Replanned:
        """Works out due times anew in the caller's account and region, where that is needed.

        Each batch is a transaction of its own; whoever is stopped in the middle goes on from there the next time.
        Where nothing has changed and nothing was missed it costs a look at an index.

        Raises:
            AccessDenied: the caller may not.
        """
        call = Call(event=PLANNED, caller=caller, request_id=request_id)
        unreadable: list[str] = []
        changed = 0
        with self._store.read() as tx:
            call.permit(account=caller.account, region=caller.region)
            stale = [basis for basis in planned.bases(tx) if not self._planner.is_current(basis)]
        for basis in stale:
            changed += self._replan_batches(call, _with_basis(call, basis), unreadable)
        missed = self._replan_batches(call, _missed(call), unreadable)
        return Replanned(changed=changed, missed=missed, unreadable=tuple(unreadable))

    def _replan_batches(self, call: Call, fetch: _Fetch, unreadable: list[str]) -> int:
        moved, after = 0, 0
        while True:
            with self._store.write() as tx:
                rows = fetch(tx, after)
                moved += sum(self._replan_one(tx, call, row, unreadable) for row in rows)
            if len(rows) < _BATCH:
                return moved
            after = rows[-1].id

    def _replan_one(self, tx: Tx, call: Call, secret: SecretRow, unreadable: list[str]) -> bool:
        """Whether the due time is another one now."""
        try:
            columns = self._planner.due_anew(tx, secret, now=tx.now)
        except ValueError:
            unreadable.append(secret.arn)
            return False
        if all(
            getattr(secret, name) == value for name, value in columns.items() if name != "due_basis"
        ):
            secrets.update(tx, secret.id, due_basis=columns["due_basis"])
            return False
        call.change(tx, secret, columns)
        return True


def _with_basis(call: Call, basis: str) -> _Fetch:
    def fetch(tx: Tx, after: int) -> Sequence[SecretRow]:
        account, region = call.caller.account, call.caller.region
        return planned.with_basis(
            tx, basis, account=account, region=region, after=after, limit=_BATCH
        )

    return fetch


def _missed(call: Call) -> _Fetch:
    def fetch(tx: Tx, after: int) -> Sequence[SecretRow]:
        account, region = call.caller.account, call.caller.region
        return planned.missed(
            tx, account=account, region=region, now=tx.now, after=after, limit=_BATCH
        )

    return fetch
