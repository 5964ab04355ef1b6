"""The single-user rotator of MariaDB on a real server."""

import json
import secrets
from typing import Any

import pytest

from rotator.sdk import Candidate, Misconfigured, Overlap, Proof, Rotation, TargetRefused
from rotators.mariadb import SingleUser
from rotators.mysql_protocol import ed25519
from rotators.mysql_protocol.verifiers import native_verifier
from tests.integration.mysql.support import (
    account_of,
    both,
    by_admin,
    current,
    pending_of,
    retire,
    value,
)
from tests.support.mysql import Account, MysqlDatabase, literal
from tests.support.rotations import (
    Values,
    attempt,
    preflight,
    refusals,
    rotation_of,
    warnings,
)


def row_of(mariadb: MysqlDatabase, account: Account) -> dict[str, Any]:
    """What the server stores of the account."""
    ((privileges,),) = mariadb.execute(
        f"SELECT Priv FROM mysql.global_priv WHERE User = {literal(account.name)} "
        f"AND Host = {literal(account.host)}"
    )
    row: dict[str, Any] = json.loads(privileges)
    return row


def without_passwords(row: dict[str, Any]) -> dict[str, Any]:
    hidden = {"authentication_string", "password_last_changed", "auth_or", "version_id"}
    return {name: value for name, value in row.items() if name not in hidden}


def step(values: Values, **fields: Any) -> Rotation:
    return rotation_of(values, **{"overlap": Overlap.DUAL} | fields)


def set_and_test(values: Values, **fields: Any) -> None:
    with attempt(SingleUser) as rotator:
        found = rotator.preflight(rotation_of(values, **fields))
        assert not found.refusals, found
        assert found.overlap is Overlap.DUAL
        rotator.set_secret(step(values, **fields))
        rotator.test_secret(step(values, **fields))


def with_methods(mariadb: MysqlDatabase, methods: str, options: str = "") -> Account:
    """An account of these methods; `{}` is its password."""
    account = mariadb.new_account()
    text = methods.format(literal(account.password))
    mariadb.execute(f"ALTER USER {account.spec} IDENTIFIED VIA {text} {options}")
    return account


def test_both_passwords_log_in_until_the_old_one_is_retired(mariadb: MysqlDatabase) -> None:
    """After setSecret both log in, after retire the new one alone, and exactly one method is left."""
    account = mariadb.new_account()
    values = pending_of(SingleUser, mariadb, account)
    set_and_test(values, **by_admin(mariadb))
    old, new = both(values)
    assert mariadb.can_log_in(old)
    assert mariadb.can_log_in(new)
    for _ in range(2):
        retire(SingleUser, values, **by_admin(mariadb))
        assert not mariadb.can_log_in(old)
        assert mariadb.can_log_in(new)
    row = row_of(mariadb, account)
    assert row.get("auth_or", [{}]) == [{}]
    assert row["authentication_string"] == native_verifier(new.password)


@pytest.mark.parametrize(
    "options",
    [
        "REQUIRE SSL",
        "WITH MAX_USER_CONNECTIONS 7 MAX_QUERIES_PER_HOUR 1000",
        "PASSWORD EXPIRE INTERVAL 30 DAY",
    ],
)
def test_what_an_account_has_is_kept(mariadb: MysqlDatabase, options: str) -> None:
    """REQUIRE, limits and expiry are as before after a rotation and its retirement."""
    account = with_methods(mariadb, "mysql_native_password USING PASSWORD({})", options)
    before = without_passwords(row_of(mariadb, account))
    tls = {"ssl": True, "ssl_ca": str(mariadb.ca_file)}
    values = pending_of(SingleUser, mariadb, account, **tls)
    set_and_test(values, **by_admin(mariadb))
    assert without_passwords(row_of(mariadb, account)) == before
    retire(SingleUser, values, **by_admin(mariadb))
    assert without_passwords(row_of(mariadb, account)) == before
    assert mariadb.can_log_in(account_of(values, Candidate.PENDING), tls=True)


