"""Calls that are handed to threads by the batch."""

import asyncio
import threading
from collections.abc import Callable, Sequence

import pytest

from rotator.api.gathering import Gathering
from tests.support.threads import no_more_threads

MOST = 4


class Worker:
    """Doubles numbers; the first batch waits until it may go on.

    Attributes:
        batches: what was handed over, in its order.
    """

    def __init__(self) -> None:
        self.batches: list[list[int]] = []
        self.begun, self.go_on = threading.Event(), threading.Event()

    def __call__(self, numbers: Sequence[int]) -> Sequence[int]:
        self.batches.append(list(numbers))
        if not self.begun.is_set():
            self.begun.set()
            assert self.go_on.wait(30)
        if any(number < 0 for number in numbers):
            raise ValueError("no")
        return [number * 2 for number in numbers]


def gathering(work: Callable[[Sequence[int]], Sequence[int]], threads: int) -> Gathering[int, int]:
    return Gathering(work, threads=threads, most=MOST, patience=0.001, name="gathering")


def test_what_came_meanwhile_is_handed_over_together() -> None:
    """While the only thread is busy calls gather; each gets its own answer, and no batch is too long."""
    worker = Worker()
    gathered = gathering(worker, threads=1)

    async def all_of_them() -> list[int]:
        first = asyncio.ensure_future(gathered.perform(1))
        assert await asyncio.to_thread(worker.begun.wait, 30)
        others = [gathered.perform(number) for number in range(2, 12)]
        worker.go_on.set()
        return [await first, *(await asyncio.gather(*others))]

    assert asyncio.run(all_of_them()) == [number * 2 for number in range(1, 12)]
    assert worker.batches == [[1], [2, 3, 4, 5], [6, 7, 8, 9], [10, 11]]
    gathered.close()


def test_a_batch_that_waits_keeps_no_other_one_waiting() -> None:
    """While one thread waits for its turn to write, the other one answers what comes."""
    worker = Worker()
    gathered = gathering(worker, threads=2)

    async def beside_a_slow_one() -> list[int]:
        slow = gathered.perform(1)
        assert await asyncio.to_thread(worker.begun.wait, 30)
        quick = [await gathered.perform(number) for number in range(2, 6)]
        assert not slow.done()
        worker.go_on.set()
        return [await slow, *quick]

    assert asyncio.run(beside_a_slow_one()) == [2, 4, 6, 8, 10]
    gathered.close()


def test_a_batch_that_fails_fails_alone() -> None:
    """What it raises is raised where each of its calls was made; who gave up is not missed; the next goes on."""
    worker = Worker()
    gathered = gathering(worker, threads=1)

    async def one_after_the_other() -> int:
        failing = [gathered.perform(number) for number in (-1, 2, 3)]
        assert await asyncio.to_thread(worker.begun.wait, 30)
        gone = gathered.perform(4)
        gone.cancel()
        worker.go_on.set()
        for each in failing:
            with pytest.raises(ValueError, match="no"):
                await each
        return await gathered.perform(5)

    assert asyncio.run(one_after_the_other()) == 10
    gathered.close()


def test_what_is_under_way_is_done_before_the_end() -> None:
    """Also where the loop that asked for it is gone; what still waited was given to nobody."""
    worker = Worker()
    gathered = gathering(worker, threads=1)

    async def gone() -> None:
        gathered.perform(1)
        assert await asyncio.to_thread(worker.begun.wait, 30)
        gathered.perform(2)

    asyncio.run(gone())
    worker.go_on.set()
    gathered.close()
    assert worker.batches == [[1]]


def test_who_was_answered_together_is_waited_for() -> None:
    """After a batch of several the next one begins when as many have come, before its time is up."""
    worker = Worker()
    worker.begun.set()
    patient: Gathering[int, int] = Gathering(
        worker, threads=1, most=MOST, patience=3600.0, name="gathering"
    )

    async def twice() -> list[int]:
        first = [patient.perform(number) for number in (1, 2, 3)]
        answers = await asyncio.gather(*first)
        early = patient.perform(4)
        for _ in range(5):
            await asyncio.sleep(0)
        assert worker.batches == [[1, 2, 3]]
        others = [patient.perform(number) for number in (5, 6)]
        return [*answers, *(await asyncio.gather(early, *others))]

    assert asyncio.run(twice()) == [2, 4, 6, 8, 10, 12]
    assert worker.batches == [[1, 2, 3], [4, 5, 6]]
    patient.close()


def test_who_comes_alone_is_not_kept_waiting_for_long() -> None:
    """Where the others don't come again, the one that did is answered after the time that it waits at most."""
    worker = Worker()
    worker.begun.set()
    gathered = gathering(worker, threads=1)

    async def twice() -> int:
        await asyncio.gather(*(gathered.perform(number) for number in (1, 2, 3)))
        return await gathered.perform(4)

    assert asyncio.run(twice()) == 8
    assert worker.batches == [[1, 2, 3], [4]]
    gathered.close()


def test_a_thread_that_can_not_be_started_is_not_missed() -> None:
    """Without any the calls fail, and the next is tried anew; else another one does its work, and all of them end."""
    worker = Worker()
    gathered = gathering(worker, threads=2)

    async def with_less_and_less() -> list[int]:
        with no_more_threads():
            failing = [gathered.perform(number) for number in (1, 2)]
            for failed in failing:
                with pytest.raises(RuntimeError, match="thread"):
                    await failed
        first = gathered.perform(3)
        assert await asyncio.to_thread(worker.begun.wait, 30)
        with no_more_threads():
            second = gathered.perform(4)
            await asyncio.sleep(0)
            worker.go_on.set()
            return [await first, await second]

    assert asyncio.run(with_less_and_less()) == [6, 8]
    gathered.close()
