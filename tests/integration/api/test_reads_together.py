"""Calls of GetSecretValue that one thread answers together."""

import json
import uuid
from collections.abc import Sequence
from datetime import UTC, datetime
from typing import NoReturn

import pytest

from rotator.access.authentication import Authenticator
from rotator.api import reads
from rotator.api.calls import Call, Later, Reply
from rotator.api.operations.operation import Rooms
from rotator.api.parts import ApiParts
from rotator.api.rates import Limits, Rates
from rotator.api.rotations import Rotations
from rotator.errors import StoreUnavailable
from rotator.manager.auditing import Auditing
from rotator.manager.looking import ValueRead
from rotator.manager.manager import SecretsManager
from rotator.store.audit_search import AuditFilter
from tests.support.api import KEYS, ServedApi
from tests.support.manager import ACCOUNT, ME, REGION
from tests.support.signing import signed


class _Failing(SecretsManager):
    """A manager that can't read several values at once.

    Attributes:
        error: what it raises.
    """

    error: Exception

    def read_secret_values(self, reads: Sequence[ValueRead]) -> NoReturn:  # noqa: ARG002  # whatever is read
        raise self.error


def _parts(api: ServedApi, manager: SecretsManager) -> ApiParts:
    house = api.house
    return ApiParts(
        rooms=Rooms(manager=manager, rotations=Rotations(manager, house.engine(parks=True))),
        authenticator=Authenticator(house.store, house.sealer, regions=frozenset({REGION})),
        account=ACCOUNT,
        region=REGION,
    )


def _call(parts: ApiParts, body: bytes, *, secret: str = KEYS.secret_key, rates: Rates) -> Call:
    request = signed(KEYS.access_key, secret, at=datetime.now(UTC), region=REGION, body=body)
    return Call(request, reads.TARGET, parts, rates, uuid.uuid4().hex)


def _asking(name: str) -> bytes:
    return json.dumps({"SecretId": name}).encode()


def _ended(outcome: Reply | Later) -> Reply:
    """What is answered, after all that is left to do in another thread."""
    while isinstance(outcome, Later):
        outcome = outcome.again()
    return outcome


def _recorded(api: ServedApi, calls: Sequence[Call]) -> list[str | None]:
    """How each of the calls ended by the audit, which has at most one record of it."""
    page = Auditing(api.house.store).show(**ME, where=AuditFilter(), limit=500)
    wanted = {call.request_id for call in calls}
    ended = [(each.request_id, each.outcome) for each in page.records if each.request_id in wanted]
    found = dict(ended)
    assert len(found) == len(ended)
    return [found.get(call.request_id) for call in calls]


@pytest.fixture
def name(api: ServedApi) -> str:
    """A secret with the value `v`."""
    name = f"together/{uuid.uuid4().hex}"
    api.client().create_secret(Name=name, SecretString="v")
    return name


def test_each_is_answered_by_itself(api: ServedApi, name: str) -> None:
    """Who signed wrongly, asks for nothing or for what isn't there keeps nobody from a value; all are on record."""
    rates, parts = Rates(Limits()), _parts(api, api.house.manager)
    good, missing, broken = _asking(name), _asking(f"{name}-none"), b"{"
    calls = [_call(parts, body, rates=rates) for body in (good, missing, broken, good)]
    calls.insert(1, _call(parts, good, secret="another-secret-access-key", rates=rates))

    outcomes = reads.perform(calls)

    # What has to be recorded by itself, or be looked at again, is done in another thread.
    assert [type(outcome) for outcome in outcomes] == [Reply, Later, Reply, Later, Reply]
    replies = [_ended(outcome) for outcome in outcomes]
    assert [reply.status for reply in replies] == [200, 400, 400, 400, 200]
    told = [json.loads(reply.body) for reply in replies]
    assert (told[0]["SecretString"], told[4]["SecretString"]) == ("v", "v")
    assert [each.get("__type") for each in told[1:4]] == [
        "InvalidSignatureException",
        "ResourceNotFoundException",
        "SerializationException",
    ]
    assert _recorded(api, calls) == ["succeeded", "denied", "failed", "failed", "succeeded"]


def test_one_to_blame_is_found(api: ServedApi, name: str) -> None:
    """Where something else than an error of ours ends the batch, each is read by itself."""
    manager = _Failing(api.house.store, api.house.sealer)
    manager.error = ValueError("a bug")
    parts, rates = _parts(api, manager), Rates(Limits())
    calls = [_call(parts, _asking(name), rates=rates) for _ in range(3)]
    replies = [_ended(outcome) for outcome in reads.perform(calls)]
    assert [json.loads(reply.body)["SecretString"] for reply in replies] == ["v"] * 3
    assert _recorded(api, calls) == ["succeeded"] * 3


def test_nobody_is_answered_while_the_store_is_away(api: ServedApi, name: str) -> None:
    """Without a record no value, and no refusal either."""
    manager = _Failing(api.house.store, api.house.sealer)
    manager.error = StoreUnavailable("The store is not available.")
    parts, rates = _parts(api, manager), Rates(Limits())
    calls = [_call(parts, _asking(name), rates=rates) for _ in range(2)]
    replies = [_ended(outcome) for outcome in reads.perform(calls)]
    assert [reply.status for reply in replies] == [503, 503]
    assert _recorded(api, calls) == [None, None]


def test_who_calls_too_often_is_kept_out_alone(api: ServedApi, name: str) -> None:
    """The rate of a principal counts each call of a batch."""
    parts, rates = _parts(api, api.house.manager), Rates(Limits(of_principal=1.0), now=lambda: 0.0)
    calls = [_call(parts, _asking(name), rates=rates) for _ in range(4)]
    replies = [_ended(outcome) for outcome in reads.perform(calls)]
    assert [reply.status for reply in replies] == [200, 200, 400, 400]
    assert json.loads(replies[2].body)["__type"] == "ThrottlingException"
    assert _recorded(api, calls) == ["succeeded", "succeeded", None, None]
