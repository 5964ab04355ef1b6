"""Keeps leases alive while the steps of their runs take their time."""

import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager

from rotator.rotation.claim import Claim
from rotator.rotation.journal import Journal

_SHARE = 3  # a lease is renewed when a third of it has passed


class Lease:
    """The lease of one run. The run reads from it until when it may act.

    Its local end is counted from before a renewal was sent, on a clock that never jumps, so it is never later than
    what the store believes.
    """

    def __init__(self, journal: Journal, claim: Claim) -> None:
        self._journal = journal
        self._lock = threading.Lock()
        self._claim = claim
        self._until = claim.lease_until
        self._phase = str(claim.state.phase)
        self._held = True

    @property
    def until(self) -> float:
        """The end of the lease, a reading of `rotator.sdk.clock`."""
        return self._until

    def show(self, phase: str) -> None:
        """Which step the next renewal writes down; none that is under way writes another after this."""
        with self._lock:
            self._phase = phase

    def ensure(self, seconds: float) -> None:
        """Renews now where less than `seconds` are left.

        Raises:
            FencedOut: the lease is another's.
            StoreUnavailable: the store can't be asked.
        """
        with self._lock:
            if self._held and self._until - self._journal.clock() < seconds:
                self._until = self._journal.renew(
                    self._claim, fencing=self._claim.fencing, phase=self._phase
                )

    def give_back(self, act: Callable[[], None]) -> None:
        """Does `act`, after which the lease is nobody's, and renews it no more until the next `change`."""
        with self._lock:
            act()
            self._held = False

    def change(self, act: Callable[[Claim], Claim]) -> Claim:
        """Replaces the claim by what `act` makes of it, with no renewal in between."""
        with self._lock:
            self._claim = act(self._claim)
            self._until = self._claim.lease_until
            self._held = True
            return self._claim


class LeaseKeeper:
    """Renews the leases of all runs of an engine, from one thread that lives while there are any."""

    def __init__(self, journal: Journal) -> None:
        self._journal = journal
        self._lock = threading.Lock()
        self._leases: set[Lease] = set()
        self._thread: threading.Thread | None = None

    @contextmanager
    def hold(self, claim: Claim) -> Iterator[Lease]:
        """The lease of a claim, renewed until the block ends."""
        lease = Lease(self._journal, claim)
        with self._lock:
            self._leases.add(lease)
            if self._thread is None:
                self._thread = self._started()
        try:
            yield lease
        finally:
            with self._lock:
                self._leases.discard(lease)

    def _started(self) -> threading.Thread | None:
        thread = threading.Thread(target=self._keep, name="rotator-leases", daemon=True)
        try:
            thread.start()
        except (
            RuntimeError
        ):  # the system has none to give: each step sees to its lease, and the next run asks again
            return None
        return thread

    def _keep(self) -> None:
        seconds = self._journal.policy.lease
        pause = threading.Event()
        while self._current():
            # Looking twice as often as renewing is due keeps every lease above a half.
            pause.wait(seconds / _SHARE / 2)
            for lease in self._current():
                self._renew(lease, seconds)

    def _current(self) -> tuple[Lease, ...]:
        with self._lock:
            if not self._leases:
                self._thread = None
            return tuple(self._leases)

    def _renew(self, lease: Lease, seconds: float) -> None:
        try:
            lease.ensure(seconds * (1 - 1 / _SHARE))
        except Exception:  # noqa: BLE001  # whatever it is must not end the renewals of the other runs
            return  # tried again until the lease is over; the run meets it at its next write, or stops by its own clock
