"""What a rotator is given for a step, and what it answers. All of it can be serialised."""

import hashlib
import time
from collections.abc import Callable, Mapping
from dataclasses import asdict, dataclass, field
from enum import StrEnum
from typing import Any, Self

from rotator.sdk.errors import Misconfigured, TargetUnreachable
from rotator.sdk.log import LogLine, RotationLog, write
from rotator.sdk.overlap import Overlap
from rotator.sdk.passwords import PasswordPolicy
from rotator.sdk.settings import PasswordSettings, RotatorSettings
from rotator.sdk.values import SecretValue

_CLOCK = getattr(time, "CLOCK_BOOTTIME", time.CLOCK_MONOTONIC)


def clock() -> float:
    """Seconds on the clock of every deadline: it is common to all processes of a machine and never jumps.

    `CLOCK_BOOTTIME` where the system has it, so that a suspended machine's deadlines pass too.
    """
    return time.clock_gettime(_CLOCK)


class Candidate(StrEnum):
    """A credential that may be the one that logs in, named by the label that it had when the rotation began."""

    PENDING = "pending"
    CURRENT = "current"
    PREVIOUS = "previous"
    PINNED = "pinned"  # the value of an abandoned rotation that may have reached the target


class Proof(StrEnum):
    """What a probe showed."""

    ACCEPTED = "accepted"
    REFUSED = "refused"


@dataclass(frozen=True, slots=True, kw_only=True)
class Authority:
    """What a rotation may act on, pinned by `rotation set` or claimed by a secret's JSON.

    Attributes:
        host: the target's address, None where the rotator has none.
        port: its port.
        admin: the ARN of the admin secret (`masterarn`), None where the credential changes itself.
        users: every user name that a rotation of the secret may change.
    """

    host: str | None = None
    port: int | None = None
    admin: str | None = None
    users: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True, kw_only=True)
class Rotation:
    """One step of one rotation, as a rotator sees it.

    Attributes:
        rotation_id: the run's id; with the secret and `fencing` it tags every session on the target.
        token: the new version's id (client request token).
        fencing: grows with every takeover and every rotation of the secret; sessions tagged with a smaller number are
            an older owner's.
        attempt: 1 for the first try.
        strictness: how many values of this rotation the target has refused by its policy (`PasswordRefused`): so much
            stricter has the next one to be.
        values: the values that exist, by what they were when the rotation began.
        pinned: values of still earlier rotations that may log in, beyond that of `Candidate.PINNED`.
        live: the credential that logs in, as far as the engine knows.
        admin: the admin secret's value where one is pinned.
        authority: what may be changed.
        overlap: as preflight resolved it; None in preflight itself.
        require_overlap: refuse an overlap that lets a login fail.
        allow_privileged: a role with administrative rights may be rotated.
        allow_other_server: the admin secret may name another address than the secret does.
        settings: the rotator's own settings, an instance of its `settings_model`. (Its type is Any, so that
            `rotation.settings.name` needs no cast in a rotator that knows its model.)
        trust: path of the configured CA bundle, None where there is none.
        deadline: when this step must have ended, a reading of `clock()`.
        sink: takes the lines of `log`.
    """

    rotation_id: str
    secret_arn: str
    secret_name: str
    token: str
    fencing: int
    attempt: int
    values: Mapping[Candidate, SecretValue]
    pinned: tuple[SecretValue, ...] = ()
    live: Candidate = Candidate.CURRENT
    admin: SecretValue | None = None
    authority: Authority = field(default_factory=Authority)
    overlap: Overlap | None = None
    require_overlap: bool = False
    allow_privileged: bool = False
    allow_other_server: bool = False
    settings: Any = field(default_factory=PasswordSettings)
    trust: str | None = None
    strictness: int = 0
    deadline: float
    sink: Callable[[LogLine], None] = field(default=write, repr=False, compare=False)

    @property
    def current(self) -> SecretValue:
        """The value that was AWSCURRENT when the rotation began.

        Raises:
            Misconfigured: the secret has none.
        """
        return self.value(Candidate.CURRENT)

    @property
    def pending(self) -> SecretValue:
        """The new value, from setSecret on.

        Raises:
            Misconfigured: there is none yet.
        """
        return self.value(Candidate.PENDING)

    @property
    def previous(self) -> SecretValue | None:
        """The value that was AWSPREVIOUS when the rotation began, None where there was none."""
        return self.values.get(Candidate.PREVIOUS)

    @property
    def left_over(self) -> tuple[SecretValue, ...]:
        """Values that an earlier rotation has replaced and perhaps never retired; where a target can hold several,
        they are taken away in setSecret and in retire, unless they are the current or the pending one.
        """
        found = [self.previous]
        if (
            self.live is not Candidate.PINNED
        ):  # then it is the one that logs in, and the current one may not
            found.append(self.values.get(Candidate.PINNED))
        return tuple(value for value in (*found, *self.pinned) if value is not None)

    @property
    def known(self) -> tuple[SecretValue, ...]:
        """Every value of the secret that there is here, none of which may be told; the admin's is apart."""
        return (*self.values.values(), *self.pinned)

    @property
    def log(self) -> RotationLog:
        """A log that no value of this rotation gets into; what it is told reaches the engine's own log."""
        told = self.known + (() if self.admin is None else (self.admin,))
        about = {"secret_name": self.secret_name, "rotation_id": self.rotation_id}
        return RotationLog(values=told, about=about, sink=self.sink)

    def random_password(self) -> str:
        """A new password, as the settings ask where the model extends `PasswordSettings`, and stricter where the
        target has refused others.

        Raises:
            Misconfigured: the settings leave none that is safe.
        """
        shaped = isinstance(self.settings, PasswordSettings)
        policy = self.settings.policy() if shaped else PasswordPolicy()
        return policy.stricter(self.strictness).generate()

    def value(self, candidate: Candidate) -> SecretValue:
        """The value of `candidate`.

        Raises:
            Misconfigured: there is no such value.
        """
        try:
            return self.values[candidate]
        except KeyError:
            raise Misconfigured(
                f"the secret has no {candidate} value",
                hint="store a working credential first: rotate secret put",
            ) from None

    @property
    def session_tag(self) -> str:
        """The name of every session on the target: `rotator/<secret>/<rotation id>/<fencing number>`.

        At most 63 bytes, the longest name that PostgreSQL keeps, up to the fencing number 99999.
        """
        return f"{self.session_prefix}{self.rotation_id}/{self.fencing}"

    @property
    def session_prefix(self) -> str:
        """What the tags of the sessions of all rotations of this secret begin with: `rotator/<secret>/`.

        The fencing number grows over all of them, so a smaller one is an older owner's whatever its rotation. The
        secret is named by the first 16 hexadecimal digits of the SHA-256 of its ARN.
        """
        return f"rotator/{hashlib.sha256(self.secret_arn.encode()).hexdigest()[:16]}/"

    def remaining(self) -> float:
        """Seconds until the deadline, negative when it has passed."""
        return self.deadline - clock()

    def check_deadline(self) -> None:
        """Call it right before a change is sent, on a connection that is already open.

        A process that was frozen and has lost its lease stops here: its successor ended the sessions that existed
        then, and one opened later finds the deadline passed.

        Raises:
            TargetUnreachable: the time of this step is over; nothing was sent.
        """
        if self.remaining() <= 0:
            raise TargetUnreachable(
                "the time limit of this step ran out before anything was changed"
            )

    def to_wire(self) -> dict[str, Any]:
        """A JSON-ready form, for the pipe to a rotator's process."""
        plain = {name: getattr(self, name) for name in _PLAIN_FIELDS}
        return plain | {
            "values": {str(name): value.to_wire() for name, value in self.values.items()},
            "pinned": [value.to_wire() for value in self.pinned],
            "admin": None if self.admin is None else self.admin.to_wire(),
            "authority": asdict(self.authority),
            "settings": self.settings.to_mapping(),
        }

    @classmethod
    def from_wire(
        cls, wire: Mapping[str, Any], *, settings_model: type[RotatorSettings] = PasswordSettings
    ) -> Self:
        """The inverse of `to_wire`.

        Raises:
            Misconfigured: the settings are none of this model's.
        """
        plain = {name: wire[name] for name in _PLAIN_FIELDS}
        authority = dict(wire["authority"])
        return cls(
            **plain
            | {
                "live": Candidate(plain["live"]),
                "overlap": None if plain["overlap"] is None else Overlap(plain["overlap"]),
                "values": {
                    Candidate(name): SecretValue.from_wire(value)
                    for name, value in wire["values"].items()
                },
                "pinned": tuple(map(SecretValue.from_wire, wire["pinned"])),
                "admin": None if wire["admin"] is None else SecretValue.from_wire(wire["admin"]),
                "authority": Authority(**authority | {"users": tuple(authority["users"])}),
                "settings": settings_model.parse(wire["settings"]),
            }
        )