def test_other_methods_are_kept_in_their_places(mariadb: MysqlDatabase) -> None:
    """A method that is no password of the secret stays where it was."""
    account = with_methods(
        mariadb,
        "unix_socket OR mysql_native_password USING PASSWORD({}) OR ed25519 USING PASSWORD('other')",
    )
    values = pending_of(SingleUser, mariadb, account)
    found = preflight(SingleUser, rotation_of(values, **by_admin(mariadb)))
    assert "1 further password" in warnings(found)
    set_and_test(values, **by_admin(mariadb))
    assert [m.get("plugin") for m in row_of(mariadb, account)["auth_or"]].count("ed25519") == 1
    retire(SingleUser, values, **by_admin(mariadb))
    row = row_of(mariadb, account)
    new = account_of(values, Candidate.PENDING)
    methods = [method or row for method in row["auth_or"]]
    assert [(m["plugin"], m.get("authentication_string")) for m in methods] == [
        ("unix_socket", None),
        ("mysql_native_password", native_verifier(new.password)),
        ("ed25519", ed25519.verifier("other")),
    ]
    assert mariadb.can_log_in(new)


def test_the_next_rotation_takes_the_previous_password_out(mariadb: MysqlDatabase) -> None:
    """A rotation that comes before the last one was retired leaves two passwords, not three."""
    account = mariadb.new_account()
    first = pending_of(SingleUser, mariadb, account)
    set_and_test(first, **by_admin(mariadb))
    second = pending_of(SingleUser, mariadb, account_of(first, Candidate.PENDING))
    second[Candidate.PREVIOUS] = first[Candidate.CURRENT]
    set_and_test(second, **by_admin(mariadb))
    assert len(row_of(mariadb, account)["auth_or"]) == 2
    assert not mariadb.can_log_in(account)
    assert all(mariadb.can_log_in(each) for each in both(second))


def test_ed25519_stays_ed25519(mariadb: MysqlDatabase) -> None:
    """An account of ed25519 keeps it, both passwords log in, and preflight says what clients need."""
    account = with_methods(mariadb, "ed25519 USING PASSWORD({})")
    values = pending_of(SingleUser, mariadb, account)
    found = preflight(SingleUser, rotation_of(values, **by_admin(mariadb)))
    assert "ed25519" in warnings(found)
    set_and_test(values, **by_admin(mariadb))
    with attempt(SingleUser) as rotator:
        for candidate in (Candidate.CURRENT, Candidate.PENDING):
            assert rotator.probe(step(values, **by_admin(mariadb)), candidate) is Proof.ACCEPTED
    retire(SingleUser, values, **by_admin(mariadb))
    row = row_of(mariadb, account)
    new = account_of(values, Candidate.PENDING)
    assert (row["plugin"], row["authentication_string"]) == (
        "ed25519",
        ed25519.verifier(new.password),
    )
    with attempt(SingleUser) as rotator:
        assert rotator.probe(step(values), Candidate.CURRENT) is Proof.REFUSED
        assert rotator.probe(step(values), Candidate.PENDING) is Proof.ACCEPTED


def test_a_password_under_two_methods_changes_under_both(mariadb: MysqlDatabase) -> None:
    """The secret's password is replaced wherever it stands."""
    account = with_methods(
        mariadb,
        "mysql_native_password USING PASSWORD({0}) OR ed25519 USING PASSWORD({0})",
    )
    values = pending_of(SingleUser, mariadb, account)
    set_and_test(values, **by_admin(mariadb))
    retire(SingleUser, values, **by_admin(mariadb))
    stored = json.dumps(row_of(mariadb, account))
    old, new = both(values)
    for gone in (native_verifier(old.password), ed25519.verifier(old.password)):
        assert gone not in stored
    for there in (native_verifier(new.password), ed25519.verifier(new.password)):
        assert there in stored


def test_set_secret_and_revert_can_be_repeated(mariadb: MysqlDatabase) -> None:
    """Repetitions after a crash change nothing more."""
    account = mariadb.new_account()
    values = pending_of(SingleUser, mariadb, account)
    for _ in range(2):
        with attempt(SingleUser) as rotator:
            rotator.set_secret(step(values, **by_admin(mariadb)))
    old, new = both(values)
    assert mariadb.can_log_in(old)
    assert mariadb.can_log_in(new)
    for live in (Candidate.PENDING, Candidate.CURRENT):
        with attempt(SingleUser) as rotator:
            rotator.revert_secret(step(values, live=live, **by_admin(mariadb)))
        assert mariadb.can_log_in(old)
        assert not mariadb.can_log_in(new)
    assert row_of(mariadb, account).get("auth_or", [{}]) == [{}]


