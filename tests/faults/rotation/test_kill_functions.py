"""Rotations by functions are killed at every effect, and resumed by another process.

Of some only a few kill points are tried here; all of them where the variable ROTATOR_TEST_EVERY_KILL is set.
"""

import os
import uuid
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, replace
from typing import Any

import pytest

from rotator.model.rotation import Status
from tests.fix_faults import KILL_POINTS
from tests.support.api import KEYS, served
from tests.support.driver import Outcome, Runs
from tests.support.hosted import EXAMPLES, HostedHouse, hosting
from tests.support.house import House
from tests.support.lambda_service import arn_of, lambda_service
from tests.support.manager import ME
from tests.support.mysql import Account, MysqlDatabase
from tests.support.postgres import DatabaseServer, Role

SINGLE, ALTERNATING = "postgresql_single_user", "postgresql_alternating_users"
MYSQL_SINGLE, MYSQL_ALTERNATING = "mysql_single_user", "mysql_alternating_users"
ELSEWHERE = "-elsewhere"  # a function on this machine goes before one of its name elsewhere
FILES = {
    name: EXAMPLES / f"{name}.py" for name in (SINGLE, ALTERNATING, MYSQL_SINGLE, MYSQL_ALTERNATING)
}
EVERY = "ROTATOR_TEST_EVERY_KILL" in os.environ


@pytest.fixture
def store_engine() -> str:
    """The embedded store: what functions do doesn't depend on it."""
    return "sqlite"


@dataclass(frozen=True, slots=True, kw_only=True)
class Bench:
    """A house with functions, and processes that rotate by them."""

    house: HostedHouse
    runs: Runs
    server: Callable[[str], DatabaseServer | MysqlDatabase]

    def new_secret(self, example: str, *, elsewhere: bool) -> str:
        server = self.server(example)
        rotator = arn_of(example + ELSEWHERE) if elsewhere else example
        alternates = example in {ALTERNATING, MYSQL_ALTERNATING}
        if isinstance(server, MysqlDatabase):
            account, root = server.new_account(), server.superuser if alternates else None
            return self.house.adopt(server, account, rotator=rotator, admin=root)
        role, superuser = server.new_role(), server.superuser if alternates else None
        return self.house.adopt(server, role, rotator=rotator, admin=superuser)

    def ask_for_test(self, name: str) -> None:
        """RotateSecret with RotateImmediately=false."""
        then = self.house.engine().requested_test(str(uuid.uuid4()))
        self.house.manager.set_rotation(**ME, secret_id=name, then=then)

    def logs_in(self, name: str, label: str = "AWSCURRENT") -> bool:
        fields = self.house.fields(name, label)
        server = self.server("mysql" if fields["engine"] == "mysql" else SINGLE)
        user = {"name": fields["username"], "password": fields["password"]}
        if isinstance(server, MysqlDatabase):
            return server.can_log_in(Account(**user))
        return server.can_log_in(Role(**user))

    def resume(self, name: str) -> None:
        """Another process goes on, and one new version is AWSCURRENT in the end and logs in."""
        pending = self.house.value_at(name, "AWSPENDING")
        done = self.house.labels(name)
        engine = self.house.engine()
        report = engine.resume(name, **ME)
        if report is None and "AWSPREVIOUS" not in done:
            report = engine.rotate(name, **ME)
        assert report is None or report.status is Status.SUCCEEDED, report.failure
        assert self.logs_in(name)
        after = self.house.labels(name)
        assert set(after) == {"AWSCURRENT", "AWSPREVIOUS"}
        if pending is not None:
            assert self.house.value_at(name, "AWSCURRENT") == pending, "a second value was made"


@pytest.fixture
def bench(house: House, runs: Runs, request: pytest.FixtureRequest) -> Iterator[Bench]:
    """Both ways on one store: the API and a Lambda service in this process, the rotations in others."""

    def server(example: str) -> DatabaseServer | MysqlDatabase:
        found: DatabaseServer | MysqlDatabase = request.getfixturevalue(
            "mysql" if example.startswith("mysql") else "pg16"
        )
        return found

    with _served(house) as (hosted, functions):
        yield Bench(house=hosted, runs=replace(runs, functions=functions), server=server)


