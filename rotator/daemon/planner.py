"""What to start next: what is due and what runs come in, what to start comes out."""

from collections import Counter, deque
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from heapq import heapify, heappop, heappush
from typing import TypeVar

_Key = TypeVar("_Key")
_Group = tuple[str, str | None]
"""A rotator and a target."""
_Head = tuple[int, _Group]
"""The number of the first task of a group."""


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


class Running:
    """Tasks at work, counted by what the caps are about: to look at each of them for each that ends costs too much."""

    def __init__(self, tasks: Iterable[Task] = ()) -> None:
        self._tasks: dict[str, Task] = {}
        self._by_rotator = Counter[str]()
        self._by_target = Counter[str | None]()
        for task in tasks:
            self.add(task)

    def __len__(self) -> int:
        return len(self._tasks)

    def __iter__(self) -> Iterator[Task]:
        return iter(self._tasks.values())

    def has(self, arn: str) -> bool:
        """Whether a secret's task is at work."""
        return arn in self._tasks

    def add(self, task: Task) -> None:
        """One begins; its secret's only one."""
        self._tasks[task.arn] = task
        self._by_rotator[task.rotator] += 1
        self._by_target[task.target] += 1

    def remove(self, task: Task) -> None:
        """One is over."""
        del self._tasks[task.arn]
        _take_off(self._by_rotator, task.rotator)
        _take_off(self._by_target, task.target)

    def on(self, target: str) -> int:
        """How many change this target."""
        return self._by_target[target]

    def by(self, rotator: str) -> int:
        """How many are this rotator's."""
        return self._by_rotator[rotator]


def _take_off(counts: Counter[_Key], key: _Key) -> None:
    counts[key] -= 1
    if not counts[key]:
        del counts[key]


class Waiting:
    """Tasks that are due and have not begun, in their order, each secret's once.

    To take some costs what is taken, and the targets that have to wait; never what waits.
    """

    def __init__(self, due: Iterable[Task] = ()) -> None:
        # What a cap keeps from one of a group it keeps from all of it.
        self._groups: dict[_Group, deque[tuple[int, Task]]] = {}
        seen: set[str] = set()
        for number, task in enumerate(due):
            if task.arn not in seen:
                seen.add(task.arn)
                group = (task.rotator, task.target)
                self._groups.setdefault(group, deque()).append((number, task))
        self._heads = [(tasks[0][0], group) for group, tasks in self._groups.items()]
        heapify(self._heads)
        self._count = len(seen)

    def __len__(self) -> int:
        return self._count

    def take(self, running: Running, *, caps: Caps, targets: Mapping[str, int]) -> tuple[Task, ...]:
        """The tasks to start now, in order. One that has to wait for its target or rotator holds up no other.

        Args:
            running: none of them is one that waits.
            targets: smaller caps of the targets that have one.
        """
        if not self._heads:
            return ()
        room = _Room(caps, targets, running)
        blocked: list[_Head] = []
        chosen: list[Task] = []
        while self._heads and room.workers > 0:
            head = heappop(self._heads)
            if not room.has(*head[1]):
                blocked.append(head)
                continue
            room.give(*head[1])
            chosen.append(self._first(head[1]))
        for head in blocked:
            heappush(self._heads, head)
        self._count -= len(chosen)
        return tuple(chosen)

    def _first(self, group: _Group) -> Task:
        tasks = self._groups[group]
        _, task = tasks.popleft()
        if tasks:
            heappush(self._heads, (tasks[0][0], group))
        else:
            del self._groups[group]
        return task


class _Room:
    """What the caps still let in."""

    def __init__(self, caps: Caps, targets: Mapping[str, int], running: Running) -> None:
        self.workers = caps.workers - len(running)
        self._caps = caps
        self._targets = targets
        self._running = running
        # Those that are chosen now.
        self._by_target = Counter[str | None]()
        self._by_rotator = Counter[str]()

    def has(self, rotator: str, target: str | None) -> bool:
        caps = self._caps
        if self._running.by(rotator) + self._by_rotator[rotator] >= caps.per_rotator:
            return False
        if target is None:
            return True
        cap = min(caps.per_target, self._targets.get(target, caps.per_target))
        return self._running.on(target) + self._by_target[target] < cap

    def give(self, rotator: str, target: str | None) -> None:
        self.workers -= 1
        self._by_rotator[rotator] += 1
        self._by_target[target] += 1


def shuffled(tasks: Sequence[Task], *, size: int, chance: Callable[[], float]) -> list[Task]:
    """The same tasks, each `size` of them in an order of chance: or several daemons would all try the first ones first.

    Args:
        chance: a random number from 0 to 1.
    """
    stretches = (tasks[start : start + size] for start in range(0, len(tasks), size))
    return [task for stretch in stretches for task in sorted(stretch, key=lambda _: chance())]
