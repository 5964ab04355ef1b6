"""What an engine tells of a secret, its target and its rotator without changing any of them."""

import uuid
from collections.abc import Callable, Mapping
from typing import TYPE_CHECKING, Any

from rotator import telemetry
from rotator.crypto.envelope import Sealer
from rotator.errors import AccessDenied, ConfigurationError, ResourceNotFound
from rotator.manager.call import Call
from rotator.model.caller import Caller
from rotator.rotation.guarded import GuardedRotator
from rotator.rotation.policy import EnginePolicy
from rotator.rotation.registry import HostedEntry, RotatorEntry, RotatorRegistry
from rotator.rotation.values import Values
from rotator.sdk import Authority, Rotator, SecretValue, StepError
from rotator.store import open_rotations
from rotator.store.audit import Outcome
from rotator.store.store import Store

if TYPE_CHECKING:
    from rotator.rotation.inspection import Inspector
    from rotator.rotation.prove.door import RotatorDoor
    from rotator.rotation.verdicts import Plan, Verification
    from rotator.sdk.functions import FunctionHost


_CANNOT_INVOKE = (
    "Secrets Manager cannot invoke the specified Lambda function. Ensure that the function policy grants access to "
    "the principal secretsmanager.amazonaws.com."
)
_log = telemetry.logger("rotation")


def new_rotation_id() -> str:
    """An id that no rotation has had."""
    return uuid.uuid4().hex


