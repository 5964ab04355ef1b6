"""Who calls: every operation takes a caller and a request id, and its audit record names both."""

from dataclasses import dataclass, field
from enum import StrEnum


class CallerKind(StrEnum):
    """Where a caller's authority comes from."""

    LOCAL = "local"  # a person with the store and its key in hand: the command line
    SERVICE = "service"  # the engine itself
    PRINCIPAL = "principal"  # whose signature was verified; policies say what it may
    FUNCTION = "function"  # a rotation function with the credentials of one run of one rotation


@dataclass(frozen=True, slots=True, kw_only=True)
class RequestContext:
    """What is known of how a request came; policies may ask about it.

    Attributes:
        source_ip: None where it did not come over a network.
        access_key_id: that it was signed with.
    """

    source_ip: str | None = None
    secure_transport: bool = False
    user_agent: str | None = None
    access_key_id: str | None = None

    @property
    def told(self) -> dict[str, str]:
        """Where the request came from, as audit records keep it."""
        said = {
            "source_ip": self.source_ip,
            "access_key_id": self.access_key_id,
            "user_agent": self.user_agent,
        }
        return {name: value for name, value in said.items() if value is not None}


@dataclass(frozen=True, slots=True, kw_only=True)
class RotationRun:
    """The run of a rotation that a function's credentials are for.

    Attributes:
        admin_arn: the secret that the rotated one's target is administered with, which the function may read.
        token: the version that the rotation makes.
        fencing: of the run; after a takeover the store refuses what comes with an older one.
    """

    secret_arn: str
    admin_arn: str | None
    rotation_id: str
    token: str
    fencing: int


@dataclass(frozen=True, slots=True, kw_only=True)
class Caller:
    """A caller, acting in one account and region.

    Attributes:
        name: the user, service or rotation, without the kind.
        arn: of a principal, as policies and refusals name it.
        user_id: of a principal, never given to another.
        run: what the credentials of a function are for.
    """

    kind: CallerKind
    name: str
    account: str
    region: str
    arn: str | None = None
    user_id: str | None = None
    context: RequestContext = field(default_factory=RequestContext)
    run: RotationRun | None = None

    @property
    def principal(self) -> str:
        """The caller as audit records name it: `local:alice`, `service:rotation`, `principal:bob`."""
        return f"{self.kind}:{self.name}"


def rotation_service(*, account: str, region: str) -> Caller:
    """The engine as a caller."""
    return Caller(kind=CallerKind.SERVICE, name="rotation", account=account, region=region)
