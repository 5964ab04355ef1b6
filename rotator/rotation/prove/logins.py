"""What one client saw of one login. Pure; all of it can be serialised."""

from collections.abc import Mapping
from dataclasses import asdict, dataclass
from enum import StrEnum
from typing import Any, Self


class ClientKind(StrEnum):
    """How a client comes by its credential."""

    FETCHING = "fetching"  # reads AWSCURRENT before each login
    HOLDING = "holding"  # keeps what it read for a while, as a cache does; reads earlier where a login fails


class Outcome(StrEnum):
    """What a login came to."""

    ACCEPTED = "accepted"
    REFUSED = "refused"  # the target refused the credential
    NO_VALUE = "no value"  # the secret could not be read
    ERROR = "error"  # the login failed for another reason: no room, no connection, a bug


@dataclass(frozen=True, slots=True, kw_only=True)
class Login:
    """One login. Times are readings of `rotator.sdk.clock`, which all processes of a machine share.

    Attributes:
        client: the client's number.
        version: of the secret, whose value was used; None where it could not be read.
        fetched_at: when the value had been read.
        waited: seconds that reading it took, None where a value was used again.
        began: when the login began.
        message: why it failed, without any value.
    """

    client: int
    kind: ClientKind
    version: str | None
    fetched_at: float
    waited: float | None
    began: float
    ended: float
    outcome: Outcome
    message: str | None = None

    @property
    def age(self) -> float:
        """Seconds from when the value had been read to when the login had ended."""
        return self.ended - self.fetched_at

    @property
    def seconds(self) -> float:
        """How long the login took."""
        return self.ended - self.began

    def to_wire(self) -> dict[str, Any]:
        """A JSON-ready form."""
        return asdict(self)

    @classmethod
    def from_wire(cls, wire: Mapping[str, Any]) -> Self:
        """The inverse of `to_wire`."""
        return cls(
            **{**wire, "kind": ClientKind(wire["kind"]), "outcome": Outcome(wire["outcome"])}
        )
