"""A user's tour of the grace period, on MySQL: set, seen, refused within, ended early, and ended by cron."""

import pytest

from tests.acceptance.conftest import SECRET
from tests.support.command import RotateCommand
from tests.support.mysql import Account, MysqlDatabase
from tests.support.waiting import eventually


@pytest.fixture
def account(mysql: MysqlDatabase) -> Account:
    """A user of an application."""
    return mysql.new_account()


@pytest.fixture
def home(rotate: RotateCommand, mysql: MysqlDatabase, account: Account) -> RotateCommand:
    """The command with a secret whose rotations overlap, for an admin changes it."""
    rotate.ok("init")
    rotate.ok("secret", "create", "db/admin", value=mysql.secret_value(mysql.superuser))
    rotate.ok("secret", "create", SECRET, value=mysql.secret_value(account))
    rotate.ok("rotation", "set", SECRET, "--rotator", "mysql-single-user", "--admin", "db/admin")
    return rotate


def current(rotate: RotateCommand, account: Account) -> Account:
    return account.with_password(rotate.reveal(SECRET)["password"])


def test_the_grace_period_as_a_user_sees_it(
    home: RotateCommand, mysql: MysqlDatabase, account: Account
) -> None:
    """Within it status says until when and `now` is refused with the way out; --end-grace, --compromised and
    `retire --due` each leave the passwords that they promise.
    """
    home.ok("rotation", "set", SECRET, "--grace", "1h30m")
    assert "retire: 1h30m later" in home.ok("plan", SECRET).out
    assert "old credential logs in until" in home.ok("now", SECRET).out
    second = current(home, account)
    assert mysql.can_log_in(account)
    assert mysql.can_log_in(second)

    status = home.ok("status", SECRET).out
    assert "rotated, in grace until" in status
    assert "rotate retire --due" in status
    refused = home("now", SECRET)
    assert refused.code == 4
    assert f"rotate now {SECRET} --end-grace" in refused.out + refused.err
    assert current(home, account) == second
    due = home.ok("retire", "--due")
    assert due.out == "Nothing is to be retired.\n"
    assert mysql.can_log_in(account)

    home.ok("now", SECRET, "--end-grace")
    third = current(home, account)
    assert [mysql.can_log_in(each) for each in (account, second, third)] == [False, True, True]

    home.ok("rotation", "set", SECRET, "--grace", "1s")
    home.ok("now", SECRET, "--compromised")
    fourth = current(home, account)
    assert [mysql.can_log_in(each) for each in (second, third, fourth)] == [False, False, True]
    assert "grace" not in home.ok("status", SECRET).out

    home.ok("now", SECRET)
    fifth = current(home, account)
    retired: list[str] = []

    def has_retired() -> bool:
        retired.append(home.ok("retire", "--due").out)
        return retired[-1] != due.out

    assert eventually(has_retired)
    assert f"{SECRET}: old credential retired" in retired[-1]
    assert [mysql.can_log_in(each) for each in (fourth, fifth)] == [False, True]
    shown = "".join(home.shown)
    for each in (account, second, third, fourth, fifth, mysql.superuser):
        assert each.password not in shown


def test_what_is_purged_leaves_no_old_password_alive(
    home: RotateCommand, mysql: MysqlDatabase, account: Account
) -> None:
    """A deletion by force ends the grace period: `purge` retires the old password first, and the secret is gone."""
    home.ok("now", SECRET)
    new = current(home, account)
    home.ok("secret", "delete", SECRET, "--force", "--yes")
    planned = home.json("secret", "purge", "--dry-run")
    assert planned["overdue"] == [SECRET]
    assert len(planned["retirable"]) == 1
    assert "Nothing was removed." in home.ok("secret", "purge", "--dry-run").out
    assert mysql.can_log_in(account)

    purged = home.ok("secret", "purge").out

    assert f"{SECRET}: old credential retired" in purged
    assert "1 secret removed for good." in purged
    assert home("secret", "describe", SECRET).code == 3
    assert [mysql.can_log_in(each) for each in (account, new)] == [False, True]


def test_what_is_purged_tells_which_old_password_it_leaves(
    home: RotateCommand, mysql: MysqlDatabase, account: Account
) -> None:
    """Where nobody can retire it any more the secret goes all the same, with exit code 6 and a record."""
    home.ok("now", SECRET)
    old = home.json("secret", "describe", SECRET)["versions"]
    (left,) = [version for version, labels in old.items() if "AWSPREVIOUS" in labels]
    for name in (SECRET, "db/admin"):
        home.ok("secret", "delete", name, "--force", "--yes")

    purged = home("secret", "purge")

    assert purged.code == 6
    assert left in purged.out
    assert "admin secret" in purged.out
    assert "1 secret removed for good." in purged.out
    (record,) = [
        each
        for each in home.json("audit", "show", "--event", "EndSecretVersionDelete")["records"]
        if each["detail"].get("unretired")
    ]
    assert record["detail"]["unretired"] == [left]
    assert mysql.can_log_in(account)


def test_a_grace_period_for_all_secrets_of_a_rotator(
    home: RotateCommand, mysql: MysqlDatabase, account: Account
) -> None:
    """The configuration gives it by an alias, plan and show tell it, and what a secret sets goes before it."""
    config = home.home / "config.yaml"
    config.write_text("rotation: {grace_of: {SecretsManagerRDSMySQLRotationSingleUser: 0}}")
    config.chmod(0o600)
    assert "retire: at once" in home.ok("plan", SECRET).out
    assert "rotation.grace_of" in home.ok("rotation", "show", SECRET).out
    home.ok("now", SECRET)
    assert not mysql.can_log_in(account)

    shown = home.json("rotation", "set", SECRET, "--grace", "30m")
    assert (shown["rotation"]["options"]["grace"], shown["grace_of_rotator"]) == (1800.0, 0.0)
    assert "retire: 30m later" in home.ok("plan", SECRET).out

    config.write_text("rotation: {grace_of: {mysql-singel-user: 0}}")
    for arguments in (("now", SECRET), ("doctor",)):
        refused = home(*arguments)
        assert refused.code == 2
        told = refused.out + refused.err
        assert "rotation.grace_of.mysql-singel-user: there is no such rotator" in told
        assert "mysql-single-user" in told
