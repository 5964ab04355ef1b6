"""The alternating-users rotators of MySQL and MariaDB on real servers: turns, tests, reverts, retirement, refusals."""

import secrets
from dataclasses import replace
from typing import Any

import pymysql
import pytest

import rotators.mariadb
import rotators.mysql
from rotator.sdk import (
    Candidate,
    Misconfigured,
    NotSupported,
    Overlap,
    Proof,
    Rotator,
    TargetRefused,
)
from tests.integration.mysql.support import account_of, by_admin, current, value
from tests.support.mysql import Account, MysqlDatabase, literal, unique_name
from tests.support.rotations import (
    Values,
    attempt,
    preflight,
    refusals,
    rotate,
    rotation_of,
    warnings,
    with_pending,
)


def kind_of(server: MysqlDatabase) -> type[Rotator]:
    return rotators.mariadb.AlternatingUsers if server.mariadb else rotators.mysql.AlternatingUsers


def clone_of(account: Account, host: str | None = None) -> Account:
    return Account(name=f"{account.name}_clone", password="?", host=host or account.host)


def turn(server: MysqlDatabase, values: Values, **fields: Any) -> Values:
    """One whole rotation by the superuser."""
    return rotate(kind_of(server), values, **by_admin(server) | fields)


def started(
    server: MysqlDatabase, account: Account, *, rotations: int = 0, **fields: Any
) -> tuple[Values, dict[str, Any]]:
    """Values with a pending one after some rotations, and the fields of the step."""
    values = current(server, account)
    for _ in range(rotations):
        values = turn(server, values, **fields)
    step = by_admin(server) | {"overlap": Overlap.ALTERNATING} | fields
    return with_pending(kind_of(server), values), step


def test_users_take_turns_and_the_old_login_stays(either: MysqlDatabase) -> None:
    """Each of three rotations leaves the new and the last login valid, on u_clone, u, u_clone."""
    account = either.new_account()
    values = current(either, account)
    users = []
    for _ in range(3):
        values = turn(either, values)
        users.append(account_of(values, Candidate.CURRENT).name)
        assert either.can_log_in(account_of(values, Candidate.CURRENT))
        assert either.can_log_in(account_of(values, Candidate.PREVIOUS))
    assert users == [clone_of(account).name, account.name, clone_of(account).name]
    assert not either.can_log_in(account)


def test_users_take_turns_over_tls(either: MysqlDatabase) -> None:
    """Accounts that REQUIRE SSL rotate over TLS, and the clone requires it too."""
    account = either.new_account(options="REQUIRE SSL")
    fields = {"ssl": True, "host": "localhost"}
    values = rotate(
        kind_of(either),
        current(either, account, **fields),
        admin=value(either, either.superuser, **fields),
        trust=str(either.ca_file),
    )
    made = account_of(values, Candidate.CURRENT)
    assert either.can_log_in(made, tls=True)
    assert not either.can_log_in(made)


def test_preflight_shows_what_would_be_run(either: MysqlDatabase) -> None:
    """The plan is the statements themselves, with no password or hash in them, and nothing is changed."""
    account = either.new_account()
    either.execute(f"GRANT SELECT ON *.* TO {account.spec}")
    found = preflight(kind_of(either), rotation_of(current(either, account), **by_admin(either)))
    assert found.overlap is Overlap.ALTERNATING
    assert not found.refusals, found
    clone = clone_of(account)
    assert [line.split(" IDENTIFIED ")[0] for line in found.changes] == [
        f"CREATE USER {clone.spec}",
        f"GRANT SELECT ON *.* TO {clone.spec}",
        f"ALTER USER {clone.spec}",
    ]
    assert "the new password>" in found.changes[-1]
    assert found.changes[-1].endswith("ACCOUNT UNLOCK")
    assert not exists(either, clone)


def exists(server: MysqlDatabase, account: Account) -> bool:
    where = f"user = {literal(account.name)} AND host = {literal(account.host)}"
    return bool(server.execute(f"SELECT 1 FROM mysql.user WHERE {where}"))


def test_original_keeps_everything_but_its_password(either: MysqlDatabase) -> None:
    """A rotation to the original, whose clone is the same, is one statement that changes its password."""
    account = either.new_account()
    values = turn(either, current(either, account))
    found = preflight(kind_of(either), rotation_of(values, **by_admin(either)))
    assert [line.split(" IDENTIFIED ")[0] for line in found.changes] == [
        f"ALTER USER {account.spec}"
    ]


