"""A rotation by a function is taken over while an invocation goes on: from a process that froze, and from a dead one.

The function is an example of `examples/functions`. The first invocation of each secret that reaches the call it is to
be held at waits there until the test lets it go on, and notes what became of the call.
"""

import os
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, replace
from pathlib import Path

import pytest
from sqlalchemy import update

from rotator.errors import RotationInProgress
from rotator.model.rotation import Status
from rotator.rotation.policy import EnginePolicy
from rotator.store import tables
from tests.support.api import KEYS, served
from tests.support.driver import Process, Runs
from tests.support.hosted import EXAMPLES, HostedHouse, hosting
from tests.support.house import QUICK, House
from tests.support.lambda_service import arn_of, lambda_service
from tests.support.manager import ME
from tests.support.postgres import DatabaseServer, Role
from tests.support.waiting import eventually

PATIENT = EnginePolicy(retry=QUICK.retry, step_limit=120.0, lease=3600.0, drain=0.0)
HERE, ELSEWHERE = "held", "held-elsewhere"
STORES, MOVES = "put_secret_value", "update_secret_version_stage"
_SOURCE = """
import os, pathlib, sys, time
sys.path.insert(0, {examples!r})
import boto3
import postgresql_single_user

NOTES = pathlib.Path({notes!r})
make = boto3.client


class Client:
    def __init__(self, client):
        self.client = client

    def __getattr__(self, name):
        call = getattr(self.client, name)
        return call if name not in {calls!r} else lambda **given: held(name, call, given)


def held(name, call, given):
    secret = given["SecretId"].rpartition(":")[2]
    try:
        first = os.open(NOTES / f"{{secret}}.{{name}}", os.O_CREAT | os.O_EXCL | os.O_WRONLY)
    except FileExistsError:
        return call(**given)
    os.write(first, str(os.getpid()).encode())
    while not (NOTES / "go-on").exists():
        time.sleep(0.02)
    told = "done"
    try:
        return call(**given)
    except Exception as error:
        told = str(error)
        raise
    finally:
        (NOTES / f"{{secret}}.{{name}}.late").write_text(told)


boto3.client = lambda *given, **named: Client(make(*given, **named))
lambda_handler = postgresql_single_user.lambda_handler
"""


@pytest.fixture
def store_engine() -> str:
    """The embedded store: what functions do doesn't depend on it."""
    return "sqlite"


@dataclass(frozen=True, slots=True, kw_only=True)
class Scene:
    """A secret whose rotation is under way in another process, and whose function is held.

    Attributes:
        notes: the folder in which the function says how far it is.
        call: that it is held at.
        before: the secret's only version.
    """

    house: HostedHouse
    server: DatabaseServer
    process: Process
    notes: Path
    secret: str
    elsewhere: bool
    call: str
    before: str

    @property
    def _note(self) -> Path:
        arn = self.house.manager.describe_secret(**ME, secret_id=self.secret).arn
        return self.notes / f"{arn.rpartition(':')[2]}.{self.call}"

    @property
    def holds(self) -> int | None:
        """The process of the function that is held, None where none has come so far."""
        said = self._note.read_text() if self._note.exists() else ""
        return int(said) if said else None

    @property
    def late(self) -> str | None:
        """What became of its call, None where it was never made."""
        said = self._note.with_name(f"{self._note.name}.late")
        return said.read_text() if said.exists() else None

    @property
    def is_over(self) -> bool:
        """Whether the function has made its call, or was ended before."""
        return self.late is not None or not _is_alive(self.holds)

    def end_lease(self) -> None:
        """As if its hour were over."""
        with self.house.store.write() as tx:
            running = tables.rotations.c.id == self.house.history(self.secret)[0].id
            tx.connection.execute(update(tables.rotations).where(running).values(lease_expires=0.0))

    def take_over(self) -> None:
        """Another process completes the rotation."""
        report = self.house.rotate(self.secret)
        assert report.status is Status.SUCCEEDED, report.failure
        self.check()

    def check(self) -> None:
        """One new value is AWSCURRENT and logs in; the version before is AWSPREVIOUS, and there is no other."""
        labels = self.house.labels(self.secret)
        assert set(labels) == {"AWSCURRENT", "AWSPREVIOUS"}
        assert labels["AWSPREVIOUS"] == self.before
        assert self.house.version_ids(self.secret) == set(labels.values())
        fields = self.house.fields(self.secret)
        assert self.server.can_log_in(Role(name=fields["username"], password=fields["password"]))


