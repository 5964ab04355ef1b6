"""GetSecretValue, with the read barrier."""

import time
from collections.abc import Callable
from dataclasses import dataclass
from typing import NamedTuple

from rotator.errors import InvalidRequest, ResourceNotFound, RotatorError, StoreUnavailable
from rotator.manager import limits
from rotator.manager.asked import asked as parameters
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


@dataclass(frozen=True, slots=True)
class _Asked:
    """What one call asks for."""

    call: Call
    version_id: str | None
    stage: str | None

    def find(self, tx: Tx) -> ValueRow | Delayed:
        """The secret and its version, or how long the barrier holds it back."""
        found = self.call.find_value(tx, version_id=self.version_id, stage=self.stage)
        if (
            found.barrier is not None
            and self.stage == CURRENT
            and not _is_exempt(self.call.caller, found)
        ):
            seconds = found.barrier.remaining(tx.now)
            if seconds > 0:
                return Delayed(seconds=seconds, row=found.owner)
        return found

    def version_of(self, found: ValueRow) -> VersionRow:
        """The version that was asked for; errors as `checked_version` has them."""
        return checked_version(found, version_id=self.version_id, stage=self.stage)


class _Looked(NamedTuple):
    """A value as it was at a moment of the operations' clock."""

    at: float
    found: ValueRow
    version: VersionRow
    value: SecretValue

    def result(self) -> SecretValueResult:
        """What the call answers."""
        return SecretValueResult(
            arn=self.found.arn,
            name=self.found.name,
            version_id=self.version.version_id,
            value=self.value,
            stages=self.found.stages,
            created_at=self.version.created_at,
        )


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

        The barrier holds back reads of AWSCURRENT by everyone but the engine, which raised it, and the function of the
        same rotation.
        """
        limits.check("GetSecretValue", VersionId=version_id, VersionStage=version_stage)
        stage = version_stage if version_stage or version_id else CURRENT
        call = Call(
            event="GetSecretValue",
            caller=caller,
            request_id=request_id,
            secret_id=secret_id,
            asked=parameters(VersionId=version_id, VersionStage=stage),
        )
        asked = _Asked(call=call, version_id=version_id, stage=stage)
        together = self._store.looks_together and self._sealer.opens_at_once
        looked = self._read_together(asked) if together else self._look_at(asked)
        for _ in range(MOST_LOOKS):
            if isinstance(looked, Delayed):
                return looked
            if self._clock() - looked.at <= FRESH:
                return looked.result()
            looked = self._look_at(asked, audited=looked)
        raise too_slow()

    def _read_together(self, asked: "_Asked") -> "_Looked | Delayed":
        """Looks a value up, opens and records it, in a transaction that is shared with other threads' reads."""
        began = self._sealer.moment()
        unopened: ValueRow | None = None

        def look(tx: Tx) -> _Looked | Delayed:
            nonlocal unopened
            at = self._clock()
            found = asked.find(tx)
            if isinstance(found, Delayed):
                return found
            version = asked.version_of(found)
            unopened = found
            value = self._value_of(found, version, since=began)
            unopened = None
            tx.record(asked.call.entry(found.arn, version_id=version.version_id))
            tx.accesses.append(access_to(found, version))
            return _Looked(at, found, version, value)

        try:
            return self._store.look_with_others(look)
        except RotatorError as error:
            if unopened is not None and unopened.version is not None:
                asked.call.ended_with(
                    error,
                    self._store,
                    secret_arn=unopened.arn,
                    version_id=unopened.version.version_id,
                )
            raise

    def _look_at(self, asked: "_Asked", *, audited: "_Looked | None" = None) -> "_Looked | Delayed":
        """Looks a value up, opens it outside of every transaction, and records it.

        Args:
            audited: what has been opened and recorded before, which is not done again where it is still the value.
        """
        at, began = self._clock(), self._sealer.moment()
        judged = asked.call.caller.kind is CallerKind.PRINCIPAL
        with self._store.read() if judged else self._store.glance() as tx:
            found = asked.find(tx)
        if isinstance(found, Delayed):
            return found
        version = asked.version_of(found)
        if audited is not None and version.sealed == audited.version.sealed:
            return _Looked(at, found, version, audited.value)
        value = self._open(asked.call, found, version, since=began)
        self._store.record(
            asked.call.entry(found.arn, version_id=version.version_id),
            accesses=[access_to(found, version)],
        )
        return _Looked(at, found, version, value)

    def barrier_remaining(self, delayed: Delayed) -> float:
        """Seconds until the barrier that delayed a read falls at the latest, 0 where it has fallen."""
        with self._store.read() as tx:
            return _remaining(secrets.barrier(tx, delayed.row), tx)


def _is_exempt(caller: Caller, found: ValueRow) -> bool:
    own = caller.run is not None and found.arn in {caller.run.secret_arn, caller.run.admin_arn}
    return own or caller.kind is CallerKind.SERVICE


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
    owner = None if found.origin is None else found.origin.id
    return Access(found.id, version.version_id, found.accessed_on, version.accessed_on, owner)
