"""The single-user rotator of MySQL on a real server."""

import contextlib
import secrets
from typing import Any

import pymysql
import pytest

from rotator.sdk import (
    AdminLoginRefused,
    Candidate,
    LoginRefused,
    Misconfigured,
    Overlap,
    Proof,
    RevertDegraded,
    Rotation,
    TargetRefused,
)
from rotators.mariadb import SingleUser as MariadbSingleUser
from rotators.mysql import SingleUser
from tests.integration.mysql.support import (
    account_of,
    both,
    by_admin,
    current,
    pending_of,
    retire,
    value,
)
from tests.support.mysql import Account, MysqlDatabase, literal, unique_name
from tests.support.rotations import (
    Values,
    attempt,
    preflight,
    refusals,
    rotation_of,
    warnings,
)

MAY_RETAIN = "GRANT APPLICATION_PASSWORD_ADMIN ON *.* TO {}"


@pytest.fixture(params=["itself", "admin"])
def dual(request: pytest.FixtureRequest, mysql: MysqlDatabase) -> tuple[Account, dict[str, Any]]:
    """An account whose password changes with an overlap, by itself or by the admin."""
    account = mysql.new_account()
    if request.param == "admin":
        return account, by_admin(mysql)
    mysql.execute(MAY_RETAIN.format(account.spec))
    return account, {}


def row_of(mysql: MysqlDatabase, account: Account) -> dict[str, Any]:
    """The account's row of mysql.user without its passwords."""
    with mysql.connect() as session, session.cursor(pymysql.cursors.DictCursor) as cursor:
        cursor.execute(
            "SELECT * FROM mysql.user WHERE user = %s AND host = %s", (account.name, account.host)
        )
        row = cursor.fetchone()
    assert row is not None
    return {
        name: column
        for name, column in row.items()
        if name not in {"authentication_string", "User_attributes", "password_last_changed"}
    }


def step(values: Values, **fields: Any) -> Rotation:
    return rotation_of(values, **{"overlap": Overlap.DUAL} | fields)


def test_both_passwords_log_in_until_the_old_one_is_retired(
    mysql: MysqlDatabase, dual: tuple[Account, dict[str, Any]]
) -> None:
    """After setSecret both log in, after retire the new one alone; nothing else of the account changes."""
    account, fields = dual
    before = row_of(mysql, account)
    values = pending_of(SingleUser, mysql, account)
    with attempt(SingleUser) as rotator:
        found = rotator.preflight(rotation_of(values, **fields))
        assert not found.refusals, found
        assert found.overlap is Overlap.DUAL
        rotator.set_secret(step(values, **fields))
        rotator.test_secret(step(values, **fields))
    old, new = both(values)
    assert mysql.can_log_in(old)
    assert mysql.can_log_in(new)
    for _ in range(2):
        retire(SingleUser, values, **fields)
        assert not mysql.can_log_in(old)
        assert mysql.can_log_in(new)
    assert row_of(mysql, account) == before


def test_set_secret_repeated_keeps_the_old_password(
    mysql: MysqlDatabase, dual: tuple[Account, dict[str, Any]]
) -> None:
    """A setSecret whose answer was lost is repeated without killing the old password."""
    account, fields = dual
    values = pending_of(SingleUser, mysql, account)
    for _ in range(2):
        with attempt(SingleUser) as rotator:
            rotator.set_secret(step(values, **fields))
    assert all(mysql.can_log_in(each) for each in both(values))


def test_revert_leaves_the_current_password_alone(
    mysql: MysqlDatabase, dual: tuple[Account, dict[str, Any]]
) -> None:
    """After a revert the current value logs in and the pending one doesn't; a second revert is content."""
    account, fields = dual
    values = pending_of(SingleUser, mysql, account)
    with attempt(SingleUser) as rotator:
        rotator.set_secret(step(values, **fields))
    for live in (Candidate.PENDING, Candidate.CURRENT):
        with attempt(SingleUser) as rotator:
            rotator.revert_secret(step(values, live=live, **fields))
        old, new = both(values)
        assert mysql.can_log_in(old)
        assert not mysql.can_log_in(new)
    assert mysql.execute(
        f"SELECT User_attributes FROM mysql.user WHERE user = {literal(account.name)}"
    ) == [(None,)]


