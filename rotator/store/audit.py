"""Audit records: who did what to which secret, committed with the deed itself."""

from collections.abc import Mapping
from enum import StrEnum
from typing import Any

from rotator.model.caller import Caller
from rotator.store.notes import AuditEntry
from rotator.store.tx import Tx


class Outcome(StrEnum):
    """How the deed ended."""

    SUCCEEDED = "succeeded"
    DENIED = "denied"
    FAILED = "failed"


def record(
    tx: Tx,
    *,
    caller: Caller,
    request_id: str,
    event: str,
    secret_arn: str | None,
    version_id: str | None,
    outcome: Outcome,
    detail: Mapping[str, Any] | None = None,
    revision: int | None = None,
) -> None:
    """Notes one record, which is written at the end of the transaction.

    Args:
        event: the operation's name in the API, or an event of the service such as `RotationStarted`.
        secret_arn: the secret; for a refusal, the identifier as it was given.
        detail: what else a reader needs to know, never a secret value.
        revision: of the secret, where this is the record of a change of it (`rotator.store.changes`).
    """
    tx.record(
        AuditEntry(
            request_id=request_id,
            account=caller.account,
            region=caller.region,
            principal=caller.principal,
            event=event,
            secret_arn=secret_arn,
            version_id=version_id,
            outcome=str(outcome),
            detail=None if detail is None else dict(detail),
            revision=revision,
        )
    )
