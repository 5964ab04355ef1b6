"""Every setting, with its default and its bounds. Pure: `load` reads files and the environment."""

import re
from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import timedelta
from enum import StrEnum
from pathlib import Path
from typing import TYPE_CHECKING, Any

from rotator.config.agent import AgentSettings
from rotator.config.api import ApiSettings, check_tls
from rotator.config.declared import (
    CommandSettings,
    NotificationSettings,
    WebhookSettings,
    check_declared,
)
from rotator.config.functions import FunctionSettings, LambdaSettings, check_functions
from rotator.errors import ConfigurationError
from rotator.model.rotation import FRESH, LONGEST_BARRIER, LONGEST_GRACE, LONGEST_LEASE, InUse
from rotator.model.rules import Limits, Missed

if TYPE_CHECKING:
    from rotator.manager.next_due import Planner
    from rotator.rotation.policy import EnginePolicy


_REGION = r"[a-z0-9]+(-[a-z0-9]+){1,7}"
_A_REGION = "a name such as us-east-1"


class LogLevel(StrEnum):
    """The least important event that is logged."""

    AUTO = "auto"  # info in the daemon, warning in a command
    DEBUG = "debug"
    INFO = "info"
    WARNING = "warning"
    ERROR = "error"


class LogFormat(StrEnum):
    """How a log line looks."""

    AUTO = "auto"  # text on a terminal, JSON elsewhere
    JSON = "json"
    TEXT = "text"


def _bounded(default: float, *, low: float, high: float) -> Any:
    return field(default=default, metadata={"low": low, "high": high})


def _named(kind: type[Any]) -> Any:
    """A mapping of names that the user chooses to sections of a kind."""
    return field(default_factory=dict, metadata={"named": kind})


def _lengths(*, high: float) -> Any:
    """A mapping of names to lengths of time."""
    return field(default_factory=dict, metadata={"lengths": True, "low": 0.0, "high": high})


def _matching(default: str, *, pattern: str, meaning: str) -> Any:
    return field(default=default, metadata={"pattern": pattern, "meaning": meaning})


@dataclass(frozen=True, slots=True, kw_only=True)
class StoreSettings:
    """Where secrets are kept.

    Attributes:
        url: an SQLAlchemy URL, `sqlite:////path` or `postgresql+psycopg://user@host/database`.
        password: of `url`'s user; None where it needs none or the driver finds it (PGPASSFILE).
    """

    url: str = field(default="sqlite:///${ROTATOR_HOME}/rotator.db", repr=False)
    password: str | None = field(default=None, repr=False)


@dataclass(frozen=True, slots=True, kw_only=True)
class KeysSettings:
    """Who keeps the sealing keys.

    Attributes:
        provider: the name of a key provider: `file`, `env`, `aws-kms`, or one from another package.
        sealing_keys: what `env` takes its keys from: `ID:BASE64,…`, the first is active.
        options: what `aws-kms` or a provider from another package is told, in a form of its own.
    """

    provider: str = "file"
    sealing_keys: str | None = field(default=None, repr=False)
    options: str | None = field(default=None, repr=False)


@dataclass(frozen=True, slots=True, kw_only=True)
class KeyringSettings:
    """Where the key provider `file` keeps the sealing keys."""

    path: Path = Path("${ROTATOR_HOME}/keyring.json")


@dataclass(frozen=True, slots=True, kw_only=True)
class AuditSettings:
    """How the audit is kept.

    Attributes:
        key: the audit key, 32 bytes in base64; None: the one in the file `audit.key` of the home folder.
    """

    key: str | None = field(default=None, repr=False)


@dataclass(frozen=True, slots=True, kw_only=True)
class TlsSettings:
    """How targets prove who they are.

    Attributes:
        trust: a PEM file with the certificate authorities of targets; None: those of the system.
    """

    trust: Path | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class RetrySettings:
    """When a failed attempt is repeated, with the same token. Times in seconds.

    Attributes:
        attempts: tries before the target is put back as it was.
        base: the first wait.
        factor: what each wait is longer than the one before.
        cap: the longest wait.
        jitter: the part of a wait that is random.
        reverts: tries to put the target back.
    """

    attempts: int = _bounded(5, low=1, high=100)
    base: float = _bounded(1.0, low=0.0, high=3600.0)
    factor: float = _bounded(2.0, low=1.0, high=10.0)
    cap: float = _bounded(60.0, low=0.0, high=3600.0)
    jitter: float = _bounded(0.5, low=0.0, high=1.0)
    reverts: int = _bounded(3, low=1, high=100)