def test_accounts_are_rolled_forward_one_by_one(mariadb: MysqlDatabase) -> None:
    """A change that stopped after the first of several accounts is not taken for done, and goes on."""
    anywhere = mariadb.new_account()
    here = mariadb.new_account(name=anywhere.name, host="127.0.0.1")
    mariadb.execute(f"ALTER USER {here.spec} IDENTIFIED BY {literal(anywhere.password)}")
    stranger = mariadb.new_account(name=anywhere.name, host="10.%")
    values = pending_of(SingleUser, mariadb, anywhere)
    fields = by_admin(mariadb)
    assert stranger.spec in warnings(preflight(SingleUser, rotation_of(values, **fields)))
    new = account_of(values, Candidate.PENDING)
    mariadb.execute(
        f"ALTER USER {here.spec} IDENTIFIED VIA mysql_native_password USING "
        f"'{native_verifier(new.password)}' OR mysql_native_password USING "
        f"'{native_verifier(anywhere.password)}'"
    )
    assert mariadb.can_log_in(new)
    with attempt(SingleUser) as rotator:
        assert rotator.probe(step(values, **fields), Candidate.PENDING) is Proof.REFUSED
        assert rotator.probe(step(values, **fields), Candidate.CURRENT) is Proof.ACCEPTED
        rotator.set_secret(step(values, **fields))
        rotator.test_secret(step(values, **fields))
        assert rotator.probe(step(values, **fields), Candidate.PENDING) is Proof.ACCEPTED
    mariadb.execute(f"DROP USER {here.spec}")
    assert all(mariadb.can_log_in(each) for each in both(values))


def test_retire_never_drops_the_password_in_use(mariadb: MysqlDatabase) -> None:
    """Where somebody else has taken the new password from an account, retiring is refused."""
    account = mariadb.new_account()
    values = pending_of(SingleUser, mariadb, account)
    with pytest.raises(TargetRefused, match="nothing was changed"):
        retire(SingleUser, values, **by_admin(mariadb))
    assert mariadb.can_log_in(account)


def test_a_user_by_itself_has_a_gap(mariadb: MysqlDatabase) -> None:
    """Without an admin the one password changes, and back again; the plan names what would allow more."""
    account = mariadb.new_account()
    values = pending_of(SingleUser, mariadb, account)
    gap = {"overlap": Overlap.GAP}
    with attempt(SingleUser) as rotator:
        found = rotator.preflight(rotation_of(values))
        assert not found.refusals, found
        assert found.overlap is Overlap.GAP
        assert "GRANT CREATE USER" in warnings(found)
        for _ in range(2):
            rotator.set_secret(step(values, **gap))
        rotator.test_secret(step(values, **gap))
    old, new = both(values)
    assert not mariadb.can_log_in(old)
    assert mariadb.can_log_in(new)
    with attempt(SingleUser) as rotator:
        rotator.revert_secret(step(values, live=Candidate.PENDING, **gap))
    assert mariadb.can_log_in(old)
    assert not mariadb.can_log_in(new)
    required = rotation_of(values, require_overlap=True)
    assert "GRANT CREATE USER" in refusals(preflight(SingleUser, required))


def test_a_user_with_two_methods_does_not_change_them_by_itself(mariadb: MysqlDatabase) -> None:
    """SET PASSWORD would leave the second password valid, so it isn't sent."""
    account = with_methods(
        mariadb,
        "mysql_native_password USING PASSWORD({}) OR mysql_native_password USING PASSWORD('second')",
    )
    values = pending_of(SingleUser, mariadb, account)
    assert "several methods" in refusals(preflight(SingleUser, rotation_of(values)))
    with attempt(SingleUser) as rotator, pytest.raises(TargetRefused, match="several methods"):
        rotator.set_secret(step(values, overlap=Overlap.GAP))
    assert mariadb.can_log_in(account)


