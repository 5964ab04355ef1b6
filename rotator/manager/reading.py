"""GetSecretValue, with the read barrier."""

import time
from collections.abc import Callable
from datetime import datetime

from rotator.errors import InvalidRequest, ResourceNotFound
from rotator.manager.call import Call
from rotator.manager.checks import check_stage
from rotator.manager.operations import Operations
from rotator.manager.results import Delayed, SecretValueResult
from rotator.model.caller import Caller, CallerKind
from rotator.model.labels import CURRENT
from rotator.store import labels, secrets, versions
from rotator.store.secrets import Barrier, SecretRow
from rotator.store.store import Tx
from rotator.store.versions import VersionRow

POLL = 0.02
"""Seconds between two looks at a raised barrier."""


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
            InvalidRequest: the secret is marked for deletion, or the label is on another version.
            DecryptionFailure: the row was altered; it names secret and version.
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
        if version_stage is not None:
            check_stage(version_stage)
        stage = version_stage if version_stage or version_id else CURRENT
        call = Call(
            event="GetSecretValue", caller=caller, request_id=request_id, secret_id=secret_id
        )
        with call.write(self._store) as tx:
            secret = call.find_usable(tx)
            if stage == CURRENT and caller.kind is not CallerKind.SERVICE:
                seconds = _remaining(secret.barrier, now=tx.now)
                if seconds > 0:
                    return Delayed(seconds=seconds, row=secret.id)
            version, stages = _version(tx, secret, version_id=version_id, stage=stage)
            _note_access(tx, secret, version)
            call.record(tx, secret.arn, version_id=version.version_id)
        value = self._open(call, secret, version)
        return SecretValueResult(
            arn=secret.arn,
            name=secret.name,
            version_id=version.version_id,
            value=value,
            stages=stages,
            created_at=version.created_at,
        )

    def barrier_remaining(self, delayed: Delayed) -> float:
        """Seconds until the barrier that delayed a read falls at the latest, 0 where it has fallen."""
        with self._store.read() as tx:
            return _remaining(secrets.barrier(tx, delayed.row), now=tx.now)


def _remaining(barrier: Barrier | None, *, now: datetime) -> float:
    return 0.0 if barrier is None else barrier.remaining(now)


def _version(
    tx: Tx, secret: SecretRow, *, version_id: str | None, stage: str | None
) -> tuple[VersionRow, tuple[str, ...]]:
    if version_id is None:
        version, stages = versions.at_label(tx, secret_id=secret.id, label=stage or CURRENT)
        missing = f"staging label: {stage}"
    else:
        version = versions.get(tx, secret_id=secret.id, version_id=version_id)
        stages = () if version is None else labels.load(tx, secret.id).of(version_id)
        missing = f"VersionId: {version_id}"
    if version is not None and stage is not None and stage not in stages:
        raise InvalidRequest(
            "You provided a VersionStage that is not associated to the provided VersionId."
        )
    if version is None or version.sealed is None:
        raise ResourceNotFound(
            f"Secrets Manager can't find the specified secret value for {missing}"
        )
    return version, stages


def _note_access(tx: Tx, secret: SecretRow, version: VersionRow) -> None:
    """LastAccessedDate is a day, so all reads of a day but the first write nothing."""
    day = tx.now.replace(hour=0, minute=0, second=0, microsecond=0)
    if secret.accessed_on != day:
        secrets.update(tx, secret.id, accessed_on=day)
    if version.accessed_on != day:
        versions.set_accessed(tx, secret_id=secret.id, version_id=version.version_id, day=day)
