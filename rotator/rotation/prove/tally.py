"""Counts what the clients saw. Pure: logins go in, statistics come out."""

import math
from array import array
from bisect import insort
from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass, field

from rotator.rotation.prove.logins import ClientKind, Login, Outcome
from rotator.rotation.prove.promise import Fault, Promise

_SHOWN = 5  # reasons that are kept of each kind of client


@dataclass(frozen=True, slots=True, kw_only=True)
class Statistics:
    """What the clients of one kind saw. Times in seconds, None where there was no login.

    Attributes:
        logins: that succeeded.
        failures: that did not, for any reason: `broken` + `held` + `late`.
        broken: failures that were promised not to happen.
        held: held credentials that were refused.
        late: refusals of a login that took longer than the drain.
        lost: clients whose last login failed.
        longest_gap: of one client, from the end of a login that succeeded to the end of the next.
        median: of the logins that succeeded, without the reading of the secret.
        p99: the time within which 99 of 100 of them ended.
        longest_wait: for the secret to be read; a read barrier shows here.
        reasons: why logins failed, and how often.
    """

    kind: ClientKind
    clients: int
    logins: int
    failures: int
    broken: int
    held: int
    late: int
    lost: int
    longest_gap: float | None
    median: float | None
    p99: float | None
    longest_wait: float | None
    reasons: tuple[tuple[str, int], ...]

    @property
    def kept(self) -> bool:
        """Whether all that was promised held."""
        return self.logins > 0 and not self.broken and not self.lost


@dataclass(slots=True)
class _Client:
    kind: ClientKind
    version: str | None = None  # that it logged in with last
    succeeded_at: float | None = None
    longest_gap: float | None = None
    logins: int = 0
    failing: bool = False

    def take(self, login: Login) -> None:
        self.failing = login.outcome is not Outcome.ACCEPTED
        if self.failing:
            return
        if self.succeeded_at is not None:
            self.longest_gap = max(self.longest_gap or 0.0, login.ended - self.succeeded_at)
        self.succeeded_at = login.ended
        self.version = login.version
        self.logins += 1


@dataclass(slots=True)
class _Kind:
    # In order always: a live view looks at it again and again.
    seconds: "array[float]" = field(default_factory=lambda: array("d"))
    faults: Counter[Fault] = field(default_factory=Counter)
    reasons: Counter[str] = field(default_factory=Counter)
    longest_wait: float | None = None


class Tally:
    """All that the clients of one proof saw; not safe for threads."""

    def __init__(self, promise: Promise, clients: Sequence[ClientKind]) -> None:
        self._promise = promise
        self._clients = [_Client(kind) for kind in clients]
        self._kinds = {kind: _Kind() for kind in ClientKind if kind in clients}

    def take(self, login: Login) -> Fault | None:
        """Counts a login, and says what it means."""
        fault = self._promise.judge(login)
        kind = self._kinds[login.kind]
        if login.waited is not None:
            kind.longest_wait = max(kind.longest_wait or 0.0, login.waited)
        if fault is None:
            insort(kind.seconds, login.seconds)
        else:
            kind.faults[fault] += 1
            self._note(
                kind, f"{login.outcome}: {login.message}" if login.message else login.outcome
            )
        self._clients[login.client].take(login)
        return fault

    @staticmethod
    def _note(kind: _Kind, reason: str) -> None:
        if reason in kind.reasons or len(kind.reasons) < _SHOWN:
            kind.reasons[reason] += 1

    @property
    def logins(self) -> int:
        """Logins that succeeded."""
        return sum(len(kind.seconds) for kind in self._kinds.values())

    @property
    def failures(self) -> int:
        """Logins that did not."""
        return sum(kind.faults.total() for kind in self._kinds.values())

    @property
    def broken(self) -> int:
        """Failures that were promised not to happen."""
        return sum(kind.faults[Fault.BROKEN] for kind in self._kinds.values())

    def counts(self) -> tuple[int, ...]:
        """The logins of each client."""
        return tuple(client.logins for client in self._clients)

    def grown(self, since: Sequence[int], *, by: int) -> bool:
        """Whether each client has so many logins more than it had."""
        return all(now - then >= by for now, then in zip(self.counts(), since, strict=True))

    def all_use(self, version: str) -> bool:
        """Whether each client's last login succeeded, and with this version."""
        return all(client.version == version and not client.failing for client in self._clients)

    def statistics(self) -> tuple[Statistics, ...]:
        """What each kind of client saw so far."""
        return tuple(self._statistics(kind, seen) for kind, seen in self._kinds.items())

    def _statistics(self, kind: ClientKind, seen: _Kind) -> Statistics:
        clients = [client for client in self._clients if client.kind is kind]
        gaps = [client.longest_gap for client in clients if client.longest_gap is not None]
        ordered = seen.seconds
        return Statistics(
            kind=kind,
            clients=len(clients),
            logins=len(ordered),
            failures=seen.faults.total(),
            broken=seen.faults[Fault.BROKEN],
            held=seen.faults[Fault.HELD],
            late=seen.faults[Fault.LATE],
            lost=sum(client.failing for client in clients),
            longest_gap=max(gaps, default=None),
            median=_quantile(ordered, 0.5),
            p99=_quantile(ordered, 0.99),
            longest_wait=seen.longest_wait,
            reasons=tuple(seen.reasons.most_common()),
        )


def _quantile(ordered: Sequence[float], share: float) -> float | None:
    """The smallest value that so large a share of all does not exceed (nearest rank)."""
    return ordered[max(0, math.ceil(share * len(ordered)) - 1)] if ordered else None
