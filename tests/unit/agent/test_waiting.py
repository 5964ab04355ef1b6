"""Who waits for an API that answers slowly, or not at all."""

import asyncio
import json
from collections.abc import Mapping
from concurrent.futures import ThreadPoolExecutor
from threading import Event
from typing import Any

from rotator.agent.app import _THREADS, Agent
from rotator.agent.cache import Key
from rotator.agent.secrets import Secrets
from rotator.agent.upstream import ServerAway
from tests.support.agent import TOKEN, Clock
from tests.support.waiting import eventually

_KEPT = Key("kept")
_WAITING = _THREADS + 8


class _Slow:
    """An API that answers what is kept, and lets everything else wait until it is away."""

    def __init__(self) -> None:
        self.asked: list[Key] = []
        self.away = False
        self.over = Event()

    def get(self, key: Key) -> bytes:
        self.asked.append(key)
        if key == _KEPT and not self.away:
            return json.dumps({"VersionId": "v1", "SecretString": "kept"}).encode()
        self.over.wait()
        raise ServerAway("it is away")

    def changed(self, known: Mapping[str, str]) -> list[str]:
        raise NotImplementedError


def test_those_who_wait_for_the_same_answer_share_that_there_is_none() -> None:
    """One of them asks the API; when that has failed, all of them get what is kept, and the API isn't asked again."""
    api, now = _Slow(), Clock()
    secrets = Secrets(api, ttl=300.0, stale=900.0, size=10, now=now)
    secrets.find(_KEPT)
    now.added += 301
    api.away = True
    with ThreadPoolExecutor(3) as threads:
        found = [threads.submit(secrets.find, _KEPT) for _ in range(3)]
        waiting = secrets._turns
        try:
            assert eventually(lambda: _KEPT in waiting and waiting[_KEPT].waiting == 3)
        finally:
            api.over.set()
        assert [each.result().is_stale for each in found] == [True] * 3
    assert len(api.asked) == 2
    assert not waiting
    secrets.find(_KEPT)
    assert len(api.asked) == 3


def test_what_is_kept_is_given_out_while_everything_else_waits() -> None:
    """An API that doesn't answer holds up those alone who need it."""
    api = _Slow()
    secrets = Secrets(api, ttl=300.0, stale=900.0, size=10)
    secrets.find(_KEPT)
    agent = Agent(secrets, token=TOKEN)

    async def asking() -> tuple[int, list[int]]:
        waiting = [asyncio.create_task(_ask(agent, f"other{number}")) for number in range(_WAITING)]
        try:
            assert await asyncio.to_thread(eventually, lambda: len(api.asked) > _THREADS)
            kept = await _ask(agent, _KEPT.secret_id)
        finally:
            api.over.set()
        return kept, await asyncio.gather(*waiting)

    try:
        assert asyncio.run(asking()) == (200, [502] * _WAITING)
    finally:
        agent.close()


async def _ask(agent: Agent, name: str) -> int:
    """The status of the answer."""
    answered: list[Any] = []
    scope = {
        "type": "http",
        "method": "GET",
        "path": "/secretsmanager/get",
        "raw_path": b"/secretsmanager/get",
        "query_string": f"secretId={name}".encode(),
        "headers": [(b"x-aws-parameters-secrets-token", TOKEN.encode())],
    }

    async def send(message: Any) -> None:
        answered.append(message)

    async def receive() -> Any:
        raise NotImplementedError

    await agent(scope, receive, send)
    status: int = answered[0]["status"]
    return status