def test_a_user_of_ed25519_changes_its_password_itself(mariadb: MysqlDatabase) -> None:
    """SET PASSWORD with an ed25519 verifier that was computed here is what the server understands."""
    account = with_methods(mariadb, "ed25519 USING PASSWORD({})")
    values = pending_of(SingleUser, mariadb, account)
    with attempt(SingleUser) as rotator:
        assert not rotator.preflight(rotation_of(values)).refusals
        rotator.set_secret(step(values, overlap=Overlap.GAP))
        rotator.test_secret(step(values, overlap=Overlap.GAP))
    assert row_of(mariadb, account)["plugin"] == "ed25519"


def test_an_admin_that_may_not_read_accounts_is_told_what_to_grant(mariadb: MysqlDatabase) -> None:
    """Preflight names the grants that the admin user lacks; with both it may rotate."""
    admin = mariadb.new_account("admin")
    values = pending_of(SingleUser, mariadb, mariadb.new_account())
    fields = by_admin(mariadb, admin)
    found = preflight(SingleUser, rotation_of(values, **fields))
    assert f"GRANT SELECT ON mysql.* TO {admin.spec}" in refusals(found)
    mariadb.execute(f"GRANT SELECT ON mysql.* TO {admin.spec}")
    found = preflight(SingleUser, rotation_of(values, **fields))
    assert "GRANT CREATE USER ON *.*" in refusals(found)
    mariadb.execute(f"GRANT CREATE USER ON *.* TO {admin.spec}")
    set_and_test(values, **fields)


def test_an_admin_sets_a_password_that_has_drifted(mariadb: MysqlDatabase) -> None:
    """A stored password that doesn't log in is warned of; the new one takes the place of the unknown one."""
    account = mariadb.new_account()
    values = pending_of(SingleUser, mariadb, account.with_password("drifted"))
    assert "does not log in" in warnings(
        preflight(SingleUser, rotation_of(values, **by_admin(mariadb)))
    )
    with attempt(SingleUser) as rotator:
        rotator.set_secret(step(values, **by_admin(mariadb)))
        rotator.test_secret(step(values, **by_admin(mariadb)))
    assert mariadb.can_log_in(account_of(values, Candidate.PENDING))
    assert not mariadb.can_log_in(account)


def test_listed_accounts_rotate_together(mariadb: MysqlDatabase) -> None:
    """The setting accounts names those that belong to the secret; one that isn't there is refused."""
    anywhere = mariadb.new_account()
    here = mariadb.new_account(name=anywhere.name, host="127.0.0.1")
    listed = {"accounts": [f"{here.name}@127.0.0.1", f"{here.name}@%"]}
    values = pending_of(SingleUser, mariadb, anywhere)
    with attempt(SingleUser) as rotator:
        rotator.set_secret(step(values, **by_admin(mariadb), settings=listed))
    assert mariadb.can_log_in(account_of(values, Candidate.PENDING))
    with attempt(SingleUser) as rotator, pytest.raises(Misconfigured, match="not there"):
        rotator.set_secret(
            step(values, **by_admin(mariadb), settings={"accounts": [f"{here.name}@x"]})
        )


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
        "x" * 80,
        "` -- x",
    ],
)
@pytest.mark.parametrize("mode", ["", "NO_BACKSLASH_ESCAPES", "ANSI_QUOTES"])
def test_hostile_names(mariadb: MysqlDatabase, name: str, mode: str) -> None:
    """Names of every kind are quoted, whatever the server's SQL mode is."""
    unique = (secrets.token_hex(4) + name) if len(name) < 32 else secrets.token_hex(40)
    account = mariadb.new_account(name=unique)
    values = pending_of(SingleUser, mariadb, account)
    before = mariadb.execute("SELECT @@global.sql_mode")[0][0]
    mariadb.execute(f"SET GLOBAL sql_mode = '{mode}'")
    try:
        set_and_test(values, **by_admin(mariadb))
        retire(SingleUser, values, **by_admin(mariadb))
        again = pending_of(SingleUser, mariadb, account_of(values, Candidate.PENDING))
        with attempt(SingleUser) as rotator:
            assert not rotator.preflight(rotation_of(again)).refusals
            rotator.set_secret(step(again, overlap=Overlap.GAP))
    finally:
        mariadb.execute(f"SET GLOBAL sql_mode = '{before}'")
    assert mariadb.can_log_in(account_of(again, Candidate.PENDING))


