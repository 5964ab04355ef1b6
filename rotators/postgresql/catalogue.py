"""What the server's catalogue says about roles.

Every query runs with `search_path = pg_catalog` (see `session`), so that no user's schema can stand
in its way. All that is read here is open to every role. One query with one table, because a fresh session
plans each part of a query with cold caches, and that time counts in every rotation.
"""

from collections.abc import Iterable
from dataclasses import dataclass

from psycopg import sql

from rotator.sdk import TargetRefused
from rotators.postgresql.session import Session
from rotators.postgresql.statement_failure import explained

POWERFUL_ROLES = frozenset(
    {
        # The server's own (PostgreSQL manual, "Predefined Roles") that reach beyond objects and views.
        "pg_create_subscription",
        "pg_execute_server_program",
        "pg_maintain",
        "pg_read_all_data",
        "pg_read_server_files",
        "pg_signal_backend",
        "pg_write_all_data",
        "pg_write_server_files",
        # What managed services give their administrators.
        "alloydbsuperuser",
        "azure_pg_admin",
        "cloudsqlsuperuser",
        "rds_replication",
        "rds_superuser",
        "rdsadmin",
    }
)


@dataclass(frozen=True, slots=True, kw_only=True)
class Attributes:
    """The attributes of a role, as CREATE ROLE names them.

    Attributes:
        connection_limit: -1 for none.
        valid_until: ISO 8601, `infinity`, or None where nothing is set.
    """

    superuser: bool
    createrole: bool
    createdb: bool
    replication: bool
    bypassrls: bool
    inherit: bool
    login: bool
    connection_limit: int
    valid_until: str | None


@dataclass(frozen=True, slots=True, kw_only=True)
class Role:
    """One role.

    Attributes:
        expired: VALID UNTIL has passed, so that no password of it is accepted.
        may_act_as: every role that it is a member of, directly or through others; left empty for a
            superuser, who may act as all.
        powers: those of them that have administrative rights.
        admin_option: the session's acting role has ADMIN OPTION on it.
    """

    name: str
    oid: int
    attributes: Attributes
    expired: bool
    may_act_as: frozenset[str]
    powers: tuple[str, ...]
    admin_option: bool

    @property
    def privileges(self) -> tuple[str, ...]:
        """Why the role counts as privileged; empty where it doesn't."""
        own = self.attributes
        names = {
            "SUPERUSER": own.superuser,
            "CREATEROLE": own.createrole,
            "REPLICATION": own.replication,
            "BYPASSRLS": own.bypassrls,
        }
        return (
            *(name for name, has in names.items() if has),
            *(f"a member of {role}" for role in self.powers),
        )


@dataclass(frozen=True, slots=True, kw_only=True)
class Roles:
    """What one reading of the catalogue found.

    Attributes:
        version: `server_version_num`, 160014 for 16.14.
        fsync: False where a crash of the machine may lose what was committed.
        synchronous_standbys: `synchronous_standby_names`, empty where a commit waits for no standby.
        acting: the role that the session acts as; statements run with its rights. What it may itself act as is not
            read.
    """

    version: int
    fsync: bool
    synchronous_standbys: str
    acting: Role
    by_name: dict[str, Role]

    def get(self, name: str) -> Role | None:
        """The role of that name, None where there is none."""
        return self.by_name.get(name)

    def may_administer(self, role: Role) -> bool:
        """Whether the acting role may change the password and settings of `role`.

        Source: PostgreSQL manual, ALTER ROLE. Up to 15, CREATEROLE is enough for all but superusers
        and replication roles; from 16 on it takes ADMIN OPTION on the role as well.
        """
        own = self.acting.attributes
        if own.superuser:
            return True
        if role.attributes.superuser or not own.createrole:
            return False
        if self.version >= 160000:
            return role.admin_option
        return not role.attributes.replication


_Row = dict[str, str | None]

_ROLES = sql.SQL("""
SELECT version() LIKE '%linux%' AS on_linux,
       current_setting('fsync') AS fsync,
       current_setting('synchronous_standby_names') AS synchronous_standbys,
       current_user AS acting,
       r.rolname AS name,
       r.oid AS oid,
       r.rolsuper AS superuser,
       r.rolcreaterole AS createrole,
       r.rolcreatedb AS createdb,
       r.rolreplication AS replication,
       r.rolbypassrls AS bypassrls,
       r.rolinherit AS inherit,
       r.rolcanlogin AS login,
       r.rolconnlimit AS connection_limit,
       r.rolvaliduntil::text AS valid_until,
       r.rolvaliduntil <= clock_timestamp() AS expired,
       pg_has_role(r.oid, 'MEMBER WITH ADMIN OPTION') AS admin_option,
       {reached}
FROM pg_roles r
WHERE r.rolname = current_user OR {any_reached}
""")
# False, too, where there is no such role; a role reaches itself, and a superuser every other one.
_REACHED = sql.SQL("pg_has_role(to_regrole({}), r.oid, 'MEMBER') IS TRUE")


def read_roles(session: Session, *names: str) -> Roles:
    """The roles of these names and the acting one, in one round trip."""
    reached = [_REACHED.format(sql.Literal(sql.Identifier(name).as_string())) for name in names]
    told = [
        sql.SQL("{} AS {}").format(each, sql.Identifier(_reached_from(place)))
        for place, each in enumerate(reached)
    ]
    # Composed rather than with parameters: a plain query is the cheaper one in a fresh session.
    query = _ROLES.format(
        reached=sql.SQL(", ").join(told), any_reached=sql.SQL(" OR ").join(reached)
    )
    with explained("reading the roles"):
        rows = session.ask(query)
    by_name = {str(row["name"]): row for row in sorted(rows, key=lambda row: str(row["name"]))}
    acting = next((row for name, row in by_name.items() if name == row["acting"]), None)
    if acting is None:
        raise TargetRefused("the role of this session was dropped a moment ago")
    session.on_linux = _is(acting["on_linux"])
    return Roles(
        version=session.info.server_version,
        fsync=acting["fsync"] == "on",
        synchronous_standbys=acting["synchronous_standbys"] or "",
        acting=_role(acting, ()),
        by_name={
            name: _role(
                by_name[name], [row for row in by_name.values() if _is(row[_reached_from(place)])]
            )
            for place, name in enumerate(names)
            if name in by_name
        },
    )


def _reached_from(place: int) -> str:
    return f"reached_from_{place}"


def _is(told: str | None) -> bool:
    return told == "t"


def _role(row: _Row, reached: Iterable[_Row]) -> Role:
    """The role of `row`, from which one gets to those of `reached`."""
    superuser = _is(row["superuser"])
    others = [] if superuser else [other for other in reached if other is not row]
    return Role(
        name=str(row["name"]),
        oid=int(row["oid"] or 0),
        attributes=Attributes(
            superuser=superuser,
            createrole=_is(row["createrole"]),
            createdb=_is(row["createdb"]),
            replication=_is(row["replication"]),
            bypassrls=_is(row["bypassrls"]),
            inherit=_is(row["inherit"]),
            login=_is(row["login"]),
            connection_limit=int(row["connection_limit"] or 0),
            valid_until=row["valid_until"],
        ),
        expired=_is(row["expired"]),
        may_act_as=frozenset(str(other["name"]) for other in others),
        powers=tuple(str(other["name"]) for other in others if _powerful(other)),
        admin_option=_is(row["admin_option"]),
    )


def _powerful(row: _Row) -> bool:
    return row["name"] in POWERFUL_ROLES or any(
        _is(row[right]) for right in ("superuser", "createrole", "replication", "bypassrls")
    )