def test_an_overlap_that_somebody_ended_is_told(
    mysql: MysqlDatabase, dual: tuple[Account, dict[str, Any]]
) -> None:
    """Where the old password logged in before the change and is refused right after it, testSecret fails."""
    account, fields = dual
    values = pending_of(SingleUser, mysql, account)
    rotation = step(values, **fields)
    with attempt(SingleUser) as rotator:
        rotator.preflight(rotation)
        rotator.set_secret(rotation)
        mysql.execute(f"ALTER USER {account.spec} DISCARD OLD PASSWORD")
        with pytest.raises(TargetRefused, match="refused now"):
            rotator.test_secret(rotation)


@pytest.mark.parametrize("back", [False, True])
def test_what_somebody_else_has_set_is_not_taken_for_work_that_is_done(
    mysql: MysqlDatabase, back: bool
) -> None:
    """Where neither value logs in, a change says so, and doesn't count as one whose answer was lost."""
    account = mysql.new_account()
    values = pending_of(SingleUser, mysql, account)
    mysql.execute(f"ALTER USER {account.spec} IDENTIFIED BY 'Of-somebody-else-1'")
    rotation = step(values, live=Candidate.PENDING if back else Candidate.CURRENT)
    with attempt(SingleUser) as rotator:
        change = rotator.revert_secret if back else rotator.set_secret
        with pytest.raises(LoginRefused):
            change(rotation)


def test_password_history_degrades_a_revert(
    mysql: MysqlDatabase, dual: tuple[Account, dict[str, Any]]
) -> None:
    """Where the server doesn't take the current password again, the revert says degraded, and it still logs in."""
    account, fields = dual
    mysql.execute(f"ALTER USER {account.spec} PASSWORD HISTORY 5")
    values = pending_of(SingleUser, mysql, account)
    assert "PASSWORD HISTORY 0" in warnings(preflight(SingleUser, rotation_of(values, **fields)))
    # A history remembers what was set since it was asked for.
    mysql.execute(f"ALTER USER {account.spec} IDENTIFIED BY {literal(account.password)}")
    with attempt(SingleUser) as rotator:
        rotator.set_secret(step(values, **fields))
        with pytest.raises(RevertDegraded, match="second one"):
            rotator.revert_secret(step(values, live=Candidate.PENDING, **fields))
    assert all(mysql.can_log_in(each) for each in both(values))


def test_password_history_is_no_obstacle_to_retiring(
    mysql: MysqlDatabase, dual: tuple[Account, dict[str, Any]]
) -> None:
    """Under a history the old password is retired, and a new one that has become the second is still not dropped."""
    account, fields = dual
    mysql.execute(f"ALTER USER {account.spec} PASSWORD HISTORY 5")
    values = pending_of(SingleUser, mysql, account)
    with attempt(SingleUser) as rotator:
        rotator.set_secret(step(values, **fields))
    old, new = both(values)
    retire(SingleUser, values, **fields)
    assert not mysql.can_log_in(old)
    assert mysql.can_log_in(new)
    mysql.execute(f"ALTER USER {account.spec} IDENTIFIED BY 'by-somebody' RETAIN CURRENT PASSWORD")
    with contextlib.suppress(TargetRefused):
        retire(SingleUser, values, **fields)
    assert mysql.can_log_in(new)


def test_a_stricter_policy_degrades_a_revert(
    mysql: MysqlDatabase, dual: tuple[Account, dict[str, Any]]
) -> None:
    """A current password that the policy doesn't take any more stays valid as the second one."""
    account, fields = dual
    values = pending_of(SingleUser, mysql, account)
    with attempt(SingleUser) as rotator:
        rotator.set_secret(step(values, **fields))
    mysql.execute("INSTALL COMPONENT 'file://component_validate_password'")
    try:
        mysql.execute("SET GLOBAL validate_password.length = 100")
        with attempt(SingleUser) as rotator, pytest.raises(RevertDegraded, match="policy"):
            rotator.revert_secret(step(values, live=Candidate.PENDING, **fields))
    finally:
        mysql.execute("UNINSTALL COMPONENT 'file://component_validate_password'")
    assert mysql.can_log_in(account)


