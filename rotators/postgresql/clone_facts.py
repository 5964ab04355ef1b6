"""What the catalogue says of an original user and its clone, as far as the clone has to follow.

Settings, memberships and grants of a role are open to every role; grants and owned objects that are outside of the
session's database are only counted.
"""

from collections.abc import Mapping
from dataclasses import dataclass

from psycopg import sql
from psycopg.rows import class_row

from rotators.postgresql.catalogue import Roles, read_roles
from rotators.postgresql.session import Session
from rotators.postgresql.statement_failure import explained

SettingKey = tuple[str | None, str]
"""Database (None: in every one) and name of a setting."""

RoleSettings = Mapping[SettingKey, str]


@dataclass(frozen=True, slots=True, kw_only=True)
class Membership:
    """One row of pg_auth_members that makes the clone a member.

    Attributes:
        role: what the clone is a member of.
        grantor: who granted it; from PostgreSQL 16 on several may have.
        may_set, inherits: options of PostgreSQL 16; always true before.
        revocable: the session's acting role may revoke it.
    """

    role: str
    grantor: str
    admin_option: bool
    may_set: bool
    inherits: bool
    revocable: bool


@dataclass(frozen=True, slots=True, kw_only=True)
class Grant:
    """Privileges that the clone holds itself on an object of the session's database.

    Attributes:
        keyword: the kind of object as REVOKE names it; None for kinds that REVOKE can't name so.
        identity: the object's name, quoted by the server.
    """

    keyword: str | None
    identity: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Dependents:
    """Objects in one database (None: shared ones) that the clone owns or holds privileges on."""

    database: str | None
    owned: bool
    count: int


@dataclass(frozen=True, slots=True, kw_only=True)
class CloneFacts:
    """An original user, its clone, and all that the clone has to follow.

    Attributes:
        database: the session's.
        settings: of both users, by user name.
        protected_settings: names of settings that the acting role may not set.
    """

    database: str
    original: str
    clone: str
    roles: Roles
    settings: Mapping[str, RoleSettings]
    protected_settings: frozenset[str]
    memberships: tuple[Membership, ...]
    grants: tuple[Grant, ...]
    dependents: tuple[Dependents, ...]


_SETTINGS = """
SELECT r.rolname::text, d.datname::text, setting
FROM pg_db_role_setting s
JOIN pg_roles r ON r.oid = s.setrole
LEFT JOIN pg_database d ON d.oid = s.setdatabase,
unnest(s.setconfig) AS setting
WHERE r.rolname = ANY(%s)
"""

# The options came with 16; the JSON form of the row reads older catalogues too.
_MEMBERSHIPS = """
SELECT g.rolname::text AS role, o.rolname::text AS grantor, m.admin_option,
       coalesce((to_jsonb(m) ->> 'set_option')::bool, true) AS may_set,
       coalesce((to_jsonb(m) ->> 'inherit_option')::bool, true) AS inherits,
       CASE WHEN current_setting('server_version_num')::int >= 160000
            THEN pg_has_role(m.grantor, 'USAGE') ELSE NOT g.rolsuper END AS revocable
FROM pg_auth_members m
JOIN pg_roles c ON c.oid = m.member
JOIN pg_roles g ON g.oid = m.roleid
JOIN pg_roles o ON o.oid = m.grantor
WHERE c.rolname = %s
"""

_DEPENDENTS = """
SELECT d.datname::text AS database, s.deptype = 'o' AS owned, count(*) AS count
FROM pg_shdepend s
JOIN pg_roles c ON s.refclassid = 'pg_authid'::regclass AND s.refobjid = c.oid
LEFT JOIN pg_database d ON d.oid = s.dbid
WHERE c.rolname = %s AND s.deptype IN ('o', 'a')
GROUP BY 1, 2 ORDER BY 1, 2
"""

# A column's privileges go with its table's.
_GRANTS = """
SELECT DISTINCT k.keyword, i.identity
FROM pg_shdepend s
JOIN pg_roles c ON s.refclassid = 'pg_authid'::regclass AND s.refobjid = c.oid,
pg_identify_object(s.classid, s.objid, 0) AS i
LEFT JOIN (VALUES
    ('table', 'TABLE'), ('view', 'TABLE'), ('materialized view', 'TABLE'), ('foreign table', 'TABLE'),
    ('sequence', 'SEQUENCE'), ('schema', 'SCHEMA'), ('database', 'DATABASE'),
    ('function', 'ROUTINE'), ('procedure', 'ROUTINE'), ('aggregate', 'ROUTINE'),
    ('type', 'TYPE'), ('language', 'LANGUAGE'), ('tablespace', 'TABLESPACE'),
    ('foreign-data wrapper', 'FOREIGN DATA WRAPPER'), ('server', 'FOREIGN SERVER'),
    ('large object', 'LARGE OBJECT')
) AS k (type, keyword) ON k.type = i.type
WHERE c.rolname = %s AND s.deptype = 'a'
  AND s.dbid IN (0, (SELECT oid FROM pg_database WHERE datname = current_database()))
ORDER BY 2
"""

_PROTECTED = "SELECT name FROM pg_settings WHERE name = ANY(%s) AND context IN ('superuser', 'superuser-backend')"
_NOT_GRANTED = " AND NOT has_parameter_privilege(name, 'SET')"


def read_clone_facts(session: Session, original: str, clone: str) -> CloneFacts:
    """All of it; inside a transaction where the session is in one."""
    roles = read_roles(session, original, clone)
    with explained("reading what the clone has to follow"):
        settings = read_settings(session, original, clone)
        memberships = session.cursor(row_factory=class_row(Membership)).execute(
            _MEMBERSHIPS, (clone,)
        )
        grants = session.cursor(row_factory=class_row(Grant)).execute(_GRANTS, (clone,))
        dependents = session.cursor(row_factory=class_row(Dependents)).execute(
            _DEPENDENTS, (clone,)
        )
        return CloneFacts(
            database=session.info.dbname,
            original=original,
            clone=clone,
            roles=roles,
            settings=settings,
            protected_settings=read_protected(session, roles, settings),
            memberships=tuple(memberships),
            grants=tuple(grants),
            dependents=tuple(dependents),
        )


def read_settings(session: Session, *users: str) -> dict[str, RoleSettings]:
    """The settings that ALTER ROLE … SET stored for these users."""
    settings: dict[str, dict[SettingKey, str]] = {user: {} for user in users}
    for user, database, setting in session.execute(_SETTINGS, (list(users),)):
        name, _, text = setting.partition("=")
        settings[user][database, name] = text
    return dict(settings)


def read_protected(
    session: Session, roles: Roles, settings: Mapping[str, RoleSettings]
) -> frozenset[str]:
    """The names of those settings that only a superuser, which the acting role is not, may set."""
    names = sorted({name for of_user in settings.values() for _, name in of_user})
    if roles.acting.attributes.superuser or not names:
        return frozenset()
    query = sql.SQL(_PROTECTED if roles.version < 150000 else _PROTECTED + _NOT_GRANTED)
    return frozenset(name for (name,) in session.execute(query, (names,)))
