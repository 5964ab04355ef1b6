"""The local agent, before a served API: what applications get from it, and when."""

import json
import shutil
import urllib.error
import urllib.request
import uuid
from collections.abc import Iterator
from pathlib import Path
from typing import Any
from urllib.parse import quote

import pytest
from botocore.auth import SigV4Auth
from botocore.awsrequest import AWSRequest
from botocore.httpsession import URLLib3Session

from rotator.agent.upstream import Upstream
from rotator.config.api import ApiSettings, ApiTlsSettings
from rotator.crypto.envelope import Sealer
from rotator.crypto.keyring import FileKeyProvider, create_keyring
from rotator.errors import ConfigurationError
from rotator.manager.auditing import Auditing
from rotator.store.audit_search import AuditFilter
from rotator.store.store import Store
from tests.support.agent import Clock, ask, running, use_keys
from tests.support.api import KEYS, ServedApi, served
from tests.support.certificates import new_authority
from tests.support.house import House
from tests.support.manager import ME, REGION, value
from tests.support.store import AUDIT_KEY, sqlite_url
from tests.support.waiting import eventually


@pytest.fixture
def now() -> Clock:
    """The agent's clock."""
    return Clock()


@pytest.fixture
def agent(api: ServedApi, now: Clock, monkeypatch: pytest.MonkeyPatch) -> Iterator[str]:
    """The address of an agent."""
    use_keys(monkeypatch)
    with running(api.url, now) as url:
        yield url


@pytest.fixture
def name(api: ServedApi) -> str:
    """A secret of the test's own."""
    name = f"tests/{uuid.uuid4().hex}"
    api.house.manager.create_secret(**ME, name=name, value=value("first"))
    return name


def _path(name: str, **more: str) -> str:
    query = "".join(f"&{key}={quote(value, safe='')}" for key, value in more.items())
    return f"/secretsmanager/get?secretId={quote(name, safe='')}{query}"


def _put(api: ServedApi, name: str, text: str) -> None:
    api.house.manager.put_secret_value(**ME, secret_id=name, value=value(text))


def test_it_answers_as_get_secret_value_does(api: ServedApi, agent: str, name: str) -> None:
    """By query and by path, by name and by ARN, with a version or a label."""
    made = api.client().get_secret_value(SecretId=name)
    expected = {
        "ARN": made["ARN"],
        "Name": name,
        "VersionId": made["VersionId"],
        "SecretString": "first",
        "VersionStages": ["AWSCURRENT"],
    }
    for path in (
        _path(name),
        _path(made["ARN"]),
        _path(name, versionStage="AWSCURRENT"),
        _path(name, versionId=made["VersionId"], refreshNow="false"),
        f"/v1/{name}",
        f"/v1/{quote(made['ARN'], safe='')}?versionStage=AWSCURRENT",
    ):
        answer = ask(agent, path)
        assert answer.status == 200, answer.body
        assert {key: answer.json[key] for key in expected} == expected
        assert isinstance(answer.json["CreatedDate"], float)
        assert answer.headers["cache-control"] == "no-store"


def test_only_who_has_the_token_is_answered(agent: str, name: str) -> None:
    """In the words of AWS's agent; what was forwarded is refused even with it, and health is everybody's."""
    path = _path(name)
    assert (ask(agent, "/ping", token=None).status, ask(agent, "/ping").body) == (200, "healthy")
    assert ask(agent, path, token=None, X_Vault_Token="the token").status == 200
    refused = {
        (403, "Bad Token"): [ask(agent, path, token=None), ask(agent, path, token="another")],
        (400, "Forwarded"): [ask(agent, path, X_Forwarded_For="10.0.0.1")],
        (405, "Not allowed"): [ask(agent, path, method="POST"), ask(agent, path, method="PUT")],
        (404, "Not found"): [ask(agent, "/"), ask(agent, "/secretsmanager/put")],
        (400, "missing parameter secretId"): [ask(agent, "/secretsmanager/get")],
        (400, "missing secret ID"): [ask(agent, "/v1/")],
        (400, "unknown parameter: x"): [ask(agent, f"{path}&x=1")],
        (400, "invalid refreshNow value"): [ask(agent, _path(name, refreshNow="yes"))],
    }
    for expected, answers in refused.items():
        assert {(one.status, one.body) for one in answers} == {expected}


def test_a_value_is_kept_and_fetched_anew_on_request(
    api: ServedApi, agent: str, name: str, now: Clock
) -> None:
    """Each fetch is one read of the API; until the time is over the next answers are none."""

    def reads() -> int:
        shown = Auditing(api.house.store).show(
            **ME, where=AuditFilter(secret=name, event="GetSecretValue")
        )
        return len(shown.records)

    for _ in range(3):
        assert ask(agent, _path(name)).json["SecretString"] == "first"
    assert reads() == 1
    ask(agent, _path(name, refreshNow="true"))
    assert reads() == 2
    now.added += 299
    ask(agent, _path(name))
    assert reads() == 2
    now.added += 2
    ask(agent, _path(name))
    assert reads() == 3


def test_a_new_value_is_there_when_it_is_current(api: ServedApi, agent: str, name: str) -> None:
    """Without waiting for its time to be over: the agent is told of the change; what another label gave goes too."""
    assert ask(agent, _path(name)).json["SecretString"] == "first"
    for text, before in (("second", "first"), ("third", "second")):
        _put(api, name, text)
        assert eventually(lambda: ask(agent, _path(name)).json["SecretString"] == text)  # noqa: B023
        previous = ask(agent, _path(name, versionStage="AWSPREVIOUS"))
        assert previous.json["SecretString"] == before


