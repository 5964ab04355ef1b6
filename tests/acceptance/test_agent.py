"""`rotate agent` as a process, before a served API."""

import json
import signal
import uuid

from tests.support.agent import TOKEN, ask
from tests.support.api import KEYS, ServedApi
from tests.support.command import RotateCommand
from tests.support.manager import ME, REGION, value
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
