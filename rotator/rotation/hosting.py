"""What invokers of rotation functions get of the engine: a way to the API for one run, and what was stored by it."""

from collections.abc import Callable
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from typing import Protocol, TypedDict

from rotator.crypto.envelope import Sealer
from rotator.model.caller import RotationRun
from rotator.rotation.claim import seal_context
from rotator.sdk import Misconfigured, Rotation, SecretValue
from rotator.sdk.functions import FunctionAccess
from rotator.store import secrets, versions
from rotator.store.store import Store


@dataclass(frozen=True, slots=True, kw_only=True)
class Endpoint:
    """Where the API is answered.

    Attributes:
        trust: path of the certificates that it is known by, None for plain HTTP on this machine.
    """

    url: str
    trust: str | None = None


class Credentials(Protocol):
    """What requests are signed with."""

    @property
    def access_key_id(self) -> str:
        """Names them."""
        ...

    @property
    def secret_access_key(self) -> str:
        """Makes the signatures."""
        ...

    @property
    def session_token(self) -> str | None:
        """Goes along with each request."""
        ...


@dataclass(frozen=True, kw_only=True)
class Hosting:
    """Serves functions.

    Attributes:
        endpoint: opens the API where it isn't open yet; None where there is none.
        issue: credentials for a run, until a moment.
    """

    store: Store
    sealer: Sealer
    endpoint: Callable[[], Endpoint] | None
    issue: Callable[[RotationRun, datetime], Credentials]

    def access(self, rotation: Rotation) -> FunctionAccess:
        """The way to the API for the function of this step; its credentials end with the step.

        Raises:
            Misconfigured: there is none.
        """
        if self.endpoint is None:
            raise Misconfigured("rotation functions need the API, and nothing here serves it")
        at = self.endpoint()
        run = RotationRun(
            secret_arn=rotation.secret_arn,
            admin_arn=rotation.authority.admin,
            rotation_id=rotation.rotation_id,
            token=rotation.token,
            fencing=rotation.fencing,
        )
        until = datetime.now(UTC) + timedelta(seconds=max(1.0, rotation.remaining()))
        given = self.issue(run, until)
        return FunctionAccess(
            endpoint=at.url,
            trust=at.trust,
            region=_place(rotation.secret_arn)["region"],
            access_key_id=given.access_key_id,
            secret_access_key=given.secret_access_key,
            session_token=given.session_token or "",
        )

    def stored(self, rotation: Rotation) -> SecretValue | None:
        """The value under the rotation's token, None where there is none yet."""
        with self.store.read() as tx:
            secret = secrets.find(tx, **_place(rotation.secret_arn), secret_id=rotation.secret_arn)
            found = versions.get(tx, secret_id=secret.id, version_id=rotation.token)
        if found is None or found.sealed is None:
            return None
        return self.sealer.open(found.sealed, context=seal_context(secret, rotation.token))


class _Place(TypedDict):
    account: str
    region: str


def _place(secret_arn: str) -> _Place:
    """Where a secret is, by its ARN."""
    _, _, _, region, account, *_ = secret_arn.split(":")
    return _Place(account=account, region=region)
