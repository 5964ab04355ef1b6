"""What becomes of an old credential where somebody stores another value before it is retired."""

from datetime import timedelta
from typing import Any

import pytest
from sqlalchemy import select, update

from rotator.errors import DecryptionFailure, ResourceNotFound, RotationInProgress
from rotator.manager.settings import RotationOptions
from rotator.model.rotation import Status
from rotator.sdk import Rotation, SecretValue, TargetRefused
from rotator.store import rotations as rotation_rows
from rotator.store import secrets
from rotator.store.audit_rows import differences
from rotator.store.tables import audit, rotations, versions
from rotators.mysql_protocol.single_user_steps import SingleUserSteps
from rotators.postgresql import AlternatingUsers
from rotators.redis.steps import RedisSteps
from tests.support.effects import effects
from tests.support.house import ALTERNATING, House
from tests.support.manager import ME, row_id
from tests.support.mysql import Account, MysqlDatabase
from tests.support.postgres import DatabaseServer, Role
from tests.support.redis_server import RedisServer


@pytest.fixture
def store_engine() -> str:
    return "sqlite"


def edit(house: House, name: str, **fields: Any) -> None:
    """Somebody puts the JSON that is AWSCURRENT again, with other fields."""
    edited = SecretValue.from_json(house.fields(name) | fields)
    house.manager.put_secret_value(**ME, secret_id=name, value=edited)


def adopted(house: House, server: MysqlDatabase) -> tuple[str, Account]:
    account = server.new_account()
    rotator = f"{server.engine}-single-user"
    return house.adopt(server, account, rotator=rotator, admin=server.superuser), account


def test_an_edited_json_keeps_no_old_password_alive(house: House, either: MysqlDatabase) -> None:
    """A field more in the grace period, with the same password: the old one dies as if nothing had been put."""
    name, account = adopted(house, either)
    house.rotate(name)
    edit(house, name, note="hello")
    with pytest.raises(RotationInProgress):
        house.rotate(name)

    report = house.engine().retire(name, **ME)

    assert report is not None
    assert report.status is Status.SUCCEEDED, report.failure
    assert not either.can_log_in(account)
    assert house.fields(name)["note"] == "hello"
    assert house.rotate(name).status is Status.GRACE


@pytest.mark.parametrize("kind", ["redis_server", "mariadb"])
def test_a_password_of_an_abandoned_rotation_goes_with_the_next_one(
    house: House, kind: str, request: pytest.FixtureRequest
) -> None:
    """Where passwords are a list, one that was set before somebody abandoned the rotation logs in until then. There is
    never more than one: with several a client of MariaDB gives up before it is asked for its own.
    """
    server: Any = request.getfixturevalue(kind)
    user = server.new_user() if kind == "redis_server" else server.new_account()
    rotator = "redis-acl" if kind == "redis_server" else "mariadb-single-user"
    name = house.adopt(server, user, rotator=rotator, admin=server.superuser)
    abandoned = []
    for number in range(3):
        reached: list[str] = []

        def strike(effect: str, reached: list[str] = reached, number: int = number) -> None:
            if effect == "set_secret: after" and not reached:
                reached.append(effect)
                edit(house, name, note=number)

        with effects(strike):
            report = house.rotate(name)
        assert (reached, report.status) == (["set_secret: after"], Status.ABANDONED)
        value = house.manager.get_secret_value(
            **ME, secret_id=name, version_id=report.token
        ).value.fields()
        abandoned.append(user.with_password(value["password"]))
        assert server.can_log_in(user)
        assert [server.can_log_in(each) for each in abandoned[:-1]] == [False] * number

    assert house.rotate(name).status is Status.GRACE
    house.engine().retire(name, **ME)

    assert not any(server.can_log_in(each) for each in (user, *abandoned))
    assert server.can_log_in(user.with_password(house.fields(name)["password"]))
    assert not list(filter(None, differences(house.store)))


