"""Principals for tests of who may what: made in a store, and as callers."""

import json
from typing import Any

from rotator.manager.manager import SecretsManager
from rotator.model.caller import Caller, CallerKind, RequestContext
from tests.support.manager import ACCOUNT, ME, REGION, Who


def statement(effect: str = "Allow", **members: Any) -> dict[str, Any]:
    """A statement of an identity policy about everything, or what is said otherwise; None takes a member away."""
    everything = {"Effect": effect, "Action": "secretsmanager:*", "Resource": "*"}
    return {k: v for k, v in {**everything, **members}.items() if v is not None}


def document(*statements: dict[str, Any]) -> str:
    """A policy."""
    return json.dumps({"Version": "2012-10-17", "Statement": list(statements)})


def principal(
    manager: SecretsManager,
    name: str,
    *statements: dict[str, Any],
    account: str = ACCOUNT,
    region: str = REGION,
    **context: Any,
) -> Caller:
    """A new principal with one policy of these statements, as the caller of a request that was signed by its key."""
    policies = {"own": document(*statements)} if statements else {}
    made = manager.create_principal(**ME, principal=name, account=account, policies=policies)
    key = manager.create_access_key(**ME, principal=name, account=account)
    return Caller(
        kind=CallerKind.PRINCIPAL,
        name=name,
        account=account,
        region=region,
        arn=made.arn,
        user_id=made.unique_id,
        context=RequestContext(access_key_id=key.access_key_id, **context),
    )


def asks(caller: Caller, request_id: str = "request-3") -> Who:
    """What every operation is told of its caller."""
    return {"caller": caller, "request_id": request_id}