def test_without_privilege_there_is_a_gap(mysql: MysqlDatabase) -> None:
    """An account that may not keep two passwords changes its only one, and preflight names the statement."""
    account = mysql.new_account()
    values = pending_of(SingleUser, mysql, account)
    with attempt(SingleUser) as rotator:
        found = rotator.preflight(rotation_of(values))
        assert found.overlap is Overlap.GAP
        assert MAY_RETAIN.format(account.spec) in warnings(found)
        for _ in range(2):
            rotator.set_secret(step(values, overlap=Overlap.GAP))
        rotator.test_secret(step(values, overlap=Overlap.GAP))
    old, new = both(values)
    assert not mysql.can_log_in(old)
    assert mysql.can_log_in(new)
    with attempt(SingleUser) as rotator:
        rotator.revert_secret(step(values, overlap=Overlap.GAP, live=Candidate.PENDING))
    assert mysql.can_log_in(old)
    assert not mysql.can_log_in(new)


def test_a_required_overlap_is_refused_without_privilege(mysql: MysqlDatabase) -> None:
    """A rotation that requires an overlap is refused where the account may keep one password only."""
    account = mysql.new_account()
    found = preflight(SingleUser, rotation_of(current(mysql, account), require_overlap=True))
    assert MAY_RETAIN.format(account.spec) in refusals(found)
    mysql.execute(MAY_RETAIN.format(account.spec))
    found = preflight(SingleUser, rotation_of(current(mysql, account), require_overlap=True))
    assert not found.refusals


def test_privileges_of_an_active_role_count(mysql: MysqlDatabase) -> None:
    """The right to keep two passwords may come from a role."""
    account, role = mysql.new_account(), unique_name("role")
    mysql.execute(
        f"CREATE ROLE {role}",
        MAY_RETAIN.format(role),
        f"GRANT {role} TO {account.spec}",
        f"SET DEFAULT ROLE ALL TO {account.spec}",
    )
    found = preflight(SingleUser, rotation_of(current(mysql, account)))
    assert found.overlap is Overlap.DUAL


def test_a_stored_password_that_is_the_second_is_not_dropped(mysql: MysqlDatabase) -> None:
    """By itself an account refuses a change that would kill the stored password; an admin gets it right."""
    account = mysql.new_account()
    mysql.execute(
        MAY_RETAIN.format(account.spec),
        f"ALTER USER {account.spec} IDENTIFIED BY 'by-somebody' RETAIN CURRENT PASSWORD",
    )
    values = pending_of(SingleUser, mysql, account)
    with attempt(SingleUser) as rotator, pytest.raises(TargetRefused, match="second one"):
        rotator.set_secret(step(values))
    assert mysql.can_log_in(account)
    with attempt(SingleUser) as rotator:
        rotator.set_secret(step(values, **by_admin(mysql)))
    assert all(mysql.can_log_in(each) for each in both(values))


def test_retire_never_drops_the_password_in_use(
    mysql: MysqlDatabase, dual: tuple[Account, dict[str, Any]]
) -> None:
    """Where somebody else has made another password the first one, retiring is refused and nothing is lost."""
    account, fields = dual
    values = pending_of(SingleUser, mysql, account)
    with attempt(SingleUser) as rotator:
        rotator.set_secret(step(values, **fields))
    mysql.execute(f"ALTER USER {account.spec} IDENTIFIED BY 'by-somebody' RETAIN CURRENT PASSWORD")
    with pytest.raises(TargetRefused, match="nothing was changed"):
        retire(SingleUser, values, **fields)
    assert mysql.can_log_in(account_of(values, Candidate.PENDING))


