"""The agent's HTTP face, as AWS's agent and its Lambda extension have it. Pure, but for the threads that fetch."""

import hmac
import json
from collections.abc import Mapping
from dataclasses import dataclass, field
from functools import partial
from typing import Final
from urllib.parse import parse_qsl, unquote

from rotator.agent.cache import Key
from rotator.agent.secrets import Found, Secrets
from rotator.agent.upstream import Refused, ServerAway
from rotator.api.crew import Crew
from rotator.api.requests import Receive, Scope, Send

TOKEN_HEADERS: Final = (b"x-aws-parameters-secrets-token", b"x-vault-token")
PATH_PREFIX: Final = "/v1/"
_QUERY: Final = "/secretsmanager/get"
_PING: Final = "/ping"
_REFRESH: Final = {"true": True, "1": True, "false": False, "0": False}
_BAD_GATEWAY: Final = 502
_THREADS: Final = 32


@dataclass(frozen=True, slots=True)
class _Answer:
    status: int
    body: bytes = field(repr=False)
    headers: Mapping[str, str]


@dataclass(frozen=True, slots=True)
class _Wrong(Exception):  # as the house names them
    status: int
    text: str


class Agent:
    """Answers those who have the token.

    Args:
        token: what a process has to show that it may read this machine's files or variables, and is no request that
            somebody far away has an application make (server-side request forgery).
    """

    def __init__(self, secrets: Secrets, *, token: str) -> None:
        self._secrets = secrets
        self._token = token.encode()
        self._fetching: Crew[Found] = Crew(_THREADS, name="rotator-agent")

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Answers one request, as ASGI has it; its body is not read."""
        del receive
        if scope["type"] != "http":
            return
        try:
            answer = await self._answered(scope)
        except _Wrong as wrong:
            answer = _Answer(wrong.status, wrong.text.encode(), {"content-type": "text/plain"})
        headers = {
            "content-length": str(len(answer.body)),
            "cache-control": "no-store",
            **answer.headers,
        }
        encoded = [(name.encode(), value.encode()) for name, value in headers.items()]
        await send({"type": "http.response.start", "status": answer.status, "headers": encoded})
        await send({"type": "http.response.body", "body": answer.body})

    def close(self) -> None:
        """Ends the threads that fetch, when what they do is done."""
        self._fetching.close()

    async def _answered(self, scope: Scope) -> _Answer:
        path = scope["path"]
        if path == _PING:
            return _Answer(200, b"healthy", {"content-type": "text/plain"})
        self._admit(scope)
        if scope["method"] != "GET":
            raise _Wrong(405, "Not allowed")
        key, refresh = _asked(path, scope["raw_path"].decode("latin-1"), scope["query_string"])
        try:
            # What is kept is given out though all threads wait for an API that doesn't answer.
            found = None if refresh else self._secrets.fresh(key)
            if found is None:
                found = await self._fetching.perform(
                    partial(self._secrets.find, key, refresh=refresh)
                )
            return _given(found)
        except Refused as refused:
            return _Answer(refused.status, refused.body, {"content-type": "application/json"})
        except ServerAway as away:
            return _away(away)

    def _admit(self, scope: Scope) -> None:
        headers = scope["headers"]
        if any(name == b"x-forwarded-for" for name, _ in headers):
            raise _Wrong(400, "Forwarded")
        shown = [value for name, value in headers if name in TOKEN_HEADERS]
        if not any(hmac.compare_digest(value, self._token) for value in shown):
            raise _Wrong(403, "Bad Token")


def _asked(path: str, raw_path: str, query: bytes) -> tuple[Key, bool]:
    """What a request asks for, and whether nothing that is kept will do."""
    known = {"versionId", "versionStage", "refreshNow"}
    if path == _QUERY:
        known.add("secretId")
        secret_id = None
    elif path.startswith(PATH_PREFIX):
        secret_id = unquote(raw_path.partition("?")[0])[len(PATH_PREFIX) :]
        if not secret_id:
            raise _Wrong(400, "missing secret ID")
    else:
        raise _Wrong(404, "Not found")
    given = dict(parse_qsl(query.decode("latin-1"), keep_blank_values=True, encoding="utf-8"))
    for name in given:
        if name not in known:
            raise _Wrong(400, f"unknown parameter: {name}")
    secret_id = secret_id or given.get("secretId")
    if not secret_id:
        raise _Wrong(400, "missing parameter secretId")
    refresh = _REFRESH.get(given.get("refreshNow", "false").lower())
    if refresh is None:
        raise _Wrong(400, "invalid refreshNow value")
    return Key(secret_id, given.get("versionId"), given.get("versionStage")), refresh


def _given(found: Found) -> _Answer:
    headers = {"content-type": "application/json", "age": str(int(found.age))}
    if found.is_stale:
        headers["warning"] = '110 - "Response is Stale"'
    return _Answer(200, found.entry.body, headers)


def _away(away: ServerAway) -> _Answer:
    said = {
        "__type": "ConnectionError",
        "message": f"The secrets manager can't be asked ({away}), and no value is kept that is new enough.",
    }
    return _Answer(_BAD_GATEWAY, json.dumps(said).encode(), {"content-type": "application/json"})