@pytest.mark.parametrize("rotations", [0, 1])
def test_set_secret_may_be_repeated(either: MysqlDatabase, rotations: int) -> None:
    """A second setSecret of a new process ends in the same state, for either user."""
    values, step = started(either, either.new_account(), rotations=rotations)
    for _ in range(2):
        with attempt(kind_of(either)) as rotator:
            rotator.set_secret(rotation_of(values, **step))
    with attempt(kind_of(either)) as rotator:
        rotator.test_secret(rotation_of(values, **step))


def test_probe_of_both_users(either: MysqlDatabase) -> None:
    """Both values log in after the change; the pending one doesn't before it."""
    values, step = started(either, either.new_account())
    rotation = rotation_of(values, **step)
    with attempt(kind_of(either)) as rotator:
        assert rotator.probe(rotation, Candidate.PENDING) is Proof.REFUSED
        rotator.set_secret(rotation)
        assert rotator.probe(rotation, Candidate.PENDING) is Proof.ACCEPTED
        assert rotator.probe(rotation, Candidate.CURRENT) is Proof.ACCEPTED


def test_all_accounts_of_the_user_take_turns(either: MysqlDatabase) -> None:
    """The clone has an account at each host where the user's has the stored password, and no other."""
    account = either.new_account(host="127.0.0.1")
    for host in ("10.%", "localhost"):
        other = either.new_account(name=account.name, host=host)
        if host == "10.%":
            either.execute(f"ALTER USER {other.spec} IDENTIFIED BY {literal(account.password)}")
    found = preflight(kind_of(either), rotation_of(current(either, account), **by_admin(either)))
    assert f"{literal(account.name)}@'localhost'" in warnings(found)
    values = current(either, account)
    for _ in range(2):
        values = turn(either, values)
    hosts = either.execute(
        f"SELECT host FROM mysql.user WHERE user = {literal(clone_of(account).name)} ORDER BY host"
    )
    assert hosts == [("10.%",), ("127.0.0.1",)]


def test_pending_counts_only_where_all_accounts_have_it(either: MysqlDatabase) -> None:
    """Where a change stopped between two accounts the pending value is refused, so that setSecret goes on."""
    account = either.new_account(host="127.0.0.1")
    other = either.new_account(name=account.name, host="10.%")
    settings = {"accounts": f"{account.name}@127.0.0.1,{account.name}@10.%"}
    values, step = started(either, account, settings=settings)
    rotation = rotation_of(values, **step)
    with attempt(kind_of(either)) as rotator:
        rotator.set_secret(rotation)
        assert rotator.probe(rotation, Candidate.PENDING) is Proof.ACCEPTED
        either.execute(f"ALTER USER {clone_of(other).spec} IDENTIFIED BY 'another'")
        assert rotator.probe(rotation, Candidate.PENDING) is Proof.REFUSED
        rotator.set_secret(rotation)
        assert rotator.probe(rotation, Candidate.PENDING) is Proof.ACCEPTED


def test_a_change_between_set_and_test_fails_the_test(either: MysqlDatabase) -> None:
    """A privilege of the original that the clone lacks is found by testSecret."""
    account = either.new_account()
    values, step = started(either, account)
    rotation = rotation_of(values, **step)
    with attempt(kind_of(either)) as rotator:
        rotator.set_secret(rotation)
        either.execute(f"GRANT PROCESS ON *.* TO {account.spec}")
        with pytest.raises(TargetRefused, match="lacks PROCESS"):
            rotator.test_secret(rotation)


def test_login_of_the_user_in_use_that_breaks_meanwhile_fails_the_test(
    either: MysqlDatabase,
) -> None:
    """Where the user in use logged in before the change and doesn't after it, testSecret fails."""
    account = either.new_account()
    values, step = started(either, account)
    with attempt(kind_of(either)) as rotator:
        rotator.preflight(rotation_of(values, **step))
        rotator.set_secret(rotation_of(values, **step))
        either.execute(f"ALTER USER {account.spec} IDENTIFIED BY 'other'")
        with pytest.raises(TargetRefused, match="refused now"):
            rotator.test_secret(rotation_of(values, **step))