@dataclass(frozen=True, slots=True, kw_only=True)
class RotationSettings:
    """How long a rotation may take. Times in seconds.

    Attributes:
        step_limit: one step.
        deadline: all attempts together.
        lease: how long a dead process keeps others out.
        workers: rotations of one command that run at once.
        grace: how long the old credential goes on logging in beside the new one.
        grace_of: the same for the secrets of a rotator, by its name or alias.
        in_use: what is done where somebody still uses it then.
    """

    step_limit: float = _bounded(30.0, low=1.0, high=3600.0)
    deadline: float = _bounded(900.0, low=1.0, high=86400.0)
    lease: float = _bounded(60.0, low=2.0, high=LONGEST_LEASE)
    workers: int = _bounded(8, low=1, high=256)
    grace: float = _bounded(3600.0, low=0.0, high=LONGEST_GRACE)
    grace_of: Mapping[str, float] = _lengths(high=LONGEST_GRACE)
    in_use: InUse = InUse.WARN


@dataclass(frozen=True, slots=True, kw_only=True)
class ScheduleSettings:
    """When secrets rotate by themselves.

    Attributes:
        limits: which schedules may be set.
        missed: what becomes of a missed window where the secret's own rules don't say.
        catch_up: seconds over which missed rotations are spread.
    """

    limits: Limits = Limits.WIDE
    missed: Missed = Missed.AUTO
    catch_up: float = _bounded(900.0, low=1.0, high=86400.0)


@dataclass(frozen=True, slots=True, kw_only=True)
class DaemonSettings:
    """How much the daemon does at once. Times in seconds.

    Attributes:
        workers: rotations that run at once.
        per_target: those on one target.
        per_rotator: those by one rotator.
        poll: the longest time between two looks at what is due.
        shutdown: how long it waits for what runs when it is stopped.
        drift_every: the time in which the stored credential of each secret is tried once; 0: never.
        listen: where it answers those who watch it: HOST:PORT, or `none`.
    """

    workers: int = _bounded(16, low=1, high=256)
    per_target: int = _bounded(4, low=1, high=256)
    per_rotator: int = _bounded(16, low=1, high=256)
    poll: float = _bounded(10.0, low=0.1, high=3600.0)
    shutdown: float = _bounded(30.0, low=0.0, high=3600.0)
    drift_every: float = _bounded(86400.0, low=0.0, high=31_536_000.0)
    listen: str = _matching(
        "127.0.0.1:8475",
        pattern=r"none|[0-9A-Za-z.-]+:[0-9]{1,5}|\[[0-9A-Fa-f:.]+\]:[0-9]{1,5}",
        meaning="HOST:PORT, such as 127.0.0.1:8475 or [::1]:8475, or none",
    )

    @property
    def address(self) -> tuple[str, int] | None:
        """Host and port of `listen`; None where it answers nobody."""
        if self.listen == "none":
            return None
        host, _, port = self.listen.rpartition(":")
        return host.strip("[]"), int(port)


@dataclass(frozen=True, slots=True, kw_only=True)
class CalendarSettings:
    """One calendar of blackouts, as the configuration gives it.

    Attributes:
        weekly: ranges that come every week.
        dates: days and ranges of days.
        icalendar: a file whose events are blackouts.
        timezone: of all times that have none of their own; None for UTC.
        tags: the secrets that it is for have all of them.
        key: where it stands in the configuration.
    """

    name: str
    weekly: tuple[str, ...] = ()
    dates: tuple[str, ...] = ()
    icalendar: Path | None = None
    timezone: str | None = None
    tags: Mapping[str, str] = field(default_factory=dict)
    key: str = "calendars"


@dataclass(frozen=True, slots=True, kw_only=True)
class BarrierSettings:
    """The read barrier of a rotation whose target takes one credential only. Times in seconds.

    Attributes:
        drain: how long clients have to log in with what they were given before the barrier was raised. The target is
            changed a tenth of a second later, for a value may be given out so late.
        limit: the longest that a read waits; 0 turns the barrier off.
    """

    drain: float = _bounded(0.25, low=0.0, high=60.0)
    limit: float = _bounded(2.0, low=0.0, high=LONGEST_BARRIER)


@dataclass(frozen=True, slots=True, kw_only=True)
class LogSettings:
    """What is logged to the standard error stream, and how."""

    level: LogLevel = LogLevel.AUTO
    format: LogFormat = LogFormat.AUTO


