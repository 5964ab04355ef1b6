"""Many writers on few secrets, on each engine: every acknowledged write counts, and no conflict reaches a caller."""

from concurrent.futures import ProcessPoolExecutor
from pathlib import Path

from rotator.store.store import Store
from tests.support.hammer import check, hammer, prepare
from tests.support.processes import processes


def test_eight_threads_lose_nothing(store: Store, store_url: str, keyring: Path) -> None:
    """Eight threads of one process put, move, tag, describe, schedule, create and remove without a fault."""
    prepare(store, keyring)
    done = hammer(store_url, keyring, [f"thread-{number}" for number in range(8)], 30)
    check(store, keyring, done)


def test_four_processes_lose_nothing(store: Store, store_url: str, keyring: Path) -> None:
    """Four processes of two threads each do the same."""
    prepare(store, keyring)
    with ProcessPoolExecutor(4, mp_context=processes) as pool:
        running = [
            pool.submit(hammer, store_url, keyring, [f"{number}-a", f"{number}-b"], 25)
            for number in range(4)
        ]
        done = [worker for process in running for worker in process.result()]
    check(store, keyring, done)
