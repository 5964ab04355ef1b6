"""Tries now and then whether targets still take what is stored, each secret once in a set time, spread evenly.

Whose turn it is follows from the clock and the secrets' rows alone, so nothing has to be stored, and a daemon that
takes this over from another goes on where that one was.
"""

import uuid
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta

from rotator import telemetry
from rotator.daemon import telling
from rotator.daemon.agenda import target_of
from rotator.daemon.reach import caller_for
from rotator.errors import RotatorError
from rotator.model.caller import Caller
from rotator.model.rotation import Status
from rotator.rotation.engine import Engine
from rotator.rotation.verdicts import UNSUPPORTED, Verification
from rotator.sdk import Notice, NoticeKind, Proof, StepError
from rotator.store import rota, rotations
from rotator.store.rota import RotaRow
from rotator.store.store import Store

_DUTY = 0x726F7461  # of `Sole`: any number that stays
_BATCH = 200  # secrets that are read at once

_LONGEST_TICK, _TICKS = 60.0, 10
_EPOCH = datetime(1970, 1, 1, tzinfo=UTC)
_CHANGING = frozenset({Status.RUNNING, Status.WAITING, Status.ABANDONING})

_log = telemetry.logger("daemon")


@dataclass(frozen=True, slots=True, kw_only=True)
class Findings:
    """Who is told what was found.

    Attributes:
        count: called with `accepted`, `refused`, `unsupported` or `unknown`.
        notify: called with what a person has to know.
        stopped: whether there is no time for more.
    """

    count: Callable[[str], None]
    notify: Callable[[Notice], None]
    stopped: Callable[[], bool]


class DriftChecks:
    """The checks of one daemon. Of several on one store one makes them. Not for several threads at once.

    Args:
        callers: gives the engine as a caller, for each account and region with secrets.
    """

    def __init__(
        self, store: Store, callers: Callable[[], Sequence[Caller]], findings: Findings
    ) -> None:
        self._store = store
        self._callers = callers
        self._findings = findings
        self._sole = store.sole(_DUTY)
        self._at: datetime | None = None

    def go_on(self, engine: Engine, *, every: float) -> None:
        """Checks the secrets whose turn has come since the last call; the first call only notes where the rota stands.

        Args:
            every: seconds in which each secret has its turn once; 0: never.

        Raises:
            RotatorError: the store can't be read.
        """
        if every <= 0:
            self._at = None
            return
        mine = self._sole.is_mine()
        with self._store.read() as tx:
            before, self._at = self._at, tx.now
            bounds = rota.bounds(tx)
        if not mine or before is None or bounds is None:
            return
        unreachable: set[str] = set()
        callers = self._callers()
        for after, until in stretches(before, self._at, every=every, bounds=bounds):
            for caller in callers:
                self._check_stretch(engine, caller, after, until, unreachable)

    def close(self) -> None:
        """Lets another daemon make them."""
        self._sole.give_back()

    def _check_stretch(
        self, engine: Engine, caller: Caller, after: int, until: int, unreachable: set[str]
    ) -> None:
        of = {"account": caller.account, "region": caller.region}
        while True:
            with self._store.read() as tx:
                rows = rota.rotating(tx, **of, after=after, until=until, limit=_BATCH)
            for row in rows:
                if self._findings.stopped():
                    return
                self._check(engine, row, unreachable)
            if len(rows) < _BATCH:
                return
            after = rows[-1].id

    def _check(self, engine: Engine, row: RotaRow, unreachable: set[str]) -> None:
        target = target_of(row.authority or {})
        if target in unreachable:
            self._findings.count("unknown")
            return
        log = _log.bind(secret_name=row.name, rotator=row.rotator, target=target)
        try:
            outcome, found = self._verdict(engine, row)
        except (RotatorError, StepError) as error:
            log.warning("drift.unchecked", **telling.why(error))
            self._findings.count("unknown")
            return
        self._findings.count(outcome)
        if outcome == "unknown":
            log.warning("drift.unchecked", reason=None if found is None else found.message)
            if target is not None:
                unreachable.add(target)  # the rest of it need not wait as long for the same
        elif found is not None and outcome == Proof.REFUSED:
            log.error("drift.found", reason=found.message, hint=found.hint)
            self._findings.notify(_notice(row, target, found, at=self._at))

    def _verdict(self, engine: Engine, row: RotaRow) -> tuple[str, Verification | None]:
        """What a check showed. A refusal counts where a second one confirms it and no rotation came between."""
        with self._store.read() as tx:
            since = tx.now
        first = self._verify(engine, row)
        if first is None or (outcome := _outcome(first)) != Proof.REFUSED:
            return ("unknown", None) if first is None else (outcome, first)
        second = self._verify(engine, row)
        if second is None or _outcome(second) != Proof.REFUSED or not self._is_quiet(row, since):
            return "unknown", None
        same = first.proofs[0].version_id == second.proofs[0].version_id
        return (str(Proof.REFUSED), second) if same else ("unknown", None)

    def _verify(self, engine: Engine, row: RotaRow) -> Verification | None:
        found = engine.verify(row.arn, caller=caller_for(row.arn), request_id=str(uuid.uuid4()))
        return found if found.proofs else None

    def _is_quiet(self, row: RotaRow, since: datetime) -> bool:
        with self._store.read() as tx:
            last = rotations.latest(
                tx, row.id
            )  # a test too: its version has AWSPENDING for a moment
        return last is None or (last.updated_at < since and last.status not in _CHANGING)


def tick(every: float) -> float:
    """Seconds between two calls of `DriftChecks.go_on`."""
    return max(1.0, min(_LONGEST_TICK, every / _TICKS))


def stretches(
    before: datetime, now: datetime, *, every: float, bounds: tuple[int, int]
) -> list[tuple[int, int]]:
    """The row ids whose turn has come between two moments: pairs of the id before the first, and the last. Pure.

    The ids from the first to the last are spread over `every` seconds, and that again and again.
    """
    before_first, last = bounds[0] - 1, bounds[1]
    number = last - before_first
    # Turns are counted since 1970, so that none is lost or doubled where a period ends.
    past, turn = (_microseconds(at) * number // max(1, round(every * 1e6)) for at in (before, now))
    if turn - past >= number:
        return [(before_first, last)]
    if turn <= past:
        return []
    after, until = before_first + past % number, before_first + turn % number
    if after < until:
        return [(after, until)]
    return [(after, last), (before_first, until)]


def _microseconds(at: datetime) -> int:
    return (at - _EPOCH) // timedelta(microseconds=1)


def _outcome(found: Verification) -> str:
    outcome = found.proofs[0].outcome
    return outcome if outcome in {Proof.ACCEPTED, Proof.REFUSED, UNSUPPORTED} else "unknown"


def _notice(
    row: RotaRow, target: str | None, found: Verification, *, at: datetime | None
) -> Notice:
    return Notice(
        kind=NoticeKind.DRIFT,
        at=at or datetime.now(UTC),
        secret_name=row.name,
        secret_arn=row.arn,
        rotator=row.rotator,
        target=target,
        reason=found.message,
        hint=found.hint,
    )