_STRUCTURED_FIELDS = frozenset({"values", "pinned", "admin", "authority", "settings", "sink"})
_PLAIN_FIELDS = tuple(name for name in Rotation.__slots__ if name not in _STRUCTURED_FIELDS)


@dataclass(frozen=True, slots=True, kw_only=True)
class Use:
    """A session that still uses the old credential.

    Attributes:
        user: who is logged in.
        client: from where, as the target tells it: an address, a host, a program.
        detail: what else tells the session apart, in a form of the rotator's own: `end_use` gets it back.
    """

    user: str
    client: str
    detail: str = ""

    @property
    def shown(self) -> str:
        """The session in words."""
        return f"{self.user} from {self.client}" + (f" ({self.detail})" if self.detail else "")

    def to_wire(self) -> dict[str, str]:
        """A JSON-ready form."""
        return {"user": self.user, "client": self.client, "detail": self.detail}

    @classmethod
    def from_wire(cls, wire: Mapping[str, str]) -> Self:
        """The inverse of `to_wire`."""
        return cls(user=wire["user"], client=wire["client"], detail=wire["detail"])


class Level(StrEnum):
    """How much a preflight finding matters."""

    OK = "ok"
    WARNING = "warning"
    REFUSAL = "refusal"


@dataclass(frozen=True, slots=True, kw_only=True)
class Finding:
    """One thing that preflight looked at.

    Attributes:
        message: what was found, in the words of the target's administrator.
        remedy: the statement or setting that mends it.
    """

    level: Level
    message: str
    remedy: str | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class Preflight:
    """What preflight found out, with nothing changed.

    Attributes:
        overlap: the best overlap that version and privileges allow.
        findings: what was checked; a single refusal stops the rotation.
        changes: what setSecret would do, one line a change, for `rotate plan`.
    """

    overlap: Overlap
    findings: tuple[Finding, ...] = ()
    changes: tuple[str, ...] = ()

    @property
    def refusals(self) -> tuple[Finding, ...]:
        """The findings that stop the rotation."""
        return tuple(finding for finding in self.findings if finding.level is Level.REFUSAL)

    def to_wire(self) -> dict[str, Any]:
        """A JSON-ready form."""
        return asdict(self)

    @classmethod
    def from_wire(cls, wire: Mapping[str, Any]) -> Self:
        """The inverse of `to_wire`."""
        return cls(
            overlap=Overlap(wire["overlap"]),
            findings=tuple(
                Finding(**finding | {"level": Level(finding["level"])})
                for finding in wire["findings"]
            ),
            changes=tuple(wire["changes"]),
        )
