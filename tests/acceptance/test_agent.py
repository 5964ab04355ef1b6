"""`rotate agent` as a process, before a served API and before a daemon."""

import json
import signal
import uuid

from rotator.access.credentials import brought_along
from tests.support.agent import TOKEN, Answer, ask
from tests.support.api import KEYS, ServedApi
from tests.support.command import RotateCommand
from tests.support.daemons import ANY_PORT, Daemons
from tests.support.house import House
from tests.support.manager import ACCOUNT, ME, REGION, value
from tests.support.store import only_sqlite
from tests.support.waiting import eventually


def test_an_application_reads_from_the_agent(api: ServedApi, rotate: RotateCommand) -> None:
    """It needs no store; it reads with the credentials of its environment, and follows a rotation at once."""
    manager, name = api.house.manager, f"tests/{uuid.uuid4().hex}"
    manager.create_secret(**ME, name=name, value=value("first"))
    path = f"/secretsmanager/get?secretId={name}"
    running = rotate.start(
        *("agent", "--endpoint", api.url, "--port", "0"),
        AWS_TOKEN=TOKEN,
        AWS_REGION=REGION,
        AWS_ACCESS_KEY_ID=KEYS.access_key,
        AWS_SECRET_ACCESS_KEY=KEYS.secret_key,
    )
    try:
        assert running.stderr is not None
        url = json.loads(running.stderr.readline())["url"]
        assert url.startswith("http://127.0.0.1:")
        assert ask(url, path).json["SecretString"] == "first"
        assert ask(url, path, token="another").status == 403
        manager.put_secret_value(**ME, secret_id=name, value=value("second"))
        assert eventually(lambda: ask(url, path).json["SecretString"] == "second")
    finally:
        running.send_signal(signal.SIGTERM)
        _, told = running.communicate()
    assert running.returncode == 0
    assert "first" not in told
    assert "second" not in told
    assert not rotate.home.exists()


def test_without_a_token_it_does_not_start(rotate: RotateCommand) -> None:
    """It says which variable to set."""
    refused = rotate("agent", "--port", "0")
    assert refused.code == 2
    assert "AWS_TOKEN" in refused.err


@only_sqlite
def test_a_rotation_by_the_daemon_reaches_an_application(house: House, daemons: Daemons) -> None:
    """The agent reads from a real daemon as a principal that may read one secret, and is denied another."""
    manager = house.manager
    for name in ("app/token", "app/other"):
        manager.create_secret(**ME, name=name, value=value("first"))
    house.pin("app/token", "generic-password", value("first"))
    manager.create_principal(**ME, principal="app")
    given = brought_along(KEYS.access_key, KEYS.secret_key)
    manager.create_access_key(**ME, principal="app", given=given)
    actions = ["secretsmanager:GetSecretValue", "secretsmanager:DescribeSecret"]
    resource = f"arn:aws:secretsmanager:{REGION}:{ACCOUNT}:secret:app/token-*"
    statement = {"Effect": "Allow", "Action": actions, "Resource": resource}
    document = json.dumps({"Version": "2012-10-17", "Statement": [statement]})
    manager.put_principal_policy(**ME, principal="app", policy_name="read", document=document)

    daemon = daemons.start(**ANY_PORT)
    assert daemon.says("health.listening")
    [listening] = daemon.events("health.listening")
    endpoint = f"http://{listening['host']}:{listening['port']}"
    agent = daemons.launch(
        *("agent", "--endpoint", endpoint, "--port", "0"),
        AWS_TOKEN=TOKEN,
        AWS_REGION=REGION,
        AWS_ACCESS_KEY_ID=KEYS.access_key,
        AWS_SECRET_ACCESS_KEY=KEYS.secret_key,
    )
    assert agent.says("agent.started")
    [started] = agent.events("agent.started")

    def read(name: str) -> Answer:
        return ask(started["url"], f"/secretsmanager/get?secretId={name}")

    assert read("app/token").json["SecretString"] == "first"
    denied = read("app/other")
    assert (denied.status, denied.json["__type"]) == (400, "AccessDeniedException")
    house.make_due("app/token")
    assert eventually(lambda: read("app/token").json["SecretString"] != "first")
    current = house.value_at("app/token", "AWSCURRENT")
    assert current == value(read("app/token").json["SecretString"])
    agent.stop()
