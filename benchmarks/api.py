"""GetSecretValue over the API, signed, authorised and audited, against moto's server in the same run."""

import base64
import json
import os
import signal
import statistics
import subprocess
import sys
import time
import uuid
from collections.abc import Callable, Iterator, Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from dataclasses import dataclass
from http.client import HTTPConnection
from pathlib import Path
from typing import Any

from benchmarks.measure import Ratio
from rotator.crypto.audit_key import AuditKeyFile
from rotator.crypto.envelope import Sealer
from rotator.crypto.keyring import FileKeyProvider, create_keyring
from rotator.manager.manager import SecretsManager
from rotator.manager.portable import PortableSecret, PortableVersion
from rotator.model.caller import Caller, CallerKind
from rotator.model.labels import CURRENT
from rotator.sdk import SecretValue
from rotator.store.store import Store
from rotator.testing.ports import free_port
from rotator.testing.postgres_server import PostgresServer

_HOST = "127.0.0.1"
_REGION = "us-east-1"
_ME = Caller(kind=CallerKind.LOCAL, name="bench", account="000000000000", region=_REGION)
_VALUE = '{"username": "app", "password": "0123456789abcdef0123456789abcdef"}'
_VERSION = PortableVersion(
    version_id=str(uuid.UUID(int=0)), value=SecretValue(string=_VALUE), stages=(CURRENT,)
)
_MAY_READ = json.dumps(
    {
        "Version": "2012-10-17",
        "Statement": [
            {
                "Effect": "Allow",
                "Action": "secretsmanager:GetSecretValue",
                "Resource": "arn:aws:secretsmanager:*:*:secret:db/*",
            }
        ],
    }
)
_ASKED = 100  # secrets, each by a request that was signed before
_FEW, _MANY = 100, 100_000
_BATCH = 1000  # secrets of one transaction
_CONNECTIONS = 64  # enough that those of one commit are many
_SECONDS, _ROUNDS = 4.0, 3
_PATIENCE = 60.0
_BIN = Path(sys.executable).parent


@dataclass(frozen=True, slots=True)
class _Keys:
    access_key_id: str
    secret_access_key: str


@dataclass(frozen=True, slots=True)
class _Server:
    """What is measured: a port, and the requests to send there."""

    port: int
    requests: Sequence[str]


@dataclass(frozen=True, slots=True, kw_only=True)
class _Load:
    """What a client counted."""

    rate: float
    p99: float
    errors: int


def measured(_server: PostgresServer, folder: Path) -> Iterator[Ratio]:
    """The ratios, one after the other."""
    few, many = folder / "few", folder / "many"
    keys = {home: _fill(home, count) for home, count in ((few, _FEW), (many, _MANY))}
    with _moto(folder) as moto, _rotate(few, keys[few], workers=1) as one:
        alone, floor = _in_turn(one, moto)
        yield _reads("one worker against moto", alone, floor.rate, least=10.0)
    with (
        _rotate(few, keys[few], workers=1) as one,
        _rotate(many, keys[many], workers=1) as of_many,
    ):
        with_many, with_few = _in_turn(of_many, one)
        yield _reads(f"{_MANY:,} secrets against {_FEW}", with_many, with_few.rate, least=0.8)
    with _rotate(few, keys[few], workers=2) as two, _rotate(few, keys[few], workers=1) as one:
        both, alone = _in_turn(two, one)
        yield _reads("two workers against one, clients on the same cores", both, alone.rate)
    with _cores(2), _rotate(few, keys[few], workers=2) as two:
        both = _median([_loaded_by(two, clients=2) for _ in range(_ROUNDS)])
    with _cores(1), _rotate(few, keys[few], workers=1) as one:
        alone = _median([_loaded_by(one, clients=1) for _ in range(_ROUNDS)])
    yield _reads("a worker and a client more on a core more", both, alone.rate, least=1.7)


@contextmanager
def _cores(count: int) -> Iterator[None]:
    """What is started in the block runs on so many cores.

    On a machine of few cores the clients take what a second worker would need: so each worker brings a core, and shares
    it with a client of its own.
    """
    before = os.sched_getaffinity(0)
    os.sched_setaffinity(0, sorted(before)[:count])
    try:
        yield
    finally:
        os.sched_setaffinity(0, before)


def _reads(what: str, load: _Load, floor: float, *, least: float | None = None) -> Ratio:
    if load.errors:
        raise AssertionError(f"{what}: {load.errors} calls failed")
    name = f"GetSecretValue over the API, {what} (p99 {load.p99 * 1000:.1f} ms, 0 errors)"
    return Ratio(name=name, unit="per second", ours=load.rate, floor=floor, least=least)


def _fill(home: Path, count: int) -> _Keys:
    """A home with so many secrets, and a principal who may read them."""
    home.mkdir(mode=0o700)
    create_keyring(home / "keyring.json")
    url = f"sqlite:///{home / 'rotator.db'}"
    (home / "config.yaml").write_text(f"store: {{url: '{url}'}}\n")
    store = Store.open(url, create=True, audit_key=AuditKeyFile(home / "audit.key"))
    store.begin_audit()
    manager = SecretsManager(store, Sealer(FileKeyProvider(home / "keyring.json")))
    who: Mapping[str, Any] = {"caller": _ME, "request_id": "bench"}
    for first in range(0, count, _BATCH):
        numbers = range(first, min(first + _BATCH, count))
        wanted = [PortableSecret(name=f"db/{n}", versions=(_VERSION,)) for n in numbers]
        manager.create_secrets(**who, wanted=wanted)
    manager.create_principal(**who, principal="app", policies={"read": _MAY_READ})
    made = manager.create_access_key(**who, principal="app")
    store.close()
    return _Keys(made.access_key_id, made.secret_access_key)


