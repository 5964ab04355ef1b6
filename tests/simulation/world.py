"""The simulated world of one seed, and what always holds in it."""

import heapq
from collections import Counter, deque
from collections.abc import Sequence
from dataclasses import dataclass, field
from datetime import timedelta
from functools import partial
from itertools import pairwise
from random import Random

from rotator.daemon.planner import Task
from rotator.model.labels import Labels
from rotator.model.rotation import Status
from rotator.schedule import Timetable, next_due, parse_duration, parse_schedule
from rotator.sdk import Overlap
from tests.simulation.daemon import Daemon
from tests.simulation.faults import FAIR, ROUGH, WEATHERS, Faults, Rates
from tests.simulation.invariants import Broken, check
from tests.simulation.rotator import SimRotator
from tests.simulation.rows import Plan, Secret
from tests.simulation.store import Store
from tests.simulation.target import Credential, Target
from tests.simulation.timeline import YEAR, Timeline, instant

_SCHEDULES = (
    ("rate(30 days)", None),
    ("rate(15 days)", "4h"),
    ("cron(0 3 ? * 2#1 *)", "2h"),
    ("cron(15 22 1,15 * ? *)", "1h"),
)
_CHORES = 60.0
_STORY = 40
_LEDGER = 2000


@dataclass(frozen=True, kw_only=True)
class Setup:
    """How a world is made.

    Attributes:
        lasts: seconds.
        heals: seconds without faults that follow: longer than any interval of the schedules.
        planted: parts that are broken on purpose, to see that it is found: "fences", "sessions", "pins".
    """

    secrets: int = 1
    daemons: int = 3
    rates: Rates = ROUGH
    lasts: float = YEAR
    heals: float = 45 * 86400.0
    schedules: Sequence[tuple[str, str | None]] = _SCHEDULES
    planted: str | None = None


def varied(seed: int, *, planted: str | None = None) -> Setup:
    """The small world that a seed is tried in."""
    return Setup(rates=WEATHERS[seed % len(WEATHERS)], planted=planted)


MANY = Setup(
    secrets=2000,
    rates=FAIR,
    schedules=(("rate(90 days)", None), ("cron(0 3 1 1,4,7,10 ? *)", "6h")),
    heals=100 * 86400.0,
)
"""A year with as many secrets as a company has."""


@dataclass
class Figures:
    """What has happened in a world."""

    events: int = 0
    rotations: Counter[str] = field(default_factory=Counter)
    windows: Counter[str] = field(default_factory=Counter)
    deaths: int = 0
    freezes: int = 0

    def __add__(self, other: "Figures") -> "Figures":
        return Figures(
            events=self.events + other.events,
            rotations=self.rotations + other.rotations,
            windows=self.windows + other.windows,
            deaths=self.deaths + other.deaths,
            freezes=self.freezes + other.freezes,
        )

    def __str__(self) -> str:
        ends = ", ".join(f"{count} {status}" for status, count in self.rotations.most_common())
        missed = self.windows["missed"]
        return (
            f"{self.windows['rotated']} windows in which a rotation began, {missed} that were missed; ends: {ends}; "
            f"daemons died {self.deaths} times and froze {self.freezes} times; {self.events} events"
        )