def test_what_the_api_refuses_is_passed_on(api: ServedApi, agent: str, name: str) -> None:
    """With its status and error; a secret that is deleted isn't kept."""
    missing = ask(agent, _path("tests/nowhere"))
    assert (missing.status, missing.json["__type"]) == (400, "ResourceNotFoundException")
    assert ask(agent, _path(name)).status == 200
    api.house.manager.delete_secret(**ME, secret_id=name)
    assert eventually(lambda: ask(agent, _path(name)).status == 400)


@pytest.fixture
def leaving(
    sqlite_template: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> Iterator[Any]:
    """An API that can be stopped."""
    use_keys(monkeypatch)
    shutil.copy(sqlite_template, tmp_path / "store.db")
    (tmp_path / "store.db").chmod(0o600)
    create_keyring(tmp_path / "keyring.json")
    store = Store.open(sqlite_url(tmp_path / "store.db"), create=False, audit_key=AUDIT_KEY)
    house = House(store, Sealer(FileKeyProvider(tmp_path / "keyring.json")))
    house.manager.create_secret(**ME, name="app", value=value("kept"))
    serving = served(house)
    yield serving
    store.close()


def test_while_the_api_is_away_the_old_value_is_given_for_a_while(leaving: Any, now: Clock) -> None:
    """With a warning, until its bound; who wants a fresh one is told why there is none."""
    with leaving as api, running(api.url, now) as url:
        assert ask(url, _path("app")).status == 200
        api.service.stop()
        fresh = ask(url, _path("app"))
        assert (fresh.status, fresh.headers.get("warning")) == (200, None)
        now.added += 301
        stale = ask(url, _path("app"))
        assert stale.json["SecretString"] == "kept"
        assert stale.headers["warning"].startswith("110 ")
        assert int(stale.headers["age"]) >= 301
        for path in (_path("app", refreshNow="true"), _path("another")):
            away = ask(url, path)
            assert (away.status, away.json["__type"]) == (502, "ConnectionError")
            assert api.url in away.json["message"]
        now.added += 900
        assert ask(url, _path("app")).status == 502
        now.added -= 1201
        assert ask(url, _path("app")).status == 502  # it is gone


def test_the_authority_of_the_apis_certificate_is_one_that_was_named(
    api: ServedApi, name: str, now: Clock, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """By `tls.trust`, or as AWS's SDKs have it; without one it isn't trusted, and nothing is asked of that server."""
    use_keys(monkeypatch)
    authority = new_authority("the house")
    bundle, certificate, key = (tmp_path / part for part in ("ca.pem", "cert.pem", "key.pem"))
    issued = authority.issue("127.0.0.1")
    bundle.write_bytes(authority.pem)
    certificate.write_bytes(issued.certificate)
    key.write_bytes(issued.private_key)
    key.chmod(0o600)
    tls = ApiTlsSettings(certificate=certificate, key=key)
    with served(api.house, ApiSettings(tls=tls)) as secure:
        with running(secure.url, now, trust=str(bundle)) as url:
            assert ask(url, _path(name)).json["SecretString"] == "first"
        with running(secure.url, now) as url:
            refused = ask(url, _path(name))
            assert refused.status == 502
            assert "tls.trust" in refused.json["message"]
        monkeypatch.setenv("AWS_CA_BUNDLE", str(bundle))
        with running(secure.url, now) as url:
            assert ask(url, _path(name)).status == 200
    with pytest.raises(ConfigurationError, match="nowhere"):
        Upstream(endpoint=api.url, region=REGION, default_region=REGION, trust="/nowhere.pem")


def test_a_poll_is_signed_and_well_formed(api: ServedApi) -> None:
    """Without a signature, or with another body, it is refused, and nobody learns which secrets there are."""
    unsigned = urllib.request.Request(f"{api.url}/v1/changes", data=b'{"Secrets": {"a": "b"}}')
    with pytest.raises(urllib.error.HTTPError) as refused:
        urllib.request.urlopen(unsigned)
    with refused.value as answer:
        assert answer.code == 400
        assert "Changed" not in json.loads(answer.read())


def _poll(api: ServedApi, body: object) -> Any:
    """The status and answer of a signed poll."""
    data = json.dumps(body).encode()
    request = AWSRequest(method="POST", url=f"{api.url}/v1/changes", data=data)
    SigV4Auth(KEYS, "secretsmanager", REGION).add_auth(request)
    answer = URLLib3Session().send(request.prepare())
    return answer.status_code, json.loads(answer.content)


def test_a_poll_tells_what_is_not_as_it_is_known(api: ServedApi, name: str) -> None:
    """What is missing counts as changed, and what is as it was known is told of when the time is over: not at all."""
    version = api.client().describe_secret(SecretId=name)["VersionIdsToStages"].popitem()[0]
    known = {name: version, "tests/nowhere": version}
    assert _poll(api, {"Secrets": known}) == (200, {"Changed": ["tests/nowhere"]})
    assert _poll(api, {"Secrets": {name: "another"}}) == (200, {"Changed": [name]})
    assert _poll(api, {"Secrets": {name: version}, "WaitSeconds": 0}) == (200, {"Changed": []})
    malformed: list[object] = [[], {}, {"Secrets": [name]}, {"Secrets": {name: 1}}]
    for wrong in malformed:
        assert _poll(api, wrong)[0] == 400
    assert _poll(api, {"Secrets": known, "WaitSeconds": "long"})[0] == 400
    many = {f"tests/{number}": version for number in range(1001)}
    assert _poll(api, {"Secrets": many})[1]["__type"] == "InvalidParameterException"