@pytest.mark.parametrize("password", ["qu'ote", "back\\slash\\", "ünï ☃", "a%sb%", "x" * 128])
def test_hostile_passwords(mariadb: MysqlDatabase, password: str) -> None:
    """Passwords of every kind hash to what the server computes itself."""
    account = mariadb.new_account()
    values = current(mariadb, account) | {
        Candidate.PENDING: value(mariadb, account.with_password(password))
    }
    with attempt(SingleUser) as rotator:
        rotator.set_secret(step(values, **by_admin(mariadb)))
        rotator.test_secret(step(values, **by_admin(mariadb)))
    assert mariadb.can_log_in(account.with_password(password))


def test_no_log_shows_a_password(mariadb: MysqlDatabase) -> None:
    """No password is in clear in what the server logs, and none of a plan's statements has a hash."""
    account = mariadb.new_account()
    values = pending_of(SingleUser, mariadb, account)
    found = preflight(SingleUser, rotation_of(values, **by_admin(mariadb)))
    set_and_test(values, **by_admin(mariadb))
    with attempt(SingleUser) as rotator:
        rotator.revert_secret(step(values, live=Candidate.PENDING, **by_admin(mariadb)))
        rotator.set_secret(step(values, overlap=Overlap.GAP))
    log = mariadb.log_text()
    old, new = both(values)
    assert native_verifier(new.password) in log
    made = f"CREATE USER {account.spec} IDENTIFIED BY {literal(old.password)}"
    assert old.password not in log.replace(made, "")
    assert new.password not in log
    assert native_verifier(old.password) not in str(found)
    assert "<hash of the new password>" in str(found.changes)


@pytest.mark.parametrize("admin", [True, False])
def test_a_low_lockout_limit_is_refused(mariadb: MysqlDatabase, admin: bool) -> None:
    """Where failed logins would lock accounts, preflight refuses and names the statement."""
    values = current(mariadb, mariadb.new_account())
    mariadb.execute("SET GLOBAL max_password_errors = 1")
    try:
        found = preflight(SingleUser, rotation_of(values, **(by_admin(mariadb) if admin else {})))
    finally:
        mariadb.execute("SET GLOBAL max_password_errors = DEFAULT")
    assert "SET GLOBAL max_password_errors" in refusals(found)


def test_hashes_that_strict_validation_refuses(mariadb: MysqlDatabase) -> None:
    """Under strict validation only the setting that allows clear text lets a rotation go on; both passwords live."""
    account = mariadb.new_account()
    account = account.with_password(f"{account.password}-aA1")
    mariadb.execute(f"ALTER USER {account.spec} IDENTIFIED BY {literal(account.password)}")
    mariadb.execute("INSTALL SONAME 'simple_password_check'")
    try:
        values = current(mariadb, account)
        fields = by_admin(mariadb)
        found = preflight(SingleUser, rotation_of(values, **fields))
        assert "clear_text=true" in refusals(found)
        fields |= {"settings": {"clear_text": "true"}}
        values = pending_of(SingleUser, mariadb, account)
        assert "log" in warnings(preflight(SingleUser, rotation_of(values, **fields)))
        set_and_test(values, **fields)
        assert all(mariadb.can_log_in(each) for each in both(values))
        retire(SingleUser, values, **fields)
    finally:
        mariadb.execute("UNINSTALL SONAME 'simple_password_check'")
    assert mariadb.can_log_in(account_of(values, Candidate.PENDING))
    assert not mariadb.can_log_in(account)


def test_another_products_server_is_told(mariadb: MysqlDatabase) -> None:
    """The rotator of MySQL refuses a MariaDB server and names the right one."""
    from rotators.mysql import SingleUser as MysqlSingleUser

    values = current(mariadb, mariadb.new_account(), engine="mysql")
    assert "mariadb-single-user" in refusals(preflight(MysqlSingleUser, rotation_of(values)))
