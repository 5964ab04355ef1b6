"""What either of two alternating users does or gets counts for both, at every rotation, with live DDL."""

from typing import LiteralString

import psycopg
import pytest
from psycopg import sql

from rotator.sdk import Candidate
from rotators.postgresql import AlternatingUsers
from tests.integration.postgresql.rotations import (
    ADMIN_ARN,
    Values,
    current,
    preflight,
    rotate,
    rotation_of,
    run,
    session_of,
    value,
    warnings,
)
from tests.support.postgres import DatabaseServer


class App:
    """An application's user, its database, and the two values by which it logs in after a rotation."""

    def __init__(self, server: DatabaseServer, database: str) -> None:
        self.server = server
        self.role = server.new_role()
        self.clone = f"{self.role.name}_clone"
        self.database = database
        run(
            server, "GRANT CREATE ON DATABASE {db} TO {role}", db=self.database, role=self.role.name
        )
        self.admin = value(server, server.superuser)
        self.values: Values = current(server, self.role, dbname=self.database, masterarn=ADMIN_ARN)

    def rotate(self) -> None:
        """The next user's turn."""
        self.values = rotate(AlternatingUsers, self.values, admin=self.admin)

    def rotate_to_clone(self) -> None:
        """Rotate until the clone has been brought up to date."""
        self.rotate()
        while self.values[Candidate.CURRENT].fields()["username"] != self.clone:
            self.rotate()

    def as_(self, name: str) -> psycopg.Connection[tuple[object, ...]]:
        """A client's session of the original or of the clone."""
        for secret in self.values.values():
            if secret.fields()["username"] == name:
                return session_of(self.server, secret, dbname=self.database)
        raise LookupError(name)

    def sql(
        self, statement: LiteralString, **names: str | sql.Composable
    ) -> list[tuple[object, ...]]:
        """A superuser's statement in the application's database."""
        return run(self.server, statement, dbname=self.database, **names)


@pytest.fixture(scope="module")
def database(pg: DatabaseServer) -> str:
    """One database for all tests, because making one takes the server a while."""
    return pg.new_database()


@pytest.fixture
def app(pg: DatabaseServer, database: str) -> App:
    return App(pg, database)


@pytest.mark.parametrize("maker_is_clone", [False, True])
def test_objects_of_either_user_are_the_others_too(app: App, maker_is_clone: bool) -> None:
    """A table made by one user is used, altered and dropped by the other, in fresh and in reset sessions."""
    app.rotate()
    maker, other = app.role.name, app.clone
    if maker_is_clone:
        maker, other = other, maker
    with app.as_(maker) as session:
        session.execute("CREATE SCHEMA made")
        session.execute("DISCARD ALL")
        session.execute("CREATE TABLE made.t (n int)")
        session.execute("RESET ROLE")
        session.execute("CREATE TYPE made.kind AS ENUM ('a')")
    with app.as_(other) as session:
        session.execute("INSERT INTO made.t VALUES (1)")
        session.execute("ALTER TABLE made.t ADD COLUMN k made.kind")
        session.execute("DISCARD ALL")
        session.execute("ALTER TYPE made.kind ADD VALUE 'b'")
        session.execute("TRUNCATE made.t")
        session.execute("DROP TABLE made.t")
        session.execute("DROP SCHEMA made CASCADE")
    owned = "SELECT 1 FROM pg_shdepend d, pg_roles r WHERE d.refobjid = r.oid AND d.deptype = 'o' AND rolname = {clone}"
    assert app.sql(owned, clone=sql.Literal(app.clone)) == []


def test_grants_and_revocations_count_for_the_clone_at_once(app: App) -> None:
    """A right granted to the original is the clone's, also a later one; a revoked one is gone from both."""
    app.sql("CREATE TABLE shared AS SELECT 1 AS n")
    app.rotate()
    app.sql("GRANT SELECT ON shared TO {u}", u=app.role.name)
    with app.as_(app.clone) as session:
        assert session.execute("SELECT n FROM shared").fetchone() == (1,)
        app.sql("REVOKE SELECT ON shared FROM {u}", u=app.role.name)
        with pytest.raises(psycopg.errors.InsufficientPrivilege):
            session.execute("SELECT n FROM shared")