def test_what_an_abandoned_rotation_has_set_keeps_no_deleted_secret(
    house: House, redis_server: RedisServer
) -> None:
    """No rotation comes any more that could take it away, so the secret is purged, and the record names the version."""
    user = redis_server.new_user()
    name = house.adopt(redis_server, user, rotator="redis-acl", admin=redis_server.superuser)

    def strike(effect: str) -> None:
        if effect == "set_secret: after":
            house.manager.delete_secret(**ME, secret_id=name)

    with effects(strike):
        report = house.rotate(name)
    assert report.status is Status.ABANDONED
    with house.store.write() as tx:
        secrets.update(tx, row_id(tx, name), purge_at=tx.now - timedelta(days=1))

    assert house.manager.purge(**ME, limit=10) == 1

    with house.store.read() as tx:
        last = tx.connection.execute(
            select(audit.c.detail)
            .where(audit.c.event == "EndSecretVersionDelete")
            .order_by(audit.c.seq.desc())
            .limit(1)
        ).scalar_one()
    assert last["unretired"] == [report.token]


def test_a_redis_user_keeps_no_password_of_an_edited_secret(
    house: House, redis_server: RedisServer
) -> None:
    """There passwords are a list, so one that is forgotten would stay for ever."""
    user = redis_server.new_user(rules=("~*", "+@read", "+acl|whoami"))
    name = house.adopt(redis_server, user, rotator="redis-acl", admin=redis_server.superuser)
    house.rotate(name)
    edit(house, name, note="hello")

    report = house.engine().retire(name, **ME)

    assert report is not None
    assert report.status is Status.SUCCEEDED, report.failure
    assert not redis_server.can_log_in(user)


def test_a_password_set_by_hand_takes_the_place_of_the_new_one(
    house: House, mariadb: MysqlDatabase
) -> None:
    """The old one and the rotation's own are both left-overs then, and both go."""
    name, account = adopted(house, mariadb)
    house.rotate(name)
    made = house.role(name)
    mariadb.execute(
        f"ALTER USER {account.spec} IDENTIFIED VIA mysql_native_password USING PASSWORD('By-hand-1')"
        f" OR mysql_native_password USING PASSWORD('{account.password}')"
        f" OR mysql_native_password USING PASSWORD('{made.password}')"
    )
    edit(house, name, password="By-hand-1")

    report = house.engine().retire(name, **ME)

    assert report is not None
    assert report.status is Status.SUCCEEDED, report.failure
    for password in (account.password, made.password):
        assert not mariadb.can_log_in(Account(name=account.name, password=password))
    assert mariadb.can_log_in(Account(name=account.name, password="By-hand-1"))


def refusing(steps: object, rotation: Rotation) -> None:
    del steps, rotation
    raise TargetRefused("not now")