@dataclass(frozen=True, slots=True, kw_only=True)
class Settings:
    """All settings.

    Attributes:
        account: the account that the command line acts in: 12 digits.
        region: its region, a name that AWS SDKs accept.
        regions: further regions that the API answers for, and among which secrets can be replicated.
        commands: programs that rotate, by the name of the rotator that each one is.
        webhooks: endpoints that rotate, by name.
        functions: rotation functions on this machine, by name.
        lambda_: where rotation functions are invoked that are elsewhere. (Its key is `lambda`.)
        notifications: who is told of what a person has to know.
    """

    account: str = _matching("000000000000", pattern=r"[0-9]{12}", meaning="12 digits, in quotes")
    region: str = _matching("us-east-1", pattern=_REGION, meaning=_A_REGION)
    regions: tuple[str, ...] = ()
    store: StoreSettings = field(default_factory=StoreSettings)
    keys: KeysSettings = field(default_factory=KeysSettings)
    keyring: KeyringSettings = field(default_factory=KeyringSettings)
    audit: AuditSettings = field(default_factory=AuditSettings)
    tls: TlsSettings = field(default_factory=TlsSettings)
    retry: RetrySettings = field(default_factory=RetrySettings)
    rotation: RotationSettings = field(default_factory=RotationSettings)
    schedule: ScheduleSettings = field(default_factory=ScheduleSettings)
    daemon: DaemonSettings = field(default_factory=DaemonSettings)
    api: ApiSettings = field(default_factory=ApiSettings)
    agent: AgentSettings = field(default_factory=AgentSettings)
    calendars: tuple[CalendarSettings, ...] = ()
    barrier: BarrierSettings = field(default_factory=BarrierSettings)
    commands: Mapping[str, CommandSettings] = _named(CommandSettings)
    webhooks: Mapping[str, WebhookSettings] = _named(WebhookSettings)
    functions: Mapping[str, FunctionSettings] = _named(FunctionSettings)
    lambda_: LambdaSettings = field(default_factory=LambdaSettings)
    notifications: NotificationSettings = field(default_factory=NotificationSettings)
    log: LogSettings = field(default_factory=LogSettings)

    @property
    def served_regions(self) -> frozenset[str]:
        """Every region that the API answers for."""
        return frozenset({self.region, *self.regions})

    def engine_policy(self) -> "EnginePolicy":
        """The settings that the engine takes; rotators have the names there that the configuration gives them."""
        from rotator.rotation.policy import EnginePolicy, RetryPolicy

        retry, rotation = self.retry, self.rotation
        return EnginePolicy(
            retry=RetryPolicy(
                attempts=retry.attempts,
                base=retry.base,
                factor=retry.factor,
                cap=retry.cap,
                jitter=retry.jitter,
                reverts=retry.reverts,
            ),
            step_limit=rotation.step_limit,
            deadline=rotation.deadline,
            lease=rotation.lease,
            drain=self.barrier.drain,
            barrier_limit=self.barrier.limit,
            grace=rotation.grace,
            grace_of=rotation.grace_of,
            in_use=rotation.in_use,
        )

    def planner(self) -> "Planner":
        """What works out due times by these settings.

        Raises:
            ConfigurationError: the file of a calendar can't be read, or is none.
        """
        from rotator.manager.next_due import Planner

        schedule, given = self.schedule, self.calendars
        catch_up = timedelta(seconds=schedule.catch_up)
        if not given:
            return Planner(limits=schedule.limits, missed=schedule.missed, catch_up=catch_up)
        from rotator.config import calendars

        return Planner(
            limits=schedule.limits,
            missed=schedule.missed,
            catch_up=catch_up,
            calendars_digest=calendars.digest(given),
            load_calendars=lambda: calendars.load(given),
        )


def check_relations(settings: Settings) -> None:
    """What must hold between settings.

    Raises:
        ConfigurationError: with both keys and the reason.
    """
    check_tls(settings.api.tls)
    for name in settings.regions:
        if re.fullmatch(_REGION, name) is None:
            raise ConfigurationError(f"regions: expected {_A_REGION}, one or more of them.")
    check_declared(settings.commands, settings.webhooks)
    taken = {**settings.commands, **settings.webhooks}
    check_functions(settings.functions, settings.lambda_, taken=taken)
    told = settings.notifications
    check_declared(told.commands, told.webhooks, told.plugins, within="notifications.")
    rotation, retry, barrier = settings.rotation, settings.retry, settings.barrier
    if rotation.step_limit >= rotation.lease:
        raise ConfigurationError(
            f"rotation.step_limit ({rotation.step_limit:g} s) must be smaller than rotation.lease "
            f"({rotation.lease:g} s): a step has to end before another process may take the "
            "rotation over. Make the lease longer."
        )
    if rotation.deadline < rotation.step_limit:
        raise ConfigurationError(
            f"rotation.deadline ({rotation.deadline:g} s) must not be smaller than "
            f"rotation.step_limit ({rotation.step_limit:g} s): not even one step could use its "
            "time. Make the deadline longer."
        )
    if retry.cap < retry.base:
        raise ConfigurationError(
            f"retry.cap ({retry.cap:g} s), the longest wait, must not be smaller than retry.base "
            f"({retry.base:g} s), the first. Make the cap longer."
        )
    if barrier.limit and barrier.drain + FRESH >= barrier.limit:
        raise ConfigurationError(
            f"barrier.drain ({barrier.drain:g} s) and {FRESH:g} s more must be shorter than barrier.limit "
            f"({barrier.limit:g} s): the barrier would fall before the target is changed. "
            "Make the limit longer, or 0 to turn the barrier off."
        )
