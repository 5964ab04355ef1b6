"""`rotate function …`, and a rotation by a registered function without a daemon."""

import json
from pathlib import Path

from tests.acceptance.conftest import SECRET
from tests.support.api import KEYS, client_of, served
from tests.support.command import RotateCommand
from tests.support.daemons import ANY_PORT, Daemons
from tests.support.hosted import EXAMPLES
from tests.support.house import House
from tests.support.lambda_service import arn_of, lambda_service
from tests.support.postgres import DatabaseServer, Role
from tests.support.store import only_sqlite


def test_a_function_is_registered_and_rotates(
    rotate: RotateCommand, pg18: DatabaseServer, role: Role
) -> None:
    """After `function add` a secret can be given to it, and `rotate now` serves it the API by itself."""
    rotate.ok("init")
    rotate.ok("function", "add", "billing-db", str(EXAMPLES / "postgresql_single_user.py"))
    rotate.ok("secret", "create", SECRET, value=pg18.secret_value(role))
    rotate.ok("rotation", "set", SECRET, "--rotator", "billing-db")
    rotate.ok("now", SECRET)
    fields = json.loads(rotate.ok("secret", "get", SECRET, "--reveal").out)
    assert fields["password"] != role.password
    assert pg18.can_log_in(Role(name=role.name, password=fields["password"]))
    assert not pg18.can_log_in(role)
    assert rotate("audit", "verify").code == 0


def test_a_function_that_can_not_be_run_is_not_registered(rotate: RotateCommand) -> None:
    """Neither a file nor an interpreter that is not there can be chosen by mistake."""
    rotate.ok("init")
    example = str(EXAMPLES / "postgresql_single_user.py")
    for given in (["/nowhere.py"], [example, "--interpreter", "/nowhere/python"]):
        refused = rotate("function", "add", "mine", *given)
        assert refused.code == 2
        assert "There is no file /nowhere" in refused.err
    assert rotate.json("function", "list") == {"functions": {}}


@only_sqlite
def test_a_daemon_rotates_by_functions(
    daemons: Daemons, house: House, pg18: DatabaseServer
) -> None:
    """What is due is rotated by a file on this machine and by a function elsewhere; then the daemon makes the test that
    an SDK asks for, and nothing is left of it.
    """
    rotate, example = daemons.command, EXAMPLES / "postgresql_single_user.py"
    names = {"db/here": "billing-db", "db/there": arn_of("payments-db")}
    with served(house) as api:
        environment = {
            "SECRETS_MANAGER_ENDPOINT": api.url,
            "AWS_ACCESS_KEY_ID": KEYS.access_key,
            "AWS_SECRET_ACCESS_KEY": KEYS.secret_key,
        }
        with lambda_service({"payments-db": example}, environment) as service:
            elsewhere = service.options()
            for key in ("endpoint", "region", "access_key_id", "secret_access_key"):
                rotate.environment[f"ROTATOR_LAMBDA_{key.upper()}"] = elsewhere[key]
            rotate.ok("function", "add", "billing-db", str(example))
            roles = {name: pg18.new_role() for name in names}
            for name, function in names.items():
                rotate.ok("secret", "create", name, value=pg18.secret_value(roles[name]))
                rotate.ok("rotation", "set", name, "--rotator", function)
                house.make_due(name)
            daemon = daemons.start(**ANY_PORT)
            for name in names:
                assert daemon.says("rotation.ended", secret_name=name, status="succeeded")
            now = {name: house.role(name) for name in names}
            for name, role in roles.items():
                assert now[name] != role
                assert pg18.can_log_in(now[name])
                assert not pg18.can_log_in(role)
            assert daemon.says("health.listening")
            port = daemon.events("health.listening")[0]["port"]
            client = client_of(f"http://127.0.0.1:{port}")
            before = house.labels("db/here")
            client.rotate_secret(SecretId="db/here", RotateImmediately=False)
            assert daemon.says("test.ended", secret_name="db/here", status="succeeded")
            assert house.labels("db/here") == before
            log = "\n".join(map(str, daemon.stop()))
    assert not any(role.password in log for role in (*roles.values(), *now.values()))
    assert "passed the test" in rotate.ok("status", "db/here").out
    assert "test succeeded" in rotate.ok("history", "db/here").out
    assert rotate("audit", "verify").code == 0


def test_the_register_is_kept(rotate: RotateCommand, tmp_path: Path) -> None:
    """What was added is listed, replaced and removed; names of others and missing files are refused."""
    rotate.ok("init")
    assert "no rotation function" in rotate.ok("function", "list").out
    first, second = tmp_path / "first.py", tmp_path / "second.py"
    for file in (first, second):
        file.write_text("def lambda_handler(event, context): ...\n")
        rotate.ok("function", "add", "mine", str(file), "--environment", "DB_CA_FILE")
    (listed,) = rotate.json("function", "list")["functions"].items()
    assert listed[0] == "mine"
    assert listed[1]["file"] == str(second)
    assert listed[1]["environment"] == ["DB_CA_FILE"]
    assert any(each["name"] == "mine" for each in rotate.json("plugins")["rotators"])
    for refused in (
        ("add", "generic-password", str(first)),
        ("add", "no/name", str(first)),
        ("add", "gone", str(tmp_path / "gone.py")),
        ("add", "greedy", str(first), "--environment", "AWS_PROFILE"),
    ):
        assert rotate("function", *refused).code == 2, refused
    assert rotate("function", "remove", "unknown").code == 3
    rotate.ok("function", "remove", "mine")
    assert rotate.json("function", "list") == {"functions": {}}


def test_doctor_tells_of_an_alias_that_hides_a_function(rotate: RotateCommand) -> None:
    """A function elsewhere is never invoked whose name a rotator here has as an alias; one of another name is."""
    rotate.ok("init")
    arn = "arn:aws:lambda:eu-central-1:123456789012:function:SecretsManagerRDSPostgreSQLRotationSingleUser"
    value = {"engine": "postgres", "host": "db.test", "username": "app", "password": "first"}
    rotate.ok("secret", "create", "db", value=value)
    rotate.ok("rotation", "set", "db", "--rotator", arn)
    assert "not invoked" not in rotate.ok("doctor").out
    rotate.environment["ROTATOR_LAMBDA_REGION"] = "eu-central-1"
    told = rotate.ok("doctor").out
    assert f"{arn}, which db names, is not invoked" in told
    assert "alias of postgresql-single-user" in told
