"""The API as processes answer it: `rotate daemon`, and `rotate api` with workers."""

import json
import os
import resource
import signal
import uuid
from pathlib import Path
from typing import Any
from urllib.request import urlopen

from tests.support.api import client_of, know_alice
from tests.support.daemons import ANY_PORT, DaemonProcess, Daemons
from tests.support.house import House
from tests.support.postgres import DatabaseServer
from tests.support.store import only_sqlite
from tests.support.waiting import eventually

pytestmark = only_sqlite

SINGLE = "arn:aws:lambda:eu-central-1:123456789012:function:SecretsManagerRDSPostgreSQLRotationSingleUser"
_PATIENCE = 60.0


def _children(pid: int) -> set[int]:
    listed = Path(f"/proc/{pid}/task/{pid}/children").read_text()
    return {int(child) for child in listed.split()}


def _client(process: DaemonProcess, event: str, **more: Any) -> Any:
    assert process.says(event), process.errors.read_text()
    return client_of(f"http://127.0.0.1:{process.events(event)[0]['port']}", **more)


def test_a_rotation_that_an_sdk_asks_the_daemon_for_is_done(
    daemons: Daemons, house: House, pg16: DatabaseServer
) -> None:
    """RotateSecret by the name of AWS's template: the daemon rotates the role of a real server, in any region."""
    know_alice(house)
    daemon = daemons.start(**ANY_PORT, ROTATOR_REGIONS="us-east-1, eu-west-3")
    role = pg16.new_role()
    for region in ("eu-central-1", "eu-west-3"):
        client = _client(daemon, "health.listening", region=region)
        name = f"db/{uuid.uuid4().hex}"
        value = pg16.secret_value(role if region == "eu-central-1" else pg16.new_role())
        client.create_secret(Name=name, SecretString=json.dumps(value))
        token = client.rotate_secret(SecretId=name, RotationLambdaARN=SINGLE)["VersionId"]

        def is_done(client: Any = client, name: str = name, token: str = token) -> bool:
            stages = client.describe_secret(SecretId=name)["VersionIdsToStages"]
            return bool(stages.get(token) == ["AWSCURRENT"])

        assert eventually(is_done, timeout=_PATIENCE), daemon.errors.read_text()
        current = json.loads(client.get_secret_value(SecretId=name)["SecretString"])
        assert current["password"] != value["password"]
        described = client.describe_secret(SecretId=name)
        assert described["RotationEnabled"]
        assert described["LastRotatedDate"] >= described["CreatedDate"]
    calls = 'rotator_api_calls_total{operation="RotateSecret",outcome="ok"} 2.0'
    assert calls in daemon.get("/metrics")[1]
    daemon.stop()


def test_workers_share_an_address_and_are_replaced(daemons: Daemons, house: House) -> None:
    """One that is killed is made good, and what it counted stays; SIGTERM ends all of them with exit code 0."""
    know_alice(house)
    process = daemons.launch("api", "--workers", "2", "--listen", "127.0.0.1:0")
    client = _client(process, "api.listening")
    name = f"s/{uuid.uuid4().hex}"
    client.create_secret(Name=name, SecretString="value")
    assert eventually(lambda: len(_children(process.pid)) == 2, timeout=_PATIENCE)
    before = _children(process.pid)
    victim = min(before)
    os.kill(victim, signal.SIGKILL)
    assert process.says("api.worker_ended", pid=victim)
    assert eventually(lambda: len(_children(process.pid) - {victim}) == 2, timeout=_PATIENCE)
    assert (
        client_of(client.meta.endpoint_url).get_secret_value(SecretId=name)["SecretString"]
        == "value"
    )
    counted = {
        'rotator_api_calls_total{operation="CreateSecret",outcome="ok"} 1.0',
        'rotator_api_calls_total{operation="GetSecretValue",outcome="ok"} 1.0',
        'rotator_api_call_seconds_count{operation="GetSecretValue"} 1.0',
    }
    for _ in range(6):  # whichever of them answers
        with urlopen(f"{client.meta.endpoint_url}/metrics", timeout=_PATIENCE) as answer:
            assert counted <= set(answer.read().decode().splitlines())
    workers = _children(process.pid)
    log = process.stop()
    assert [entry for entry in log if entry["event"] == "api.stopped"]
    assert not [pid for pid in workers if Path(f"/proc/{pid}").exists()]


def test_a_worker_that_can_not_be_started_is_started_later(daemons: Daemons) -> None:
    """Where the system has nothing to give to a new process, the workers that are there go on."""
    process = daemons.launch("api", "--workers", "2", "--listen", "127.0.0.1:0")
    assert process.says("api.listening")
    assert eventually(lambda: len(_children(process.pid)) == 2, timeout=_PATIENCE)
    before = _children(process.pid)
    victim = min(before)
    limits = resource.prlimit(process.pid, resource.RLIMIT_NOFILE)
    resource.prlimit(process.pid, resource.RLIMIT_NOFILE, (3, limits[1]))
    os.kill(victim, signal.SIGKILL)
    assert process.says("api.worker_not_started")
    assert before - {victim} <= _children(process.pid)
    resource.prlimit(process.pid, resource.RLIMIT_NOFILE, limits)
    assert eventually(lambda: len(_children(process.pid) - {victim}) == 2, timeout=_PATIENCE)
    process.stop()


def test_a_reload_waits_for_workers_that_are_being_started(daemons: Daemons) -> None:
    """SIGHUP ends none of them, however early it comes."""
    process = daemons.launch("api", "--workers", "2", "--listen", "127.0.0.1:0")
    assert eventually(lambda: len(_children(process.pid)) == 2, timeout=_PATIENCE)
    os.kill(process.pid, signal.SIGHUP)
    assert process.says("api.listening"), process.errors.read_text()
    assert not process.events("api.worker_ended")
    process.stop()


def test_workers_end_with_their_supervisor(daemons: Daemons) -> None:
    """One that is killed leaves none behind."""
    process = daemons.launch("api", "--workers", "2", "--listen", "127.0.0.1:0")
    assert process.says("api.listening")
    assert eventually(lambda: len(_children(process.pid)) == 2, timeout=_PATIENCE)
    workers = _children(process.pid)
    process.kill()
    assert eventually(
        lambda: not any(Path(f"/proc/{pid}/fd").exists() and _is_alive(pid) for pid in workers),
        timeout=_PATIENCE,
    )


def _is_alive(pid: int) -> bool:
    try:
        state = Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()[0]
    except FileNotFoundError:
        return False
    return state != "Z"


def test_one_process_is_ready_where_its_store_is(daemons: Daemons) -> None:
    """`rotate api` without workers answers by itself, and says how it is."""
    process = daemons.launch("api", "--listen", "127.0.0.1:0")
    assert process.says("api.listening")
    port = process.events("api.listening")[0]["port"]
    for path, text in (("/livez", "alive\n"), ("/readyz", "ready\n")):
        with urlopen(f"http://127.0.0.1:{port}{path}", timeout=_PATIENCE) as answer:
            assert answer.read().decode() == text
    process.stop()


def test_plaintext_beyond_this_machine_is_refused_by_name(daemons: Daemons) -> None:
    """`rotate api` doesn't start where passwords would cross the network in clear."""
    process = daemons.launch("api", "--listen", "0.0.0.0:0")
    assert process.process.wait(_PATIENCE) == 2
    assert "api.plaintext_beyond_loopback" in process.errors.read_text()