def test_rotation_mends_a_secret_that_no_longer_logs_in(either: MysqlDatabase) -> None:
    """A broken login of the user in use is warned of, and doesn't keep the other user from taking over."""
    lost = either.new_account().with_password("lost")
    found = preflight(kind_of(either), rotation_of(current(either, lost), **by_admin(either)))
    assert "does not log in" in warnings(found)
    values = turn(either, current(either, lost))
    assert either.can_log_in(account_of(values, Candidate.CURRENT))


def test_revert_of_the_first_rotation_locks_the_clone(either: MysqlDatabase) -> None:
    """The clone of a failed first rotation stays, but may not log in; the next rotation takes it up again."""
    account = either.new_account()
    values, step = started(either, account)
    with attempt(kind_of(either)) as rotator:
        rotator.set_secret(rotation_of(values, **step))
        for _ in range(2):
            rotator.revert_secret(rotation_of(values, live=Candidate.PENDING, **step))
        assert rotator.probe(rotation_of(values, **step), Candidate.PENDING) is Proof.REFUSED
    clone = clone_of(account)
    assert exists(either, clone)
    assert "ACCOUNT LOCK" in str(either.execute(f"SHOW CREATE USER {clone.spec}"))
    either.execute(f"ALTER USER {clone.spec} ACCOUNT UNLOCK")
    assert not either.can_log_in(account_of(values, Candidate.PENDING))
    either.execute(f"ALTER USER {clone.spec} ACCOUNT LOCK", f"GRANT PROCESS ON *.* TO {clone.spec}")
    assert either.can_log_in(account)
    after = turn(either, {Candidate.CURRENT: values[Candidate.CURRENT]})
    assert either.can_log_in(account_of(after, Candidate.CURRENT))


def test_revert_before_anything_was_changed(either: MysqlDatabase) -> None:
    """Where the clone was never made a revert is content."""
    account = either.new_account()
    values, step = started(either, account)
    with attempt(kind_of(either)) as rotator:
        rotator.revert_secret(rotation_of(values, **step))
    assert not exists(either, clone_of(account))


@pytest.mark.parametrize("rotations", [1, 2])
def test_revert_brings_the_previous_password_back(either: MysqlDatabase, rotations: int) -> None:
    """After a failed later rotation both users have the passwords that they had before, whoever's turn it is."""
    values, step = started(either, either.new_account(), rotations=rotations)
    rotation = rotation_of(values, **step)
    with attempt(kind_of(either)) as rotator:
        rotator.set_secret(rotation)
        rotator.revert_secret(rotation)
        assert rotator.probe(rotation, Candidate.PENDING) is Proof.REFUSED
    assert either.can_log_in(account_of(values, Candidate.CURRENT))
    assert either.can_log_in(account_of(values, Candidate.PREVIOUS))
    assert not either.can_log_in(account_of(values, Candidate.PENDING))


def test_password_history_leaves_the_reverted_user_without_a_known_password(
    mysql: MysqlDatabase,
) -> None:
    """Where the server doesn't take the previous password again the new one dies all the same."""
    account = mysql.new_account()
    mysql.execute(f"ALTER USER {account.spec} PASSWORD HISTORY 5")
    mysql.execute(f"ALTER USER {account.spec} IDENTIFIED BY {literal(account.password)}")
    values, step = started(mysql, account, rotations=1)
    rotation = rotation_of(values, **step)
    with attempt(kind_of(mysql)) as rotator:
        rotator.set_secret(rotation)
        rotator.revert_secret(rotation)
    assert mysql.can_log_in(account_of(values, Candidate.CURRENT))
    assert not mysql.can_log_in(account_of(values, Candidate.PENDING))
    assert not mysql.can_log_in(account_of(values, Candidate.PREVIOUS))


