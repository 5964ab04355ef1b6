"""Helpers for tests of the manager: callers, values, and rotations that stand at a chosen point."""

import uuid
from datetime import timedelta
from typing import TypedDict

from rotator.model.caller import Caller, CallerKind, rotation_service
from rotator.model.labels import CURRENT, PENDING
from rotator.model.rotation import MachineState
from rotator.sdk import SecretValue
from rotator.store import labels, rotation_row, rotations, secrets, versions
from rotator.store.rotation_row import RotationRow
from rotator.store.store import Store, Tx

ACCOUNT = "123456789012"
REGION = "eu-central-1"
ALICE = Caller(kind=CallerKind.LOCAL, name="alice", account=ACCOUNT, region=REGION)
STRANGER = Caller(kind=CallerKind.LOCAL, name="mallory", account="999999999999", region=REGION)
ABROAD = Caller(kind=CallerKind.LOCAL, name="alice", account=ACCOUNT, region="us-east-1")

POLICY = (
    '{"Version": "2012-10-17", "Statement": [{"Effect": "Allow", "Principal": {"AWS": "999999999999"}, '
    '"Action": "secretsmanager:GetSecretValue", "Resource": "*"}]}'
)
"""A resource policy that lets one account in."""


class Who(TypedDict):
    """What every operation is told of its caller."""

    caller: Caller
    request_id: str


ME: Who = {"caller": ALICE, "request_id": "request-1"}
THE_ENGINE: Who = {
    "caller": rotation_service(account=ACCOUNT, region=REGION),
    "request_id": "request-2",
}


def value(text: str) -> SecretValue:
    return SecretValue(string=text)


def token(number: int) -> str:
    """A client request token."""
    return f"{number:032d}"


def row_id(tx: Tx, name: str) -> int:
    return secrets.find(tx, account=ACCOUNT, region=REGION, secret_id=name).id


def begin_rotation(
    store: Store, name: str, *, token: str, state: MachineState, prepared: bool = True
) -> str:
    """A rotation of the secret at the point that `state` says, with its empty AWSPENDING version; gives its id."""
    rotation_id = uuid.uuid4().hex
    with store.write() as tx:
        secret_id = row_id(tx, name)
        before = labels.load(tx, secret_id)
        if prepared:
            versions.insert(tx, secret_id=secret_id, version_id=token, sealed=None)
            labels.save(tx, secret_id, before=before, after=before.put(token, [PENDING]))
        rotations.add(
            tx,
            {
                "id": rotation_id,
                "secret_id": secret_id,
                "token": token,
                "rotator": "postgresql-single-user",
                "requested_by": "local:alice",
                "request_id": "request-0",
                "created_at": tx.now,
                "deadline_at": tx.now + timedelta(hours=1),
                "updated_at": tx.now,
                "current_version": before.version(CURRENT),
                "fencing": 1,
                "owner": "test",
                "lease_expires": tx.lease_now + 60,
                "lease_epoch": tx.lease_epoch,
                **rotation_row.state_columns(state),
            },
        )
    return rotation_id


def rotation(store: Store, rotation_id: str) -> RotationRow:
    with store.read() as tx:
        found = rotations.get(tx, rotation_id)
    assert found is not None
    return found
