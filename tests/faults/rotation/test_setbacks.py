"""The target refuses, others change it meanwhile, tests fail, and people abort: what a rotation makes of it."""

import psycopg
import pytest
from psycopg import sql

from rotator.model.rotation import Phase, Status
from rotator.sdk import FailureKind, SecretValue
from rotator.store import labels, versions
from tests.faults.rotation.situations import (
    ALTERNATING_FIRST,
    ALTERNATING_SECOND,
    SINGLE_ALONE,
    SITUATIONS,
    Scene,
    Situation,
    stage,
)
from tests.support.driver import Runs
from tests.support.effects import CHANGE, VERBS, effects
from tests.support.house import ALTERNATING, House
from tests.support.manager import ME, row_id, token
from tests.support.postgres import DatabaseServer, Role
from tests.support.waiting import eventually

each_strategy = pytest.mark.parametrize("situation", [SINGLE_ALONE, ALTERNATING_SECOND], ids=str)
each_situation = pytest.mark.parametrize("situation", SITUATIONS, ids=str)
_ABORT_EVERY = 3  # effects


@each_strategy
def test_concurrent_change_of_the_role_is_tried_again(
    house: House, pg16: DatabaseServer, situation: Situation
) -> None:
    """The error "tuple concurrently updated", as someone else alters the role, passes with the next attempt."""
    scene = stage(house, pg16, situation)
    alter = sql.SQL("ALTER ROLE {} CONNECTION LIMIT 50").format(sql.Identifier(scene.role.name))
    reached: list[str] = []
    with pg16.connect() as other:

        def alter_too(effect: str) -> None:
            reached.append(effect)
            if effect == f"{CHANGE}: before" and reached.count(effect) == 1:
                other.execute("BEGIN")
                other.execute(alter)
            elif effect == f"{CHANGE}: sent" and reached.count(effect) == 1:
                assert eventually(lambda: _waits_for(pg16, other))
                other.execute("COMMIT")

        with effects(alter_too):
            report = house.rotate(scene.secret)

    assert report.status is Status.SUCCEEDED, report.failure
    assert FailureKind.BUSY in {step.outcome for step in report.steps}
    assert report.attempts == 2
    assert scene.new_versions() == {report.token}
    assert scene.logs_in()


def _waits_for(server: DatabaseServer, other: psycopg.Connection[tuple[object, ...]]) -> bool:
    waiting = "SELECT 1 FROM pg_stat_activity WHERE %s = ANY(pg_blocking_pids(pid))"
    return bool(server.execute(waiting, (other.info.backend_pid,)))


def test_missing_privilege_is_tried_once_more_and_fails_with_the_target_as_before(
    house: House, pg16: DatabaseServer
) -> None:
    """A privilege that is lost between preflight and the change ends FAILED after two attempts, nothing changed."""
    role = pg16.new_role()
    admin = _admin_of(pg16, role)
    secret = house.adopt(pg16, role, rotator=ALTERNATING, admin=admin)
    scene = Scene(
        house=house,
        server=pg16,
        secret=secret,
        role=role,
        versions=frozenset(house.version_ids(secret)),
        labels=house.labels(secret),
    )
    name = sql.Identifier(admin.name)

    def take_away(effect: str) -> None:
        if effect == "preflight: before":
            pg16.execute(sql.SQL("ALTER ROLE {} CREATEROLE").format(name))
        elif effect == "set_secret: before":
            pg16.execute(sql.SQL("ALTER ROLE {} NOCREATEROLE").format(name))

    with effects(take_away):
        report = house.rotate(secret)

    assert report.status is Status.FAILED
    assert report.attempts == 2
    assert report.failure is not None
    assert report.failure.phase is Phase.SET
    assert report.failure.kind is FailureKind.REFUSED
    assert house.labels(secret) == scene.labels
    assert scene.logs_in()
    clone = pg16.execute("SELECT 1 FROM pg_roles WHERE rolname = %s", (f"{role.name}_clone",))
    assert not clone


def _admin_of(server: DatabaseServer, role: Role) -> Role:
    """A role with just the rights that the rotation needs."""
    admin = server.new_role("admin", attributes="LOGIN CREATEROLE")
    names = {"role": sql.Identifier(role.name), "admin": sql.Identifier(admin.name)}
    server.execute(sql.SQL("GRANT {role} TO {admin} WITH ADMIN OPTION").format(**names))
    return admin


@each_situation
def test_failing_test_is_reverted(house: House, pg16: DatabaseServer, situation: Situation) -> None:
    """When the new credential fails testSecret the old one works again, AWSPENDING goes, and a later run succeeds."""
    scene = stage(house, pg16, situation)
    spoiled = False

    def spoil_the_test(effect: str) -> None:
        nonlocal spoiled
        if effect == "test_secret: before":
            _expire(scene, situation, "2000-01-01")
            spoiled = True
        elif spoiled and effect in {f"{verb}: before" for verb in VERBS}:
            _expire(scene, situation, "infinity")

    with effects(spoil_the_test):
        report = house.rotate(scene.secret)

    assert report.status is Status.FAILED, report.failure
    assert report.failure is not None
    assert report.failure.phase is Phase.TEST
    assert house.labels(scene.secret) == scene.labels
    assert scene.logs_in()
    assert not _value_logs_in(scene, report.token)

    again = house.rotate(scene.secret)
    assert again.status is Status.SUCCEEDED, again.failure
    assert again.token != report.token
    assert scene.logs_in()