def test_accounts_with_the_same_password_rotate_together(mysql: MysqlDatabase) -> None:
    """With an admin all user@host accounts of the stored password change in one statement; others keep theirs."""
    anywhere = mysql.new_account()
    here = mysql.new_account(name=anywhere.name, host="127.0.0.1")
    mysql.execute(f"ALTER USER {here.spec} IDENTIFIED BY {literal(anywhere.password)}")
    stranger = mysql.new_account(name=anywhere.name, host="10.%")
    values = pending_of(SingleUser, mysql, anywhere)
    found = preflight(SingleUser, rotation_of(values, **by_admin(mysql)))
    assert found.changes[0].count("RETAIN CURRENT PASSWORD") == 2
    assert stranger.spec in warnings(found)
    with attempt(SingleUser) as rotator:
        assert rotator.probe(step(values, **by_admin(mysql)), Candidate.PENDING) is Proof.REFUSED
        rotator.set_secret(step(values, **by_admin(mysql)))
        rotator.test_secret(step(values, **by_admin(mysql)))
    assert all(mysql.can_log_in(each) for each in both(values))
    mysql.execute(f"DROP USER {here.spec}")
    assert all(mysql.can_log_in(each) for each in both(values))


def test_listed_accounts_rotate_together(mysql: MysqlDatabase) -> None:
    """The setting accounts names those that belong to the secret, whatever their password is."""
    anywhere = mysql.new_account()
    here = mysql.new_account(name=anywhere.name, host="127.0.0.1")
    settings = {"accounts": [f"{here.name}@127.0.0.1", f"{here.name}@%"]}
    values = pending_of(SingleUser, mysql, anywhere)
    fields = {**by_admin(mysql), "settings": settings}
    assert here.spec in warnings(preflight(SingleUser, rotation_of(values, **fields)))
    with attempt(SingleUser) as rotator:
        rotator.set_secret(step(values, **fields))
    assert mysql.can_log_in(account_of(values, Candidate.PENDING))
    wrong = rotation_of(values, **by_admin(mysql), settings={"accounts": ["root@%"]})
    assert "other users" in refusals(preflight(SingleUser, wrong))
    missing = rotation_of(values, **by_admin(mysql), settings={"accounts": [f"{here.name}@x"]})
    assert "not there" in refusals(preflight(SingleUser, missing))


def test_without_an_admin_the_plan_names_the_accounts(either: MysqlDatabase) -> None:
    """A user changes the account that it is let in as, and the plan names the others where the user may see them."""
    kind = MariadbSingleUser if either.mariadb else SingleUser
    anywhere = either.new_account()
    here = either.new_account(name=anywhere.name, host="127.0.0.1")
    found = preflight(kind, rotation_of(current(either, here)))
    assert f"{here.spec} alone; accounts of the same user" in str(found.findings)
    either.execute(f"GRANT SELECT ON mysql.* TO {here.spec}")
    found = preflight(kind, rotation_of(current(either, here), allow_privileged=True))
    assert f"{here.spec} alone; other accounts" in warnings(found)
    assert f"keep their password: {anywhere.spec}" in warnings(found)


@pytest.mark.parametrize(
    "options",
    [
        "WITH MAX_USER_CONNECTIONS 5",
        "REQUIRE SSL",
        "PASSWORD EXPIRE INTERVAL 90 DAY",
        "COMMENT 'x'",
    ],
)
def test_what_an_account_has_is_kept(mysql: MysqlDatabase, options: str) -> None:
    """Limits, REQUIRE, expiry and comments are as before after a rotation and its retirement."""
    account = mysql.new_account(options=options)
    mysql.execute(MAY_RETAIN.format(account.spec))
    before = row_of(mysql, account)
    tls = {"ssl": True, "ssl_ca": str(mysql.ca_file)}
    values = pending_of(SingleUser, mysql, account, **tls)
    with attempt(SingleUser) as rotator:
        assert not rotator.preflight(rotation_of(values)).refusals
        rotator.set_secret(step(values))
        rotator.test_secret(step(values))
    retire(SingleUser, values)
    assert mysql.can_log_in(account_of(values, Candidate.PENDING), tls=True)
    assert row_of(mysql, account) == before


