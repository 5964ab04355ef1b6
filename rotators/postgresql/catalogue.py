"""What the server's catalogue says about roles.

Every query runs with `search_path = pg_catalog` (see `session`), so that no user's schema can stand
in its way. All that is read here is open to every role. One flat query, because a fresh session
plans each part of a query with cold caches, and that time counts in every rotation.
"""

from dataclasses import dataclass, fields
from itertools import groupby
from operator import itemgetter
from typing import Any

from psycopg.rows import dict_row

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
        acting: the role that the session acts as; statements run with its rights.
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


_ROLES = """
SELECT current_setting('server_version_num')::int AS version,
       current_setting('fsync')::bool AS fsync,
       current_setting('synchronous_standby_names') AS synchronous_standbys,
       r.rolname = current_user AS acting,
       r.rolname::text AS name,
       r.oid::bigint AS oid,
       r.rolsuper AS superuser,
       r.rolcreaterole AS createrole,
       r.rolcreatedb AS createdb,
       r.rolreplication AS replication,
       r.rolbypassrls AS bypassrls,
       r.rolinherit AS inherit,
       r.rolcanlogin AS login,
       r.rolconnlimit AS connection_limit,
       r.rolvaliduntil::text AS valid_until,
       coalesce(r.rolvaliduntil <= clock_timestamp(), false) AS expired,
       pg_has_role(r.oid, 'MEMBER WITH ADMIN OPTION') AS admin_option,
       o.rolname::text AS other,
       o.rolsuper OR o.rolcreaterole OR o.rolreplication OR o.rolbypassrls AS other_powerful
FROM pg_roles r
JOIN pg_roles o ON o.oid = r.oid OR NOT r.rolsuper AND pg_has_role(r.oid, o.oid, 'MEMBER')
WHERE r.rolname = ANY(%s) OR r.rolname = current_user
ORDER BY r.oid, o.rolname
"""


def read_roles(session: Session, *names: str) -> Roles:
    """The roles of these names and the acting one, in one round trip."""
    with explained("reading the roles"):
        rows = session.cursor(row_factory=dict_row).execute(_ROLES, (list(names),)).fetchall()
    if not rows:
        raise TargetRefused("the role of this session was dropped a moment ago")
    roles = [_role(list(pairs)) for _, pairs in groupby(rows, key=itemgetter("oid"))]
    acting = next(row["name"] for row in rows if row["acting"])
    by_name = {role.name: role for role in roles}
    return Roles(
        version=rows[0]["version"],
        fsync=rows[0]["fsync"],
        synchronous_standbys=rows[0]["synchronous_standbys"],
        acting=by_name[acting],
        by_name={name: by_name[name] for name in names if name in by_name},
    )


def _role(pairs: list[dict[str, Any]]) -> Role:
    """The role of which `pairs` has one row for each role that it may act as, itself included."""
    row = pairs[0]
    others = [pair for pair in pairs if pair["other"] != row["name"]]
    return Role(
        name=row["name"],
        oid=row["oid"],
        attributes=Attributes(**{field.name: row[field.name] for field in fields(Attributes)}),
        expired=row["expired"],
        may_act_as=frozenset(pair["other"] for pair in others),
        powers=tuple(
            pair["other"]
            for pair in others
            if pair["other_powerful"] or pair["other"] in POWERFUL_ROLES
        ),
        admin_option=row["admin_option"],
    )