@pytest.mark.parametrize("rotations", [1, 2])
def test_retired_user_is_out_until_its_next_turn(either: MysqlDatabase, rotations: int) -> None:
    """After retire the new user alone logs in, repeated or not; the next two rotations use both users again."""
    account = either.new_account()
    values = current(either, account)
    for _ in range(rotations):
        values = turn(either, values)
    retiring = {
        Candidate.CURRENT: values[Candidate.PREVIOUS],
        Candidate.PENDING: values[Candidate.CURRENT],
    }
    step = rotation_of(retiring, live=Candidate.PENDING, **by_admin(either))
    for _ in range(2):
        with attempt(kind_of(either)) as rotator:
            rotator.retire_secret(step)
            assert rotator.probe(step, Candidate.PENDING) is Proof.ACCEPTED
            assert rotator.probe(step, Candidate.CURRENT) is Proof.REFUSED
    assert not either.can_log_in(account_of(retiring, Candidate.CURRENT))
    either.execute(f"GRANT PROCESS ON *.* TO {account.spec}")
    for _ in range(2):
        values = turn(either, values)
        assert either.can_log_in(account_of(values, Candidate.CURRENT))
        assert either.can_log_in(account_of(values, Candidate.PREVIOUS))


def test_nothing_is_retired_while_the_new_user_has_another_password(
    either: MysqlDatabase,
) -> None:
    """Where the password in use isn't the new one the old user's stays valid, and the reason is told."""
    account = either.new_account()
    values = turn(either, current(either, account))
    either.execute(f"ALTER USER {clone_of(account).spec} IDENTIFIED BY 'somebody else''s'")
    retiring = {
        Candidate.CURRENT: values[Candidate.PREVIOUS],
        Candidate.PENDING: values[Candidate.CURRENT],
    }
    with attempt(kind_of(either)) as rotator, pytest.raises(TargetRefused, match="nothing was"):
        rotator.retire_secret(rotation_of(retiring, live=Candidate.PENDING, **by_admin(either)))
    assert either.can_log_in(account)


def test_second_password_of_a_single_user_rotation_dies_with_the_turn(
    mysql: MysqlDatabase,
) -> None:
    """A password that RETAIN once kept is discarded when its user gets a new one."""
    account = mysql.new_account()
    values = turn(mysql, current(mysql, account))
    mysql.execute(f"ALTER USER {account.spec} IDENTIFIED BY 'newer' RETAIN CURRENT PASSWORD")
    assert mysql.can_log_in(account)
    values = turn(mysql, values)
    assert mysql.can_log_in(account_of(values, Candidate.CURRENT))
    assert not mysql.can_log_in(account)


def test_admin_of_another_server_is_refused(either: MysqlDatabase) -> None:
    """The admin secret has to name the same host and port."""
    elsewhere = value(either, either.superuser, port=1)
    values = current(either, either.new_account())
    found = refusals(preflight(kind_of(either), rotation_of(values, admin=elsewhere)))
    assert "allow the other one" in found


def test_rotation_without_an_admin_value_is_refused(either: MysqlDatabase) -> None:
    """Where the admin secret isn't handed over, preflight says what to do."""
    values = current(either, either.new_account())
    assert "masterarn" in refusals(preflight(kind_of(either), rotation_of(values)))


def test_admin_that_is_one_of_the_two_is_refused(either: MysqlDatabase) -> None:
    """A user that takes turns can't be the admin of the rotation as well."""
    account = either.new_account()
    clone = either.new_account(name=clone_of(account).name)
    found = preflight(
        kind_of(either), rotation_of(current(either, account), **by_admin(either, clone))
    )
    assert "one of the users that take turns" in refusals(found)


def test_strange_account_with_the_clones_name_is_refused_until_it_is_locked(
    either: MysqlDatabase,
) -> None:
    """An account that happens to have the clone's name isn't taken over; one that was locked for it is."""
    account = either.new_account()
    clone = either.new_account(name=clone_of(account).name)
    either.execute(f"GRANT PROCESS ON *.* TO {clone.spec}")
    rotation = rotation_of(current(either, account), **by_admin(either))
    found = refusals(preflight(kind_of(either), rotation))
    assert "nothing shows that it is a clone" in found
    either.execute(f"ALTER USER {clone.spec} ACCOUNT LOCK")
    values = turn(either, current(either, account))
    assert either.can_log_in(account_of(values, Candidate.CURRENT))
    assert "PROCESS" not in str(either.execute(f"SHOW GRANTS FOR {clone.spec}"))