def test_an_account_of_another_plugin_keeps_it(mysql: MysqlDatabase) -> None:
    """sha256_password stays sha256_password."""
    account = mysql.new_account()
    mysql.execute(
        f"ALTER USER {account.spec} IDENTIFIED WITH sha256_password BY {literal(account.password)}"
    )
    values = pending_of(SingleUser, mysql, account)
    with attempt(SingleUser) as rotator:
        rotator.set_secret(step(values, **by_admin(mysql)))
    assert row_of(mysql, account)["plugin"] == "sha256_password"
    assert all(mysql.can_log_in(each) for each in both(values))


def test_privileged_accounts_need_an_allowance(
    mysql: MysqlDatabase, dual: tuple[Account, dict[str, Any]]
) -> None:
    """An account with administrative rights is refused by name unless the rotation allows it."""
    account, fields = dual
    mysql.execute(f"GRANT RELOAD, SUPER ON *.* TO {account.spec}")
    step_fields = {**fields, "allow_privileged": False}
    assert "SUPER" in refusals(
        preflight(SingleUser, rotation_of(current(mysql, account), **step_fields))
    )
    allowed = rotation_of(current(mysql, account), **fields, allow_privileged=True)
    assert not preflight(SingleUser, allowed).refusals


def test_a_low_lockout_limit_is_refused(
    mysql: MysqlDatabase, dual: tuple[Account, dict[str, Any]]
) -> None:
    """Where failed logins would lock the account, preflight refuses and names the statement."""
    account, fields = dual
    mysql.execute(f"ALTER USER {account.spec} FAILED_LOGIN_ATTEMPTS 1 PASSWORD_LOCK_TIME 1")
    found = preflight(SingleUser, rotation_of(current(mysql, account), **fields))
    assert "FAILED_LOGIN_ATTEMPTS" in refusals(found)


def test_probes_of_an_admin_lock_nothing(mysql: MysqlDatabase) -> None:
    """An account that two failed logins lock is rotated, and its values probed, without being locked."""
    account = mysql.new_account(options="FAILED_LOGIN_ATTEMPTS 2 PASSWORD_LOCK_TIME UNBOUNDED")
    values = pending_of(SingleUser, mysql, account)
    fields = by_admin(mysql)
    for _ in range(3):
        with attempt(SingleUser) as rotator:
            rotator.preflight(rotation_of(values, **fields))
            assert rotator.probe(step(values, **fields), Candidate.PENDING) is Proof.REFUSED
            assert rotator.probe(step(values, **fields), Candidate.CURRENT) is Proof.ACCEPTED
    assert mysql.can_log_in(account)


def test_an_admin_that_may_not_read_accounts_is_told_what_to_grant(mysql: MysqlDatabase) -> None:
    """Preflight names the grants that the admin user lacks."""
    admin = mysql.new_account("admin")
    account = mysql.new_account()
    found = preflight(SingleUser, rotation_of(current(mysql, account), **by_admin(mysql, admin)))
    assert f"GRANT SELECT ON mysql.* TO {admin.spec}" in refusals(found)
    mysql.execute(f"GRANT SELECT ON mysql.* TO {admin.spec}")
    found = preflight(SingleUser, rotation_of(current(mysql, account), **by_admin(mysql, admin)))
    assert "GRANT CREATE USER ON *.*" in refusals(found)
    mysql.execute(f"GRANT CREATE USER ON *.* TO {admin.spec}")
    found = preflight(SingleUser, rotation_of(current(mysql, account), **by_admin(mysql, admin)))
    assert not found.refusals
    assert found.overlap is Overlap.DUAL


def test_an_admin_sets_a_password_that_has_drifted(mysql: MysqlDatabase) -> None:
    """A stored password that doesn't log in is warned of, and the admin sets the new one all the same."""
    account = mysql.new_account()
    values = pending_of(SingleUser, mysql, account.with_password("drifted"))
    with attempt(SingleUser) as rotator:
        found = rotator.preflight(rotation_of(values, **by_admin(mysql)))
        assert "does not log in" in warnings(found)
        rotator.set_secret(step(values, **by_admin(mysql)))
        rotator.test_secret(step(values, **by_admin(mysql)))
    retire(SingleUser, values, **by_admin(mysql))
    assert mysql.can_log_in(account_of(values, Candidate.PENDING))
    assert not mysql.can_log_in(account)