def test_a_password_that_could_not_be_retired_goes_with_the_next_rotation(
    house: House, mariadb: MysqlDatabase, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Its version stays pinned through puts and failed rotations, until a rotation has taken it away."""
    name, account = adopted(house, mariadb)
    house.rotate(name)
    with monkeypatch.context() as patch:
        patch.setattr(SingleUserSteps, "retire_secret", refusing)
        failed = house.engine().retire(name, **ME)
    assert failed is not None
    assert failed.status is Status.UNRETIRED
    edit(house, name, note="hello")
    with monkeypatch.context() as patch:
        patch.setattr(SingleUserSteps, "preflight", refusing)
        assert house.rotate(name).status is Status.FAILED
    assert mariadb.can_log_in(account)

    report = house.engine().rotate(name, **ME, compromised=True)

    assert report.status is Status.SUCCEEDED, report.failure
    assert not mariadb.can_log_in(account)
    assert [found for found in differences(house.store) if found is not None] == []


def test_several_passwords_that_could_not_be_retired_all_go(
    house: House, mariadb: MysqlDatabase, monkeypatch: pytest.MonkeyPatch
) -> None:
    """After two retirements in a row that failed the next rotation takes away what both have left."""
    name, _ = adopted(house, mariadb)
    left = []
    with monkeypatch.context() as patch:
        patch.setattr(SingleUserSteps, "retire_secret", refusing)
        for _ in range(2):
            left.append(house.role(name))
            house.rotate(name)
            report = house.engine().retire(name, **ME)
            assert report is not None
            assert report.status is Status.UNRETIRED
    assert mariadb.can_log_in(left[1])

    report = house.engine().rotate(name, **ME, compromised=True)

    assert report.status is Status.SUCCEEDED, report.failure
    for old in left:
        assert not mariadb.can_log_in(old)
    assert mariadb.can_log_in(house.role(name))


def test_several_passwords_of_a_redis_user_all_go(
    house: House, redis_server: RedisServer, monkeypatch: pytest.MonkeyPatch
) -> None:
    """There too; and where the rotation that could take them away fails, they are still known to the next."""
    user = redis_server.new_user(rules=("~*", "+@read", "+acl|whoami"))
    name = house.adopt(redis_server, user, rotator="redis-acl", admin=redis_server.superuser)
    left = []
    with monkeypatch.context() as patch:
        patch.setattr(RedisSteps, "retire_secret", refusing)
        for _ in range(2):
            left.append(user.with_password(house.role(name).password))
            house.rotate(name)
            house.engine().retire(name, **ME)
    with monkeypatch.context() as patch:
        patch.setattr(RedisSteps, "preflight", refusing)
        assert house.rotate(name).status is Status.FAILED
    assert redis_server.can_log_in(left[1])

    report = house.engine().rotate(name, **ME, compromised=True)

    assert report.status is Status.SUCCEEDED, report.failure
    for old in left:
        assert not redis_server.can_log_in(old)


def test_a_failed_rotation_hides_no_old_password(
    house: House, mysql: MysqlDatabase, monkeypatch: pytest.MonkeyPatch
) -> None:
    """What could not be retired is found by `retire` after a later rotation has failed too."""
    name, account = adopted(house, mysql)
    house.rotate(name)
    with monkeypatch.context() as patch:
        patch.setattr(SingleUserSteps, "retire_secret", refusing)
        house.engine().retire(name, **ME)
    with monkeypatch.context() as patch:
        patch.setattr(SingleUserSteps, "preflight", refusing)
        assert house.rotate(name).status is Status.FAILED

    report = house.engine().retire(name, **ME)

    assert report is not None
    assert report.status is Status.SUCCEEDED, report.failure
    assert not mysql.can_log_in(account)
    assert house.engine().retire(name, **ME) is None
    assert house.rotate(name).status is Status.GRACE


def taking_turns(house: House, pg: DatabaseServer) -> tuple[str, Role]:
    role = pg.new_role()
    return house.adopt(pg, role, rotator=ALTERNATING, admin=pg.superuser), role


def test_a_compromised_password_never_comes_back(
    house: House, pg16: DatabaseServer, monkeypatch: pytest.MonkeyPatch
) -> None:
    """One failed rotation after the other is taken back, and none of them gives it back."""
    name, role = taking_turns(house, pg16)
    assert house.engine().rotate(name, **ME, compromised=True).status is Status.SUCCEEDED

    with monkeypatch.context() as patch:
        patch.setattr(AlternatingUsers, "test_secret", refusing)
        for _ in range(2):
            assert house.rotate(name).status is Status.FAILED
            assert not pg16.can_log_in(role)

    assert house.rotate(name).status is Status.SUCCEEDED


def test_a_password_that_was_cut_off_before_a_failure_does_not_come_back(
    house: House, pg16: DatabaseServer, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Where its sessions could not be ended the retirement has failed, but the password is dead and stays so."""
    name, role = taking_turns(house, pg16)

    def not_allowed(rotator: object, rotation: Rotation, uses: object) -> None:
        del rotator, rotation, uses
        raise TargetRefused("may not end them")

    with monkeypatch.context() as patch, pg16.connect(role):
        patch.setattr(AlternatingUsers, "end_use", not_allowed)
        failed = house.engine().rotate(name, **ME, compromised=True)
        assert failed.status is Status.UNRETIRED
        patch.setattr(AlternatingUsers, "test_secret", refusing)
        assert house.rotate(name).status is Status.FAILED

    assert not pg16.can_log_in(role)


def test_an_old_value_that_does_not_open_holds_nothing_up(
    house: House, pg16: DatabaseServer
) -> None:
    """The retirement ends visibly, and the next rotation goes on from the value that opens."""
    name, role = taking_turns(house, pg16)
    assert house.rotate(name).status is Status.SUCCEEDED
    old = house.labels(name)["AWSPREVIOUS"]
    with house.store.write() as tx:
        damaged = update(versions).where(versions.c.version_id == old)
        tx.execute(damaged, {"ciphertext": b"x" * 40})

    with pytest.raises(DecryptionFailure):
        house.engine().retire(name, **ME)

    assert house.history(name)[0].status == Status.UNRETIRED
    assert pg16.can_log_in(role)
    assert house.rotate(name).status is Status.SUCCEEDED
    assert not pg16.can_log_in(role)


def test_a_compromised_secret_is_not_rotated_to_a_value_that_somebody_staged(
    house: House, pg16: DatabaseServer
) -> None:
    """A left AWSPENDING may be known to whoever knows the old password: a new one is made."""
    name, role = taking_turns(house, pg16)
    staged = SecretValue.from_json(house.fields(name) | {"password": "Known-to-others-1"})
    house.manager.put_secret_value(
        **ME, secret_id=name, value=staged, version_stages=["AWSPENDING"]
    )

    report = house.engine().rotate(name, **ME, compromised=True)

    assert report.status is Status.SUCCEEDED, report.failure
    assert house.fields(name)["password"] != "Known-to-others-1"
    assert "AWSPENDING" not in house.labels(name)
    assert not pg16.can_log_in(role)
    assert [found for found in differences(house.store) if found is not None] == []


def test_a_compromised_secret_is_not_rotated_to_what_an_earlier_rotation_left(
    house: House, pg16: DatabaseServer, monkeypatch: pytest.MonkeyPatch
) -> None:
    """What it may have set is taken away from the target first."""
    name, role = taking_turns(house, pg16)
    with monkeypatch.context() as patch:
        patch.setattr(AlternatingUsers, "test_secret", refusing)
        patch.setattr(AlternatingUsers, "revert_secret", refusing)
        assert house.rotate(name).status in {Status.DIVERGED, Status.UNVERIFIED}
    left = house.role(name, "AWSPENDING")
    assert pg16.can_log_in(left)

    report = house.engine().rotate(name, **ME, compromised=True)

    assert report.status is Status.SUCCEEDED, report.failure
    assert house.role(name) != left
    for old in (left, role):
        assert not pg16.can_log_in(old)
    assert pg16.can_log_in(house.role(name))


def test_a_deleted_secret_goes_though_nobody_can_retire_its_old_password(
    house: House, pg16: DatabaseServer
) -> None:
    """With its admin secret gone too the retirement ends visibly, once, and the secret is purged."""
    options = RotationOptions(grace=3600.0)
    name = house.adopt(
        pg16, pg16.new_role(), rotator=ALTERNATING, admin=pg16.superuser, options=options
    )
    assert house.rotate(name).status is Status.GRACE
    admin = house.fields(name)["masterarn"]
    arn = house.manager.describe_secret(**ME, secret_id=name).arn
    for each in (arn, admin):
        house.manager.delete_secret(**ME, secret_id=each, force_without_recovery=True)
    assert house.manager.purge(**ME, limit=100) == 0

    report = house.engine().retire(arn, **ME)

    assert report is not None
    assert report.status is Status.UNRETIRED
    assert report.failure is not None
    assert "admin secret" in report.failure.message
    assert house.engine().retirable(caller=ME["caller"]) == ()
    assert house.manager.purge(**ME, limit=100) == 1


def test_a_rotator_that_is_gone_holds_no_rotation_up(house: House, pg16: DatabaseServer) -> None:
    """Its retirement ends visibly, and the rotator that the secret has by now rotates on."""
    options = RotationOptions(grace=3600.0)
    name = house.adopt(
        pg16, pg16.new_role(), rotator=ALTERNATING, admin=pg16.superuser, options=options
    )
    old = house.role(name)
    assert house.rotate(name).status is Status.GRACE
    with house.store.write() as tx:
        # The lease of a run that a crash ended, before the machine was started anew.
        tx.execute(
            update(rotations), {"rotator": "uninstalled-plugin", "lease_epoch": "the boot before"}
        )

    report = house.engine().rotate(name, **ME, compromised=True)

    assert report.status is Status.SUCCEEDED, report.failure
    assert not pg16.can_log_in(old)
    given_up = house.history(name)[1]
    assert (given_up.status, given_up.lease_epoch) == (Status.UNRETIRED, None)
    assert [found for found in differences(house.store) if found is not None] == []


@pytest.mark.parametrize("how", ["retire", "retire --due", "daemon"])
def test_a_retirement_whose_rotator_is_gone_ends_visibly(
    house: House, pg16: DatabaseServer, how: str
) -> None:
    """It ends once, says which credential was left and what to do, and goes on when the rotator is there again."""
    name = in_grace(house, pg16)
    old, new = house.role(name, "AWSPREVIOUS"), house.role(name)
    left = house.labels(name)["AWSPREVIOUS"]
    rotator_of(house, name, "uninstalled-plugin")
    engine = house.engine(parks=how == "daemon")
    if how == "daemon":
        report = engine.run_due(name, **ME)
    else:
        report = engine.retire(name, **ME, due_only=how == "retire --due")

    assert report is not None
    assert report.status is Status.UNRETIRED
    assert report.failure is not None
    assert "uninstalled-plugin" in report.failure.message
    assert left in report.failure.message
    assert report.failure.hint
    assert engine.retirable(caller=ME["caller"]) == ()
    assert pg16.can_log_in(old)
    assert [found for found in differences(house.store) if found is not None] == []
    with pytest.raises(ResourceNotFound):
        engine.retire(name, **ME)

    rotator_of(house, name, ALTERNATING)
    again = engine.retire(name, **ME)
    assert again is not None
    assert again.status is Status.SUCCEEDED, again.failure
    assert [pg16.can_log_in(each) for each in (old, new)] == [False, True]


def test_what_is_current_again_is_not_left_over_though_its_rotator_is_gone(
    house: House, pg16: DatabaseServer
) -> None:
    """AWSCURRENT went back in the grace period: there is nothing to retire, so nothing is called left."""
    name = in_grace(house, pg16)
    at = house.labels(name)
    house.manager.update_secret_version_stage(
        **ME,
        secret_id=name,
        version_stage="AWSCURRENT",
        move_to_version_id=at["AWSPREVIOUS"],
        remove_from_version_id=at["AWSCURRENT"],
    )
    rotator_of(house, name, "uninstalled-plugin")

    report = house.engine().retire(name, **ME)

    assert report is not None
    assert report.status is Status.ABANDONED
    assert pg16.can_log_in(house.role(name))


def in_grace(house: House, server: DatabaseServer) -> str:
    """A secret whose old credential has had its grace, and is not retired yet."""
    options = RotationOptions(grace=3600.0)
    name = house.adopt(
        server, server.new_role(), rotator=ALTERNATING, admin=server.superuser, options=options
    )
    assert house.rotate(name).status is Status.GRACE
    with house.store.write() as tx:
        row = house.history(name)[0]
        over = {"next_attempt_at": tx.now - timedelta(minutes=1)}
        rotation_rows.update_fenced(tx, row.id, fencing=row.fencing, columns=over)
    return name


def rotator_of(house: House, name: str, rotator: str) -> None:
    """Says that this one has begun the last rotation."""
    with house.store.write() as tx:
        tx.execute(
            update(rotations).where(rotations.c.id == house.history(name)[0].id),
            {"rotator": rotator},
        )


def test_a_grace_period_ends_with_the_recovery_window(house: House, pg16: DatabaseServer) -> None:
    """A deleted secret's old credential is due to be retired when the secret is to go, however long its grace."""
    options = RotationOptions(grace=300 * 86_400.0)
    name = house.adopt(
        pg16, pg16.new_role(), rotator=ALTERNATING, admin=pg16.superuser, options=options
    )
    assert house.rotate(name).status is Status.GRACE
    gone = house.manager.delete_secret(**ME, secret_id=name, recovery_window_in_days=7)
    assert house.history(name)[0].next_attempt_at == gone.deletion_date
    assert house.engine().retirable(caller=ME["caller"]) == ()

    house.manager.restore_secret(**ME, secret_id=name)
    house.manager.delete_secret(**ME, secret_id=name, force_without_recovery=True)
    old = house.role(name, "AWSPREVIOUS")
    assert house.engine().retirable(caller=ME["caller"], of_deleted=True) == (gone.arn,)
    report = house.engine(parks=True).run_due(gone.arn, **ME)
    assert report is not None
    assert report.status is Status.SUCCEEDED, report.failure
    assert not pg16.can_log_in(old)
    assert house.manager.purge(**ME, limit=100) == 1
    assert [found for found in differences(house.store) if found is not None] == []
