"""A proof: rotations, one after the other, while clients log in."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from functools import partial
from typing import Any

from rotator.errors import PreflightRefused, RotationInProgress
from rotator.model.caller import Caller
from rotator.model.rotation import Failure, Status
from rotator.rotation.engine import Engine
from rotator.rotation.prove.crowd import ClientGone, Crowd
from rotator.rotation.prove.logins import ClientKind, Login
from rotator.rotation.prove.promise import Promise
from rotator.rotation.prove.serving import Order
from rotator.rotation.prove.tally import Statistics, Tally
from rotator.rotation.prove.timeline import Row, Timeline
from rotator.rotation.report import Observer, Report
from rotator.rotation.verdicts import Plan
from rotator.sdk import Overlap, clock

_LOGINS_BEFORE = 5  # of each client, before each rotation
_PATIENCE = 60.0  # seconds that a client may take to log in with AWSCURRENT, besides its hold
_LOOK = 0.25  # seconds between two looks whether the grace period is over by the store's clock
_LOOKS = 40
_BROKEN = "a login failed that was promised not to"
_GOOD = frozenset({Status.SUCCEEDED, Status.GRACE})


@dataclass(frozen=True, slots=True, kw_only=True)
class Terms:
    """What is proved, and how.

    Attributes:
        plan: what a rotation would do.
        promise: what clients were promised.
        hold: seconds for which a HOLDING client uses what it read.
        kinds: of each client.
        repeat: rotations, one after the other.
    """

    plan: Plan
    promise: Promise
    hold: float
    kinds: tuple[ClientKind, ...]
    repeat: int


@dataclass(frozen=True, slots=True, kw_only=True)
class Proof:
    """What came out. Times in seconds.

    Attributes:
        promised: in words.
        drain: that clients were given after they read the secret, where one credential at a time is accepted.
        grace: that the old credential went on logging in, None where nothing but the next rotation ended that.
        rotations: that succeeded, of `repeat`.
        retired: old credentials that were retired, while the clients logged in.
        rotation_seconds: how long each took, the drain included.
        seconds: from the start of the clients on.
        clients: what each kind of client saw.
        timeline_column: how much time one column holds.
        kept: nothing failed that was promised not to, and all rotations came about.
        ended_early: why not all came about.
    """

    secret_arn: str
    secret_name: str
    rotator: str
    overlap: Overlap
    promised: str
    drain: float
    hold: float
    grace: float | None
    repeat: int
    rotations: int
    retired: int
    rotation_seconds: tuple[float, ...]
    seconds: float
    clients: tuple[Statistics, ...]
    timeline: tuple[Row, ...]
    timeline_column: float
    kept: bool
    ended_early: str | None


class Proving:
    """Runs one proof; `proof` tells how it stands, at any time.

    Args:
        command: starts a client's process.
    """

    def __init__(
        self,
        terms: Terms,
        *,
        engine: Engine,
        caller: Caller,
        request_id: str,
        command: Sequence[str],
    ) -> None:
        self._terms = terms
        self._engine = engine
        self._who: dict[str, Any] = {"caller": caller, "request_id": request_id}
        self._tally = Tally(terms.promise, terms.kinds)
        self._crowd = Crowd(command, self._take)
        self._timeline = Timeline()
        self._began = clock()
        self._reports: list[Report] = []
        self._seconds: list[float] = []
        self._retired = 0
        self._ended_early: str | None = None

    @property
    def secret(self) -> str:
        """Its ARN."""
        return self._terms.plan.secret_arn

    @property
    def reports(self) -> tuple[Report, ...]:
        """How each rotation ended."""
        return tuple(self._reports)

    def run(
        self, orders: Sequence[Order], *, observer: Observer, told: Callable[[str], None]
    ) -> Proof:
        """Runs it to its end; it ends early where a promise is broken or a rotation fails.

        Args:
            orders: for the clients.
            told: is called with a line about each thing that happened.

        Raises:
            PreflightRefused: the clients can't log in side by side, or the rotation can't work while they do; nothing
                was changed.
            RotatorError: a rotation could not be run; the clients have been stopped.
        """
        with self._crowd.running(orders):
            self._warm_up(told)
            while len(self._reports) < self._terms.repeat and self._ended_early is None:
                self._rotate(observer, told)
        return self.proof()

    def proof(self) -> Proof:
        """What came out so far."""
        terms = self._terms
        with self._crowd.locked():
            clients = self._tally.statistics()
            rows = self._timeline.rows()
        succeeded = sum(report.status in _GOOD for report in self._reports)
        return Proof(
            secret_arn=terms.plan.secret_arn,
            secret_name=terms.plan.secret_name,
            rotator=terms.plan.rotator,
            overlap=terms.promise.overlap,
            promised=terms.promise.sentence,
            drain=terms.promise.drain,
            hold=terms.hold,
            grace=terms.promise.grace,
            repeat=terms.repeat,
            rotations=succeeded,
            retired=self._retired,
            rotation_seconds=tuple(self._seconds),
            seconds=clock() - self._began,
            clients=clients,
            timeline=rows,
            timeline_column=self._timeline.width,
            kept=succeeded == terms.repeat
            and self._ended_early is None
            and all(kind.kept for kind in clients),
            ended_early=self._ended_early,
        )

    def _take(self, login: Login) -> None:
        self._tally.take(login)
        self._timeline.take(login)

    def _warm_up(self, told: Callable[[str], None]) -> None:
        """Nothing is changed before all clients log in side by side, and the rotation's own logins fit in too."""
        since = self._tally.counts()

        def ready() -> bool:
            return self._tally.failures > 0 or self._tally.grown(since, by=_LOGINS_BEFORE)

        try:
            in_time = self._crowd.wait_for(ready, limit=_PATIENCE)
        except ClientGone as gone:
            raise PreflightRefused(
                f"A client could not log in, so nothing was changed: {gone}"
            ) from None
        if not in_time or self._tally.failures:
            raise PreflightRefused(
                "The clients can't all log in as things are, so nothing was changed: "
                f"{_reasons(self._tally.statistics()) or 'they took too long'}. Do they fit into the connection "
                "limits of the target? Fewer: --clients"
            )
        plan = self._engine.plan(self.secret, **self._who)
        if plan.refused:
            refusals = "; ".join(
                finding.message for finding in plan.findings if finding.level == "refusal"
            )
            raise PreflightRefused(
                f"{plan.secret_name} can't be rotated while the clients log in, so nothing was changed: {refusals}"
            )
        told(f"{len(self._terms.kinds)} clients log in")

    def _rotate(self, observer: Observer, told: Callable[[str], None]) -> None:
        began = clock()
        report = self._engine.rotate(self.secret, **self._who, observer=observer)
        ended = clock()
        self._reports.append(report)
        with self._crowd.locked():
            self._timeline.rotated(began, ended)
        if report.status not in _GOOD:
            self._ended_early = f"a rotation failed: {_why(report.failure)}"
            return
        self._seconds.append(ended - began)
        if report.overlap is not self._terms.promise.overlap:
            planned = self._terms.promise.overlap
            self._ended_early = f"the overlap was {report.overlap}, not {planned} as planned"
            return
        self._settle(report.token)
        told(self._line(ended - began))
        if report.status is Status.GRACE and self._ended_early is None:
            self._retire(report, observer)

    def _settle(self, version: str) -> None:
        """Waits until all clients have logged in with the new value, so that nobody holds the old one any longer, and
        go on doing so.
        """
        with self._crowd.locked():
            since = self._tally.counts()

        def settled() -> bool:
            return self._tally.broken > 0 or (
                self._tally.all_use(version) and self._tally.grown(since, by=_LOGINS_BEFORE)
            )

        if not self._crowd.wait_for(settled, limit=self._terms.hold + _PATIENCE):
            self._ended_early = "a client did not log in with the new value in time"
        elif self._tally.broken:
            self._ended_early = _BROKEN

    def _retire(self, rotated: Report, observer: Observer) -> None:
        """Waits for the end of the grace period and has the old credential retired, as a timer would."""
        due = rotated.retire_at
        while due is not None and self._log_in_until(due):
            done = self._retired_now(observer)
            if done is not None and done.status not in _GOOD:
                self._reports.append(done)
                self._ended_early = f"the old credential was not retired: {_why(done.failure)}"
                return
            due = None if done is None else done.retire_at
        if self._ended_early is None:
            self._retired += 1
            with self._crowd.locked():
                self._timeline.retired(clock())
            self._settle(rotated.token)

    def _log_in_until(self, due: datetime) -> bool:
        """Lets the clients log in; whether no promise was broken meanwhile."""
        self._watch((due - datetime.now(UTC)).total_seconds())
        return self._ended_early is None

    def _retired_now(self, observer: Observer) -> Report | None:
        """The report of the retirement; None where another process has done it, such as a daemon."""
        retire = partial(self._engine.retire, self.secret, **self._who, observer=observer)
        for _ in range(_LOOKS):
            try:
                done = retire(due_only=True)
            except RotationInProgress:
                done = None
            if done is not None or not self._watch(_LOOK):
                return done
        return retire()  # whatever the store's clock says, the grace period is over

    def _watch(self, seconds: float) -> bool:
        """Waits, at most until a promise is broken; whether none was."""
        if seconds > 0 and self._crowd.wait_for(lambda: self._tally.broken > 0, limit=seconds):
            self._ended_early = _BROKEN
        return self._ended_early is None

    def _line(self, seconds: float) -> str:
        """What a rotation took, and what the clients have seen since the proof began."""
        done = f"{len(self._reports)} of {self._terms.repeat}"
        return (
            f"rotation {done}: {seconds * 1000:.0f} ms; {self._tally.logins:,} logins, "
            f"{self._tally.failures:,} failures, {self._tally.broken:,} against the promise"
        )


def _reasons(clients: Sequence[Statistics]) -> str:
    return "; ".join(reason for client in clients for reason, _ in client.reasons)


def _why(failure: Failure | None) -> str:
    return "for no known reason" if failure is None else f"{failure.phase}: {failure.message}"