def test_privileged_user_needs_an_allowance(either: MysqlDatabase) -> None:
    """A user with administrative rights, or whose role has them, isn't cloned unless it is allowed."""
    direct, by_role = either.new_account(), either.new_account()
    role = f"role_{by_role.name}"
    either.execute(
        f"GRANT CREATE USER ON *.* TO {direct.spec}",
        f"CREATE ROLE {role}",
        f"GRANT RELOAD, CREATE USER ON *.* TO {role}",
        f"GRANT {role} TO {by_role.spec}",
    )
    for account in (direct, by_role):
        values = current(either, account)
        found = preflight(kind_of(either), rotation_of(values, **by_admin(either)))
        assert "administrative rights: CREATE USER" in refusals(found)
        values = turn(either, values, allow_privileged=True)
        assert either.can_log_in(account_of(values, Candidate.CURRENT))


def test_admin_that_may_not_pass_on_a_privilege_is_refused(either: MysqlDatabase) -> None:
    """Preflight names the GRANTs that the admin needs, and with them the rotation works."""
    account, admin = either.new_account(), either.new_account("admin")
    either.execute(
        "CREATE DATABASE IF NOT EXISTS shop",
        "CREATE TABLE IF NOT EXISTS shop.orders (id int)",
        f"GRANT CREATE USER ON *.* TO {admin.spec}",
        f"GRANT SELECT, INSERT ON shop.* TO {account.spec}",
        f"GRANT UPDATE (id) ON shop.orders TO {account.spec}",
    )
    values = current(either, account)
    rotation = rotation_of(values, **by_admin(either, admin))
    assert f"GRANT SELECT ON mysql.* TO {admin.spec}" in refusals(
        preflight(kind_of(either), rotation)
    )
    either.execute(f"GRANT SELECT ON mysql.* TO {admin.spec}")
    found = preflight(kind_of(either), rotation)
    assert "may not pass on" in refusals(found)
    for refused in found.refusals:
        assert refused.remedy is not None
        either.execute(*refused.remedy.split("; ")[:-1])
    values = rotate(kind_of(either), values, **by_admin(either, admin))
    assert either.can_log_in(account_of(values, Candidate.CURRENT))


def test_locked_original_is_refused(either: MysqlDatabase) -> None:
    """Where a person locked the original no clone takes its place."""
    account = either.new_account(options="ACCOUNT LOCK")
    found = preflight(kind_of(either), rotation_of(current(either, account), **by_admin(either)))
    assert "ACCOUNT UNLOCK" in refusals(found)


def test_lockout_that_probes_would_reach_is_refused(mysql: MysqlDatabase) -> None:
    """An account that one failed login locks is refused; with two, no probe of a rotation locks it."""
    account = mysql.new_account(options="FAILED_LOGIN_ATTEMPTS 1 PASSWORD_LOCK_TIME 1")
    values = current(mysql, account)
    found = preflight(kind_of(mysql), rotation_of(values, **by_admin(mysql)))
    assert "FAILED_LOGIN_ATTEMPTS 2" in refusals(found)
    mysql.execute(f"ALTER USER {account.spec} FAILED_LOGIN_ATTEMPTS 2")
    for _ in range(3):
        values = turn(mysql, values)
        assert mysql.can_log_in(account_of(values, Candidate.CURRENT))


def test_name_that_leaves_no_room_for_the_suffix_is_refused(either: MysqlDatabase) -> None:
    """A user name that is too long for its clone's is refused with the longest that isn't; that one rotates."""
    longest = (80 if either.mariadb else 32) - len("_clone")
    account = either.new_account(name=either.new_account().name.ljust(longest, "x"))
    values = turn(either, current(either, account))
    assert either.can_log_in(account_of(values, Candidate.CURRENT))
    longer = current(either, Account(name=account.name + "x", password="p"))
    with attempt(kind_of(either)) as rotator:
        with pytest.raises(Misconfigured, match="1 characters longer"):
            rotator.claims(longer[Candidate.CURRENT])
        found = rotator.preflight(rotation_of(longer, **by_admin(either)))
    assert f"at most {longest} characters" in refusals(found)


