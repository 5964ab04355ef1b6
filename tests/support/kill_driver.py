"""Rotates in processes of their own, which kill or stop themselves at a chosen effect.

`python -m tests.support.kill_driver` reads one JSON command a line from its standard input and answers each with one on
its standard output. Everything is imported once; each run is a fork, with connections of its own. The commands are
those of `tests.support.driver`.
"""

import contextlib
import json
import os
import signal
import sys
import threading
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

import psycopg
import pymysql
import sqlalchemy.dialects.postgresql.psycopg
import sqlalchemy.dialects.sqlite.pysqlite  # noqa: F401  # imported once, for every run

from rotator.access import sessions
from rotator.crypto.envelope import Sealer
from rotator.crypto.keyring import FileKeyProvider
from rotator.manager.manager import SecretsManager
from rotator.rotation.engine import Engine
from rotator.rotation.hosting import Endpoint, Hosting
from rotator.rotation.policy import EnginePolicy, RetryPolicy
from rotator.rotation.registry import RotatorRegistry
from rotator.store.store import Store
from rotators.ldap import steps as ldap_steps  # noqa: F401
from rotators.mariadb import alternating_users_steps as mariadb_turns  # noqa: F401
from rotators.mariadb import single_user_steps as mariadb_steps  # noqa: F401
from rotators.mysql import alternating_users_steps as mysql_turns  # noqa: F401
from rotators.mysql import single_user_steps as mysql_steps  # noqa: F401
from rotators.postgresql import alternating_users_steps, single_user_steps  # noqa: F401
from rotators.redis import steps as redis_steps  # noqa: F401
from tests.support.effects import effects
from tests.support.hosted import registry_of
from tests.support.key_effects import WORK, key_effects
from tests.support.manager import ME
from tests.support.store import AUDIT_KEY

_REGISTRY = RotatorRegistry.load()
Say = Callable[[dict[str, Any]], None]


def main() -> None:
    """Serves commands until the standard input ends; no run outlives it."""
    running: dict[int, int] = {}
    try:
        for line in sys.stdin:
            answer = _serve(json.loads(line), running)
            sys.stdout.write(json.dumps(answer) + "\n")
            sys.stdout.flush()
    finally:
        for pid in running:
            os.kill(pid, signal.SIGKILL)


def _serve(command: dict[str, Any], running: dict[int, int]) -> dict[str, Any]:
    match command["do"]:
        case "start":
            if command["job"]["functions"] is not None:
                import boto3  # noqa: F401  # imported once, for every run
            pid, told = _fork(command["job"])
            running[pid] = told
            return {"pid": pid}
        case "wait":
            return _wait(command["pid"], running)
        case signal_name:
            os.kill(command["pid"], signal.Signals[signal_name])
            return {}


def _wait(pid: int, running: dict[int, int]) -> dict[str, Any]:
    """How far the run is once it has ended or stopped itself, with what it told until then."""
    _, status = os.waitpid(pid, os.WUNTRACED)
    told = _read_all(running[pid])
    stopped = os.WIFSTOPPED(status)
    if not stopped:
        os.close(running.pop(pid))
    return {
        "stopped": stopped,
        "signal": os.WTERMSIG(status) if os.WIFSIGNALED(status) else None,
        "told": [json.loads(line) for line in told.splitlines()],
    }


def _read_all(descriptor: int) -> bytes:
    read = b""
    with contextlib.suppress(BlockingIOError):
        while chunk := os.read(descriptor, 65536):
            read += chunk
    return read


def _fork(job: dict[str, Any]) -> tuple[int, int]:
    reading, writing = os.pipe()
    os.set_blocking(reading, False)
    pid = os.fork()
    if pid:
        os.close(writing)
        return pid, reading

    def say(told: dict[str, Any]) -> None:
        os.write(writing, json.dumps(told).encode() + b"\n")

    try:
        _run(job, say)
    except BaseException as error:  # noqa: BLE001  # a child must not go on as a second server
        say({"error": type(error).__name__, "message": str(error)})
    finally:
        os._exit(0)


