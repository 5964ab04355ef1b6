"""What the clone of a MySQL or MariaDB user has at each rotation: what the original has, no more and no less."""

import secrets
from collections.abc import Iterator
from dataclasses import dataclass

import pytest

from rotator.sdk import Candidate
from tests.integration.mysql.accounts import held
from tests.integration.mysql.support import account_of, by_admin, current
from tests.integration.mysql.test_alternating_users import clone_of, kind_of, turn
from tests.support.effects import CHANGE, effects
from tests.support.mysql import Account, MysqlDatabase, literal
from tests.support.rotations import Values, preflight, rotation_of, warnings


@dataclass(frozen=True, slots=True, kw_only=True)
class Place:
    """A database of the test's own, whose name has a wildcard in it, and an account."""

    server: MysqlDatabase
    account: Account
    database: str

    @property
    def clone(self) -> Account:
        return clone_of(self.account)

    def start(self) -> Values:
        return current(self.server, self.account)

    def to(self, statement: str) -> None:
        """Runs a statement with {u}, {d} (a name) and {p} (a pattern) filled in."""
        pattern = "`" + self.database.replace("_", r"\_") + "`"
        names = {"u": self.account.spec, "d": f"`{self.database}`", "p": pattern}
        self.server.execute(statement.format(**names, c=self.clone.spec))


@pytest.fixture
def place(either: MysqlDatabase) -> Iterator[Place]:
    """An account, and a database with tables and routines."""
    made = Place(server=either, account=either.new_account(), database=f"s_{secrets.token_hex(4)}")
    for statement in (
        "CREATE DATABASE {d}",
        "CREATE TABLE {d}.t (a int, `b c` int, `d``e` int)",
        "CREATE TABLE {d}.`o'dd, (t``) ON ü` (a int)",
        "CREATE PROCEDURE {d}.p() SELECT 1",
        "CREATE FUNCTION {d}.`f ( x` () RETURNS int DETERMINISTIC RETURN 1",
    ):
        made.to(statement)
    yield made
    made.to("DROP DATABASE {d}")


GRANTS = (
    "GRANT SELECT, LOCK TABLES ON {p}.* TO {u}",
    "GRANT ALL ON {d}.t TO {u} WITH GRANT OPTION",
    "GRANT SELECT (a, `b c`), INSERT (`d``e`), UPDATE ON {d}.t TO {u}",
    "GRANT SELECT, DELETE ON {d}.`o'dd, (t``) ON ü` TO {u}",
    "GRANT EXECUTE ON PROCEDURE {d}.p TO {u} WITH GRANT OPTION",
    "GRANT EXECUTE, ALTER ROUTINE ON FUNCTION {d}.`f ( x` TO {u}",
    "GRANT USAGE ON {p}.* TO {u} WITH GRANT OPTION",
    "GRANT PROCESS, REPLICATION SLAVE ON *.* TO {u}",
    "GRANT ALL ON `%`.* TO {u}",
)
REVOKES = (
    "REVOKE SELECT (a), GRANT OPTION ON {d}.t FROM {u}",
    "REVOKE LOCK TABLES ON {p}.* FROM {u}",
    "REVOKE ALTER ROUTINE ON FUNCTION {d}.`f ( x` FROM {u}",
    "REVOKE REPLICATION SLAVE ON *.* FROM {u}",
    "REVOKE DROP, DELETE ON `%`.* FROM {u}",
    "REVOKE ALL ON {d}.`o'dd, (t``) ON ü` FROM {u}",
)


def test_grants_and_revocations_are_followed(place: Place) -> None:
    """Privileges on everything, patterns, tables, columns and routines, and their revocations, are the clone's too."""
    values = place.start()
    place.to(GRANTS[1])
    for changes in (GRANTS[:1], (*GRANTS[2:], "REVOKE DROP ON {d}.t FROM {u}"), REVOKES, ()):
        for statement in changes:
            place.to(statement)
        values = turn(place.server, values)
        assert held(place.server, place.clone) == held(place.server, place.account)
        assert place.server.can_log_in(account_of(values, Candidate.CURRENT))


def test_what_the_clone_was_granted_alone_is_taken(place: Place) -> None:
    """The clone has no more than the original, after the rotation to either; preflight tells what is taken in use."""
    place.to("GRANT SELECT (a) ON {d}.t TO {u}")
    values = turn(place.server, place.start())
    for statement in (
        "GRANT ALL ON {p}.* TO {c}",
        "GRANT SELECT ON {d}.t TO {c} WITH GRANT OPTION",
    ):
        place.to(statement)
    found = preflight(kind_of(place.server), rotation_of(values, **by_admin(place.server)))
    assert "this rotation takes it away: ALL PRIVILEGES" in warnings(found)
    values = turn(place.server, values)
    assert held(place.server, place.clone) == held(place.server, place.account)
    place.to("GRANT ALL ON {d}.t TO {c}")
    turn(place.server, values)
    assert held(place.server, place.clone) == held(place.server, place.account)


