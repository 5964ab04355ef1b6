"""A user's tour with MySQL and MariaDB: the same commands, and what a plan says of them."""

from tests.support.command import RotateCommand
from tests.support.mysql import Account, MysqlDatabase

SECRET = "db/app"


def test_a_tour_with_an_admin(rotate: RotateCommand, either: MysqlDatabase) -> None:
    """The plan tells the overlap and hides every password; after `now` both passwords log in, and verify is content."""
    account = either.new_account()
    here = either.new_account(name=account.name, host="10.%")
    rotate.ok("init")
    rotate.ok("secret", "create", "db/admin", value=either.secret_value(either.superuser))
    rotate.ok("secret", "create", SECRET, value=either.secret_value(account))
    name = f"{either.engine}-single-user"
    rotate.ok("rotation", "set", SECRET, "--rotator", name, "--admin", "db/admin")
    rotate.ok("rotation", "set", SECRET, "--setting", f"accounts={account.name}@%")

    plan = rotate.ok("plan", SECRET).out
    assert "ALTER USER" in plan
    assert "until the old one is retired" in plan
    assert here.spec in " ".join(plan.split())
    rotate.ok("now", SECRET)

    new = Account(name=account.name, password=rotate.reveal(SECRET)["password"])
    assert new.password != account.password
    assert either.can_log_in(new)
    assert either.can_log_in(account)
    rotate.ok("verify", SECRET)
    shown = "".join(rotate.shown)
    for password in (account.password, new.password, either.superuser.password):
        assert password not in shown


def test_the_names_of_awss_templates(rotate: RotateCommand, either: MysqlDatabase) -> None:
    """AWS's function names are names of these rotators too, and a plan without an admin says what would allow more."""
    account = either.new_account()
    product = "MariaDB" if either.mariadb else "MySQL"
    rotate.ok("init")
    rotate.ok("secret", "create", SECRET, value=either.secret_value(account))
    rotate.ok(
        "rotation", "set", SECRET, "--rotator", f"SecretsManagerRDS{product}RotationSingleUser"
    )
    plan = rotate.ok("plan", SECRET).out
    assert "GRANT" in plan
    assert f"'{account.name}'@'%' alone" in " ".join(plan.split())