def _run(job: dict[str, Any], say: Say) -> None:
    store = Store.open(job["store"], create=False, audit_key=AUDIT_KEY)
    sealer = Sealer(FileKeyProvider(Path(job["keyring"])))
    if job["do"] == "read":
        _read_and_log_in(SecretsManager(store, sealer), job, say)
        return
    counted = 0
    meddling = job["meddling"]

    def act(name: str) -> None:
        nonlocal counted, meddling
        counted += 1
        say({"effect": name})
        if meddling is not None and name == meddling["at"]:
            _meddle(**meddling)
            meddling = None
        if counted == job["kill_at"]:
            os.kill(os.getpid(), signal.SIGKILL)
        if counted == job["stop_at"]:
            os.kill(os.getpid(), signal.SIGSTOP)

    def sleep(seconds: float) -> None:
        act("sleep: before")
        time.sleep(seconds)

    if job["do"] in WORK:
        with key_effects(act):
            WORK[job["do"]](SecretsManager(store, sealer), job["secret"])
        say({"report": {}})
        return
    policy = job["policy"]
    registry, host = _hosting(job["functions"], store, sealer)
    engine = Engine(
        store=store,
        sealer=sealer,
        registry=registry,
        functions=host,
        policy=EnginePolicy(**policy | {"retry": RetryPolicy(**policy["retry"])}),
        trust=None,
        sleep=sleep,
    )
    verb = getattr(engine, job["do"])
    with effects(act):
        report = verb(job["secret"], **ME)
    ended = None
    if report is not None:
        ended = {"status": str(report.status), "token": report.token}
    say({"report": ended})


def _hosting(
    given: dict[str, Any] | None, store: Store, sealer: Sealer
) -> tuple[RotatorRegistry, Callable[[], Hosting] | None]:
    """The rotators of a run, and what its rotation functions get; the API is another process's."""
    if given is None:
        return _REGISTRY, None
    hosting = Hosting(
        store=store,
        sealer=sealer,
        endpoint=lambda: Endpoint(url=given["endpoint"]),
        issue=lambda run, until: sessions.issue(sealer, run, expires=until),
    )
    timeout = given.get("timeout", 30.0)
    registry = registry_of(given["files"], elsewhere=given["elsewhere"], timeout=timeout)
    return registry, lambda: hosting


def _meddle(*, at: str, server: dict[str, Any], statement: str) -> None:
    """Somebody changes the server, a MySQL, at the first effect of this name."""
    del at
    with pymysql.connect(**server, autocommit=True) as connection, connection.cursor() as cursor:
        cursor.execute(statement)


def _read_and_log_in(manager: SecretsManager, job: dict[str, Any], say: Say) -> None:
    """A client: fetches and logs in, over and over, until it gets SIGTERM. Tells how every login went."""
    over = threading.Event()
    signal.signal(signal.SIGTERM, lambda *_: over.set())
    counts = {"accepted": 0, "refused": 0, "late": 0}
    passwords = set()
    say({"effect": "ready"})
    while not over.is_set():
        fetched = manager.get_secret_value(**ME, secret_id=job["secret"])
        at = time.monotonic()
        value = fetched.value.fields()
        passwords.add(value["password"])
        counts[_log_in(value, promised_until=at + job["drain"])] += 1
    say({"report": counts | {"values": len(passwords)}})


def _log_in(value: dict[str, Any], *, promised_until: float) -> str:
    """`late` is a refusal of a login that the machine was too busy to finish within the drain."""
    try:
        psycopg.connect(
            host=value["host"],
            port=value["port"],
            user=value["username"],
            password=value["password"],
            dbname=value["dbname"],
            sslmode="disable",
            gssencmode="disable",
            connect_timeout=10,
        ).close()
    except psycopg.OperationalError:
        return "refused" if time.monotonic() <= promised_until else "late"
    return "accepted"


if __name__ == "__main__":
    main()