@contextmanager
def _rotate(home: Path, keys: _Keys, *, workers: int) -> Iterator[_Server]:
    port = free_port(_HOST)
    at = ("--listen", f"{_HOST}:{port}", "--workers", str(workers))
    command = (_BIN / "rotate", "--config", home / "config.yaml", "api", *at)
    with _process(command, ROTATOR_HOME=str(home)):
        _wait(lambda: _answers(port, "/readyz"))
        yield _Server(port, [_signed(port, keys, f"db/{n}") for n in range(_ASKED)])


@contextmanager
def _moto(folder: Path) -> Iterator[_Server]:
    import boto3

    port, keys = free_port(_HOST), _Keys("testing", "testing")
    with _process([_BIN / "moto_server", "-H", _HOST, "-p", str(port)], HOME=str(folder)):
        _wait(lambda: _answers(port, "/moto-api/"))
        client = boto3.client(
            "secretsmanager",
            endpoint_url=f"http://{_HOST}:{port}",
            region_name=_REGION,
            aws_access_key_id=keys.access_key_id,
            aws_secret_access_key=keys.secret_access_key,
        )
        for number in range(_ASKED):
            client.create_secret(Name=f"db/{number}", SecretString=_VALUE)
        yield _Server(port, [_signed(port, keys, f"db/{n}") for n in range(_ASKED)])


@contextmanager
def _process(command: Sequence[str | Path], **environment: str) -> Iterator[None]:
    running = subprocess.Popen(
        command,
        env={**os.environ, **environment},
        stdout=subprocess.DEVNULL,
        stderr=subprocess.DEVNULL,
    )
    try:
        yield
    finally:
        running.send_signal(signal.SIGTERM)
        running.wait(_PATIENCE)


def _wait(ready: Callable[[], bool]) -> None:
    end = time.monotonic() + _PATIENCE
    while not ready():
        if time.monotonic() > end:
            raise AssertionError("the server did not come up")
        time.sleep(0.05)


def _answers(port: int, path: str) -> bool:
    connection = HTTPConnection(_HOST, port, timeout=5)
    try:
        connection.request("GET", path)
        return connection.getresponse().status == 200
    except OSError:
        return False
    finally:
        connection.close()


def _signed(port: int, keys: _Keys, name: str) -> str:
    """A request as it goes over the wire, in base64."""
    from botocore.auth import SigV4Auth
    from botocore.awsrequest import AWSRequest
    from botocore.credentials import Credentials

    body = json.dumps({"SecretId": name}).encode()
    headers = {
        "Host": f"{_HOST}:{port}",
        "Content-Type": "application/x-amz-json-1.1",
        "X-Amz-Target": "secretsmanager.GetSecretValue",
    }
    request = AWSRequest("POST", f"http://{_HOST}:{port}/", data=body, headers=headers)
    credentials = Credentials(keys.access_key_id, keys.secret_access_key)
    SigV4Auth(credentials, "secretsmanager", _REGION).add_auth(request)
    lines = [f"{key}: {value}" for key, value in request.headers.items()]
    head = "\r\n".join(["POST / HTTP/1.1", *lines, f"Content-Length: {len(body)}", "", ""])
    return base64.b64encode(head.encode() + body).decode()


def _loaded(server: _Server, *, seconds: float = _SECONDS) -> _Load:
    return _loaded_by(server, clients=1, seconds=seconds)


def _loaded_by(server: _Server, *, clients: int, seconds: float = _SECONDS) -> _Load:
    """What so many clients count together, at the same time; p99 is that of the one that waited longest."""
    order = {
        "host": _HOST,
        "port": server.port,
        "connections": _CONNECTIONS,
        "seconds": seconds,
        "requests": server.requests,
    }
    command = [sys.executable, "-m", "benchmarks.api_load"]
    with ThreadPoolExecutor(clients) as threads:
        running = [
            threads.submit(
                subprocess.run,
                command,
                input=json.dumps(order),
                check=True,
                capture_output=True,
                text=True,
            )
            for _ in range(clients)
        ]
        counts = [json.loads(each.result().stdout) for each in running]
    return _Load(
        rate=sum(counted["done"] / counted["took"] for counted in counts),
        p99=max(counted["p99"] for counted in counts),
        errors=sum(counted["errors"] for counted in counts),
    )


def _in_turn(ours: _Server, floor: _Server) -> tuple[_Load, _Load]:
    """The median load of each, in turns; the first round only warms up."""
    for server in (ours, floor):
        _loaded(server, seconds=1.0)
    pairs = [(_loaded(ours), _loaded(floor)) for _ in range(_ROUNDS)]
    return _median([a for a, _ in pairs]), _median([b for _, b in pairs])


def _median(loads: Sequence[_Load]) -> _Load:
    return _Load(
        rate=statistics.median(load.rate for load in loads),
        p99=statistics.median(load.p99 for load in loads),
        errors=sum(load.errors for load in loads),
    )