def test_roles_and_default_roles_are_followed(place: Place) -> None:
    """Roles with and without their admin option, and which of them are on after login."""
    server = place.server
    first, second = (f"r{secrets.token_hex(4)}" for _ in range(2))
    to = "FOR" if server.mariadb else "TO"
    server.execute(
        f"CREATE ROLE {first}", f"CREATE ROLE {second}", f"GRANT PROCESS ON *.* TO {first}"
    )
    values = place.start()
    for statements in (
        (f"GRANT {first} TO {{u}} WITH ADMIN OPTION", f"GRANT {second} TO {{u}}"),
        (f"SET DEFAULT ROLE {first} {to} {{u}}",),
        (f"SET DEFAULT ROLE {second} {to} {{u}}",),
        (f"REVOKE {first} FROM {{u}}", f"GRANT {first} TO {{u}}"),
        (f"SET DEFAULT ROLE NONE {to} {{u}}", f"REVOKE {second} FROM {{u}}"),
    ):
        for statement in statements:
            place.to(statement)
        values = turn(server, values)
        assert held(server, place.clone) == held(server, place.account)
        with (
            server.connect(account_of(values, Candidate.CURRENT)) as session,
            session.cursor() as cursor,
        ):
            cursor.execute("SELECT CURRENT_ROLE()")
            row = cursor.fetchone()
            assert row is not None
            active = str(row[0]).replace("`", "").removesuffix("@%")
        wanted = {f"SET DEFAULT ROLE {first}": first, f"SET DEFAULT ROLE {second}": second}
        for statement in statements:
            if statement.startswith("SET DEFAULT ROLE r"):
                assert active == wanted[statement.partition(f" {to} ")[0]]


LIMITS = {
    False: (
        "REQUIRE SSL WITH MAX_QUERIES_PER_HOUR 1000 MAX_USER_CONNECTIONS 20",
        "REQUIRE SUBJECT '/CN=it''s' AND ISSUER '/CN=\\x'",
        "REQUIRE NONE PASSWORD EXPIRE INTERVAL 90 DAY PASSWORD HISTORY 3 PASSWORD REUSE INTERVAL 2 DAY",
        "PASSWORD REQUIRE CURRENT OPTIONAL FAILED_LOGIN_ATTEMPTS 4 PASSWORD_LOCK_TIME UNBOUNDED",
        "PASSWORD EXPIRE NEVER PASSWORD HISTORY DEFAULT FAILED_LOGIN_ATTEMPTS 0 PASSWORD_LOCK_TIME 0",
    ),
    True: (
        "REQUIRE SSL WITH MAX_QUERIES_PER_HOUR 1000 MAX_STATEMENT_TIME 7.5",
        "REQUIRE SUBJECT '/CN=it''s' AND CIPHER 'x'",
        "REQUIRE NONE PASSWORD EXPIRE INTERVAL 90 DAY",
        "PASSWORD EXPIRE NEVER",
        "WITH MAX_QUERIES_PER_HOUR 0 MAX_STATEMENT_TIME 0 PASSWORD EXPIRE DEFAULT",
    ),
}


def test_requirements_limits_and_password_policy_are_followed(place: Place) -> None:
    """REQUIRE, resource limits, expiry, history and lockout of the clone are the original's at each rotation."""
    server = place.server
    values = place.start()
    for options in LIMITS[server.mariadb]:
        place.to(f"ALTER USER {{u}} {options}".replace("{u}", place.account.spec))
        specified = "SUBJECT" in options or "SSL" in options
        if not specified:
            values = turn(server, values)
            assert held(server, place.clone) == held(server, place.account)
            continue
        # Such an account lets nobody in from here, so only the change itself is looked at.
        found = preflight(kind_of(server), rotation_of(values, **by_admin(server)))
        assert options.partition(" WITH ")[0] in " ".join(found.changes)