def test_pending_value_of_the_user_in_use_is_refused(either: MysqlDatabase) -> None:
    """AWSPENDING of a single-user rotation isn't taken for one of an alternating rotation, nor reverted."""
    account = either.new_account()
    values = current(either, account)
    values[Candidate.PENDING] = value(either, account.with_password("another"))
    with attempt(kind_of(either)) as rotator:
        with pytest.raises(Misconfigured, match="same user"):
            rotator.set_secret(rotation_of(values, **by_admin(either)))
        rotator.revert_secret(rotation_of(values, **by_admin(either)))
    assert either.can_log_in(account)


def retiring(values: Values) -> Values:
    """The values of the retirement that comes after a rotation."""
    return {
        Candidate.CURRENT: values[Candidate.PREVIOUS],
        Candidate.PENDING: values[Candidate.CURRENT],
    }


def test_sessions_of_the_old_user_are_told_and_ended(either: MysqlDatabase) -> None:
    """`in_use` names the old user's sessions alone, and `end_use` ends those that it named."""
    account = either.new_account()
    values = turn(either, current(either, account))
    step = rotation_of(retiring(values), live=Candidate.PENDING, **by_admin(either))
    with attempt(kind_of(either)) as rotator:
        old, new = (
            either.connect(account_of(values, c)) for c in (Candidate.PREVIOUS, Candidate.CURRENT)
        )
        (use,) = rotator.in_use(step)
        assert (use.user, use.client) == (account.name, "127.0.0.1")
        with either.connect(account) as later:
            rotator.end_use(step, (use,))
            rotator.end_use(step, (use,))
            with pytest.raises(pymysql.OperationalError):
                old.ping(reconnect=False)
            new.ping(reconnect=False)
            later.ping(reconnect=False)
        new.close()


def test_accounts_of_the_old_name_that_do_not_rotate(either: MysqlDatabase) -> None:
    """A leftover of the clone that takes the old password is retired too; and no session of the name is ended."""
    account = either.new_account()
    here = replace(account, host="127.0.0.1")
    either.execute(f"CREATE USER {here.spec} IDENTIFIED BY '{account.password}'")
    values = turn(either, current(either, account))
    either.execute(f"DROP USER {here.spec}")
    old = account_of(values, Candidate.CURRENT)
    pending = current(either, account)[Candidate.CURRENT]
    step = rotation_of(
        {Candidate.CURRENT: values[Candidate.CURRENT], Candidate.PENDING: pending},
        live=Candidate.PENDING,
        **by_admin(either),
    )
    assert either.can_log_in(old)
    with attempt(kind_of(either)) as rotator:
        rotator.retire_secret(step)
        assert not either.can_log_in(old)
        with pytest.raises(NotSupported, match="leave alone"):
            rotator.in_use(step)


def test_a_leftover_of_the_clone_keeps_no_password_that_is_replaced(
    either: MysqlDatabase,
) -> None:
    """At the clone's turn the password that a leftover shares with it dies there too; plan and findings say so."""
    account = either.new_account()
    here = replace(account, host="127.0.0.1")
    either.execute(f"CREATE USER {here.spec} IDENTIFIED BY '{account.password}'")
    values = current(either, account)
    for _ in range(2):
        values = turn(either, values)
    either.execute(f"DROP USER {here.spec}")
    other = clone_of(account, host="10.%")
    either.execute(f"CREATE USER {other.spec} IDENTIFIED BY 'of somebody else'")
    old, left = account_of(values, Candidate.PREVIOUS), clone_of(account, host="127.0.0.1")
    assert either.can_log_in(old)
    values = with_pending(kind_of(either), values)
    step = rotation_of(values, overlap=Overlap.ALTERNATING, **by_admin(either))
    found = preflight(kind_of(either), step)
    assert f"{left.spec}, where the original has none that rotates; its password goes" in warnings(
        found
    )
    assert f"{other.spec}, where the original has none that rotates; it stays as it is" in warnings(
        found
    )
    assert [
        change for change in found.changes if left.spec in change and "a random password" in change
    ]
    with attempt(kind_of(either)) as rotator:
        rotator.set_secret(step)
        assert rotator.probe(step, Candidate.PREVIOUS) is Proof.REFUSED
    assert not either.can_log_in(old)
    either.execute(f"DROP USER {left.spec}")
    assert either.can_log_in(account_of(values, Candidate.PENDING))