def test_refusal_by_a_later_preflight_says_that_the_target_was_changed(
    house: House, pg16: DatabaseServer
) -> None:
    """Where preflight says no after the target was changed, it is put back and the report doesn't deny the change."""
    scene = stage(house, pg16, ALTERNATING_SECOND)

    def spoil_the_test(effect: str) -> None:
        if effect == "test_secret: before":
            _expire(scene, ALTERNATING_SECOND, "2000-01-01")

    with effects(spoil_the_test):
        report = house.rotate(scene.secret)

    assert report.status is Status.FAILED, report.failure
    assert report.failure is not None
    assert report.failure.phase is Phase.PREFLIGHT
    assert house.labels(scene.secret) == scene.labels
    assert scene.logs_in()


def _expire(scene: Scene, situation: Situation, until: str) -> None:
    """Lets the password of the user that the rotation sets expire."""
    user = f"{scene.role.name}_clone" if situation is ALTERNATING_FIRST else scene.role.name
    statement = sql.SQL("ALTER ROLE {} VALID UNTIL {}")
    scene.server.execute(statement.format(sql.Identifier(user), sql.Literal(until)))


def _value_logs_in(scene: Scene, version_id: str) -> bool:
    fetched = scene.house.manager.get_secret_value(
        **ME, secret_id=scene.secret, version_id=version_id
    )
    fields = fetched.value.fields()
    try:
        return scene.server.can_log_in(Role(name=fields["username"], password=fields["password"]))
    except psycopg.OperationalError as refusal:
        if "not permitted to log in" in str(refusal):
            return False
        raise


@each_situation
def test_abort_after_a_kill_puts_the_target_back(
    house: House, pg16: DatabaseServer, runs: Runs, situation: Situation
) -> None:
    """After a kill anywhere before its end a rotation can be aborted: the target is as before, AWSPENDING is gone."""
    effects_seen = runs.run(stage(house, pg16, situation).secret).effects
    committed = len(effects_seen) - 1  # the last effect but one is the last before the labels move
    for number in range(2, committed + 1, _ABORT_EVERY):
        scene = stage(house, pg16, situation)
        assert runs.run(scene.secret, kill_at=number).killed

        report = house.engine().abort(scene.secret, **ME)

        assert report is not None
        where = f"killed at effect {number} ({effects_seen[number - 1]})"
        assert report.status is Status.FAILED, f"{where}: {report.failure}"
        assert house.labels(scene.secret) == scene.labels, where
        assert scene.logs_in(), where
        if report.token in house.version_ids(scene.secret):
            assert not _value_logs_in(scene, report.token), where
        assert house.rotate(scene.secret).status is Status.SUCCEEDED, where


@each_strategy
@pytest.mark.parametrize("with_value", [False, True], ids=["without-value", "with-value"])
def test_stuck_pending_version_is_taken_up(
    house: House, pg16: DatabaseServer, situation: Situation, with_value: bool
) -> None:
    """A version that someone left AWSPENDING, with a value or without, blocks nothing: it is taken up."""
    scene = stage(house, pg16, situation)
    left = token(7)
    (_leave_with_value if with_value else _leave_without_value)(scene, situation, left)

    report = house.rotate(scene.secret)

    assert report.status is Status.SUCCEEDED, report.failure
    assert report.token == left
    assert house.labels(scene.secret) == {
        "AWSCURRENT": left,
        "AWSPREVIOUS": scene.labels["AWSCURRENT"],
    }
    assert scene.logs_in()


def _leave_with_value(scene: Scene, situation: Situation, version_id: str) -> None:
    # Of the user whose turn it is: for alternating users that is the previous one.
    label = "AWSPREVIOUS" if situation is ALTERNATING_SECOND else "AWSCURRENT"
    value = scene.house.fields(scene.secret, label) | {"password": "left-behind-by-someone"}
    scene.house.manager.put_secret_value(
        **ME,
        secret_id=scene.secret,
        value=SecretValue.from_json(value),
        client_request_token=version_id,
        version_stages=["AWSPENDING"],
    )


def _leave_without_value(scene: Scene, _: Situation, version_id: str) -> None:
    with scene.house.store.write() as tx:
        secret_id = row_id(tx, scene.secret)
        versions.insert(tx, secret_id=secret_id, version_id=version_id, sealed=None)
        before = labels.load(tx, secret_id)
        labels.save(tx, secret_id, before=before, after=before.put(version_id, ["AWSPENDING"]))
