"""An agent in the test's own process, and what an application asks it."""

import json
import urllib.error
import urllib.request
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, field
from typing import Any

import pytest

from rotator.agent.app import Agent
from rotator.agent.secrets import Secrets
from rotator.agent.upstream import Upstream
from rotator.api.serving import ApiServer, listening
from rotator.sdk import clock
from tests.support.api import KEYS
from tests.support.manager import REGION

TOKEN = "the token"


@dataclass(frozen=True, slots=True, kw_only=True)
class Answer:
    """What an agent answered."""

    status: int
    body: str
    headers: Mapping[str, str]

    @property
    def json(self) -> Any:
        return json.loads(self.body)


def ask(
    url: str, path: str, *, method: str = "GET", token: str | None = TOKEN, **headers: str
) -> Answer:
    """Asks an agent as an application would."""
    shown = {} if token is None else {"X-Aws-Parameters-Secrets-Token": token}
    given = {name.replace("_", "-"): value for name, value in headers.items()}
    request = urllib.request.Request(url + path, method=method, headers=shown | given)
    try:
        with urllib.request.urlopen(request) as answer:
            return Answer(
                status=answer.status, body=answer.read().decode(), headers=dict(answer.headers)
            )
    except urllib.error.HTTPError as error:
        with error:
            return Answer(
                status=error.code, body=error.read().decode(), headers=dict(error.headers)
            )


@dataclass
class Clock:
    """The real clock, and what was added to it."""

    added: float = field(default=0.0)

    def __call__(self) -> float:
        return clock() + self.added


def use_keys(monkeypatch: pytest.MonkeyPatch) -> None:
    """Has AWS's SDKs find the access key of the tests."""
    monkeypatch.setenv("AWS_ACCESS_KEY_ID", KEYS.access_key)
    monkeypatch.setenv("AWS_SECRET_ACCESS_KEY", KEYS.secret_key)
    monkeypatch.setenv("AWS_EC2_METADATA_DISABLED", "true")


@contextmanager
def running(
    endpoint: str, now: Clock, *, ttl: float = 300.0, trust: str | None = None
) -> Iterator[str]:
    """An agent that reads from an API; gives its address."""
    upstream = Upstream(endpoint=endpoint, region=REGION, default_region=REGION, trust=trust)
    secrets = Secrets(upstream, ttl=ttl, stale=900.0, size=100, now=now)
    agent = Agent(secrets, token=TOKEN)
    server = ApiServer(agent, listening("127.0.0.1", 0, setting="the test"))
    secrets.start()
    server.start()
    try:
        yield server.url
    finally:
        secrets.stop()
        server.stop()
        agent.close()
