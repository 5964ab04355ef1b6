"""What the API is made of, which another configuration may replace while it serves."""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Protocol, TypeAlias

from rotator.access.signed_request import SignedRequest
from rotator.api.operations.operation import Rooms
from rotator.errors import AuthenticationFailed, RotatorError
from rotator.model.caller import Caller


class Authenticator(Protocol):
    """Tells who signed a request."""

    def authenticate(self, request: SignedRequest) -> Caller:
        """The caller that a request is from.

        Raises:
            AuthenticationFailed: nobody is known by it.
        """
        ...

    def authenticate_all(
        self, requests: Sequence[SignedRequest]
    ) -> Sequence[Caller | RotatorError]:
        """The callers that requests are from, or what `authenticate` raises for one of them."""
        ...

    def record_refusal(
        self,
        request: SignedRequest,
        error: AuthenticationFailed,
        *,
        request_id: str,
        event: str,
        account: str,
        region: str,
    ) -> None:
        """Leaves the audit record of a request that nobody is known by."""
        ...


@dataclass(frozen=True, slots=True)
class Page:
    """What is answered to a monitor."""

    status: int
    content_type: str
    body: bytes


Pages: TypeAlias = Mapping[str, Callable[[], Page]]
"""Path → what gives its page, without waiting for anything."""


class Watch(Protocol):
    """Who is told of every call."""

    def called(self, operation: str, outcome: str, seconds: float) -> None:
        """An operation was called and answered; the outcome is `ok` or the code of an error."""
        ...


class _Nobody:
    def called(self, operation: str, outcome: str, seconds: float) -> None:
        """Nobody counts."""


@dataclass(frozen=True, slots=True, kw_only=True)
class ApiParts:
    """What calls are answered with.

    Attributes:
        account: whose audit has the refusals of those whom nobody knows; likewise `region`.
        pages: for monitors.
    """

    rooms: Rooms
    authenticator: Authenticator
    account: str
    region: str
    pages: Pages = field(default_factory=dict)
    watch: Watch = field(default_factory=_Nobody)
