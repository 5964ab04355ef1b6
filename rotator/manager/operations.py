"""What every family of operations shares: the store, the sealer, and where new names come from."""

import secrets as randomness
import time
import uuid
from collections.abc import Callable, Collection
from typing import Protocol

from rotator.crypto.envelope import SealContext, Sealer
from rotator.errors import (
    DecryptionFailure,
    KeyUnavailable,
    ResourceExists,
    ResourceNotFound,
    RotatorError,
)
from rotator.manager.call import Call
from rotator.manager.cursor import Cursors
from rotator.manager.next_due import Planner
from rotator.manager.results import StoredVersion
from rotator.model.caller import Caller
from rotator.model.names import SUFFIX_ALPHABET, SUFFIX_LENGTH
from rotator.sdk import SecretValue
from rotator.store import labels
from rotator.store.secrets import Found, SecretRow
from rotator.store.store import Store
from rotator.store.values import ValueRow
from rotator.store.versions import VersionRow


def random_suffix() -> str:
    """The six random characters that end an ARN."""
    return "".join(randomness.choice(SUFFIX_ALPHABET) for _ in range(SUFFIX_LENGTH))


def new_token() -> str:
    """A client request token, for a caller that brings none."""
    return str(uuid.uuid4())


class Placed(Protocol):
    """A secret, as far as its values are bound to it."""

    @property
    def account(self) -> str:
        """The account that it is in."""
        ...

    @property
    def region(self) -> str:
        """The region that it is in."""
        ...

    @property
    def arn(self) -> str:
        """Its name for ever."""
        ...


class Operations:
    """A family of operations on one store."""

    def __init__(
        self,
        store: Store,
        sealer: Sealer,
        *,
        planner: Planner | None = None,
        regions: Collection[str] = (),
        random_suffix: Callable[[], str] = random_suffix,
        new_token: Callable[[], str] = new_token,
        clock: Callable[[], float] = time.monotonic,
    ) -> None:
        self._store = store
        self._sealer = sealer
        self._planner = planner or Planner()
        self._regions = frozenset(regions)
        self._random_suffix = random_suffix
        self._new_token = new_token
        self._clock = clock
        self._cursors = Cursors(store.audit_key)

    def record_call(self, event: str, *, caller: Caller, request_id: str) -> None:
        """Leaves the record of a call that is about no secret and changes nothing."""
        call = Call(event=event, caller=caller, request_id=request_id)
        self._store.record(call.entry(None))

    def record_refusal(
        self,
        error: RotatorError,
        *,
        event: str,
        caller: Caller,
        request_id: str,
        secret_id: str | None = None,
    ) -> None:
        """Leaves the record that a call was refused before any operation began, where it has left none."""
        call = Call(event=event, caller=caller, request_id=request_id, secret_id=secret_id)
        call.ended_with(error, self._store)

    def _open(
        self, call: Call, secret: Placed, version: VersionRow, *, since: int | None = None
    ) -> SecretValue:
        """The value of a version, outside of every transaction: a key provider may be a network away.

        Args:
            since: when the version was about to be looked up, by `Sealer.moment`: a look at the sealing keys since then
                will do.
        """
        try:
            return self._value_of(secret, version, since=since)
        except (DecryptionFailure, KeyUnavailable) as error:
            call.ended_with(
                error, self._store, secret_arn=secret.arn, version_id=version.version_id
            )
            raise

    def _value_of(
        self, secret: Placed, version: VersionRow, *, since: int | None = None
    ) -> SecretValue:
        """The value of a version; arguments as those of `_open`. Its failure is not recorded yet."""
        if version.sealed is None:
            raise ResourceNotFound(
                "Secrets Manager can't find the specified secret value for VersionId: "
                f"{version.version_id}"
            )
        if isinstance(secret, ValueRow) and secret.key is not None:
            self._sealer.provider.resolve(secret.key)  # the replica's own
        context = seal_context(_origin(secret), version.version_id)
        return self._sealer.open(version.sealed, context=context, since=since)

    def _refuse_other_content(
        self, call: Call, secret: Placed, version: VersionRow, value: SecretValue
    ) -> None:
        """Nothing, where a token that was used before comes with the value that it came with then.

        Raises:
            ResourceExists: it comes with another one.
        """
        if self._open(call, secret, version) != value:
            raise ResourceExists(
                f"You can't use ClientRequestToken {version.version_id} because that value is already "
                f"in use for a version of secret {secret.arn}."
            )

    def _repeated(self, call: Call, secret: SecretRow | Found, token: str) -> StoredVersion:
        """The answer to a call whose token came with the same value before: nothing new."""
        with self._store.read() as tx:
            stages = labels.load(tx, secret.id).of(token)
            call.record(tx, secret.arn, version_id=token, detail={"repeated": True})
        return StoredVersion(arn=secret.arn, name=secret.name, version_id=token, stages=stages)


def _origin(secret: Placed) -> Placed:
    """What the values of a secret, or of the primary of a replica, are bound to."""
    if isinstance(secret, ValueRow) and secret.origin is not None:
        return secret.origin
    return secret


def seal_context(secret: Placed, version_id: str) -> SealContext:
    """What the value of a version is bound to."""
    return SealContext(
        account=secret.account,
        region=secret.region,
        secret_arn=secret.arn,
        version_id=version_id,
    )
