"""What the store says is to be done by now, and when it says to look again."""

from dataclasses import dataclass
from datetime import datetime
from typing import Any

from rotator.daemon.planner import Task
from rotator.daemon.reach import Reach
from rotator.model.caller import Caller
from rotator.rotation.own_runs import is_over
from rotator.rotation.owner import Owner
from rotator.store import agenda, rotation_row
from rotator.store.agenda import DueRow, HeldRow
from rotator.store.store import Store
from rotator.store.tx import Tx

_MOST = 10_000  # tasks of a kind that one look gives


@dataclass(frozen=True, slots=True, kw_only=True)
class Agenda:
    """What is to be done.

    Attributes:
        tasks: the earliest first.
        next_in: seconds until something else becomes due; None where nothing will.
        now: the store's time.
    """

    tasks: tuple[Task, ...]
    next_in: float | None
    now: datetime

    @property
    def oldest(self) -> float:
        """Seconds since the first of them became due; 0 where there is none."""
        return (self.now - self.tasks[0].since).total_seconds() if self.tasks else 0.0


def read(store: Store, *, caller: Caller, me: Owner) -> Agenda:
    """The agenda of the caller's account and region.

    Args:
        me: this process, which sees the death of others and knows its own runs.

    Raises:
        StoreUnavailable: it can't be read.
    """
    of = {"account": caller.account, "region": caller.region}
    with store.read() as tx:
        rows: list[DueRow | HeldRow] = []
        left = [*agenda.waiting(tx, **of, limit=_MOST), *agenda.held(tx, **of)]
        rows.extend(row for row in left if not _at_work(tx, row, me))
        rows.extend(agenda.scheduled(tx, **of, limit=_MOST))
        moment = agenda.next_moment(tx)
        now = tx.now
        next_in = None if moment is None else (moment - now).total_seconds()
    tasks = sorted((_task(row) for row in rows), key=lambda task: task.since)
    return Agenda(tasks=tuple(tasks), next_in=next_in, now=now)


def read_all(store: Store, reach: Reach, *, me: Owner) -> Agenda:
    """The agenda of every account and region that a daemon works in.

    Raises:
        StoreUnavailable: it can't be read.
    """
    callers = reach.callers()
    if not callers:
        with store.read() as tx:
            return Agenda(tasks=(), next_in=None, now=tx.now)
    found = [read(store, caller=caller, me=me) for caller in callers]
    if len(found) == 1:
        return found[0]
    tasks = sorted((task for each in found for task in each.tasks), key=lambda task: task.since)
    soonest = min((each.next_in for each in found if each.next_in is not None), default=None)
    return Agenda(tasks=tuple(tasks), next_in=soonest, now=found[-1].now)


def _at_work(tx: Tx, row: HeldRow, me: Owner) -> bool:
    if not rotation_row.is_leased(tx, row):
        return False
    owner = Owner.parse(row.owner or "")
    return owner is None or not is_over(owner, observer=me)


def _task(row: DueRow | HeldRow) -> Task:
    return Task(
        arn=row.arn,
        name=row.name,
        rotator=row.rotator,
        target=target_of(row.authority or {}),
        since=row.since,
    )


def target_of(authority: dict[str, Any]) -> str | None:
    """Host and port in what was pinned for a secret; None where there are none."""
    host = authority.get("host")
    return None if host is None else f"{host}:{authority.get('port')}"