class Looker:
    """Looks at secrets and at what rotates them; an `Engine` is one that rotates them too.

    Args:
        trust: path of the configured CA bundle, None where there is none.
        functions: serves rotation functions; called when one is needed.
    """

    def __init__(
        self,
        *,
        store: Store,
        sealer: Sealer,
        registry: RotatorRegistry,
        policy: EnginePolicy,
        trust: str | None,
        functions: "Callable[[], FunctionHost] | None",
    ) -> None:
        self._store = store
        self._sealer = sealer
        self._registry = registry
        self._policy = policy
        self._trust = trust
        self._functions = functions

    def plan(self, secret_id: str, *, caller: Caller, request_id: str) -> "Plan":
        """What `rotate` would do; nothing is changed."""
        inspector = self._inspector()
        claim = inspector.look(secret_id, caller=caller, request_id=request_id, purpose="plan")
        entry = self._entry(claim.rotator)
        rotator = self._make(entry)
        try:
            return inspector.plan(claim, rotator, invokes=entry.invokes)
        finally:
            rotator.close()

    def verify(self, secret_id: str, *, caller: Caller, request_id: str) -> "Verification":
        """Whether the stored credential still logs in."""
        inspector = self._inspector()
        claim = inspector.look(secret_id, caller=caller, request_id=request_id, purpose="verify")
        rotator = self._make(self._entry(claim.rotator))
        try:
            return inspector.verify(claim, rotator)
        finally:
            rotator.close()

    def test(self, secret_id: str, *, caller: Caller, request_id: str) -> bool:
        """Whether the stored credential logs in: testSecret alone, on the current value, as RotateSecret asks for it.

        A rotation function needs a version to test: `Engine.requested_test`.

        Raises what `verify` raises. The events of the real service are recorded, whatever comes of it.
        """
        inspector = self._inspector()
        claim = inspector.look(secret_id, caller=caller, request_id=request_id, purpose="test")
        arn = claim.secret.arn
        call = Call(event="RotateSecret", caller=caller, request_id=request_id, secret_id=arn)
        self._store.record(call.entry(arn, event="TestRotationStarted"))
        works = False
        try:
            rotator = self._make(self._entry(claim.rotator))
            try:
                works = not inspector.verify(claim, rotator).drift
            finally:
                rotator.close()
        finally:
            self._store.record(
                call.entry(
                    arn,
                    event=f"TestRotation{'Succeeded' if works else 'Failed'}",
                    outcome=Outcome.SUCCEEDED if works else Outcome.FAILED,
                )
            )
        return works

    def door(self, secret_id: str, *, caller: Caller, request_id: str) -> "RotatorDoor":
        """By which a client logs in with what it reads of a secret, as the secret's rotator does; changes nothing."""
        from rotator.rotation.prove.door import door_of

        claim = self._inspector().look(
            secret_id, caller=caller, request_id=request_id, purpose="prove"
        )
        entry = self._entry(claim.rotator)
        values = Values(claim, sealer=self._sealer, trust=self._trust)
        return door_of(claim, values, make=lambda: self._make(entry), limit=self._policy.step_limit)

    def claims(self, rotator: str, value: SecretValue) -> Authority:
        """What a value's JSON says that the rotator would act on, for `rotation set` to pin.

        Raises:
            ResourceNotFound: no such rotator.
            Misconfigured: the JSON lacks a field or has a wrong one.
        """
        made = self._make(self._entry(rotator))
        try:
            return made.claims(value)
        finally:
            made.close()

    def require_invocable(self, rotator: str) -> None:
        """Nothing, where a rotator can be had; a function elsewhere is asked for, but not invoked.

        Raises:
            AccessDenied: it can't, in AWS's own words.
        """
        try:
            entry = self._entry(rotator)
            if isinstance(entry, HostedEntry) and self._functions is not None:
                entry.check(self._functions(), seconds=self._policy.step_limit)
        except (ResourceNotFound, ConfigurationError, StepError) as error:
            _log.warning("function.not_invocable", rotator=rotator, why=str(error))
            raise AccessDenied(_CANNOT_INVOKE) from None

    def invokes(self, rotator: str) -> bool:
        """Whether its steps are those of a rotation function.

        Raises:
            ResourceNotFound: there is none of this name.
        """
        return self._entry(rotator).invokes

    def is_same(self, one: str, other: str) -> bool:
        """Whether two names or ARNs stand for the same rotator.

        Raises:
            ResourceNotFound: there is none of one of these names.
        """
        return one == other or self._entry(one).name == self._entry(other).name

    def check_settings(self, rotator: str, given: Mapping[str, Any]) -> dict[str, Any]:
        """The settings of a rotator as `rotation set` stores them.

        Raises:
            ResourceNotFound: no such rotator.
            Misconfigured: one is unknown, missing or wrong; the message names it.
        """
        made = self._make(self._entry(rotator))
        try:
            return made.check_settings(given)
        finally:
            made.close()

    def retirable(self, *, caller: Caller, of_deleted: bool = False) -> tuple[str, ...]:
        """ARNs of the secrets with an old credential whose grace period is over, the earliest first.

        Args:
            of_deleted: only of those whose recovery window is over, which a purge leaves until then.
        """
        with self._store.read() as tx:
            return open_rotations.retirable(
                tx, account=caller.account, region=caller.region, of_deleted=of_deleted
            )

    def resumable(self, *, caller: Caller) -> tuple[str, ...]:
        """ARNs of the secrets with an unfinished rotation, oldest first."""
        with self._store.read() as tx:
            return open_rotations.unfinished(tx, account=caller.account, region=caller.region)

    def _inspector(self) -> "Inspector":
        from rotator.rotation.inspection import Inspector  # `rotate now` starts without it

        return Inspector(self._store, self._sealer, self._policy, self._trust, new_rotation_id)

    def _entry(self, reference: str) -> RotatorEntry:
        return self._registry.resolve(reference)

    def _make(self, entry: RotatorEntry) -> Rotator:
        if isinstance(entry, HostedEntry):
            if self._functions is None:
                raise ConfigurationError(
                    f"{entry.name} is a rotation function, and nothing here can serve it."
                )
            return GuardedRotator(entry.hosted(self._functions()), quotes=True, discreet=True)
        if entry.builtin:
            return GuardedRotator(entry.make(), quotes=False)
        from rotator.rotation.child import ChildRotator  # built-in rotators need no processes

        return GuardedRotator(ChildRotator(entry), quotes=True)
