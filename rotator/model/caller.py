"""Who calls: every operation takes a caller and a request id, and its audit record names both."""

from dataclasses import dataclass
from enum import StrEnum


class CallerKind(StrEnum):
    """Where a caller's authority comes from."""

    LOCAL = "local"  # a person with the store and its key in hand: the command line
    SERVICE = "service"  # the engine itself


@dataclass(frozen=True, slots=True, kw_only=True)
class Caller:
    """A caller, acting in one account and region.

    Attributes:
        name: the user or service, without the kind.
    """

    kind: CallerKind
    name: str
    account: str
    region: str

    @property
    def principal(self) -> str:
        """The caller as audit records name it: `local:alice`, `service:rotation`."""
        return f"{self.kind}:{self.name}"


def rotation_service(*, account: str, region: str) -> Caller:
    """The engine as a caller."""
    return Caller(kind=CallerKind.SERVICE, name="rotation", account=account, region=region)
