"""What a rotation function is invoked with, and what its invoker needs of the engine.

The contract of a function is AWS's: https://docs.aws.amazon.com/secretsmanager/latest/userguide/rotating-secrets-lambda-function-overview.html
"""

from dataclasses import dataclass, field
from typing import Protocol

from rotator.sdk.rotation import Rotation
from rotator.sdk.values import SecretValue


@dataclass(frozen=True, slots=True, kw_only=True)
class FunctionAccess:
    """How a function reaches the API, for one invocation.

    Attributes:
        endpoint: the URL of the API.
        trust: path of the certificates that it is known by; None where it is this machine's own, or the system's do.
        access_key_id: of credentials that end with the step, and are for this run of this rotation alone.
    """

    endpoint: str
    trust: str | None
    region: str
    access_key_id: str
    secret_access_key: str = field(repr=False)
    session_token: str = field(repr=False)


class FunctionHost(Protocol):
    """What the engine gives to whoever invokes functions."""

    def access(self, rotation: Rotation) -> FunctionAccess:
        """The way to the API for the function of this step.

        Raises:
            Misconfigured: there is none.
        """
        ...

    def stored(self, rotation: Rotation) -> SecretValue | None:
        """The value that was stored under the rotation's token, None where there is none yet."""
        ...
