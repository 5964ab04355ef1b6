"""What a read of a value looks for, and what it has found."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, NamedTuple

from rotator.errors import InvalidRequest, ResourceNotFound, StoreUnavailable
from rotator.manager import limits
from rotator.manager.asked import asked as parameters
from rotator.manager.call import Call
from rotator.manager.results import Delayed, SecretValueResult
from rotator.model.caller import Caller, CallerKind
from rotator.model.labels import CURRENT
from rotator.sdk import SecretValue
from rotator.store import values_together
from rotator.store.notes import Access, AuditEntry
from rotator.store.tx import Tx
from rotator.store.values import ValueRow
from rotator.store.values_together import Wanted
from rotator.store.versions import VersionRow

EVENT = "GetSecretValue"

MOST_LOOKS = 5
"""How often a value is looked at anew because it took too long to give it out."""


@dataclass(frozen=True, slots=True, kw_only=True)
class ValueRead:
    """One caller's GetSecretValue."""

    caller: Caller
    request_id: str
    secret_id: str
    version_id: str | None = None
    version_stage: str | None = None

    @property
    def given(self) -> Mapping[str, Any]:
        """What was given, in the words of the operation."""
        return {
            "caller": self.caller,
            "request_id": self.request_id,
            "secret_id": self.secret_id,
            "version_id": self.version_id,
            "version_stage": self.version_stage,
        }


@dataclass(frozen=True, slots=True)
class Look:
    """What one call looks for."""

    call: Call
    version_id: str | None
    stage: str | None

    @classmethod
    def of(cls, read: ValueRead) -> "Look":
        """The look of a read, at AWSCURRENT where it names nothing.

        Raises:
            ValidationError: a parameter is out of its limits.
        """
        version_id, stage = read.version_id, read.version_stage
        if version_id is not None or stage is not None:
            limits.check(EVENT, VersionId=version_id, VersionStage=stage)
        if not stage and not version_id:
            stage = CURRENT
        call = Call(
            event=EVENT,
            caller=read.caller,
            request_id=read.request_id,
            secret_id=read.secret_id,
            asked=parameters(VersionId=version_id, VersionStage=stage),
        )
        return cls(call, version_id, stage)

    @property
    def wanted(self) -> Wanted | None:
        """What may be looked up together with what others want; None where it has to be looked up by itself."""
        if self.version_id is not None or self.stage is None:
            return None
        caller, secret_id = self.call.caller, self.call.secret_id or ""
        return values_together.wanted(
            secret_id, account=caller.account, region=caller.region, stage=self.stage
        )

    def find(self, tx: Tx, *, ahead: ValueRow | None = None) -> ValueRow | Delayed:
        """The secret and its version, or how long the barrier holds it back.

        Args:
            ahead: what was found in this transaction for what is `wanted`.
        """
        if ahead is None:
            found = self.call.find_value(tx, version_id=self.version_id, stage=self.stage)
        else:
            found = self.call.admit(tx, ahead)
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


class Looked(NamedTuple):
    """A value as it was at a moment of the operations' clock."""

    at: float
    found: ValueRow
    version: VersionRow
    value: SecretValue

    def entry(self, look: Look) -> AuditEntry:
        """The record that it was read."""
        return look.call.entry(self.found.arn, version_id=self.version.version_id)

    def access(self) -> Access:
        """The note that it was read."""
        return access_to(self.found, self.version)

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


def _is_exempt(caller: Caller, found: ValueRow) -> bool:
    own = caller.run is not None and found.arn in {caller.run.secret_arn, caller.run.admin_arn}
    return own or caller.kind is CallerKind.SERVICE


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