def test_admin_that_sees_no_sessions_says_so(either: MysqlDatabase) -> None:
    """Without PROCESS who uses the old user isn't told, rather than told as nobody."""
    account, admin = either.new_account(), either.new_account("admin")
    either.execute(
        f"GRANT CREATE USER ON *.* TO {admin.spec}", f"GRANT SELECT ON mysql.* TO {admin.spec}"
    )
    values = turn(either, current(either, account), **by_admin(either, admin))
    step = rotation_of(retiring(values), live=Candidate.PENDING, **by_admin(either, admin))
    with (
        attempt(kind_of(either)) as rotator,
        pytest.raises(NotSupported, match="can't see") as told,
    ):
        rotator.in_use(step)
    assert "GRANT PROCESS" in str(told.value.hint)


def test_what_the_clone_defined_is_told(either: MysqlDatabase) -> None:
    """Views and routines that the clone made are named, since they run with its rights."""
    account = either.new_account()
    values = turn(either, current(either, account))
    database = unique_name("d")
    clone = clone_of(account)
    either.execute(
        f"CREATE DATABASE {database}",
        f"CREATE DEFINER = {clone.spec} VIEW {database}.seen AS SELECT 1",
        f"CREATE DEFINER = {clone.spec} PROCEDURE {database}.done() SELECT 1",
    )
    found = warnings(preflight(kind_of(either), rotation_of(values, **by_admin(either))))
    assert f"definer of 2 objects: procedure {database}.done, view {database}.seen" in found
    either.execute(f"DROP DATABASE {database}")


def test_privileges_on_what_was_dropped_are_left_out_and_told(either: MysqlDatabase) -> None:
    """The server keeps privileges on dropped tables but grants none there; the rest is followed."""
    account, database = either.new_account(), unique_name("d")
    either.execute(
        f"CREATE DATABASE {database}",
        f"CREATE TABLE {database}.gone (a int)",
        f"CREATE TABLE {database}.there (a int, b int)",
        f"GRANT SELECT ON {database}.gone TO {account.spec}",
        f"GRANT SELECT (a, b) ON {database}.there TO {account.spec}",
        f"DROP TABLE {database}.gone",
        f"ALTER TABLE {database}.there DROP COLUMN b",
    )
    values = current(either, account)
    found = warnings(preflight(kind_of(either), rotation_of(values, **by_admin(either))))
    assert f"SELECT (`b`) ON `{database}`.`there`" in found
    assert f"SELECT ON `{database}`.`gone`" in found
    turn(either, values)
    lines = str(either.execute(f"SHOW GRANTS FOR {clone_of(account).spec}"))
    assert f"SELECT (`a`) ON `{database}`.`there`" in lines
    either.execute(f"DROP DATABASE {database}")


@pytest.mark.parametrize("name", ["o'brien", "a`b", 'say "hi"', "50% off", "me@home", "ünï cödé"])
def test_user_names_that_need_quoting(either: MysqlDatabase, name: str) -> None:
    """Quotes, backticks, percent signs, @, spaces and letters beyond ASCII in the user's name."""
    account = either.new_account(name=f"{name} {secrets.token_hex(3)}")
    either.execute(f"GRANT PROCESS ON *.* TO {account.spec}")
    values = current(either, account)
    for _ in range(2):
        values = turn(either, values)
    assert either.can_log_in(account_of(values, Candidate.CURRENT))
    assert "PROCESS" in str(either.execute(f"SHOW GRANTS FOR {clone_of(account).spec}"))


def test_no_password_reaches_the_servers_log(either: MysqlDatabase) -> None:
    """The server's log of all statements shows no password, of a rotation, a revert or a retirement."""
    account = either.new_account()
    values = turn(either, current(either, account))
    seen = [values[Candidate.CURRENT]]
    pending = with_pending(kind_of(either), values)
    seen.append(pending[Candidate.PENDING])
    step = by_admin(either) | {"overlap": Overlap.ALTERNATING}
    with attempt(kind_of(either)) as rotator:
        rotator.set_secret(rotation_of(pending, **step))
        rotator.revert_secret(rotation_of(pending, live=Candidate.PENDING, **step))
        rotator.retire_secret(
            rotation_of(retiring(values), live=Candidate.PENDING, **by_admin(either))
        )
    log = either.log_text()
    assert clone_of(account).name in log
    for each in seen:
        assert each.fields()["password"] not in log
