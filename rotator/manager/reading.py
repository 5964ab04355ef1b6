"""GetSecretValue, with the read barrier."""

import time
from collections.abc import Callable

from rotator.errors import InvalidRequest, ResourceNotFound, StoreUnavailable
from rotator.manager import limits
from rotator.manager.call import Call
from rotator.manager.operations import Operations
from rotator.manager.refusals import audited
from rotator.manager.results import Delayed, SecretValueResult
from rotator.model.caller import Caller, CallerKind
from rotator.model.labels import CURRENT
from rotator.model.rotation import FRESH
from rotator.sdk import SecretValue
from rotator.store import secrets
from rotator.store.notes import Access
from rotator.store.secrets import Barrier
from rotator.store.store import Tx
from rotator.store.values import ValueRow
from rotator.store.versions import VersionRow

POLL = 0.02
"""Seconds between two looks at a raised barrier."""

MOST_LOOKS = 5
"""How often a value is looked at anew because it took too long to give it out."""


class Reading(Operations):
    """How values are read."""

    def get_secret_value(
        self,
        *,
        caller: Caller,
        request_id: str,
        secret_id: str,
        version_id: str | None = None,
        version_stage: str | None = None,
        sleep: Callable[[float], None] = time.sleep,
    ) -> SecretValueResult:
        """The value of a version, AWSCURRENT where none is named; waits while the read barrier is raised.

        Args:
            sleep: called between two looks at the barrier, while no transaction is open.

        Raises:
            ResourceNotFound: no such secret or version, or the version has no value.
            ValidationError: a parameter is out of its limits.
            InvalidRequest: the secret is marked for deletion, or the label is on another version.
            DecryptionFailure: the row was altered; it names secret and version.
            StoreUnavailable: the read can't be recorded, so no value is given.
        """
        while True:
            outcome = self.read_secret_value(
                caller=caller,
                request_id=request_id,
                secret_id=secret_id,
                version_id=version_id,
                version_stage=version_stage,
            )
            if isinstance(outcome, SecretValueResult):
                return outcome
            remaining = outcome.seconds
            while remaining > 0:
                sleep(min(POLL, remaining))
                remaining = self.barrier_remaining(outcome)

    @audited("GetSecretValue")
    def read_secret_value(
        self,
        *,
        caller: Caller,
        request_id: str,
        secret_id: str,
        version_id: str | None = None,
        version_stage: str | None = None,
    ) -> SecretValueResult | Delayed:
        """What `get_secret_value` gives, or how long it has to wait; never waits itself.

        The barrier holds back reads of AWSCURRENT by everyone but the engine, which raised it.
        """
        limits.check("GetSecretValue", VersionId=version_id, VersionStage=version_stage)
        stage = version_stage if version_stage or version_id else CURRENT
        call = Call(
            event="GetSecretValue", caller=caller, request_id=request_id, secret_id=secret_id
        )
        audited: VersionRow | None = None
        value: SecretValue | None = None
        for _ in range(MOST_LOOKS):
            looked_at, began = self._clock(), self._sealer.moment()
            with self._store.glance() as tx:
                found = call.find_value(tx, version_id=version_id, stage=stage)
                if stage == CURRENT and caller.kind is not CallerKind.SERVICE:
                    seconds = _remaining(found.barrier, tx)
                    if seconds > 0:
                        return Delayed(seconds=seconds, row=found.id)
            version = checked_version(found, version_id=version_id, stage=stage)
            if audited is None or version.sealed != audited.sealed or value is None:
                value = self._open(call, found, version, since=began)
                self._store.record(
                    call.entry(found.arn, version_id=version.version_id),
                    accesses=[access_to(found, version)],
                )
                audited = version
            if self._clock() - looked_at <= FRESH:
                return SecretValueResult(
                    arn=found.arn,
                    name=found.name,
                    version_id=version.version_id,
                    value=value,
                    stages=found.stages,
                    created_at=version.created_at,
                )
        raise too_slow()

    def barrier_remaining(self, delayed: Delayed) -> float:
        """Seconds until the barrier that delayed a read falls at the latest, 0 where it has fallen."""
        with self._store.read() as tx:
            return _remaining(secrets.barrier(tx, delayed.row), tx)


def _remaining(barrier: Barrier | None, tx: Tx) -> float:
    return 0.0 if barrier is None else barrier.remaining(tx.now)


def too_slow() -> StoreUnavailable:
    """What a read ends with whose value was old each time before it could be given out."""
    return StoreUnavailable(
        "The store took too long to record the read, and the value changed meanwhile, each time. Try again."
    )


def checked_version(found: ValueRow, *, version_id: str | None, stage: str | None) -> VersionRow:
    """The version that was found, which has a value.

    Raises:
        InvalidRequest: the label is on another version than the one that was named.
        ResourceNotFound: there is no such version, or it has no value.
    """
    version = found.version
    if version is not None and stage is not None and stage not in found.stages:
        raise InvalidRequest(
            "You provided a VersionStage that is not associated to the provided VersionId."
        )
    if version is None or version.sealed is None:
        missing = f"staging label: {stage}" if version_id is None else f"VersionId: {version_id}"
        raise ResourceNotFound(
            f"Secrets Manager can't find the specified secret value for {missing}"
        )
    return version


def access_to(found: ValueRow, version: VersionRow) -> Access:
    """The note that a version was read."""
    return Access(found.id, version.version_id, found.accessed_on, version.accessed_on)
