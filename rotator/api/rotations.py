"""RotateSecret: sets how a secret rotates, and asks the engine; the rotation itself is not waited for."""

import threading
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, replace
from functools import partial
from typing import Final

from rotator import telemetry
from rotator.api.operations.operation import Who
from rotator.errors import (
    InvalidRequest,
    ResourceNotFound,
    RotatorError,
)
from rotator.manager.manager import SecretsManager
from rotator.manager.rotating import RotationBefore
from rotator.manager.rotation_rules import RotationRules
from rotator.model.caller import Caller, rotation_service
from rotator.rotation.engine import Engine
from rotator.sdk import Authority, StepError

_NEVER_CONFIGURED = "No Lambda rotation function ARN is associated with this secret."
_MOST_TESTS: Final = 64  # that wait for their turn
_TESTERS: Final = 2

_log = telemetry.logger("api")


@dataclass(frozen=True, slots=True, kw_only=True)
class Asked:
    """What RotateSecret answers.

    Attributes:
        version_id: of the version that the rotation makes.
    """

    arn: str
    name: str
    version_id: str


class Rotations:
    """How rotations are asked for."""

    def __init__(self, manager: SecretsManager, engine: Engine) -> None:
        self._manager = manager
        self._engine = engine
        self._tests = _Tests(engine)

    def ask(
        self,
        *,
        caller: Caller,
        request_id: str,
        secret_id: str,
        token: str,
        rotator: str | None,
        rules: RotationRules | None,
        immediately: bool,
    ) -> Asked:
        """Sets the rotation, and has it begin: a daemon takes it up.

        What a rotation may act on is pinned where the secret has no rotator yet, or gets another one.

        Args:
            immediately: else only the stored credential is tried, when there is time; a rotation function is invoked
                for that as a rotation is, by whoever looks what is due.

        Raises:
            AccessDenied: the caller may not, or there is no such rotator.
            InvalidParameter: the rules are no schedule.
            InvalidRequest: no rotator was ever given, the value is none for it, or another rotation isn't over.
            ResourceExists: the token is in use.
            ResourceNotFound: there is no such secret.
        """
        who: Who = {"caller": caller, "request_id": request_id}
        before = self._manager.rotation_before(
            **who, secret_id=secret_id, rotator=rotator, rules=rules, immediately=immediately
        )
        try:
            authority = self._to_pin(before, rotator, request_id=request_id)
        except RotatorError as error:
            self._manager.record_refusal(error, event="RotateSecret", **who, secret_id=before.arn)
            raise
        wanted = rotator or (before.settings.rotator if before.settings is not None else "")
        invokes = self._engine.invokes(wanted)
        then = self._engine.requested_test(token) if invokes else None
        if immediately:
            then = self._engine.requested(token)
        self._manager.set_rotation(
            **who,
            secret_id=before.arn,
            rotator=rotator,
            rules=rules,
            authority=authority,
            immediately=immediately,
            then=then,
        )
        if not (immediately or invokes):
            self._tests.add(before, request_id=request_id)
        return Asked(arn=before.arn, name=before.name, version_id=token)

    def close(self) -> None:
        """Tries no more credentials."""
        self._tests.close()

    def _to_pin(
        self, before: RotationBefore, rotator: str | None, *, request_id: str
    ) -> Authority | None:
        """What the value names, where it has to be pinned.

        Raises:
            AccessDenied: there is no such rotator, or a function that can't be invoked.
            InvalidRequest: there is no value, or none for this rotator.
        """
        settings = before.settings
        if settings is None and rotator is None:
            raise InvalidRequest(_NEVER_CONFIGURED)
        known = settings.rotator if settings is not None else None
        wanted = rotator or known or ""
        self._engine.require_invocable(wanted)
        pinned = settings.authority if settings is not None else None
        if pinned is not None and self._is_same(known, rotator):
            return None
        service = rotation_service(account=before.account, region=before.region)
        try:
            value = self._manager.get_secret_value(
                caller=service, request_id=request_id, secret_id=before.arn
            ).value
        except ResourceNotFound:
            raise InvalidRequest(
                f"{before.name} has no value yet, which says what a rotation may act on. Put one first."
            ) from None
        try:
            claimed = self._engine.claims(wanted, value)
        except StepError as error:
            raise InvalidRequest(error.message) from None
        kept = None if pinned is None else pinned.admin
        return replace(claimed, admin=claimed.admin or kept)

    def _is_same(self, known: str | None, rotator: str | None) -> bool:
        """Whether the secret keeps its rotator, by whatever name: then nothing is pinned anew."""
        if rotator is None or rotator == known:
            return True
        try:
            return known is not None and self._engine.is_same(known, rotator)
        except ResourceNotFound:
            return False


class _Tests:
    """Tries stored credentials, a few at a time, while nobody waits."""

    def __init__(self, engine: Engine) -> None:
        self._engine = engine
        self._pool = ThreadPoolExecutor(_TESTERS, thread_name_prefix="rotator-test")
        self._room = threading.BoundedSemaphore(_MOST_TESTS)

    def add(self, secret: RotationBefore, *, request_id: str) -> None:
        """Has the credential of a secret be tried; nothing, where too many wait already."""
        if not self._room.acquire(blocking=False):
            _log.warning("test.left_out", secret_name=secret.name, request_id=request_id)
            return
        begun = self._pool.submit(partial(self._try, secret, request_id))
        begun.add_done_callback(lambda _: self._room.release())

    def _try(self, secret: RotationBefore, request_id: str) -> None:
        service = rotation_service(account=secret.account, region=secret.region)
        try:
            works = self._engine.test(secret.arn, caller=service, request_id=request_id)
        except (RotatorError, StepError) as error:
            _log.warning(
                "test.refused",
                secret_name=secret.name,
                request_id=request_id,
                error=type(error).__name__,
            )
        else:
            _log.info("test.ended", secret_name=secret.name, request_id=request_id, works=works)

    def close(self) -> None:
        """Tries no others than those that are being tried."""
        self._pool.shutdown(wait=False, cancel_futures=True)
