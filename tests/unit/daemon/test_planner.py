"""What is started next: caps hold, nobody waits for another's target, nothing startable is left."""

from datetime import UTC, datetime, timedelta

from hypothesis import given
from hypothesis import strategies as st

from rotator.daemon.planner import Caps, Running, Task, Waiting, shuffled

_START = datetime(2026, 1, 1, tzinfo=UTC)
_TARGETS = [None, "a:1", "b:1", "c:1"]
_caps = st.builds(
    Caps,
    workers=st.integers(1, 8),
    per_target=st.integers(1, 4),
    per_rotator=st.integers(1, 6),
)


@st.composite
def _tasks(draw: st.DrawFn) -> list[Task]:
    drawn = draw(
        st.lists(
            st.tuples(st.integers(0, 12), st.sampled_from(["r", "s"]), st.sampled_from(_TARGETS)),
            max_size=25,
        )
    )
    return [
        Task(
            arn=f"arn:{number}",
            name=f"n{number}",
            rotator=rotator,
            target=target,
            since=_START + timedelta(seconds=place),
        )
        for place, (number, rotator, target) in enumerate(drawn)
    ]


_limited = st.dictionaries(st.sampled_from(["a:1", "b:1"]), st.integers(0, 1))


def _fits(task: Task, at_work: list[Task], *, caps: Caps, targets: dict[str, int]) -> bool:
    """Whether one more may run beside those, in the words of the caps."""
    cap = min(caps.per_target, targets.get(task.target or "", caps.per_target))
    same_target = sum(other.target == task.target for other in at_work)
    return (
        len(at_work) < caps.workers
        and sum(other.rotator == task.rotator for other in at_work) < caps.per_rotator
        and (task.target is None or same_target < cap)
    )


@given(due=_tasks(), running=_tasks(), caps=_caps, targets=_limited, rounds=st.integers(1, 3))
def test_the_choice(
    due: list[Task], running: list[Task], caps: Caps, targets: dict[str, int], rounds: int
) -> None:
    """Each task that is started fits beside those before it, in their order; one that isn't doesn't fit. So it is again
    when those that ran are over, and no task is started twice or lost.
    """
    running = list({task.arn: task for task in running}.values())
    due = [task for task in due if task.arn not in {other.arn for other in running}]
    left = list({task.arn: task for task in reversed(due)}.values())
    left.sort(key=due.index)
    waiting, at_work = Waiting(due), Running(running)
    for _ in range(rounds):
        chosen = waiting.take(at_work, caps=caps, targets=targets)
        beside = list(at_work)
        for task in chosen:
            assert _fits(task, beside, caps=caps, targets=targets)
            beside.append(task)
        assert [task for task in left if task in chosen] == list(chosen)
        left = [task for task in left if task not in chosen]
        assert len(waiting) == len(left)
        assert not any(_fits(task, beside, caps=caps, targets=targets) for task in left)
        for task in running:
            at_work.remove(task)
        running = []


def test_a_busy_target_holds_up_no_other() -> None:
    """Behind a hundred tasks of one target, that of another starts at once."""

    def task(number: int, target: str) -> Task:
        return Task(arn=str(number), name="", rotator="r", target=target, since=_START)

    due = [*(task(number, "slow:1") for number in range(100)), task(100, "quick:1")]
    caps = Caps(workers=8, per_target=2, per_rotator=8)
    chosen = Waiting(due).take(Running(), caps=caps, targets={})
    assert [one.target for one in chosen] == ["slow:1", "slow:1", "quick:1"]
    chosen = Waiting(due).take(Running(), caps=caps, targets={"slow:1": 0})
    assert [one.target for one in chosen] == ["quick:1"]


def test_what_changes_no_target_waits_for_none() -> None:
    """The cap of a target is not that of all tasks together that have none."""
    due = [
        Task(arn=str(number), name="", rotator="r", target=None, since=_START)
        for number in range(3)
    ]
    caps = Caps(workers=8, per_target=1, per_rotator=8)
    assert len(Waiting(due).take(Running(), caps=caps, targets={})) == 3


@given(due=_tasks(), size=st.integers(1, 10), chances=st.lists(st.floats(0, 1), min_size=25))
def test_a_mix_loses_nothing_and_leaves_the_earliest_first(
    due: list[Task], size: int, chances: list[float]
) -> None:
    """Each stretch holds the tasks that it held, whatever their order in it."""
    mixed = shuffled(due, size=size, chance=iter(chances).__next__)
    assert len(mixed) == len(due)
    for start in range(0, len(due), size):
        stretch = slice(start, start + size)
        assert {id(task) for task in mixed[stretch]} == {id(task) for task in due[stretch]}