class World:
    """Daemons, a store and secrets in it.

    Raises:
        Broken: something does not hold; it says the seed and the end of the story.
    """

    def __init__(self, seed: int, setup: Setup) -> None:
        self.seed = seed
        self._setup = setup
        self._random = Random(seed)
        self._timeline = Timeline()
        self._faults = Faults(self._random, setup.rates)
        self._store = Store(
            self._timeline,
            self._changed,
            fences=setup.planted != "fences",
            minds_pins=setup.planted != "pins",
        )
        self._store_away: set[str] = set()
        self._moments: list[tuple[float, str]] = []
        self._ready: set[str] = set()
        self._trouble: deque[tuple[float, float]] = deque(maxlen=_LEDGER)
        self._minded: dict[str, Plan] = {}
        self.story: deque[str] = deque(maxlen=_STORY)
        self.daemons: list[Daemon] = []
        self.secrets = {
            secret.arn: secret for secret in (self._secret(n) for n in range(setup.secrets))
        }
        for number in range(setup.daemons):
            self.daemons.append(self._daemon(f"daemon-{number}"))
        for secret in self.secrets.values():
            self._changed(secret)
        self._plan_trouble()

    def run(self) -> Figures:
        """Everything until the end, and then a time without faults, after which all has to be well."""
        self._timeline.run_until(self._setup.lasts)
        self._faults.heal()
        self._store_away.clear()
        for secret in self.secrets.values():
            secret.rotator.target.down = False
        self._timeline.run_until(self._setup.lasts + self._setup.heals)
        for secret in self.secrets.values():
            self._check_healed(secret)
        return self._figures()

    # What daemons see

    def store_is_there(self, daemon: str) -> bool:
        return not self._store_away & {"everybody", daemon}

    def secret(self, arn: str) -> Secret:
        return self.secrets[arn]

    def due(self) -> Sequence[Task]:
        """What is to be done by now, the earliest first."""
        now = self._timeline.now
        while self._moments and self._moments[0][0] <= now:
            self._ready.add(heapq.heappop(self._moments)[1])
        found = []
        for arn in sorted(self._ready):
            since = _actionable(self.secrets[arn])
            if since is None or since > now:
                self._ready.discard(arn)
                if since is not None:
                    heapq.heappush(self._moments, (since, arn))
            else:
                task = Task(
                    arn=arn, name=arn, rotator="simulated", target=arn, since=instant(since)
                )
                found.append(task)
        return sorted(found, key=lambda task: task.since)

    def next_moment(self) -> float | None:
        """When something else becomes due."""
        return self._moments[0][0] if self._moments else None

    def troubled(self, seconds: float) -> None:
        """A daemon or the store is away for so long, which excuses windows that are missed."""
        self._trouble.append((self._timeline.now, self._timeline.now + seconds))

    def _check(self, secret: Secret) -> None:
        """Something was changed: everything still has to hold."""
        try:
            check(secret)
        except AssertionError as broken:
            self._fail(secret, str(broken))

    def _changed(self, secret: Secret) -> None:
        row = secret.row
        told = (
            "no rotation" if row is None else f"{row.state.status} {row.state.phase} #{row.fencing}"
        )
        self.story.append(f"{self._timeline.now:.3f} {secret.arn} {told}")
        self._check(secret)
        if self._faults.hits(self._faults.rates.pruning):
            self._store.prune(secret)
            self._check(secret)
        if secret.row is not None and self._faults.hits(self._faults.rates.meddling):
            self._timeline.after(self._faults.between(0.0, 0.2), partial(self._meddle, secret))
        moment = _actionable(secret)
        if moment is not None:
            heapq.heappush(self._moments, (moment, secret.arn))
            for daemon in self.daemons:
                daemon.wake_at(max(moment, self._timeline.now))
        if secret.plan is not None and secret.plan is not self._minded.get(secret.arn):
            self._minded[secret.arn] = secret.plan
            closes = secret.plan.closes + _CHORES * self._random.random()
            self._timeline.at(closes, partial(self._chores, secret, secret.plan.closes))

    def _chores(self, secret: Secret, closes: float) -> None:
        """Some daemon's chores: a missed window is planned anew, old versions are pruned."""
        if secret.plan is None or secret.plan.closes != closes:
            return
        if any(d.alive and not d.frozen and self.store_is_there(d.name) for d in self.daemons):
            self._store.prune(secret)
            if self._store.replan(secret):
                self._check_excused(secret)
                return
            if secret.row is None:
                return
        self._timeline.after(_CHORES, partial(self._chores, secret, closes))

    # How it is made

    def _daemon(self, name: str) -> Daemon:
        return Daemon(
            name,
            timeline=self._timeline,
            store=self._store,
            faults=self._faults,
            world=self,
            ends_older_sessions=self._setup.planted != "sessions",
        )

    def _secret(self, number: int) -> Secret:
        random = self._random
        overlap = random.choice([Overlap.DUAL, Overlap.ALTERNATING, Overlap.GAP])
        admin = overlap is Overlap.ALTERNATING or random.random() < 0.3
        arn = f"secret-{number}"
        first = Credential("app", f"first-of-{arn}")
        target = Target(self._timeline, {"app": [first.password]})
        expression, duration = random.choice(self._setup.schedules)
        schedule = parse_schedule(expression)
        timetable = Timetable(
            schedule=schedule,
            duration=None if duration is None else parse_duration(duration, schedule),
            key=arn,
        )
        secret = Secret(
            arn=arn,
            rotator=SimRotator(target=target, overlap=overlap, has_admin=admin),
            timetable=timetable,
            versions={f"{arn}/0": first},
            labels=_first_labels(f"{arn}/0"),
            grace=random.choice([None, None, 0.0, 600.0]),
        )
        target.changed = partial(self._check, secret)
        secret.plan = self._store.planned(next_due(timetable, after=instant(0), anchor=instant(0)))
        return secret

    # Trouble

    def _plan_trouble(self) -> None:
        self._plan_outage(partial(self._cut_off, "everybody"))
        for daemon in self.daemons:
            self._plan_outage(partial(self._cut_off, daemon.name))
        for secret in self.secrets.values():
            self._plan_outage(partial(self._take_down, secret))

    def _plan_outage(self, begin: "partial[None]") -> None:
        wait = self._faults.gap_between_outages()
        if wait is not None:
            self._timeline.after(wait, partial(self._outage, begin))

    def _outage(self, begin: "partial[None]") -> None:
        if self._timeline.now < self._setup.lasts:
            begin()
            self._plan_outage(begin)

    def _cut_off(self, whom: str) -> None:
        self._store_away.add(whom)
        away = self._faults.outage()
        self.troubled(away)
        self._timeline.after(away, partial(self._store_away.discard, whom))

    def _take_down(self, secret: Secret) -> None:
        target, away = secret.rotator.target, self._faults.outage()
        target.down = True
        secret.busy_until = self._timeline.now + away
        self._timeline.after(away, partial(setattr, target, "down", False))

    def _meddle(self, secret: Secret) -> None:
        """Somebody sets a password by hand and stores it."""
        if secret.meddled:
            return
        user = secret.versions[secret.labels.at["AWSCURRENT"]].user
        value = Credential(user, f"by-hand-{secret.arn}")
        secret.meddled = True
        secret.rotator.target.replace(value)
        self._store.put(secret, value)
        secret.tested.clear()

    # The end

    def _check_excused(self, secret: Secret) -> None:
        """A window is missed only where something was away, or the secret had an earlier rotation."""
        plan, _ = secret.windows[-1]
        away = any(begin < plan.closes and end > plan.moment for begin, end in self._trouble)
        if not (away or secret.busy_until > plan.moment):
            self._fail(secret, f"the window at {plan.window.start} was missed for no reason")

    def _check_windows(self, secret: Secret) -> None:
        """Invariant 7: each planned window has one outcome, and the next one is another."""
        starts = [plan.window.start for plan, _ in secret.windows]
        if any(later <= earlier for earlier, later in pairwise(starts)):
            self._fail(secret, "a window was due twice")

    def _check_healed(self, secret: Secret) -> None:
        self._check(secret)
        self._check_windows(secret)
        if secret.meddled and not secret.rotator.has_admin:
            return
        if not secret.ends or secret.ends[-1] is not Status.SUCCEEDED:
            last = None if secret.last is None else secret.last.state
            self._fail(secret, f"it did not heal: {secret.ends[-5:]}, {secret.row}, {last}")
        current = secret.versions[secret.labels.at["AWSCURRENT"]]
        if not secret.rotator.target.accepts(current):
            self._fail(secret, "AWSCURRENT doesn't log in at the end")

    def _figures(self) -> Figures:
        figures = Figures(events=self._timeline.events)
        for secret in self.secrets.values():
            figures.rotations.update(str(status) for status in secret.ends)
            figures.windows.update(outcome for _, outcome in secret.windows)
        figures.deaths = sum(daemon.restarts for daemon in self.daemons)
        figures.freezes = sum(daemon.freezes for daemon in self.daemons)
        return figures

    def _fail(self, secret: Secret, what: str) -> None:
        of_it = [line for line in self.story if f" {secret.arn} " in line]
        raise Broken(
            f"seed {self.seed}, {timedelta(seconds=self._timeline.now)} after the beginning, {secret.arn} "
            f"({secret.rotator.overlap}): {what}\n" + "\n".join(of_it)
        )


def _first_labels(version: str) -> Labels:
    return Labels().first(version)


def _actionable(secret: Secret) -> float | None:
    """From when on there is something to be done, None where there is nothing."""
    row = secret.row
    if row is not None:
        free = row.lease_until if row.owner is not None else 0.0
        return max(free, row.next_attempt or 0.0)
    return None if secret.plan is None else secret.plan.moment
