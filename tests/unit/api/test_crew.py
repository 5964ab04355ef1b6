"""Threads that work for an event loop."""

import asyncio
import threading
from collections.abc import Iterator

import pytest

from rotator.api.crew import Crew
from tests.support.threads import no_more_threads

SIZE = 3


@pytest.fixture
def crew() -> Iterator[Crew[int]]:
    crew: Crew[int] = Crew(SIZE, name="crew")
    yield crew
    crew.close()


def test_each_is_given_its_own_answer(crew: Crew[int]) -> None:
    """Many more at once than there are threads, and no more threads than there may be."""
    seen: set[str] = set()

    def work(number: int) -> int:
        seen.add(threading.current_thread().name)
        return number * number

    async def all_at_once() -> list[int]:
        return await asyncio.gather(
            *(crew.perform(lambda n=number: work(n)) for number in range(200))  # type: ignore[misc]
        )

    assert asyncio.run(all_at_once()) == [number * number for number in range(200)]
    assert seen <= {f"crew_{number}" for number in range(SIZE)}


def test_what_is_raised_is_raised_where_it_was_asked_for(crew: Crew[int]) -> None:
    """The thread goes on with what comes next."""

    def fail() -> int:
        raise ValueError("no")

    async def one_after_the_other() -> list[int]:
        answers = []
        for _ in range(SIZE * 2):
            with pytest.raises(ValueError, match="no"):
                await crew.perform(fail)
            answers.append(await crew.perform(lambda: 1))
        return answers

    assert asyncio.run(one_after_the_other()) == [1] * SIZE * 2


def test_nobody_is_kept_waiting_by_a_slow_one(crew: Crew[int]) -> None:
    """As long as a thread is left, others are answered; who gave up in between is not missed."""
    go_on = threading.Event()

    def slow() -> int:
        assert go_on.wait(30)
        return 0

    async def beside_slow_ones() -> int:
        waiting = [asyncio.ensure_future(crew.perform(slow)) for _ in range(SIZE - 1)]
        await asyncio.sleep(0)
        quick = await crew.perform(lambda: 7)
        waiting[0].cancel()
        go_on.set()
        assert await asyncio.gather(*waiting[1:]) == [0] * (SIZE - 2)
        return quick

    assert asyncio.run(beside_slow_ones()) == 7


def test_what_is_under_way_is_done_before_the_end() -> None:
    """Also where the loop that asked for it is gone."""
    crew: Crew[int] = Crew(1, name="crew")
    begun, go_on, done = threading.Event(), threading.Event(), threading.Event()

    def slow() -> int:
        begun.set()
        assert go_on.wait(30)
        done.set()
        return 0

    async def gone() -> None:
        left = asyncio.ensure_future(crew.perform(slow))
        await asyncio.to_thread(begun.wait, 30)
        left.cancel()

    asyncio.run(gone())
    go_on.set()
    crew.close()
    assert done.is_set()


def test_a_thread_that_can_not_be_started_is_not_missed(crew: Crew[int]) -> None:
    """Without any the call fails, and the next is tried anew; else the others do its work, and all of them end."""

    async def with_less_and_less() -> list[int]:
        with no_more_threads(), pytest.raises(RuntimeError, match="thread"):
            await crew.perform(lambda: 0)
        first = await crew.perform(lambda: 1)
        with no_more_threads():
            others = await asyncio.gather(crew.perform(lambda: 2), crew.perform(lambda: 3))
        return [first, *others]

    assert asyncio.run(with_less_and_less()) == [1, 2, 3]