@contextmanager
def _served(house: House) -> Iterator[tuple[HostedHouse, dict[str, Any]]]:
    with served(house) as api:
        environment = {
            "SECRETS_MANAGER_ENDPOINT": api.url,
            "AWS_ACCESS_KEY_ID": KEYS.access_key,
            "AWS_SECRET_ACCESS_KEY": KEYS.secret_key,
        }
        with (
            lambda_service(
                {name + ELSEWHERE: file for name, file in FILES.items()}, environment
            ) as service,
            hosting(house, FILES, elsewhere=service.options()) as hosted,
        ):
            yield (
                hosted,
                {
                    "endpoint": api.url,
                    "files": {name: str(file) for name, file in FILES.items()},
                    "elsewhere": service.options(),
                },
            )


def _undisturbed(bench: Bench, secret: str) -> tuple[str, ...]:
    outcome = bench.runs.run(secret)
    assert outcome.report is not None, outcome
    assert outcome.report["status"] == "succeeded", outcome
    return outcome.effects


def _killed(bench: Bench, secret: str, *, at: int) -> Outcome:
    killed = bench.runs.run(secret, kill_at=at)
    assert killed.killed, f"{at}: {killed}"
    return killed


@pytest.mark.parametrize(
    ("example", "every"),
    [(SINGLE, 1), (ALTERNATING, 4), (MYSQL_SINGLE, 4), (MYSQL_ALTERNATING, 5)],
)
def test_killed_anywhere_another_process_completes_it(
    bench: Bench, example: str, every: int, record_property: Callable[[str, object], None]
) -> None:
    """By Lambda: after a SIGKILL at any commit or step the next run ends with a credential that logs in."""
    effects = _undisturbed(bench, bench.new_secret(example, elsewhere=True))
    # Nothing happens between the end of one effect and the beginning of the next.
    ends = [number for number, name in enumerate(effects, 1) if name.endswith(": after")]
    tried = [(True, number) for number in ends[:: 1 if EVERY else every]]
    if EVERY:
        tried += [(False, number) for number in ends]  # as files on this machine
    for elsewhere, number in tried:
        secret = bench.new_secret(example, elsewhere=elsewhere)
        killed = _killed(bench, secret, at=number)
        try:
            bench.resume(secret)
        except AssertionError as error:
            error.add_note(f"{elsewhere=}, killed at effect {number} ({killed.effects[-1]})")
            raise
    record_property(KILL_POINTS, [f"functions, {example}", len(tried), len(tried)])


def test_a_killed_test_leaves_nothing(
    bench: Bench, record_property: Callable[[str, object], None]
) -> None:
    """Both ways: after a SIGKILL at any commit or step of a test the next run makes it anew, and its version goes."""
    tried = 0
    for elsewhere in (True, False):
        secret = bench.new_secret(SINGLE, elsewhere=elsewhere)
        bench.ask_for_test(secret)
        undisturbed = bench.runs.run(secret, do="run_due")
        assert undisturbed.report is not None, undisturbed
        assert undisturbed.report["status"] == "succeeded", undisturbed
        for at, effect in enumerate(undisturbed.effects, 1):
            if not (effect.endswith(": after") and (elsewhere or "commit" not in effect)):
                continue
            secret = bench.new_secret(SINGLE, elsewhere=elsewhere)
            before = bench.house.labels(secret)
            bench.ask_for_test(secret)
            killed = bench.runs.run(secret, do="run_due", kill_at=at)
            assert killed.killed, f"{at}: {killed}"
            assert "AWSCURRENT" in bench.house.labels(secret)
            bench.house.engine().resume(secret, **ME)
            assert bench.house.labels(secret) == before, f"killed at {at} ({effect})"
            assert bench.house.version_ids(secret) == set(before.values())
            assert bench.house.history(secret)[0].status == "succeeded"
            assert bench.logs_in(secret)
            tried += 1
    record_property(KILL_POINTS, ["functions, testSecret alone", tried, tried])


@pytest.mark.parametrize("example", [SINGLE, MYSQL_ALTERNATING])
def test_a_file_survives_kills_too(bench: Bench, example: str) -> None:
    """On this machine: a rotation that is killed after one step after the other ends with a credential that logs in."""
    secret = bench.new_secret(example, elsewhere=False)
    effects = _undisturbed(bench, bench.new_secret(example, elsewhere=True))
    after = [
        effects.index(f"{verb}: after") + 1
        for verb in ("create_secret", "set_secret", "finish_secret")
    ]
    _killed(bench, secret, at=after[0])
    for at in after[1:]:
        resumed = bench.runs.run(secret, do="resume", kill_at=at)
        assert resumed.killed, resumed
    bench.resume(secret)
