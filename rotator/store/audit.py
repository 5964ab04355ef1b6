"""Audit records: who did what to which secret, written in the transaction of the deed itself."""

from collections.abc import Mapping
from enum import StrEnum
from typing import Any

from sqlalchemy import insert

from rotator.model.caller import Caller
from rotator.store.store import Tx
from rotator.store.tables import audit

_INSERT = insert(audit).inline()


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
) -> None:
    """Writes one record.

    Args:
        event: the operation's name in the API, or an event of the service such as `RotationStarted`.
        secret_arn: the secret; for a refusal, the identifier as it was given.
        detail: what else a reader needs to know, never a secret value.
    """
    tx.connection.execute(
        _INSERT,
        {
            "at": tx.now,
            "request_id": request_id,
            "account": caller.account,
            "region": caller.region,
            "principal": caller.principal,
            "event": event,
            "secret_arn": secret_arn,
            "version_id": version_id,
            "outcome": str(outcome),
            "detail": None if detail is None else dict(detail),
        },
    )