def test_rights_of_the_clones_own_are_taken_away(app: App) -> None:
    """Grants and memberships that somebody gave the clone itself are gone after its next turn."""
    app.rotate()
    group = app.server.new_role("group", attributes="NOLOGIN")
    app.sql(
        'CREATE SCHEMA s; CREATE TABLE s."o\'dd %" (a int, b int); CREATE SEQUENCE s.q; CREATE TYPE s.t AS (a int)'
    )
    app.sql("CREATE FUNCTION s.f(int, s.t) RETURNS int LANGUAGE sql AS 'SELECT 1'")
    for grant in (
        "GRANT {group} TO {clone}",
        "GRANT {role} TO {clone} WITH ADMIN OPTION",
        "GRANT USAGE ON SCHEMA s TO {clone}",
        'GRANT SELECT, UPDATE (b) ON s."o\'dd %" TO {clone}',
        "GRANT USAGE ON SEQUENCE s.q TO {clone}",
        "GRANT USAGE ON TYPE s.t TO {clone}",
        "GRANT EXECUTE ON FUNCTION s.f TO {clone}",
        "GRANT TEMPORARY ON DATABASE {db} TO {clone}",
    ):
        app.sql(grant, group=group.name, clone=app.clone, role=app.role.name, db=app.database)
    admin_in_database = value(app.server, app.server.superuser, dbname=app.database)
    app.admin = admin_in_database
    app.rotate_to_clone()
    left = app.sql(
        "SELECT d.classid::regclass::text, d.deptype FROM pg_shdepend d JOIN pg_roles r ON r.oid = d.refobjid"
        " WHERE d.refclassid = 'pg_authid'::regclass AND r.rolname = '"
        + app.clone
        + "' AND d.deptype = 'a'"
    )
    assert left == []
    memberships = app.sql(
        "SELECT roleid::regrole::text, bool_or(admin_option) FROM pg_auth_members"
        " WHERE member = {clone}::regrole GROUP BY 1",
        clone=sql.Literal(app.clone),
    )
    assert memberships == [(app.role.name, False)]


def test_rights_of_the_clones_own_elsewhere_are_reported(app: App) -> None:
    """What the clone was granted in another database is out of reach, and preflight says what to run there."""
    app.rotate_to_clone()
    elsewhere = app.server.new_database()
    run(
        app.server,
        "CREATE TABLE t (); GRANT SELECT ON t TO {clone}",
        clone=app.clone,
        dbname=elsewhere,
    )
    found = warnings(preflight(AlternatingUsers, rotation_of(app.values, admin=app.admin)))
    assert f'in the database "{elsewhere}"' in found
    assert f'DROP OWNED BY "{app.clone}"' in found


def test_attributes_follow(app: App) -> None:
    """Connection limit, expiry and CREATEDB of the clone are the original's after each of its turns."""
    changes = (
        (
            "ALTER ROLE {u} CONNECTION LIMIT 7 VALID UNTIL '2999-12-31 00:00:00+00' CREATEDB",
            (7, 2999, True),
        ),
        ("ALTER ROLE {u} CONNECTION LIMIT -1 VALID UNTIL 'infinity' NOCREATEDB", (-1, None, False)),
    )
    for statement, expected in changes:
        app.sql(statement, u=app.role.name)
        app.rotate_to_clone()
        found = app.sql(
            "SELECT rolconnlimit, CASE WHEN isfinite(rolvaliduntil) THEN extract(year FROM rolvaliduntil"
            " AT TIME ZONE 'UTC')::int END, rolcreatedb FROM pg_roles WHERE rolname = '"
            + app.clone
            + "'"
        )
        assert found == [expected]


def settings_of(app: App, name: str) -> set[tuple[object, ...]]:
    """The stored settings of a user, its role setting left out."""
    return {
        row
        for row in app.sql(
            "SELECT d.datname, s FROM pg_db_role_setting p JOIN pg_roles r ON r.oid = p.setrole"
            " LEFT JOIN pg_database d ON d.oid = p.setdatabase, unnest(p.setconfig) s WHERE r.rolname = {name}",
            name=sql.Literal(name),
        )
        if not str(row[1]).startswith("role=")
    }