@pytest.mark.parametrize("plugin", ["ed25519", "sha256_password"])
def test_clone_has_the_originals_plugin(plugin: str, request: pytest.FixtureRequest) -> None:
    """The clone logs in by the original's plugin, and by another one from the rotation after its change on."""
    name = "mariadb" if plugin == "ed25519" else "mysql"
    server: MysqlDatabase = request.getfixturevalue(name)
    usual = "mysql_native_password" if server.mariadb else "caching_sha2_password"
    account = server.new_account()
    values = current(server, account)
    for each in (plugin, plugin, usual):
        # The password in use stays as it is: it is the clone's at the last of the three.
        by = f"VIA {each} USING PASSWORD({{}})" if server.mariadb else f"WITH {each} BY {{}}"
        by = by.format(literal(account.password))
        server.execute(f"ALTER USER {account.spec} IDENTIFIED {by}")
        if values[Candidate.CURRENT].fields()["username"] != account.name:
            values = turn(server, values)
        values = turn(server, values)
        clone = literal(clone_of(account).name)
        assert server.execute(f"SELECT plugin FROM mysql.user WHERE user = {clone}") == [(each,)]


@pytest.fixture
def partial_revokes(mysql: MysqlDatabase) -> Iterator[None]:
    """MySQL with partial revokes, as long as the test lasts."""
    mysql.execute("SET GLOBAL partial_revokes = ON")
    yield
    rows = mysql.execute(
        "SELECT user, host FROM mysql.user WHERE User_attributes LIKE '%Restrictions%'"
    )
    for user, host in rows:
        mysql.execute(f"DROP USER {literal(user)}@{literal(host)}")
    mysql.execute("SET GLOBAL partial_revokes = OFF")


@pytest.mark.usefixtures("partial_revokes")
def test_dynamic_privileges_and_partial_revokes_are_followed(mysql: MysqlDatabase) -> None:
    """Dynamic privileges, each with its own grant option, and what a privilege on everything doesn't reach."""
    account = mysql.new_account()
    values = current(mysql, account)
    for statements in (
        ("GRANT BACKUP_ADMIN, XA_RECOVER_ADMIN ON *.* TO {}", "GRANT SELECT, INSERT ON *.* TO {}"),
        (
            "GRANT BACKUP_ADMIN ON *.* TO {} WITH GRANT OPTION",
            "REVOKE INSERT, SELECT ON mysql.* FROM {}",
        ),
        ("REVOKE BACKUP_ADMIN ON *.* FROM {}", "GRANT BACKUP_ADMIN ON *.* TO {}"),
        ("GRANT INSERT ON mysql.* TO {}", "REVOKE XA_RECOVER_ADMIN ON *.* FROM {}"),
        ("REVOKE SELECT ON *.* FROM {}",),
    ):
        for statement in statements:
            mysql.execute(statement.format(account.spec))
        values = turn(mysql, values, allow_privileged=True)
        assert held(mysql, clone_of(account)) == held(mysql, account)


@pytest.mark.usefixtures("partial_revokes")
def test_a_clone_in_use_is_at_no_moment_wider_than_its_original(mysql: MysqlDatabase) -> None:
    """A privilege on everything but one database comes in one statement, after which a kill would leave no more."""
    account = mysql.new_account()
    values = turn(mysql, current(mysql, account))
    mysql.execute(
        f"GRANT SELECT, INSERT ON *.* TO {account.spec}",
        f"REVOKE SELECT ON mysql.* FROM {account.spec}",
    )
    seen: list[set[str]] = []

    def look(effect: str) -> None:
        if effect == f"{CHANGE}: after":
            seen.append(held(mysql, clone_of(account)))

    with effects(look):
        turn(mysql, values, allow_privileged=True)

    wide = [lines for lines in seen if "GRANT SELECT, INSERT ON *.* TO ?" in lines]
    assert wide
    assert all("REVOKE SELECT ON `mysql`.* FROM ?" in lines for lines in wide)


def test_proxies_are_followed(either: MysqlDatabase) -> None:
    """PROXY on another account, its option too where the server has it apart from others, and its revocation."""
    account, other, admin = (either.new_account() for _ in range(3))
    either.execute(f"GRANT ALL ON *.* TO {admin.spec} WITH GRANT OPTION")
    if either.mariadb:
        admin = either.superuser
    else:
        # Only who may pass a proxy on can grant it, and of this server's users nobody from here can.
        row = f"('%', {literal(admin.name)}, '', '', 1, 'test')"
        either.execute(
            "INSERT INTO mysql.proxies_priv (Host, User, Proxied_host, Proxied_user, With_grant, Grantor) "
            f"VALUES {row}",
            "FLUSH PRIVILEGES",
        )
    values = current(either, account)
    fields = by_admin(either, admin) | {"allow_privileged": True}
    for statement in ("GRANT PROXY ON {} TO {}", "REVOKE PROXY ON {} FROM {}"):
        with either.connect(admin) as session, session.cursor() as cursor:
            cursor.execute(statement.format(other.spec, account.spec))
        values = turn(either, values, **fields)
        lines = held(either, clone_of(account))
        assert lines == held(either, account)
        assert any("GRANT PROXY" in line for line in lines) is statement.startswith("GRANT")
