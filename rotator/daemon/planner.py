"""What to start next. Pure: what is due and what runs come in, what to start comes out."""

from collections import Counter
from collections.abc import Callable, Collection, Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime


@dataclass(frozen=True, slots=True, kw_only=True)
class Task:
    """One secret with something to be done by now.

    Attributes:
        rotator: the name of the one that does it.
        target: what it changes, as `host:port`; None where nothing is known of that.
        since: when it became due.
    """

    arn: str
    name: str
    rotator: str
    target: str | None
    since: datetime


@dataclass(frozen=True, slots=True, kw_only=True)
class Caps:
    """How many tasks run at once: in all, on one target, by one rotator."""

    workers: int
    per_target: int
    per_rotator: int


def to_start(
    due: Sequence[Task],
    running: Iterable[Task],
    *,
    caps: Caps,
    targets: Mapping[str, int],
    held: Collection[str],
) -> tuple[Task, ...]:
    """The tasks to start now, in the order of `due`. One that has to wait for its target or rotator holds up no other.

    Args:
        targets: smaller caps of the targets that have one.
        held: ARNs of secrets that are left alone for now.
    """
    taken, by_target, by_rotator = set(held), Counter[str](), Counter[str]()
    workers = 0

    def start(task: Task) -> None:
        nonlocal workers
        workers += 1
        taken.add(task.arn)
        by_rotator[task.rotator] += 1
        if task.target is not None:
            by_target[task.target] += 1

    def fits(task: Task) -> bool:
        if task.arn in taken or by_rotator[task.rotator] >= caps.per_rotator:
            return False
        if task.target is None:
            return True
        cap = min(caps.per_target, targets.get(task.target, caps.per_target))
        return by_target[task.target] < cap

    for task in running:
        start(task)
    chosen: list[Task] = []
    for task in due:
        if workers >= caps.workers:
            break
        if fits(task):
            start(task)
            chosen.append(task)
    return tuple(chosen)


def shuffled(tasks: Sequence[Task], *, size: int, chance: Callable[[], float]) -> tuple[Task, ...]:
    """The same tasks, each `size` of them in an order of chance: or several daemons would all try the first ones first.

    Args:
        chance: a random number from 0 to 1.
    """
    stretches = (tasks[start : start + size] for start in range(0, len(tasks), size))
    return tuple(task for stretch in stretches for task in sorted(stretch, key=lambda _: chance()))