def test_settings_follow_and_stale_ones_are_reset(app: App) -> None:
    """The original's settings, per database too, are the clone's after its turn, and the clone's others are gone."""
    names = {"u": app.role.name, "clone": app.clone, "db": app.database}
    for statement in (
        """ALTER ROLE {u} SET search_path = "$user", 'we"ird, schema', public""",
        "ALTER ROLE {u} SET application_name = 'it''s 100 %% \\ {{}} ü'",
        "ALTER ROLE {u} SET temp_tablespaces = ''",
        "ALTER ROLE {u} SET app.tenant = 'seven'",
        "ALTER ROLE {u} IN DATABASE {db} SET work_mem = '7MB'",
        "ALTER ROLE {u} SET log_min_duration_statement = '1h'",
    ):
        app.sql(statement, **names)
    app.rotate_to_clone()
    assert len(settings_of(app, app.role.name)) == 6
    assert settings_of(app, app.clone) == settings_of(app, app.role.name)
    for statement in (
        "ALTER ROLE {u} RESET app.tenant",
        "ALTER ROLE {u} SET search_path = ''",
        "ALTER ROLE {clone} SET statement_timeout = 1",
        "ALTER ROLE {clone} IN DATABASE {db} SET lock_timeout = 1",
    ):
        app.sql(statement, **names)
    app.rotate_to_clone()
    assert len(settings_of(app, app.role.name)) == 5
    assert settings_of(app, app.clone) == settings_of(app, app.role.name)


def test_session_of_the_clone_has_the_originals_settings(app: App) -> None:
    """What counts is what a session of the clone sees: the original's search_path and memory limit."""
    app.sql("ALTER ROLE {u} SET search_path = \"$user\", 'a b', public", u=app.role.name)
    app.sql(
        "ALTER ROLE {u} IN DATABASE {db} SET work_mem = '7MB'", u=app.role.name, db=app.database
    )
    app.rotate()
    shown = "SELECT current_setting('search_path'), current_setting('work_mem'), current_user::text"
    with app.as_(app.role.name) as original, app.as_(app.clone) as clone:
        assert original.execute(shown).fetchone() == clone.execute(shown).fetchone()


def test_original_that_acts_as_a_third_role_is_followed(app: App) -> None:
    """Where the original's own setting has it act as the owner of the objects, the clone acts as that owner."""
    owner = app.server.new_role("owner", attributes="NOLOGIN")
    app.sql("GRANT {owner} TO {u}", owner=owner.name, u=app.role.name)
    app.sql("ALTER ROLE {u} SET role = {owner}", owner=owner.name, u=app.role.name)
    for _ in range(2):
        app.rotate()
        with app.as_(app.clone) as session:
            assert session.execute("SELECT current_user::text").fetchone() == (owner.name,)


def test_private_database_opens_to_the_clone(pg: DatabaseServer) -> None:
    """The clone connects where only the original has CONNECT, even though the original doesn't inherit."""
    app = App(pg, pg.new_database())
    app.sql("REVOKE ALL ON DATABASE {db} FROM PUBLIC", db=app.database)
    app.sql("GRANT CONNECT ON DATABASE {db} TO {u}", db=app.database, u=app.role.name)
    app.sql("ALTER ROLE {u} NOINHERIT", u=app.role.name)
    app.rotate()
    with app.as_(app.clone) as session:
        assert session.execute("SELECT 1").fetchone() == (1,)


def test_lost_membership_and_setting_are_mended_by_the_next_turn(app: App) -> None:
    """What was taken from the clone by mistake comes back when it is its turn."""
    app.rotate_to_clone()
    app.rotate()
    app.sql("REVOKE {u} FROM {clone}", u=app.role.name, clone=app.clone)
    app.rotate()
    with app.as_(app.clone) as session:
        assert session.execute("SELECT current_user::text").fetchone() == (app.role.name,)