def test_a_wrong_admin_password_is_the_admins(mysql: MysqlDatabase) -> None:
    """A refused admin login is told apart from the user's."""
    wrong = mysql.superuser.with_password("wrong")
    with pytest.raises(AdminLoginRefused):
        preflight(
            SingleUser, rotation_of(current(mysql, mysql.new_account()), **by_admin(mysql, wrong))
        )


def test_the_admin_is_another_user(mysql: MysqlDatabase) -> None:
    """The user's own secret is no admin secret, and one of another server isn't either."""
    account = mysql.new_account()
    own = rotation_of(current(mysql, account), admin=value(mysql, account))
    assert "masterarn" in refusals(preflight(SingleUser, own))
    other = value(mysql, mysql.superuser, host="db.example")
    assert "same server" in refusals(
        preflight(SingleUser, rotation_of(current(mysql, account), admin=other))
    )


def test_the_servers_policy_shapes_new_passwords(mysql: MysqlDatabase) -> None:
    """Where the server validates passwords, createSecret makes one that it takes, and a weak one is refused by name."""
    account = mysql.new_account()
    mysql.execute(MAY_RETAIN.format(account.spec))
    mysql.execute("INSTALL COMPONENT 'file://component_validate_password'")
    try:
        mysql.execute(
            "SET GLOBAL validate_password.special_char_count = 8, "
            "GLOBAL validate_password.length = 40"
        )
        with attempt(SingleUser) as rotator:
            rotator.preflight(rotation_of(current(mysql, account)))
            made = rotator.create_secret(rotation_of(current(mysql, account)))
            values = {**current(mysql, account), Candidate.PENDING: made}
            rotator.set_secret(step(values))
        assert len(made.fields()["password"]) == 40
        assert mysql.can_log_in(account_of(values, Candidate.PENDING))
        weak = {
            Candidate.CURRENT: made,
            Candidate.PENDING: value(mysql, account.with_password("weak")),
        }
        with attempt(SingleUser) as rotator, pytest.raises(TargetRefused, match="policy"):
            rotator.set_secret(step(weak))
        assert mysql.can_log_in(account_of(values, Candidate.PENDING))
    finally:
        mysql.execute("UNINSTALL COMPONENT 'file://component_validate_password'")


@pytest.mark.parametrize(
    "name",
    [
        "o'neil",
        'qu"ote',
        "back\\slash",
        "back\\",
        "per%cent",
        "a@b",
        "ünï-cødé",
        "x" * 32,
        "` -- x",
    ],
)
def test_hostile_names(mysql: MysqlDatabase, name: str) -> None:
    """Names of every kind are quoted, by the user itself and by the admin."""
    unique = (secrets.token_hex(4) + name)[-32:] if len(name) < 24 else secrets.token_hex(16)
    account = mysql.new_account(name=unique)
    mysql.execute(MAY_RETAIN.format(account.spec))
    values = pending_of(SingleUser, mysql, account)
    with attempt(SingleUser) as rotator:
        assert not rotator.preflight(rotation_of(values)).refusals
        rotator.set_secret(step(values))
        rotator.test_secret(step(values))
    again = pending_of(SingleUser, mysql, account_of(values, Candidate.PENDING))
    with attempt(SingleUser) as rotator:
        assert not rotator.preflight(rotation_of(again, **by_admin(mysql))).refusals
        rotator.set_secret(step(again, **by_admin(mysql)))
        rotator.test_secret(step(again, **by_admin(mysql)))
    assert all(mysql.can_log_in(each) for each in both(again))


@pytest.mark.parametrize("password", ["qu'ote", "back\\slash\\", "ünï ☃", "a%sb%", "x" * 128])
def test_hostile_passwords(mysql: MysqlDatabase, password: str) -> None:
    """Stored passwords of every kind are quoted, in what is set and in what is replaced."""
    account = mysql.new_account()
    mysql.execute(MAY_RETAIN.format(account.spec))
    values = current(mysql, account) | {
        Candidate.PENDING: value(mysql, account.with_password(password))
    }
    with attempt(SingleUser) as rotator:
        rotator.set_secret(step(values))
        rotator.revert_secret(step(values, live=Candidate.PENDING))
        rotator.set_secret(step(values))
        rotator.test_secret(step(values))
    retire(SingleUser, values)
    assert mysql.can_log_in(account.with_password(password))


