"""The example functions rotate real servers, as files on this machine and over the Lambda Invoke API."""

import json
import uuid

from rotator.model.rotation import Status
from tests.integration.functions.conftest import Way
from tests.support.api import served
from tests.support.hosted import EXAMPLES, HostedHouse, hosting
from tests.support.house import House
from tests.support.lambda_service import arn_of
from tests.support.manager import THE_ENGINE
from tests.support.mysql import Account, MysqlDatabase
from tests.support.postgres import DatabaseServer, Role


def _rotated(house: HostedHouse, name: str) -> dict[str, str]:
    before = house.fields(name)
    report = house.rotate(name)
    assert report.status is Status.SUCCEEDED, report.failure
    assert house.fields(name, "AWSPREVIOUS") == before
    assert house.value_at(name, "AWSPENDING") is None
    return house.fields(name)


def test_postgresql_single_user(house: House, pg16: DatabaseServer, way: Way) -> None:
    """A user changes its own password: the new one logs in, the old one doesn't, and no log has either."""
    role = pg16.new_role()
    with way(house, "postgresql_single_user") as (hosted, rotator):
        now = _rotated(hosted, hosted.adopt(pg16, role, rotator=rotator))
    assert pg16.can_log_in(Role(name=role.name, password=now["password"]))
    assert not pg16.can_log_in(role)
    assert now["password"] not in pg16.log_text()


def test_postgresql_alternating_users(house: House, pg16: DatabaseServer, way: Way) -> None:
    """Two users take turns: the one before goes on logging in, and the clone may do what the first one may."""
    role, group = pg16.new_role(), pg16.new_role("owners", attributes="NOLOGIN")
    pg16.execute(f'GRANT "{group.name}" TO "{role.name}"')
    with way(house, "postgresql_alternating_users") as (hosted, rotator):
        name = hosted.adopt(pg16, role, rotator=rotator, admin=pg16.superuser)
        clone = _rotated(hosted, name)
        assert clone["username"] == f"{role.name}_clone"
        assert pg16.can_log_in(role)
        with pg16.connect(Role(name=clone["username"], password=clone["password"])) as session:
            session.execute(f'SET ROLE "{group.name}"')
        if rotator.startswith("arn:"):  # the second turn is the same function's, by either way
            again = _rotated(hosted, name)
            assert again["username"] == role.name
            assert pg16.can_log_in(Role(name=role.name, password=again["password"]))
            assert not pg16.can_log_in(role)


def test_mysql_single_user(house: House, mysql: MysqlDatabase, way: Way) -> None:
    """A user changes its own password: the new one logs in, the old one doesn't."""
    account = mysql.new_account()
    with way(house, "mysql_single_user") as (hosted, rotator):
        now = _rotated(hosted, hosted.adopt(mysql, account, rotator=rotator))
    assert mysql.can_log_in(account.with_password(now["password"]))
    assert not mysql.can_log_in(account)


def test_mysql_alternating_users(house: House, mysql: MysqlDatabase, way: Way) -> None:
    """Two users take turns: the one before goes on logging in, and the clone has what was granted to the first one."""
    account = mysql.new_account()
    database = mysql.new_account("db").name
    mysql.execute(f"CREATE DATABASE {database}", f"GRANT SELECT ON {database}.* TO {account.spec}")
    with way(house, "mysql_alternating_users") as (hosted, rotator):
        name = hosted.adopt(mysql, account, rotator=rotator, admin=mysql.superuser)
        clone = _rotated(hosted, name)
        assert clone["username"] == f"{account.name}_clone"
        assert mysql.can_log_in(account)
        made = Account(name=clone["username"], password=clone["password"])
        with mysql.connect(made, database=database):
            pass
        if rotator.startswith("arn:"):  # the second turn is the same function's, by either way
            again = _rotated(hosted, name)
            assert mysql.can_log_in(account.with_password(again["password"]))
            assert not mysql.can_log_in(account)


def test_rotate_secret_by_a_function(house: House, pg16: DatabaseServer) -> None:
    """RotateSecret with a function's ARN begins a rotation with the request's token; whoever looks what is due
    completes it.
    """
    role, token = pg16.new_role(), str(uuid.uuid4())
    files = {"postgresql": EXAMPLES / "postgresql_single_user.py"}
    with hosting(house, files) as hosted, served(hosted) as api:
        client = api.client()
        value = json.dumps(pg16.secret_value(role))
        name = client.create_secret(Name="db/by-function", SecretString=value)["Name"]
        asked = client.rotate_secret(
            SecretId=name,
            ClientRequestToken=token,
            RotationLambdaARN=arn_of("postgresql"),
            RotationRules={"AutomaticallyAfterDays": 3},
        )
        assert asked["VersionId"] == token
        report = hosted.engine(parks=True).run_due(name, **THE_ENGINE)
        assert report is not None
        assert report.status is Status.SUCCEEDED, report.failure
        described = client.describe_secret(SecretId=name)
        assert described["VersionIdsToStages"][token] == ["AWSCURRENT"]
        now = json.loads(client.get_secret_value(SecretId=name)["SecretString"])
    assert pg16.can_log_in(Role(name=role.name, password=now["password"]))
    assert not pg16.can_log_in(role)


def test_a_function_is_tested_before_its_first_rotation(
    house: House, pg16: DatabaseServer, way: Way
) -> None:
    """RotateSecret with RotateImmediately=false: the function tries the stored credential, and nothing is left of it;
    where that doesn't log in the audit has the reason.
    """
    role = pg16.new_role()
    with way(house, "postgresql_single_user") as (hosted, rotator), served(hosted) as api:
        client = api.client()
        value = json.dumps(pg16.secret_value(role))
        created = client.create_secret(Name="db/to-test", SecretString=value)
        asked = {"SecretId": created["ARN"], "RotateImmediately": False}
        rules = {"AutomaticallyAfterDays": 3}
        client.rotate_secret(**asked, RotationLambdaARN=rotator, RotationRules=rules)
        passed = hosted.engine(parks=True).run_due(created["ARN"], **THE_ENGINE)
        assert passed is not None
        assert passed.status is Status.SUCCEEDED, passed.failure
        pg16.execute(f"ALTER ROLE \"{role.name}\" PASSWORD 'another'")
        client.rotate_secret(**asked)
        failed = hosted.engine(parks=True).run_due(created["ARN"], **THE_ENGINE)
        described = client.describe_secret(SecretId=created["ARN"])
        versions = client.list_secret_version_ids(SecretId=created["ARN"], IncludeDeprecated=True)
    assert failed is not None
    assert failed.status is Status.FAILED
    assert failed.failure is not None
    assert "failed in testSecret" in failed.failure.message
    assert described["VersionIdsToStages"] == {created["VersionId"]: ["AWSCURRENT"]}
    assert [version["VersionId"] for version in versions["Versions"]] == [created["VersionId"]]
    assert "LastRotatedDate" not in described
