"""Keeps a run's lease alive while its steps take their time."""

import threading
from collections.abc import Callable
from types import TracebackType
from typing import Self

from rotator.errors import FencedOut, StoreUnavailable
from rotator.rotation.claim import Claim
from rotator.rotation.journal import Journal

_SHARE = 3  # renew when a third of the lease has passed


class LeaseKeeper:
    """Renews a lease from a thread of its own; the run reads from it until when it may act.

    The local end of the lease is counted from before the renewal was sent, on a clock that never jumps, so it is never
    later than what the store believes.
    """

    def __init__(self, journal: Journal, claim: Claim) -> None:
        self._journal = journal
        self._lock = threading.Lock()
        self._claim = claim
        self._until = claim.lease_until
        self._phase = str(claim.state.phase)
        self._stop = threading.Event()
        self._thread = threading.Thread(target=self._keep, name="rotator-lease", daemon=True)

    def __enter__(self) -> Self:
        self._thread.start()
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        self._stop.set()
        self._thread.join()

    @property
    def until(self) -> float:
        """The end of the lease, a reading of `rotator.sdk.clock`."""
        return self._until

    def show(self, phase: str) -> None:
        """Which step the next renewal writes down."""
        self._phase = phase

    def ensure(self, seconds: float) -> None:
        """Renews now where less than `seconds` are left.

        Raises:
            FencedOut: the lease is another's.
            StoreUnavailable: the store can't be asked.
        """
        if self._until - self._journal.clock() < seconds:
            self._renew()

    def change(self, act: Callable[[Claim], Claim]) -> Claim:
        """Replaces the claim by what `act` makes of it, with no renewal in between."""
        with self._lock:
            self._claim = act(self._claim)
            self._until = self._claim.lease_until
            return self._claim

    def _renew(self) -> None:
        with self._lock:
            self._until = self._journal.renew(
                self._claim, fencing=self._claim.fencing, phase=self._phase
            )

    def _keep(self) -> None:
        while not self._stop.wait(self._journal.policy.lease / _SHARE):
            try:
                self._renew()
            except FencedOut:
                return  # the run meets it at its next write
            except StoreUnavailable:
                continue  # tried again until the lease is over; the run stops by its own clock