def test_no_log_shows_a_password(mysql: MysqlDatabase) -> None:
    """Neither the general log nor the slow log nor the binary log nor the statement history has one in clear."""
    account = mysql.new_account()
    mysql.execute(
        MAY_RETAIN.format(account.spec),
        "UPDATE performance_schema.setup_consumers SET enabled = 'YES' "
        "WHERE name = 'events_statements_history_long'",
        "SET GLOBAL long_query_time = 0, GLOBAL slow_query_log = ON, GLOBAL log_slow_admin_statements = ON",
    )
    values = pending_of(SingleUser, mysql, account)
    with attempt(SingleUser) as rotator:
        rotator.set_secret(step(values))
        rotator.revert_secret(step(values, live=Candidate.PENDING))
        rotator.set_secret(step(values, **by_admin(mysql)))
    retire(SingleUser, values)
    history = "SELECT sql_text FROM performance_schema.events_statements_history_long"
    logs = {"general": mysql.log_text(), "history": str(mysql.execute(history))}
    for file in mysql.server.data_dir.iterdir():
        if file.name.endswith("-slow.log") or file.name.startswith("binlog.0"):
            logs[file.name] = file.read_text(encoding="latin-1")
    assert len(logs) >= 4, "no slow log or no binary log was found"
    for name, log in logs.items():
        assert name == "history" or account.name in log, f"{name} has not seen the account"
        assert name.startswith("binlog") or "RETAIN CURRENT PASSWORD" in log, name
        for each in both(values):
            assert each.password not in log, name


def test_log_raw_is_refused(mysql: MysqlDatabase) -> None:
    """A server that would log new passwords is refused before anything is sent."""
    mysql.execute("SET GLOBAL log_raw = ON")
    try:
        found = preflight(SingleUser, rotation_of(current(mysql, mysql.superuser)))
    finally:
        mysql.execute("SET GLOBAL log_raw = OFF")
    assert "SET GLOBAL log_raw = OFF" in refusals(found)


def test_a_server_that_takes_no_changes_is_refused(mysql: MysqlDatabase) -> None:
    """A replica is found out in preflight."""
    account = mysql.new_account()
    mysql.execute("SET GLOBAL read_only = ON")
    try:
        found = preflight(SingleUser, rotation_of(current(mysql, account)))
    finally:
        mysql.execute("SET GLOBAL read_only = OFF")
    assert "read_only" in refusals(found)


def test_accounts_without_a_password_are_refused(mysql: MysqlDatabase) -> None:
    """An account that is authenticated by something else is named with its plugin."""
    account = mysql.new_account()
    mysql.execute(
        "INSTALL PLUGIN auth_socket SONAME 'auth_socket.so'",
        f"ALTER USER {account.spec} IDENTIFIED WITH auth_socket",
    )
    try:
        found = preflight(SingleUser, rotation_of(current(mysql, account), **by_admin(mysql)))
    finally:
        mysql.execute(f"DROP USER {account.spec}", "UNINSTALL PLUGIN auth_socket")
    assert "auth_socket" in refusals(found)


def test_no_account_of_several_is_guessed(mysql: MysqlDatabase) -> None:
    """Where none of several accounts has the stored password, the setting that names them is asked for."""
    account = mysql.new_account()
    mysql.new_account(name=account.name, host="10.%")
    drifted = current(mysql, account.with_password("drifted"))
    found = preflight(SingleUser, rotation_of(drifted, **by_admin(mysql)))
    assert "setting accounts" in refusals(found)
    pending = {Candidate.PENDING: value(mysql, account.with_password("new"))}
    with attempt(SingleUser) as rotator, pytest.raises(Misconfigured, match="accounts"):
        rotator.set_secret(step({**drifted, **pending}, **by_admin(mysql)))