@dataclass(frozen=True, slots=True, kw_only=True)
class Bench:
    """Held functions, by both ways."""

    house: HostedHouse
    runs: Runs
    server: DatabaseServer
    notes: Path

    def held(self, *, elsewhere: bool, call: str) -> Scene:
        """A rotation in another process whose function has come to the call; that of another call goes on."""
        rotator = arn_of(f"{ELSEWHERE}-{call}") if elsewhere else f"{HERE}-{call}"
        secret = self.house.adopt(self.server, self.server.new_role(), rotator=rotator)
        before = self.house.labels(secret)["AWSCURRENT"]
        scene = Scene(
            house=self.house,
            server=self.server,
            process=self.runs.start(secret),
            notes=self.notes,
            secret=secret,
            elsewhere=elsewhere,
            call=call,
            before=before,
        )
        assert eventually(lambda: scene.holds is not None)
        return scene

    def go_on(self) -> None:
        """Lets the functions that are held make their calls."""
        (self.notes / "go-on").touch()


@pytest.fixture
def bench(house: House, runs: Runs, pg16: DatabaseServer, tmp_path: Path) -> Iterator[Bench]:
    """The API and a Lambda service in this process, the rotations in others."""
    notes = tmp_path / "notes"
    notes.mkdir()
    files = {call: tmp_path / f"{call}.py" for call in (STORES, MOVES)}
    for call, file in files.items():
        source = _SOURCE.format(examples=str(EXAMPLES), notes=str(notes), calls=(call,))
        file.write_text(source)
    with _served(replace(house, policy=PATIENT), files) as (hosted, functions):
        moved = replace(runs, policy=PATIENT, functions=functions)
        yield Bench(house=hosted, runs=moved, server=pg16, notes=notes)


@contextmanager
def _served(
    house: House, files: dict[str, Path]
) -> Iterator[tuple[HostedHouse, dict[str, object]]]:
    here = {f"{HERE}-{call}": file for call, file in files.items()}
    with served(house) as api:
        environment = {
            "SECRETS_MANAGER_ENDPOINT": api.url,
            "AWS_ACCESS_KEY_ID": KEYS.access_key,
            "AWS_SECRET_ACCESS_KEY": KEYS.secret_key,
        }
        there = {f"{ELSEWHERE}-{call}": file for call, file in files.items()}
        with (
            lambda_service(there, environment) as service,
            hosting(house, here, elsewhere=service.options()) as hosted,
        ):
            yield (
                hosted,
                {
                    "endpoint": api.url,
                    "files": {name: str(file) for name, file in here.items()},
                    "elsewhere": service.options(),
                    "timeout": PATIENT.step_limit,
                },
            )


@pytest.mark.parametrize(
    ("frozen", "calls"),
    [
        (True, [(True, STORES), (True, MOVES), (False, STORES)]),
        (False, [(True, STORES), (False, MOVES)]),
    ],
    ids=["frozen", "dead"],
)
def test_a_late_function_stores_nothing(
    bench: Bench, calls: list[tuple[bool, str]], *, frozen: bool
) -> None:
    """While it stores the new value, or moves the label, another process completes the rotation; what it does after
    that is refused or changes nothing, and so does its own process where that wakes.
    """
    scenes = [bench.held(elsewhere=elsewhere, call=call) for elsewhere, call in calls]
    for scene in scenes:
        scene.process.signal("SIGSTOP" if frozen else "SIGKILL")
        assert scene.process.wait().stopped == frozen
        if frozen:
            with pytest.raises(RotationInProgress):
                scene.house.rotate(scene.secret)
            scene.end_lease()
        scene.take_over()
    bench.go_on()
    for scene in scenes:
        assert eventually(lambda scene=scene: scene.is_over)  # type: ignore[misc]
        assert scene.late != "done", scene
        if not (frozen or scene.elsewhere):
            assert scene.late is None, "a file on this machine goes on without its engine"
    for scene in scenes:
        scene.check()
        if frozen:
            woken = scene.process.go_on()
            assert not woken.stopped
            token = bench.house.labels(scene.secret)["AWSCURRENT"]
            ours = {"status": "succeeded", "token": token}
            assert woken.report == ours or woken.error == RotationInProgress.__name__, woken
            scene.check()


def _is_alive(pid: int | None) -> bool:
    try:
        os.kill(pid or 0, 0)
    except ProcessLookupError:
        return False
    return True
